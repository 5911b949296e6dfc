#include "tests/support/network_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "reconciler/run_program.h"

namespace metalwright::test {
namespace {

void write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
}

/// A user who is not root may still have a namespace, as root of one's own.
int unshare_as_user() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return errno;
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", fmt::format("0 {} 1", user));
  write_text("/proc/self/gid_map", fmt::format("0 {} 1", group));
  return 0;
}

}  // namespace

void must_run(const std::vector<std::string>& arguments) {
  const auto outcome = reconciler::run_program(arguments);
  if (!outcome) throw std::runtime_error(outcome.error().text());
  if (outcome->exit_code != 0) {
    throw std::runtime_error(fmt::format("{}: {}", fmt::join(arguments, " "), outcome->err));
  }
}

std::string enter_network_namespace() {
  if (unshare(CLONE_NEWNET) != 0) {
    const int failure = errno == EPERM ? unshare_as_user() : errno;
    if (failure != 0) return fmt::format("no network namespace here: {}", std::strerror(failure));
  }
  const auto up = reconciler::run_program({"ip", "link", "set", "lo", "up"});
  if (!up) return "'ip' is missing: apt install iproute2";
  if (up->exit_code != 0) return "cannot set up loopback: " + up->err;
  return {};
}

FarEnd::FarEnd(std::string near, std::string far) : near_(std::move(near)), far_(std::move(far)) {
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) {
      descriptor_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }
  }).join();
  if (descriptor_ < 0) throw std::runtime_error("no second network namespace");
  must_run({"ip", "link", "add", near_, "type", "veth", "peer", "name", far_});
  must_run(
      {"ip", "link", "set", far_, "netns", fmt::format("/proc/{}/fd/{}", getpid(), descriptor_)});
  must_run({"ip", "link", "set", near_, "up"});
  run([&] {
    must_run({"ip", "link", "set", "lo", "up"});
    must_run({"ip", "link", "set", far_, "up"});
  });
}

FarEnd::~FarEnd() {
  if (descriptor_ >= 0) close(descriptor_);
}

void FarEnd::run(const std::function<void()>& body) const {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      if (setns(descriptor_, CLONE_NEWNET) != 0) throw std::runtime_error("setns failed");
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace metalwright::test
