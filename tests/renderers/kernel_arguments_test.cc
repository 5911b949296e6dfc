#include "renderers/kernel_arguments.h"

#include <gtest/gtest.h>

#include "renderers/pattern.h"

namespace metalwright::renderers {
namespace {

const Origin kHere{"profiles/p.yaml", 5, 5};

std::vector<std::string> arguments(std::string_view text) {
  const auto parsed = parse_kernel_arguments(text, "profiles.p.params", kHere);
  return parsed ? *parsed : std::vector<std::string>{parsed.error().text()};
}

std::string problem(std::string_view text) {
  const auto parsed = parse_kernel_arguments(text, "profiles.p.params", kHere);
  return parsed ? "" : parsed.error().text();
}

TEST(KernelArguments, AreSplitAtBlanksOutsideOfQuotes) {
  using List = std::vector<std::string>;
  EXPECT_EQ(arguments("quiet"), List{"quiet"});
  EXPECT_EQ(arguments("  a   b "), (List{"a", "b"}));
  EXPECT_EQ(arguments("x=\"a b\" c"), (List{"x=\"a b\"", "c"}));
  EXPECT_EQ(arguments("\"x=a  b\""), List{"\"x=a  b\""});
  EXPECT_EQ(arguments(""), List{});
  EXPECT_EQ(arguments("   "), List{});
}

TEST(KernelArguments, KeepWhatTheyNeedAsMarks) {
  const auto parsed = arguments("a=${mac}-${ip} ${hostname}${uuid} $x {y} $");
  ASSERT_EQ(parsed.size(), 5U);
  PlaceValues values;
  values.set(Place::mac, "M");
  values.set(Place::ip, "I");
  values.set(Place::hostname, "H");
  values.set(Place::uuid, "U");
  std::string text;
  for (const std::string& argument : parsed) {
    Pattern(argument).append_to(text, values);
    text += ' ';
  }
  EXPECT_EQ(text, "a=M-I HU $x {y} $ ");
  EXPECT_EQ(shown_argument(parsed[0]), "a=${mac}-${ip}");
}

TEST(KernelArguments, SayWhatTheyCannotHold) {
  EXPECT_EQ(problem("a\nb"),
            "profiles/p.yaml:5:5: error: profiles.p.params: a kernel parameter cannot hold a line "
            "end, tab or other control character [param-text]");
  EXPECT_NE(problem("a\tb"), "");
  EXPECT_NE(problem("a\x01"
                    "b"),
            "")
      << "a control character would be taken for a mark";
  EXPECT_NE(problem(std::string_view("a\0b", 3)), "");
  EXPECT_NE(problem("a\x7f"), "");
  EXPECT_EQ(problem("a=\"b c"),
            "profiles/p.yaml:5:5: error: profiles.p.params: 'a=\"b c' has an open double quote "
            "[param-text]");
  EXPECT_EQ(
      problem("a=${serial}"),
      "profiles/p.yaml:5:5: error: profiles.p.params: '${serial}' is none of ${mac}, ${uuid}, "
      "${hostname} and ${ip} [profile-variable]");
  EXPECT_EQ(problem("a=${mac"),
            "profiles/p.yaml:5:5: error: profiles.p.params: '${mac' has no closing brace "
            "[profile-variable]");
  EXPECT_NE(problem("${MAC}"), "");
  EXPECT_NE(problem("${}"), "");
  EXPECT_NE(problem("${arguments}"), "");
}

TEST(Pattern, FillsInAndMeasures) {
  const std::string marked =
      std::string("a") + mark_of(Place::mac) + mark_of(Place::ip) + "b" + mark_of(Place::mac);
  const Pattern pattern(marked);
  PlaceValues values;
  values.set(Place::mac, "12");
  std::string out = ">";
  pattern.append_to(out, values);
  EXPECT_EQ(out, ">a12b12");
  EXPECT_EQ(pattern.size(values), 6U);
  EXPECT_TRUE(pattern.has(Place::ip));
  EXPECT_FALSE(pattern.has(Place::uuid));
  EXPECT_FALSE(values.knows(Place::ip));
  EXPECT_TRUE(values.knows(Place::mac));
  std::string nothing;
  Pattern("").append_to(nothing, values);
  EXPECT_EQ(nothing, "");
}

}  // namespace
}  // namespace metalwright::renderers
