#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A network of its own for a test, so that real servers may bind real ports without touching the
/// machine's network or each other.
namespace metalwright::test {

/// Moves this process into a new network namespace whose loopback is up. Returns why it could not,
/// empty on success: a test then prints it and skips. Each call makes a fresh one.
[[nodiscard]] std::string enter_network_namespace();

/// Runs a command that must succeed; throws with its output otherwise.
void must_run(const std::vector<std::string>& arguments);

/// Another namespace, joined to this process's by a virtual cable.
class FarEnd {
 public:
  /// `near` is this side's interface, `far` the other's; both are up afterwards.
  FarEnd(std::string near, std::string far);
  ~FarEnd();
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;

  /// Runs `body` in a thread on the far side. Sockets made there stay there.
  void run(const std::function<void()>& body) const;
  [[nodiscard]] const std::string& interface() const { return far_; }

 private:
  int descriptor_ = -1;
  std::string near_, far_;
};

}  // namespace metalwright::test
