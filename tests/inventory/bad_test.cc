#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "inventory/host_config.h"
#include "inventory/loader.h"
#include "tests/inventory/files.h"

// Each folder of tests/bad is a repository with something wrong in it (or the host's
// configuration), and `expected` is what `validate` says about it, to the letter.
// METALWRIGHT_REGENERATE=1 writes the expectations anew; then the tests count as skipped, and
// every line is to be read before it is committed.
namespace metalwright::inventory {
namespace {
namespace fs = std::filesystem;

const fs::path kBad = fs::path(METALWRIGHT_SOURCE_DIR) / "tests/bad";

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kBad)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

RepositoryFiles read_repository(const fs::path& root) {
  RepositoryFiles files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = fs::relative(entry.path(), root).string();
    if (!entry.is_regular_file() || path == "expected") continue;
    files.push_back(repository_file(path, read_file(entry.path())));
  }
  std::sort(files.begin(), files.end(),
            [](const RepositoryFile& a, const RepositoryFile& b) { return a.path < b.path; });
  return files;
}

std::string diagnostics_of(const fs::path& root) {
  if (fs::exists(root / "metalwright.yaml")) {
    return lines(load_host_config("metalwright.yaml", read_file(root / "metalwright.yaml")).errors);
  }
  return lines(load(read_repository(root)).errors);
}

class Bad : public testing::TestWithParam<std::string> {};

TEST_P(Bad, IsReportedToTheLetter) {
  const fs::path root = kBad / GetParam();
  const std::string found = diagnostics_of(root);
  const char* regenerate = std::getenv("METALWRIGHT_REGENERATE");
  if (regenerate != nullptr && *regenerate == '1') {
    std::ofstream(root / "expected", std::ios::binary) << found;
    GTEST_SKIP() << "wrote " << root / "expected";
  }
  EXPECT_EQ(found, read_file(root / "expected"));
  EXPECT_NE(found, "");
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Repositories, Bad, testing::ValuesIn(cases()), test_name);

TEST(BadRepositories, AreMany) { EXPECT_GE(cases().size(), 120U); }

}  // namespace
}  // namespace metalwright::inventory
