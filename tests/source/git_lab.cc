#include "tests/source/git_lab.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace metalwright::inventory {
namespace fs = std::filesystem;

namespace {

constexpr const char* kEnvironment =
    "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C TZ=UTC "
    "GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.net "
    "GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.net; ";

int run_shell(const std::string& folder, const std::string& command, std::string& output) {
  const std::string line = kEnvironment + ("cd '" + folder + "' && { " + command + "\n} 2>&1");
  FILE* pipe = popen(line.c_str(), "re");
  if (pipe == nullptr) return -1;
  std::array<char, 4096> buffer{};
  std::size_t got = 0;
  while ((got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
    output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  while (output.ends_with('\n')) output.pop_back();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "metalwright-source-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string TempFolder::operator/(std::string_view name) const {
  return path_ + '/' + std::string(name);
}

AsNobody::AsNobody() {
  constexpr uid_t kNobody = 65534;
  changed_ = geteuid() == 0;
  if (changed_) changed_ = seteuid(kNobody) == 0;
}

AsNobody::~AsNobody() {
  if (changed_ && seteuid(0) != 0) std::abort();
}

std::string run(const std::string& folder, const std::string& command) {
  std::string output;
  const int code = run_shell(folder, command, output);
  EXPECT_EQ(code, 0) << command << "\n" << output;
  return output;
}

std::string run_anyhow(const std::string& folder, const std::string& command) {
  std::string output;
  run_shell(folder, command, output);
  return output;
}

void write_file(const std::string& path, std::string_view bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

std::string read_file(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

bool exists(const std::string& path) { return fs::exists(fs::symlink_status(path)); }

Checkout::Checkout(std::string path) : path_(std::move(path)) {
  fs::create_directories(path_);
  git("init -q -b main");
}

std::string Checkout::git(const std::string& arguments) const {
  return run(path_, "git " + arguments);
}

void Checkout::write(const std::string& path, std::string_view bytes) const {
  write_file(path_ + '/' + path, bytes);
}

std::string Checkout::commit(const std::string& message) const {
  const std::string date = "2026-01-05T10:" + std::to_string(10 + commits_++) + ":00Z";
  run(path_, "git add -A && GIT_AUTHOR_DATE=" + date + " GIT_COMMITTER_DATE=" + date +
                 " git commit -q --allow-empty -m '" + message + "'");
  return git("rev-parse HEAD");
}

std::string canary_script(const TempFolder& folder, const std::string& mark) {
  const std::string script = folder / "canary";
  write_file(script, "#!/bin/sh\necho \"$0 $*\" >>'" + mark + "'\nexit 1\n");
  fs::permissions(script, fs::perms::owner_all);
  return script;
}

}  // namespace metalwright::inventory
