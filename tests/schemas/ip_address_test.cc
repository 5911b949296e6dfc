#include "schemas/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace metalwright {
namespace {

/// What the C library makes of an IPv6 address.
std::string system_text(const Ipv6Address& address) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, address.octets.data(), text, sizeof text);
}

/// `::a.b.c.d`, which glibc still prints for the deprecated IPv4-compatible addresses and RFC 5952
/// (section 5: only where the prefix is known to hold IPv4 addresses) does not ask for.
bool ipv4_compatible(const Ipv6Address& address) {
  for (std::size_t i = 0; i < 12; ++i) {
    if (address.octets[i] != 0) return false;
  }
  return true;
}

/// An address with long and short runs of zeros in it.
Ipv6Address random_ipv6(std::mt19937_64& random) {
  Ipv6Address address;
  const std::uint64_t zeros = random();
  for (std::size_t group = 0; group < 8; ++group) {
    if ((zeros >> group & 1U) != 0) continue;
    const auto value = static_cast<std::uint16_t>(random() >> (random() % 16));
    address.octets[2 * group] = static_cast<std::uint8_t>(value >> 8U);
    address.octets[2 * group + 1] = static_cast<std::uint8_t>(value);
  }
  return address;
}

TEST(Ipv4, ReadsAndPrintsTheFourNumbers) {
  EXPECT_EQ(parse_ipv4("192.168.1.141"), (Ipv4Address{0xC0A8018DU}));
  EXPECT_EQ(parse_ipv4("0.0.0.0"), Ipv4Address{});
  EXPECT_EQ(parse_ipv4("255.255.255.255")->value, 0xFFFFFFFFU);
  EXPECT_EQ(Ipv4Address{0xC0A8018DU}.text(), "192.168.1.141");
}

TEST(Ipv4, IsStrict) {
  for (const char* text :
       {"",           "10.1",      "10",        "10.0.0.1.",   ".10.0.0.1",  "10..0.1",
        "10.0.0.256", "10.0.0.01", "010.0.0.1", "10.0.0.1 ",   " 10.0.0.1",  "10.0.0.1\n",
        "0x0a.0.0.1", "10.0.0.-1", "10.0.0.+1", "10.0.0.1/24", "10.0.0.1.2", "192.168.1.999",
        "1000.0.0.1", "a.b.c.d",   "::1",       "10,0,0,1"}) {
    EXPECT_EQ(parse_ipv4(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_ipv4(std::string_view("10.0.0.1\0", 9)), std::nullopt);
}

TEST(Ipv4, AgreesWithTheSystemOnAnyAddress) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const Ipv4Address address{static_cast<std::uint32_t>(random())};
    in_addr system{htonl(address.value)};
    char text[INET_ADDRSTRLEN];
    EXPECT_STREQ(inet_ntop(AF_INET, &system, text, sizeof text), address.text().c_str());
    EXPECT_EQ(parse_ipv4(address.text()), address);
  }
}

