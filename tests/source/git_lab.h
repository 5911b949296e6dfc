#pragma once

#include <string>
#include <string_view>
#include <vector>

/// A place for tests to make repositories in with the real git, shielded from the configuration of
/// whoever runs them.
namespace metalwright::inventory {

/// A folder that is removed with its owner.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const;

 private:
  std::string path_;
};

/// As long as it lives, a test that root runs may read what anyone may, and no more.
class AsNobody {
 public:
  AsNobody();
  ~AsNobody();
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool changed_ = false;
};

/// Runs a shell command in `folder` and gives its output without the last line end. The test fails
/// where the command does.
std::string run(const std::string& folder, const std::string& command);
/// The same, and any exit code will do.
std::string run_anyhow(const std::string& folder, const std::string& command);

void write_file(const std::string& path, std::string_view bytes);
[[nodiscard]] std::string read_file(const std::string& path);
[[nodiscard]] bool exists(const std::string& path);

/// A checkout with a branch `main`.
class Checkout {
 public:
  explicit Checkout(std::string path);
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Runs git in it.
  std::string git(const std::string& arguments) const;
  void write(const std::string& path, std::string_view bytes) const;
  /// Commits all that is there and gives the commit's id. Each commit is a minute later.
  std::string commit(const std::string& message) const;

 private:
  std::string path_;
  mutable int commits_ = 0;
};

/// The canary: a script that leaves `path` when anything runs it.
[[nodiscard]] std::string canary_script(const TempFolder& folder, const std::string& mark);

}  // namespace metalwright::inventory
