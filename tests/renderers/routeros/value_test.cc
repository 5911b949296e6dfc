#include "renderers/routeros/value.h"

#include <gtest/gtest.h>

#include <array>

namespace metalwright::routeros {
namespace {

using enum ValueType;

struct Case {
  ValueType type;
  std::string_view text;
  std::string_view canonical;
};

TEST(RouterosValue, HasOneTextForEachMeaning) {
  constexpr std::array kCases{
      Case{text, " a B ", " a B "},
      Case{text, "true", "true"},
      Case{word, "true", "yes"},
      Case{word, "after-2sec-delay", "after-2sec-delay"},
      Case{boolean, "false", "no"},
      Case{boolean, "yes", "yes"},
      Case{number, "007", "7"},
      Case{number, "0x10", "16"},
      Case{number, "many", "many"},
      Case{duration, "24h", "1d"},
      Case{duration, "1d", "1d"},
      Case{duration, "9d", "1w2d"},
      Case{duration, "00:10:00", "10m"},
      Case{duration, "1d03:04:05", "1d3h4m5s"},
      Case{duration, "1w2d03:00:00", "1w2d3h"},
      Case{duration, "00:00:01.50", "1s500ms"},
      Case{duration, "90", "1m30s"},
      Case{duration, "1500ms", "1s500ms"},
      Case{duration, "0", "0s"},
      Case{duration, "none", "none"},
      Case{duration, "never", "never"},
      Case{duration, "10x", "10x"},
      Case{duration, "99999w", "99999w"},
      Case{mac, "00:0c:42:aa:bb:cc", "00:0C:42:AA:BB:CC"},
      Case{mac, "00-0c-42-AA-bb-cc", "00:0C:42:AA:BB:CC"},
      Case{mac, "zz", "zz"},
      Case{address, "10.0.0.1/32", "10.0.0.1"},
      Case{address, "2001:DB8:0:0::1", "2001:db8::1"},
      Case{address, "pool1", "pool1"},
      Case{prefix, "10.0.0.7/24", "10.0.0.0/24"},
      Case{prefix, "10.0.0.7", "10.0.0.7/32"},
      Case{prefix, "0.0.0.0/0", "0.0.0.0/0"},
      Case{prefix, "2001:db8::1/64", "2001:db8::/64"},
      Case{prefix, "2001:db8:0:7f::1/57", "2001:db8::/57"},
      Case{interface_address, "10.0.0.1/24", "10.0.0.1/24"},
      Case{interface_address, "10.0.0.1", "10.0.0.1/32"},
      Case{address_or_prefix, "10.0.0.1/32", "10.0.0.1"},
      Case{address_or_prefix, "10.0.0.9/24", "10.0.0.0/24"},
      Case{address_or_prefix, "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"},
      Case{address_or_prefix, "10.0.0.1-10.0.0.1", "10.0.0.1"},
      Case{address_or_prefix, "example.org", "example.org"},
      Case{address_list, "10.0.0.2, 10.0.0.1", "10.0.0.2,10.0.0.1"},
      Case{address_set, "10.0.0.2,10.0.0.1/32", "10.0.0.1,10.0.0.2"},
      Case{text_list, "b,a,b", "b,a,b"},
      Case{text_set, "b, a,b", "a,b"},
      Case{ipv4_ranges, "10.0.0.10-10.0.0.20,10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.20"},
      Case{ipv4_ranges, "10.0.0.0/30", "10.0.0.0-10.0.0.3"},
      Case{ipv4_ranges, "10.0.0.5", "10.0.0.5"},
      Case{ipv4_ranges, "nonsense", "nonsense"},
      Case{number_ranges, "20-30,10,11", "10-11,20-30"},
      Case{number_ranges, "30-20", "30-20"},
      Case{option_value, "'10.0.0.1'", "0x0a000001"},
      Case{option_value, "s'10.0.0.1'", "s'10.0.0.1'"},
      Case{option_value, "0x626f6f74", "s'boot'"},
      Case{option_value, "'boot'", "s'boot'"},
      Case{option_value, "'10'", "0x0a"},
      Case{option_value, "'300'", "0x012c"},
      Case{option_value, "0x01'abc's'1'", "0x0161626331"},
      Case{option_value, "boot", "s'boot'"},
      Case{option_value, "$(HOSTNAME)'x'", "$(HOSTNAME)'x'"},
      Case{option_value, "'open", "'open"},
      Case{option_value, "0xABC", "0xABC"},
      Case{option_value, "", "0x"},
      Case{match_value, "0x0007", "0x0007"},
      Case{match_value, "0x69505845", "iPXE"},
      Case{match_value, "iPXE", "iPXE"},
      Case{match_value, "0x3078", "0x3078"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(canonical(c.type, c.text), c.canonical) << c.text;
    EXPECT_EQ(canonical(c.type, c.canonical), c.canonical) << "again: " << c.canonical;
    EXPECT_TRUE(same_value(c.type, c.text, c.canonical)) << c.text;
  }
}

TEST(RouterosValue, TellsApartWhatMeansSomethingElse) {
  EXPECT_FALSE(same_value(duration, "1d", "1h"));
  EXPECT_FALSE(same_value(address_list, "10.0.0.1,10.0.0.2", "10.0.0.2,10.0.0.1"));
  EXPECT_FALSE(same_value(interface_address, "10.0.0.1/24", "10.0.0.1"));
  EXPECT_FALSE(same_value(option_value, "'10.0.0.1'", "s'10.0.0.1'"));
  EXPECT_FALSE(same_value(text, "a", "A"));
}

TEST(RouterosValue, WritesOptionsThatReadBackAsTheSameBytes) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) {
    bytes += static_cast<char>(c);
    EXPECT_EQ(option_bytes(option_text(bytes)), bytes);
    const std::string one(1, static_cast<char>(c));
    EXPECT_EQ(option_bytes(option_text(one)), one);
  }
  EXPECT_EQ(option_bytes(option_text("it's")), "it's");
  EXPECT_EQ(option_text("http://192.0.2.1/${net0/mac}"), "s'http://192.0.2.1/${net0/mac}'");
}

TEST(RouterosValue, CutsListsAtCommas) {
  EXPECT_TRUE(split_list(" , ").empty());
  EXPECT_EQ(split_list("a, b,,c").size(), 3U);
}

}  // namespace
}  // namespace metalwright::routeros
