#include "pipeline/service/assets.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace metalwright::service {
namespace {
namespace fs = std::filesystem;

class Assets : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "metalwright-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    fs::create_directories(root_ / "assets/talos");
    std::ofstream(root_ / "assets/talos/vmlinuz") << "kernel";
    std::ofstream(root_ / "secret") << "secret";
  }
  void TearDown() override { fs::remove_all(root_); }
  [[nodiscard]] bool opens(const std::string& path) const {
    return open_asset((root_ / "assets").string(), path).has_value();
  }
  fs::path root_;
};

TEST_F(Assets, OpensFilesBeneathTheFolder) {
  const auto asset = open_asset((root_ / "assets").string(), "talos/vmlinuz");
  ASSERT_TRUE(asset);
  EXPECT_EQ(asset->size, 6U);
  EXPECT_TRUE(asset->etag.starts_with('"') && asset->etag.ends_with('"'));
  EXPECT_TRUE(asset->modified.ends_with(" GMT"));
}

TEST_F(Assets, NothingOutsideOfItExists) {
  fs::create_symlink("../secret", root_ / "assets/link");
  fs::create_symlink("/etc/passwd", root_ / "assets/absolute");
  fs::create_directory_symlink("..", root_ / "assets/up");
  fs::create_symlink("talos/vmlinuz", root_ / "assets/inside");
  ASSERT_EQ(::mkfifo((root_ / "assets/fifo").c_str(), 0600), 0);
  for (const std::string path :
       {"../secret", "talos/../../secret", "/etc/passwd", "link", "absolute", "up/secret", "talos",
        "", ".", "..", "talos/vmlinuz/", "fifo", "talos/none"}) {
    EXPECT_FALSE(opens(path)) << path;
  }
  EXPECT_FALSE(opens(std::string("talos/vmlinuz\0.txt", 18)));
  EXPECT_TRUE(opens("inside"));
}

TEST(Tags, AreFoundInLists) {
  for (const std::string_view list :
       {"\"a\"", "W/\"a\"", " \"b\" ,\tW/\"a\"", "\"b\",\"a\",\"c\"", "*", " * "}) {
    EXPECT_TRUE(names_tag(list, "\"a\"")) << list;
  }
  for (const std::string_view list : {"", "a", "\"b\"", "\"aa\"", "w/\"a\"", ",", "\"b\", *"}) {
    EXPECT_FALSE(names_tag(list, "\"a\"")) << list;
  }
}

TEST(ByteRanges, AreReadAsTheStandardSays) {
  ByteRange range;
  EXPECT_EQ(parse_range("bytes=0-0", 10, range), RangeAnswer::part);
  EXPECT_EQ(range.length, 1U);
  EXPECT_EQ(parse_range("bytes=4-", 10, range), RangeAnswer::part);
  EXPECT_EQ(range.first, 4U);
  EXPECT_EQ(range.length, 6U);
  EXPECT_EQ(parse_range("bytes=-3", 10, range), RangeAnswer::part);
  EXPECT_EQ(range.first, 7U);
  EXPECT_EQ(parse_range("bytes=-30", 10, range), RangeAnswer::part);
  EXPECT_EQ(range.length, 10U);
  EXPECT_EQ(parse_range("bytes=5-99", 10, range), RangeAnswer::part);
  EXPECT_EQ(range.length, 5U);
  for (const char* none : {"bytes=10-", "bytes=99-100", "bytes=-0"}) {
    EXPECT_EQ(parse_range(none, 10, range), RangeAnswer::unsatisfiable) << none;
  }
  EXPECT_EQ(parse_range("bytes=0-", 0, range), RangeAnswer::unsatisfiable);
  const std::string huge(40, '9');
  EXPECT_EQ(parse_range("bytes=" + huge + "-", 10, range), RangeAnswer::unsatisfiable);
  EXPECT_EQ(parse_range("BYTES= 2-" + huge + ' ', 10, range), RangeAnswer::part);
  EXPECT_EQ(range.first, 2U);
  EXPECT_EQ(range.length, 8U);
  for (const char* other : {"bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "items=0-1",
                            "bytes=0-1,3-4", "byte=0-1", "bytes"}) {
    EXPECT_EQ(parse_range(other, 10, range), RangeAnswer::whole) << other;
  }
}

}  // namespace
}  // namespace metalwright::service
