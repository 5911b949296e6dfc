#include "inventory/yaml_reader.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

#include "tests/inventory/files.h"

namespace metalwright::inventory {
namespace {

/// A document as JSON-like text: quoted scalars in quotes, plain ones bare, broken ones as `!`.
std::string tree(const Document& document, std::uint32_t node) {
  const Node& n = document.nodes[node];
  if (n.kind == NodeKind::broken) return "!";
  if (n.kind == NodeKind::scalar) {
    const std::string text(document.text(node));
    return n.plain ? text : '"' + text + '"';
  }
  std::string out = n.kind == NodeKind::mapping ? "{" : "[";
  for (std::uint32_t at = node + 1; at < document.next(node); at = document.next(at)) {
    if (out.size() > 1) out += ", ";
    out += tree(document, at);
    if (n.kind != NodeKind::mapping) continue;
    at = document.next(at);
    out += ": " + tree(document, at);
  }
  return out + (n.kind == NodeKind::mapping ? '}' : ']');
}

struct Read {
  std::string tree, errors;
};

Read read(const std::string& text) {
  ErrorList errors;
  Document document;
  const bool good = read_document("f.yaml", text, errors, document);
  return {good ? tree(document, 0) : "", lines(errors.take())};
}

TEST(YamlReader, LeavesTypesToTheTables) {
  const Read r =
      read("{a: no, b: 012, c: 1:30, d: ~, e: 1e3, f: 2001-01-01, g: 0x1f, h: 'x', i: .inf}");
  EXPECT_EQ(r.tree,
            "{a: no, b: 012, c: 1:30, d: ~, e: 1e3, f: 2001-01-01, g: 0x1f, h: \"x\", i: .inf}");
  EXPECT_EQ(r.errors, "");
}

TEST(YamlReader, TakesAddressesWithoutQuotes) {
  const Read r = read(
      "a: 52:54:00:00:00:01\nb: 525400000001\nc: {d: 52:54:00:00:00:01, e: 2001:db8::1}\n"
      "f: ::1000-::1fff\ng: 2602:F674:0001::1/64\nh: [fe80::1]\n");
  EXPECT_EQ(r.errors, "");
  EXPECT_EQ(r.tree,
            "{a: 52:54:00:00:00:01, b: 525400000001, c: {d: 52:54:00:00:00:01, e: 2001:db8::1}, "
            "f: ::1000-::1fff, g: 2602:F674:0001::1/64, h: [fe80::1]}");
  EXPECT_EQ(read("a: {b: ::1}\n").errors,
            "f.yaml:1:8: error: did not find expected node content while parsing a flow node (put "
            "a value that begins with ':' in quotes) [yaml-syntax]\n");
}

TEST(YamlReader, TakesLineEndsOfWindowsAndAByteOrderMark) {
  const Read r = read(
      "\xEF\xBB\xBF"
      "a: b\r\nc:\r\n  - d\r\n");
  EXPECT_EQ(r.tree, "{a: b, c: [d]}");
  EXPECT_EQ(r.errors, "");
}

TEST(YamlReader, ExpandsAliases) {
  const Read r = read("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\ne: &y text\nf: *y\n");
  EXPECT_EQ(r.tree,
            "{a: {b: [1, 2]}, c: {b: [1, 2]}, d: [{b: [1, 2]}, {b: [1, 2]}], e: text, f: text}");
  EXPECT_EQ(r.errors, "");
}

TEST(YamlReader, MergesMappings) {
  EXPECT_EQ(read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n").tree,
            "{a: {x: 1, y: 2}, b: {y: 3, x: 1}}");
  EXPECT_EQ(read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {z: 0, <<: [*a, *b]}\n").tree,
            "{a: {x: 1}, b: {x: 2, y: 2}, c: {z: 0, x: 1, y: 2}}");
  EXPECT_EQ(read("a: {<<: {x: {y: [1]}}}\n").tree, "{a: {x: {y: [1]}}}");
  EXPECT_EQ(read("a: {\"<<\": 1}\n").tree, "{a: {\"<<\": 1}}");
  // Through an anchor on the merging mapping itself.
  EXPECT_EQ(read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n").tree,
            "{a: {x: 1}, b: {y: 2, x: 1}, c: {z: 3, y: 2, x: 1}}");
}

TEST(YamlReader, TakesTagsThatSayNothingNew) {
  EXPECT_EQ(read("a: !!str 1\nb: !!map {c: !!seq [d]}\ne: ! f\n").errors, "");
  EXPECT_EQ(read("a: !!str [x]\nb: !!float 1\n").errors,
            "f.yaml:1:4: error: tag '!!str' is not supported; write the value itself [yaml-tag]\n"
            "f.yaml:2:4: error: tag '!!float' is not supported; write the value itself "
            "[yaml-tag]\n");
}

TEST(YamlReader, GoesOnAfterWhatItCanReport) {
  const Read r = read("a: !x 1\nb: *none\nc: ok\nd: {e: 1, e: 2}\n");
  EXPECT_EQ(r.tree, "{a: !, b: !, c: ok, d: {e: 1, e: 2}}");
  EXPECT_EQ(r.errors,
            "f.yaml:1:4: error: tag '!x' is not supported; write the value itself [yaml-tag]\n"
            "f.yaml:2:4: error: no value before alias '*none' has that anchor [yaml-alias]\n"
            "f.yaml:4:11: error: key 'e' stands here for the second time; the first is at "
            "f.yaml:4:5 [yaml-duplicate-key]\n");
}

TEST(YamlReader, FindsDuplicatesInLargeMappings) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read(text).errors, "");
  EXPECT_EQ(read(text + "k50: 2\n").errors,
            "f.yaml:101:1: error: key 'k50' stands here for the second time; the first is at "
            "f.yaml:51:1 [yaml-duplicate-key]\n");
}