TEST(Ipv6, ReadsEveryLegalSpelling) {
  const Ipv6Address expected{{0x26, 0x02, 0xf6, 0x74, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  for (const char* text : {"2602:F674:0001::1", "2602:f674:1::1", "2602:f674:1:0:0:0:0:1",
                           "2602:f674:0001:0000:0000:0000:0000:0001", "2602:f674:1:0::0:1",
                           "2602:f674:1::0.0.0.1", "2602:f674:1::0:0:1"}) {
    EXPECT_EQ(parse_ipv6(text), expected) << text;
  }
  EXPECT_EQ(parse_ipv6("::"), Ipv6Address{});
  EXPECT_EQ(parse_ipv6("1:2:3:4:5:6:7::")->text(), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(parse_ipv6("::2:3:4:5:6:7:8")->text(), "0:2:3:4:5:6:7:8");
}

TEST(Ipv6, IsStrict) {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "::1 ",
                           " ::1",
                           "::1%eth0",
                           "[::1]",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           ":1::2",
                           "1::2:",
                           "1.2.3.4::",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "::01.2.3.4",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "2602:F674:EDEN::1/64",
                           "::1/64",
                           "0x1::",
                           "-1::",
                           "+1::",
                           "1:2:3:4:5:6:7:"}) {
    EXPECT_EQ(parse_ipv6(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_ipv6(std::string_view("::1\0", 4)), std::nullopt);
}

TEST(Ipv6, PrintsRfc5952) {
  // RFC 5952 section 4: no leading zeros, the longest run shortened, the first of two equal runs,
  // never a single group, lower case; section 5: IPv4-mapped addresses.
  for (const auto& [text, canonical] : {std::pair{"2001:0DB8::0001", "2001:db8::1"},
                                        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
                                        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
                                        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
                                        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
                                        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
                                        {"::ffff:c000:201", "::ffff:192.0.2.1"},
                                        {"::1000", "::1000"},
                                        {"0::1000:1fff", "::1000:1fff"},
                                        {"fe80:0:0:0:0:0:0:0", "fe80::"},
                                        {"0:0:0:0:0:0:0:0", "::"},
                                        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"}}) {
    ASSERT_TRUE(parse_ipv6(text)) << text;
    EXPECT_EQ(parse_ipv6(text)->text(), canonical) << text;
  }
}

TEST(Ipv6, AgreesWithTheSystemOnAnyAddress) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 50000; ++i) {
    const Ipv6Address address = random_ipv6(random);
    const std::string text = address.text();
    EXPECT_EQ(parse_ipv6(text), address) << text;
    if (!ipv4_compatible(address)) {
      EXPECT_EQ(text, system_text(address));
    }
    EXPECT_EQ(parse_ipv6(system_text(address)), address);
  }
}

TEST(Ipv6, AcceptsWhatTheSystemAcceptsAndNothingElse) {
  std::mt19937_64 random(3);
  constexpr std::string_view kAlphabet = "0123456789abcdefABCDEF::::..  g/%";
  int accepted = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string text = random_ipv6(random).text();
    for (std::uint64_t edits = random() % 4; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      const char c = kAlphabet[random() % kAlphabet.size()];
      switch (random() % 3) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1);
      }
    }
    Ipv6Address system;
    const bool ok = inet_pton(AF_INET6, text.c_str(), system.octets.data()) == 1;
    const auto ours = parse_ipv6(text);
    EXPECT_EQ(ours.has_value(), ok) << text;
    if (ok && ours) {
      EXPECT_EQ(*ours, system) << text;
    }
    accepted += ok ? 1 : 0;
  }
  EXPECT_GT(accepted, 20000);
}

TEST(Interface, KeepsTheHostBitsAndTheLength) {
  const auto ipv4 = parse_ipv4_interface("192.168.1.141/24");
  ASSERT_TRUE(ipv4);
  EXPECT_EQ(ipv4->text(), "192.168.1.141/24");
  EXPECT_EQ(parse_ipv4_interface("192.168.1.141")->length, std::nullopt);
  EXPECT_EQ(parse_ipv4_interface("192.168.1.141")->text(), "192.168.1.141");
  EXPECT_EQ(parse_ipv6_interface("2602:F674:0001::1/64")->text(), "2602:f674:1::1/64");
  EXPECT_EQ(parse_ipv6_interface("2001:db8::1")->text(), "2001:db8::1");
  EXPECT_EQ(parse_ipv4_interface("10.0.0.1/0")->length, 0);
  EXPECT_EQ(parse_ipv6_interface("::/128")->length, 128);
}

TEST(Interface, IsStrictAboutTheLength) {
  for (const char* text :
       {"10.0.0.1/", "10.0.0.1/33", "10.0.0.1/024", "10.0.0.1/-1", "/24", "10.0.0.1/24/24",
        "10.0.0.1/ 24", "10.0.0.1/255.255.255.0", "10.0.0.1/1000"}) {
    EXPECT_EQ(parse_ipv4_interface(text), std::nullopt) << text;
  }
  for (const char* text : {"::1/", "::1/129", "::1/064", "::1/-1", "/64", "::1/64/64"}) {
    EXPECT_EQ(parse_ipv6_interface(text), std::nullopt) << text;
  }
}

