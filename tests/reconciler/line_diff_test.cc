#include "reconciler/line_diff.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace metalwright::reconciler {
namespace {
std::string text_of(const std::vector<DiffLine>& diff) {
  const auto range = [](std::size_t line, std::size_t count) {
    return std::to_string(line) + (count == 1 ? "" : ',' + std::to_string(count));
  };
  std::string out;
  for (const DiffLine& line : diff) {
    switch (line.mark) {
      case DiffMark::hunk:
        out += "@@ -" + range(line.first_line, line.first_count) + " +" +
               range(line.second_line, line.second_count) + " @@";
        break;
      case DiffMark::same:
        out += ' ' + std::string(line.text);
        break;
      case DiffMark::removed:
        out += '-' + std::string(line.text);
        break;
      case DiffMark::added:
        out += '+' + std::string(line.text);
        break;
      case DiffMark::no_newline:
        out += "\\ No newline at end of file";
        break;
    }
    out += '\n';
  }
  return out;
}

TEST(LineDiff, IsEmptyForEqualTexts) {
  EXPECT_TRUE(unified_diff("", "").empty());
  EXPECT_TRUE(unified_diff("a\nb\n", "a\nb\n").empty());
}

TEST(LineDiff, ShowsAChangeWithItsContext) {
  EXPECT_EQ(text_of(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n")),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(LineDiff, BeginsANewHunkWhereChangesAreFarApart) {
  EXPECT_EQ(text_of(unified_diff("a\n1\n2\n3\nb\n", "A\n1\n2\n3\nB\n", 1)),
            "@@ -1,2 +1,2 @@\n-a\n+A\n 1\n@@ -4,2 +4,2 @@\n 3\n-b\n+B\n");
  EXPECT_EQ(text_of(unified_diff("a\n1\n2\nb\n", "A\n1\n2\nB\n", 1)),
            "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n-b\n+B\n");
}

TEST(LineDiff, NumbersAnEmptySide) {
  EXPECT_EQ(text_of(unified_diff("", "a\nb\n")), "@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(text_of(unified_diff("a\n", "")), "@@ -1 +0,0 @@\n-a\n");
}

TEST(LineDiff, TellsALineEndThatIsMissing) {
  EXPECT_EQ(text_of(unified_diff("a\nb\n", "a\nb")),
            "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n");
}

TEST(LineDiff, ShowsTextsThatHaveNothingInCommonAsReplaced) {
  std::string a, b;
  for (int i = 0; i < 5000; ++i) {
    a += "a" + std::to_string(i) + '\n';
    b += "b" + std::to_string(i) + '\n';
  }
  const std::vector<DiffLine> diff = unified_diff("head\n" + a + "tail\n", "head\n" + b + "tail\n");
  EXPECT_EQ(diff.size(), 1U + 1 + 5000 + 5000 + 1);
}

// patch(1) judges: applied to the first text the diff must give the second, and for small texts it
// must be as short as diff(1)'s.
TEST(LineDiff, GivesWhatPatchUnderstandsForAnyTexts) {
  if (std::system("command -v patch >/dev/null") != 0) GTEST_SKIP() << "patch is not installed";
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("line-diff-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  std::mt19937 random(7);
  const auto make = [&] {
    std::string text;
    const unsigned lines = random() % 30;
    for (unsigned i = 0; i < lines; ++i)
      text += std::string(1, static_cast<char>('a' + random() % 4)) + '\n';
    if (!text.empty() && random() % 4 == 0) text.pop_back();
    return text;
  };
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  for (int round = 0; round < 60; ++round) {
    const std::string a = make(), b = make();
    const std::size_t context = random() % 4;
    const std::string diff = text_of(unified_diff(a, b, context));
    if (a == b) {
      EXPECT_EQ(diff, "");
      continue;
    }
    write("a", a);
    write("b", b);
    write("diff", "--- a\n+++ b\n" + diff);
    const std::string patch =
        "cd " + folder.string() +
        " && patch -s -f --fuzz=0 -o out a diff >/dev/null 2>&1 && cmp -s out b";
    EXPECT_EQ(std::system(patch.c_str()), 0) << a << "---\n" << b << "---\n" << diff;
    const std::string shortest = "cd " + folder.string() +
                                 " && [ $(diff --minimal a b | grep -c '^[<>]') = " +
                                 "$(grep -v '^---\\|^+++' diff | grep -c '^[-+]') ]";
    EXPECT_EQ(std::system(shortest.c_str()), 0) << a << "---\n" << b << "---\n" << diff;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace metalwright::reconciler
