#include "inventory/entry_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace metalwright::inventory {
namespace {

/// `name@line:column(text)` of each entry, then `|` and the sections; `unsure` where it is not
/// sure.
std::string scanned(std::string_view text) {
  const EntryScan scan = scan_entries(text);
  if (!scan.sure) return "unsure";
  std::string out;
  for (const ScannedEntry& entry : scan.entries) {
    out += std::string(entry.name) + '@' + std::to_string(entry.line) + ':' +
           std::to_string(entry.column) + '(' + std::string(entry.text) + ')';
  }
  for (const ScannedSection& section : scan.sections) {
    out += '|' + std::to_string(section.line) + '(' + std::string(section.text) + ')';
  }
  return out;
}

TEST(EntryScan, FindsWhereEachEntryBegins) {
  EXPECT_EQ(scanned("# c\nservers:\n  a: {}\n  b:\n    ipv4: x\n\n    # said\n  c.d-e_1: # x\n"),
            "a@3:3(  a: {}\n)b@4:3(  b:\n    ipv4: x\n\n    # said\n)"
            "c.d-e_1@8:3(  c.d-e_1: # x\n)");
}

TEST(EntryScan, FindsOtherTopLevelKeys) {
  EXPECT_EQ(scanned("---\nx-a: 1\nservers:\n a: {}\nmoved:\n  - {from: b, to: a}\n"),
            "a@4:2( a: {}\n)|2(x-a: 1\n)|5(moved:\n  - {from: b, to: a}\n)");
}

TEST(EntryScan, TakesAFileWithoutALastLineEnd) {
  EXPECT_EQ(scanned("servers:\n  a: {}"), "a@2:3(  a: {})");
  EXPECT_EQ(scanned("servers:"), "");
  EXPECT_EQ(scanned(""), "");
}

TEST(EntryScan, IsUnsureOfWhateverLooksDifferent) {
  for (const char* text : {
           "servers: {a: {}}\n",                      // flow style
           "servers: &x\n  a: {}\n",                  // an anchor
           "servers: *x\n",                           // an alias
           "servers:\n  \"a\": {}\n",                 // a quoted key
           "servers:\n  ? a\n  : {}\n",               // a complex key
           "servers:\n  - a\n",                       // a list
           "servers:\n  a: {}\n - b\n",               // less indentation
           "servers:\n    a: {}\n  b: {}\n",          // less indentation
           "servers:\n  a:b: {}\n",                   // no blank behind the colon
           "servers:\n  a: {}\nservers:\n  b: {}\n",  // twice
           "servers:\n\ta: {}\n",                     // a tab
           "servers:\r\n  a: {}\r\n",                 // line ends of Windows
           "%YAML 1.1\n---\nservers:\n",              // a directive
           "servers:\n  a: {}\n---\n",                // another document
           "servers:\n  a: {}\n...\n",                // the end of one
           "{servers: {}}\n",
           "- a\n",
           "  servers:\n",
           "servers:\n  <<: {}\n",
       }) {
    EXPECT_EQ(scanned(text), "unsure") << text;
  }
}

}  // namespace
}  // namespace metalwright::inventory
