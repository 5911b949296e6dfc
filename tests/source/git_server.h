#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/source/git_lab.h"

/// Remotes for tests, on loopback. Each ends with its owner.
namespace metalwright::inventory {

/// A program that prints its port first, and ends when its standard input does.
class PortServer {
 public:
  explicit PortServer(const std::vector<std::string>& arguments);
  ~PortServer();
  PortServer(const PortServer&) = delete;
  PortServer& operator=(const PortServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
};

/// `tests/source/servers/NAME`.
[[nodiscard]] std::string server_script(const std::string& name);

/// OpenSSH's own server, for one run of tests, with keys of its own.
class Sshd {
 public:
  [[nodiscard]] static bool installed();
  Sshd(const std::string& folder, const std::string& host_key, const std::string& authorized);
  ~Sshd();
  Sshd(const Sshd&) = delete;
  Sshd& operator=(const Sshd&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace metalwright::inventory
