#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "schemas/json_schema.h"
#include "schemas/reference.h"

// What is made from the tables and published is current. METALWRIGHT_REGENERATE=1 writes it anew;
// then the test counts as skipped.
namespace metalwright {
namespace {
namespace fs = std::filesystem;

const fs::path kRoot = METALWRIGHT_SOURCE_DIR;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_current(const fs::path& relative, const std::string& made) {
  const char* regenerate = std::getenv("METALWRIGHT_REGENERATE");
  if (regenerate != nullptr && *regenerate == '1') {
    fs::create_directories((kRoot / relative).parent_path());
    std::ofstream(kRoot / relative, std::ios::binary) << made;
    GTEST_SKIP() << "wrote " << relative;
  }
  EXPECT_EQ(read_file(kRoot / relative), made)
      << relative << " is not current: run the test with METALWRIGHT_REGENERATE=1";
}

class Published : public testing::TestWithParam<UserFile> {};

TEST_P(Published, SchemaIsCurrent) {
  expect_current("schemas/json/" + std::string(GetParam().name) + ".json", json_schema(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Files, Published, testing::ValuesIn(user_files()), [](const auto& info) {
  std::string name(info.param.name);
  std::erase(name, '-');
  return name;
});

TEST(Published, ReferenceOfFilesIsCurrent) {
  expect_current("docs/reference/files.md", files_reference());
}

TEST(Published, ReferenceOfChecksIsCurrent) {
  expect_current("docs/reference/checks.md", checks_reference());
}

int run_python(const std::string& script, const std::string& arguments) {
  const std::string command =
      "/usr/bin/python3 " + (kRoot / "tests/schemas" / script).string() + ' ' + arguments;
  const int status = std::system(command.c_str());  // NOLINT: our own words
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Published, SchemasHoldByAnotherReader) {
  const int code = run_python("schema_check.py", kRoot.string());
  if (code == 77) GTEST_SKIP() << "python3-jsonschema and python3-yaml are not installed";
  EXPECT_EQ(code, 0);
}
}  // namespace
}  // namespace metalwright
