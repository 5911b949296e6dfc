#include "pipeline/service/access.h"

#include <gtest/gtest.h>

namespace metalwright::service {
namespace {

using namespace std::chrono_literals;

AddressList list(std::vector<std::string> prefixes) {
  AddressList made;
  for (const std::string& prefix : prefixes) {
    if (const auto v4 = parse_ipv4_prefix(prefix)) made.ipv4.push_back(*v4);
    if (const auto v6 = parse_ipv6_prefix(prefix)) made.ipv6.push_back(*v6);
  }
  return made;
}

TEST(ClientAddress, BelievesTrustedProxiesOnly) {
  const AddressList proxies = list({"10.0.0.0/8", "2001:db8::/32"});
  EXPECT_EQ(client_address("192.0.2.1", "198.51.100.7", proxies), "192.0.2.1");
  EXPECT_EQ(client_address("10.0.0.1", "198.51.100.7", proxies), "198.51.100.7");
  // What a client put in front is not believed, only what the last foreign hop was.
  EXPECT_EQ(client_address("10.0.0.1", "127.0.0.1, 198.51.100.7, 10.0.0.2", proxies),
            "198.51.100.7");
  EXPECT_EQ(client_address("10.0.0.1", "' OR 1=1", proxies), "10.0.0.1");
  EXPECT_EQ(client_address("10.0.0.1", "", proxies), "10.0.0.1");
  EXPECT_EQ(client_address("2001:db8::1", "2001:db9::5", proxies), "2001:db9::5");
}

TEST(AllowLists, HoldBothFamilies) {
  const AddressList some = list({"192.0.2.0/24", "2001:db8::/32"});
  EXPECT_TRUE(some.contains("192.0.2.77"));
  EXPECT_FALSE(some.contains("192.0.3.77"));
  EXPECT_TRUE(some.contains("2001:db8::1"));
  EXPECT_FALSE(some.contains("2001:db9::1"));
  EXPECT_FALSE(some.contains("not an address"));
}

TEST(RateLimits, LetABurstGoAndThenTheRate) {
  RateLimiter limiter(2);
  RateLimiter::Clock::time_point now{};
  int passed = 0;
  for (int i = 0; i < 100; ++i) passed += limiter.take("192.0.2.1", now) ? 1 : 0;
  EXPECT_EQ(passed, 20);
  EXPECT_TRUE(limiter.take("192.0.2.2", now));
  now += 1s;
  EXPECT_TRUE(limiter.take("192.0.2.1", now));
  EXPECT_TRUE(limiter.take("192.0.2.1", now));
  EXPECT_FALSE(limiter.take("192.0.2.1", now));
}

TEST(RateLimits, TakeAHostsNetworkAsOneClient) {
  RateLimiter limiter(1);
  const RateLimiter::Clock::time_point now{};
  int passed = 0;
  for (int i = 0; i < 100; ++i) {
    passed += limiter.take("2001:db8::" + std::to_string(i), now) ? 1 : 0;
  }
  EXPECT_EQ(passed, 10);
  EXPECT_TRUE(limiter.take("2001:db8:0:1::1", now));
}

TEST(RateLimits, StayBoundedWhoeverAsks) {
  RateLimiter limiter(1);
  RateLimiter::Clock::time_point now{};
  for (int i = 0; i < 200000; ++i) {
    (void)limiter.take("10." + std::to_string(i >> 16) + '.' + std::to_string(i >> 8 & 255) + '.' +
                           std::to_string(i & 255),
                       now);
    now += 1ms;
  }
  EXPECT_TRUE(limiter.take("10.0.0.1", now));
}

TEST(Comparing, SeesWhatDiffers) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

}  // namespace
}  // namespace metalwright::service
