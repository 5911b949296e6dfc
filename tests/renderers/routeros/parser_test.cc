#include "renderers/routeros/parser.h"

#include <gtest/gtest.h>

#include <random>

#include "renderers/routeros/export.h"
#include "renderers/routeros/quote.h"
#include "tests/renderers/random_text.h"

namespace metalwright::routeros {
namespace {

std::string shown(const std::vector<Statement>& statements);

std::string shown(const Node& node) {
  switch (node.kind) {
    case NodeKind::word:
      return node.text;
    case NodeKind::text:
      return "'" + node.text + "'";
    case NodeKind::variable:
      return "$" + node.text;
    case NodeKind::command:
      return "[" + shown(node.statements) + "]";
    case NodeKind::block:
      return "{" + (node.statements.empty() ? node.text : shown(node.statements)) + "}";
    case NodeKind::unary:
      return "(" + node.text + shown(node.children[0]) + ")";
    case NodeKind::binary: {
      std::string text = "(" + shown(node.children[0]);
      for (std::size_t i = 1; i < node.children.size(); ++i) {
        text += " " + node.text + " " + shown(node.children[i]);
      }
      return text + ")";
    }
    case NodeKind::joined: {
      std::string text = "<";
      for (const Node& part : node.children) text += shown(part);
      return text + ">";
    }
  }
  return {};
}

std::string shown(const std::vector<Statement>& statements) {
  std::string text;
  for (const Statement& statement : statements) {
    if (!text.empty()) text += "; ";
    text += statement.path + "|" + statement.command;
    for (const Argument& argument : statement.arguments) {
      text += " " + std::string(argument.unset ? "!" : "") + argument.name;
      if (!argument.name.empty() && argument.has_value) text += "=";
      if (argument.has_value) text += shown(argument.value);
    }
    for (const Node& where : statement.where) text += " ? " + shown(where);
  }
  return text;
}

std::string parsed(std::string_view source) {
  const auto script = parse_script(source, "s");
  return script ? shown(*script) : script.error().text();
}

TEST(RouterosParser, TellsPathsFromCommands) {
  EXPECT_EQ(parsed("/ip dhcp-server lease add address=10.0.0.1"),
            "/ip/dhcp-server/lease|add address=10.0.0.1");
  EXPECT_EQ(parsed("/ip/dhcp-server/lease/add address=10.0.0.1"),
            "/ip/dhcp-server/lease|add address=10.0.0.1");
  EXPECT_EQ(parsed("/ip pool\nadd name=a"), "/ip/pool|; |add name=a");
  EXPECT_EQ(parsed("/log info \"x\""), "/log|info 'x'");
  EXPECT_EQ(parsed("/tool fetch url=\"http://a\""), "/tool|fetch url='http://a'");
  EXPECT_EQ(parsed("option sets add name=x"), "option/sets|add name=x");
  EXPECT_EQ(parsed("/system script run a; /ip pool remove 0"),
            "/system/script|run a; /ip/pool|remove 0");
  EXPECT_EQ(parsed("add comment=x !disabled"), "|add comment=x !disabled");
  EXPECT_EQ(menu_of("/ip", "dhcp-server/lease"), "/ip/dhcp-server/lease");
  EXPECT_EQ(menu_of("/ip/dhcp-server", "../pool"), "/ip/pool");
  EXPECT_EQ(menu_of("/ip/dhcp-server", "/"), "");
}

TEST(RouterosParser, ReadsConditions) {
  EXPECT_EQ(parsed("remove [find comment=\"a b\"]"), "|remove [|find ? (comment = 'a b')]");
  EXPECT_EQ(parsed("set [find where name=x disabled=no] a=b"),
            "|set [|find ? ((name = x) and (disabled = no))] a=b");
  EXPECT_EQ(parsed(":put [/ip address find address=10.0.0.0/24 or (a~\"^x\" && !dynamic)]"),
            "|:put [/ip/address|find ? ((address = 10.0.0.0/24) or ((a ~ '^x') and (!dynamic)))]");
  EXPECT_EQ(parsed("/ip address print where interface=ether1 .id=*1"),
            "/ip/address|print ? ((interface = ether1) and (.id = *1))");
  EXPECT_EQ(parsed("print count-only where address in 10.0.0.0/8"),
            "|print count-only ? (address in 10.0.0.0/8)");
  EXPECT_EQ(parsed(":put [find]"), "|:put [|find]");
}

TEST(RouterosParser, ReadsControlWithItsBlocks) {
  EXPECT_EQ(parsed(":if ([:len [/ip pool find name=\"a\"]] = 0) do={ /ip pool add name=a } "
                   "else={\n  /ip pool set [find name=a] ranges=1.2.3.4\n}"),
            "|:if ([|:len [/ip/pool|find ? (name = 'a')]] = 0) do={/ip/pool|add name=a} "
            "else={/ip/pool|set [|find ? (name = a)] ranges=1.2.3.4}");
  EXPECT_EQ(parsed(":do { :error \"x\" } on-error={ :put \"y\" }"),
            "|:do {|:error 'x'} on-error={|:put 'y'}");
  EXPECT_EQ(parsed(":foreach i in=[/ip pool find] do={ :put $i }"),
            "|:foreach i in=[/ip/pool|find] do={|:put $i}");
  EXPECT_EQ(parsed(":local x (1 + 2 * $y . \"z\")"), "|:local x ((1 + (2 * $y)) . 'z')");
  EXPECT_EQ(parsed("add source={:put \"}\"\n# }\n}"), "|add source={:put \"}\"\n# }\n}");
}

TEST(RouterosParser, SeesWhatStringsFillIn) {
  EXPECT_EQ(parsed(":put \"a $b c\""), "|:put <'a '$b' c'>");
  EXPECT_EQ(parsed(":put \"a $[/ip pool find] $($x + 1)\""),
            "|:put <'a '[/ip/pool|find]' '($x + 1)>");
  EXPECT_EQ(parsed(":put \"a \\$b 5$\""), "|:put 'a $b 5$'");
}

TEST(RouterosParser, RefusesWhatDoesNotEnd) {
  EXPECT_EQ(parsed("add a=\"x"),
            "s:1:7: error: this string does not end: a '\"' is missing, or the file was cut off "
            "[routeros-syntax]");
  EXPECT_EQ(parsed("add a=[find"), "s:1:8: error: ']' is missing [routeros-syntax]");
  EXPECT_EQ(parsed(":if (1=1 do={}"), "s:1:10: error: ')' is missing [routeros-syntax]");
  EXPECT_EQ(parsed("add a={x"), "s:1:7: error: '}' is missing [routeros-syntax]");
  EXPECT_EQ(parsed("add a=\"\\x\""),
            "s:1:8: error: no escape: a backslash itself is written '\\\\' [routeros-syntax]");
  EXPECT_NE(parsed(std::string(100, '[')).find("nested too deep"), std::string::npos);
  std::string deep = ":put ";
  for (int i = 0; i < 100; ++i) deep += "[:put ";
  EXPECT_NE(parsed(deep).find("nested too deep"), std::string::npos);
  EXPECT_NE(parsed(":put " + std::string(1000, '(')).find("nested too deep"), std::string::npos);
  EXPECT_NE(parsed(":put (" + std::string(5000, '!')).find("nested too deep"), std::string::npos);
}

TEST(RouterosParser, ReadsFunctionsArraysAndTheirOperators) {
  EXPECT_EQ(parsed(":put ($list->\"a\"->0)"), "|:put (($list -> 'a') -> 0)");
  EXPECT_EQ(parsed("set [find name=$row->\"name\"] a=$row->\"b\""),
            "|set [|find ? (name = ($row -> 'name'))] a=($row -> 'b')");
  EXPECT_EQ(parsed(":put ($a % 4 + 2*$b)"), "|:put (($a % 4) + (2 * $b))");
  EXPECT_EQ(parsed(":put (($a | 0x0F & ~$b ^ 1) << 2)"),
            "|:put (((($a | 0x0F) & (~$b)) ^ 1) << 2)");
  EXPECT_EQ(parsed(":put (1, \"b\", $c)"), "|:put (1 , 'b' , $c)");
  EXPECT_EQ(parsed(":put (>[:put 1])"), "|:put (>[|:put 1])");
  EXPECT_EQ(parsed("$report 1 level=high; [[:parse $x]]"),
            "|: $report 1 level=high; |: [|: [|:parse $x]]");
  EXPECT_EQ(parsed(":onerror e { :put 1 } do={ :put $e }"), "|:onerror e {|:put 1} do={|:put $e}");
  EXPECT_EQ(parsed(":put \"two\nlines\" # said"), "|:put 'two\nlines'");
}

// What a tree's depth were without a bound: such a tree could not even be taken apart.
TEST(RouterosParser, RefusesChainsWithoutEnd) {
  for (const std::string part : {" + 1", " and a=b", "->1"}) {
    std::string source = part == " and a=b" ? "remove [find a=b" : ":put ($x";
    for (int i = 0; i < 200000; ++i) source += part;
    source += part == " and a=b" ? "]" : ")";
    EXPECT_NE(parsed(source).find("too many parts"), std::string::npos) << part;
  }
  std::string nested = "1";
  for (int level = 0; level < 20; ++level) {
    for (int i = 0; i < 200; ++i) nested += " + 1";
    nested = "(" + nested + ")";
  }
  EXPECT_NE(parsed("add x=" + nested).find("nested too deep"), std::string::npos);
  std::string list = ":put (1";
  for (int i = 0; i < 5000; ++i) list += ",1";
  EXPECT_TRUE(parse_script(list + ")"));
}

// Whatever a repository says, it comes out of the script as the one value that went in.
class RouterosInjection : public ::testing::Test {
 protected:
  static void check(const std::string& value) {
    for (const auto& written : {quoted_text(value), value_text(value)}) {
      if (value.find('\0') != std::string::npos || value.size() > kLongestValue) {
        EXPECT_FALSE(written);
        continue;
      }
      ASSERT_TRUE(written) << written.error().text();
      const std::string line = "add comment=" + *written + " name=end";
      EXPECT_EQ(line.find('\n'), std::string::npos);
      const auto script = parse_script("/ip pool\n" + line + "\n");
      ASSERT_TRUE(script) << script.error().text() << "\n" << line;
      ASSERT_EQ(script->size(), 2U) << line;
      const Statement& row = script->back();
      ASSERT_EQ(row.arguments.size(), 2U) << line;
      EXPECT_EQ(row.arguments[1].value.text, "end");
      const Node& read = row.arguments[0].value;
      EXPECT_TRUE(read.kind == NodeKind::text || read.kind == NodeKind::word) << line;
      EXPECT_EQ(read.text, value) << line;
      // In a condition, and within brackets and braces.
      const auto nested = parse_script(":do { /ip pool set [find comment=" + *written + "] name=(" +
                                       *quoted_text(value) + ") }");
      ASSERT_TRUE(nested) << nested.error().text() << "\n" << *written;
      const Statement& set = nested->front().arguments[0].value.statements.at(0);
      EXPECT_EQ(set.arguments.at(0).value.statements.at(0).where.at(0).children.at(1).text, value);
      EXPECT_EQ(set.arguments.at(1).value.text, value);
    }
  }
};

TEST_F(RouterosInjection, EveryByteReadsBack) {
  for (int a = 0; a < 256; ++a) {
    check(std::string(1, static_cast<char>(a)));
    for (const char b : std::string("\"\\$?[]{}();#=!'_nA0 \n")) {
      check({static_cast<char>(a), b});
      check({b, static_cast<char>(a)});
      check({'x', static_cast<char>(a), b, 'y'});
    }
  }
}

TEST_F(RouterosInjection, AnyTextReadsBack) {
  renderers::RandomText random(20260801);
  for (int round = 0; round < 20000; ++round) {
    check(random.chance(2) ? random.unicode(40)
                           : random.of("\" \\ $ [ ] { } ( ) ; # = ? _ \n \r \\0A \\_ :put /ip "
                                       "find do={ on-error $[ $( a 0 ' \x80 \xFF",
                                       30));
  }
}

TEST_F(RouterosInjection, RefusesTheSameTextsInExportsAndScripts) {
  check(std::string(kLongestValue, '"'));
  check(std::string(kLongestValue + 1, 'a'));
}

}  // namespace
}  // namespace metalwright::routeros