TEST(Prefix, RefusesHostBitsAndAMissingLength) {
  EXPECT_EQ(parse_ipv4_prefix("192.168.1.0/24")->text(), "192.168.1.0/24");
  EXPECT_EQ(parse_ipv4_prefix("192.168.1.7/24"), std::nullopt);
  EXPECT_EQ(parse_ipv4_prefix("192.168.1.0"), std::nullopt);
  EXPECT_EQ(parse_ipv4_prefix("0.0.0.0/0")->length, 0);
  EXPECT_EQ(parse_ipv4_prefix("192.168.1.7/32")->length, 32);
  EXPECT_EQ(parse_ipv6_prefix("2602:f674:1::/64")->text(), "2602:f674:1::/64");
  EXPECT_EQ(parse_ipv6_prefix("2602:f674:1::1/64"), std::nullopt);
  EXPECT_EQ(parse_ipv6_prefix("2602:f674:1::"), std::nullopt);
  EXPECT_EQ(parse_ipv6_prefix("2001:db8:8000::/33")->length, 33);
  EXPECT_EQ(parse_ipv6_prefix("2001:db8:8000::/32"), std::nullopt);
}

TEST(Prefix, KnowsItsBounds) {
  const Ipv4Prefix prefix = *parse_ipv4_prefix("192.168.1.64/26");
  EXPECT_EQ(prefix.netmask().text(), "255.255.255.192");
  EXPECT_EQ(prefix.broadcast().text(), "192.168.1.127");
  EXPECT_TRUE(prefix.contains(*parse_ipv4("192.168.1.64")));
  EXPECT_TRUE(prefix.contains(*parse_ipv4("192.168.1.127")));
  EXPECT_FALSE(prefix.contains(*parse_ipv4("192.168.1.63")));
  EXPECT_FALSE(prefix.contains(*parse_ipv4("192.168.1.128")));
  const Ipv4Prefix all = *parse_ipv4_prefix("0.0.0.0/0");
  EXPECT_TRUE(all.contains(*parse_ipv4("255.0.0.1")));
  EXPECT_EQ(all.netmask().text(), "0.0.0.0");
  EXPECT_EQ(parse_ipv4_prefix("10.0.0.1/32")->broadcast().text(), "10.0.0.1");
}

TEST(Prefix, ContainsExactlyTheAddressesWithItsBits) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    const auto length = static_cast<std::uint8_t>(random() % 129);
    const Ipv6Prefix prefix{within({random_ipv6(random), length}, Ipv6Address{}), length};
    Ipv6Address inside = within(prefix, random_ipv6(random));
    EXPECT_TRUE(prefix.contains(inside)) << prefix.text() << ' ' << inside.text();
    EXPECT_EQ(parse_ipv6_prefix(prefix.text()), prefix);
    if (length == 0) continue;
    const std::size_t bit = random() % length;
    inside.octets[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
    EXPECT_FALSE(prefix.contains(inside)) << prefix.text() << ' ' << inside.text();
  }
}

TEST(Range, IsInclusiveAndOrdered) {
  const auto range = parse_ipv4_range("192.168.1.100-192.168.1.199");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->text(), "192.168.1.100-192.168.1.199");
  EXPECT_TRUE(range->contains(*parse_ipv4("192.168.1.100")));
  EXPECT_TRUE(range->contains(*parse_ipv4("192.168.1.199")));
  EXPECT_FALSE(range->contains(*parse_ipv4("192.168.1.200")));
  EXPECT_TRUE(parse_ipv4_range("10.0.0.1-10.0.0.1"));
  for (const char* text : {"192.168.1.199-192.168.1.100", "10.0.0.1", "10.0.0.1-", "-10.0.0.1",
                           "10.0.0.1 - 10.0.0.2", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1-2"}) {
    EXPECT_EQ(parse_ipv4_range(text), std::nullopt) << text;
  }
}

TEST(Range, OfIpv6HostBitsJoinsAPrefix) {
  const auto range = parse_ipv6_range("::1000-::1fff");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->text(), "::1000-::1fff");
  const Ipv6Prefix prefix = *parse_ipv6_prefix("2602:f674:1::/64");
  EXPECT_EQ(within(prefix, range->first).text(), "2602:f674:1::1000");
  EXPECT_EQ(within(prefix, range->last).text(), "2602:f674:1::1fff");
  EXPECT_EQ(parse_ipv6_range("::2-::1"), std::nullopt);
  EXPECT_EQ(parse_ipv6_range("::1"), std::nullopt);
}

}  // namespace
}  // namespace metalwright