TEST(YamlReader, CountsColumnsInBytes) {
  EXPECT_EQ(read("ü: {é: 1, é: 2}\n").errors,
            "f.yaml:1:13: error: key 'é' stands here for the second time; the first is at "
            "f.yaml:1:6 [yaml-duplicate-key]\n");
}

/// What a hostile file may cost. Far above what it takes, far below what a mistake would.
template <class Run>
void expect_quick(Run run) {
  const std::clock_t start = std::clock();  // of this process: other work may slow it down
  run();
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 30);
}

TEST(YamlReader, IsNotHeldUpByHostileFiles) {
  const std::string deep(5'000'000, '[');
  const std::string braces(5'000'000, '{');
  std::string tags;
  for (int i = 0; i < 200000; ++i) tags += "%TAG !a" + std::to_string(i) + "! x\n";
  std::string directives_later = "a: b\n...\n" + tags;
  std::string keys = "{";
  for (int i = 0; i < 300000; ++i) keys += "a: 1, ";
  keys += "}";
  std::string anchors;
  for (int i = 0; i < 100000; ++i)
    anchors += "k" + std::to_string(i) + ": &a" + std::to_string(i) + " x\n";
  const std::string long_plain = "a: " + std::string(10'000'000, 'x');
  const std::string long_quoted = "a: \"" + std::string(10'000'000, 'x') + "\"";
  const std::string long_block = "a: |\n  " + std::string(10'000'000, 'x') + "\n";
  const std::string long_key = std::string(10'000'000, 'x') + ": a";
  const std::string questions = [] {
    std::string s;
    for (int i = 0; i < 200000; ++i) s += "? ";
    return s;
  }();
  const std::string dashes = [] {
    std::string s;
    for (int i = 0; i < 200000; ++i) s += "- ";
    return s;
  }();
  const std::vector<const std::string*> texts{
      &deep,       &braces,      &tags,       &directives_later, &keys,      &anchors,
      &long_plain, &long_quoted, &long_block, &long_key,         &questions, &dashes};
  for (const std::string* text : texts) {
    SCOPED_TRACE(text->substr(0, 40));
    expect_quick([&] {
      const Read r = read(*text);
      if (text != &anchors) {
        EXPECT_NE(r.errors, "");
      }
      EXPECT_LT(r.errors.size(), 1'000'000U);
    });
  }
}

TEST(YamlReader, BoundsWhatAliasesStandFor) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'k'; ++c) {
    const std::string last(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [*" + last;
    for (int i = 0; i < 9; ++i) bomb += ", *" + last;
    bomb += "]\n";
  }
  expect_quick([&] { EXPECT_NE(read(bomb).errors.find("[yaml-alias-limit]"), std::string::npos); });
}

}  // namespace
}  // namespace metalwright::inventory
