#include "schemas/mac_address.h"

#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>

namespace metalwright {
namespace {

const MacAddress kMac{{0xd0, 0x94, 0x66, 0x24, 0x96, 0x7e}};

MacAddress random_mac(std::mt19937_64& random) {
  MacAddress mac;
  for (std::uint8_t& octet : mac.octets) octet = static_cast<std::uint8_t>(random());
  return mac;
}

/// The digits of `mac` with `separator` after every `group` of them.
std::string spelled(const MacAddress& mac, std::size_t group, char separator) {
  const std::string plain = mac.text();
  std::string out;
  std::size_t digits = 0;
  for (const char c : plain) {
    if (c == ':') continue;
    if (digits != 0 && digits % group == 0) out += separator;
    out += c;
    ++digits;
  }
  return out;
}

TEST(MacAddress, ReadsEveryUsualSpelling) {
  for (const char* text : {"d0:94:66:24:96:7e", "D0:94:66:24:96:7E", "d0-94-66-24-96-7e",
                           "D0-94-66-24-96-7E", "d094.6624.967e", "D094.6624.967E",
                           "d094-6624-967e", "d0946624967e", "D0946624967E", "d0:94:66:24:96:7E"}) {
    EXPECT_EQ(parse_mac_address(text), kMac) << text;
  }
}

TEST(MacAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           " ",
                           "d0:94:66:24:96:7",
                           "d0:94:66:24:96:7e:",
                           ":d0:94:66:24:96:7",
                           "d0:94:66:24:96:7g",
                           "d0:94:66:24-96:7e",
                           "d0:94:66:24:96-7e",
                           "d0:94:66:24:96:7e ",
                           " d0:94:66:24:96:7e",
                           "d0:94:66:24:96:7e\n",
                           "d0 94 66 24 96 7e",
                           "d0.94.66.24.96.7e",
                           "d094:6624:967e",
                           "d094.6624-967e",
                           "d094-6624.967e",
                           "d0946624967",
                           "d0946624967e0",
                           "d09466-24967e",
                           "0xd094662496",
                           "d0:94:66:24:96:7e:00:01",
                           "::::::::::::",
                           "............",
                           "d0:94:66:24:96:+e",
                           "d0::94:66:24:967e",
                           "d094.66249.67e"}) {
    EXPECT_EQ(parse_mac_address(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_mac_address(std::string_view("d0:94:66:24:96:7\0", 17)), std::nullopt);
}

TEST(MacAddress, PrintsLowerCaseWithTheSeparatorAskedFor) {
  EXPECT_EQ(kMac.text(), "d0:94:66:24:96:7e");
  EXPECT_EQ(kMac.text('-'), "d0-94-66-24-96-7e");
  EXPECT_EQ(MacAddress{}.text(), "00:00:00:00:00:00");
}

TEST(MacAddress, EverySpellingOfAnyAddressComesBackTheSame) {
  std::mt19937_64 random(20240101);
  for (int i = 0; i < 5000; ++i) {
    const MacAddress mac = random_mac(random);
    for (std::string text : {spelled(mac, 2, ':'), spelled(mac, 2, '-'), spelled(mac, 4, '.'),
                             spelled(mac, 12, '?'), mac.text('-')}) {
      EXPECT_EQ(parse_mac_address(text), mac) << text;
      for (char& c : text) {
        if (random() % 2 == 0) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      }
      EXPECT_EQ(parse_mac_address(text), mac) << text;
    }
  }
}

TEST(MacAddress, OneChangedByteIsNoAddressOrAnother) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const MacAddress mac = random_mac(random);
    std::string text = i % 2 == 0 ? mac.text() : spelled(mac, 4, '.');
    const std::size_t at = random() % text.size();
    const char byte = static_cast<char>(random());
    const bool same = std::tolower(static_cast<unsigned char>(byte)) == text[at];
    text[at] = byte;
    const auto read = parse_mac_address(text);
    if (same) continue;
    const bool digit = std::isxdigit(static_cast<unsigned char>(byte)) != 0;
    if (!digit) {
      EXPECT_EQ(read, std::nullopt) << text;
    }
    if (read) {
      EXPECT_NE(*read, mac) << text;
    }
  }
}

TEST(MacAddress, KnowsGroupAndZeroAddresses) {
  EXPECT_TRUE(parse_mac_address("01:00:5e:00:00:01")->multicast());
  EXPECT_TRUE(parse_mac_address("ff:ff:ff:ff:ff:ff")->multicast());
  EXPECT_FALSE(kMac.multicast());
  EXPECT_TRUE(MacAddress{}.zero());
  EXPECT_FALSE(kMac.zero());
}

}  // namespace
}  // namespace metalwright
