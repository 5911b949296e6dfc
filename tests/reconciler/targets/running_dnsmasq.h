#pragma once

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/reconciler/targets/dnsmasq_world.h"
#include "tests/support/network_namespace.h"

namespace metalwright::reconciler {

/// The same, with a real dnsmasq on three cables in a namespace of its own, told by commands.
/// `why_not` says why there is none.
class RunningDnsmasq : public DnsmasqWorld {
 public:
  RunningDnsmasq() {
    why_not_ = test::enter_network_namespace();
    if (!why_not_.empty()) return;
    for (int i = 1; i <= 3; ++i) {
      const std::string near = fmt::format("srv{}", i);
      ends_.push_back(std::make_unique<test::FarEnd>(near, fmt::format("cli{}", i)));
      test::must_run({"ip", "addr", "add", fmt::format("10.0.{}.1/24", i), "dev", near});
    }
    write_plainly(folder_ / "tftp/ipxe/menu.ipxe", "#!ipxe\n");
    // As a service manager does it: the old one is gone before the new one starts.
    // Gone is who is a zombie: who reaps it, and when, is another matter.
    script("stop",
           "p=$(cat " + (folder_ / "pid") + " 2>/dev/null) && kill $p 2>/dev/null || exit 0\n" +
               "while s=$(sed -n 's/^State:\t\\(.\\).*/\\1/p' /proc/$p/status 2>/dev/null) &&\n" +
               "  [ -n \"$s\" ] && [ \"$s\" != Z ]; do sleep 0.01; done\nexit 0\n");
    script("restart", (folder_ / "stop") +
                          "\n"
                          "echo restart >> " +
                          (folder_ / "told") +
                          "\n"
                          "[ -e " +
                          settings().config +
                          " ] || exit 0\n"
                          "exec dnsmasq --conf-file=" +
                          settings().config + " --no-ping\n");
    script("reload", "echo reload >> " + (folder_ / "told") +
                         "\n"
                         "exec kill -HUP $(cat " +
                         (folder_ / "pid") + ")\n");
  }
  ~RunningDnsmasq() override {
    if (why_not_.empty()) std::system((folder_ / "stop").c_str());
  }

  DnsmasqTargetSettings settings() override {
    DnsmasqTargetSettings settings = DnsmasqWorld::settings();
    settings.reload = {Reload::By::command, folder_ / "reload", {}};
    settings.restart = {Reload::By::command, folder_ / "restart", {}};
    settings.log_file = folder_ / "log";
    settings.probe.patience = std::chrono::seconds(60);
    return settings;
  }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  [[nodiscard]] const test::FarEnd& end(int i) const { return *ends_.at(i - 1); }
  /// What dnsmasq was told, in order; and forgotten.
  std::string told() {
    const std::string told = read_plainly(folder_ / "told");
    std::filesystem::remove(folder_ / "told");
    return told;
  }
  [[nodiscard]] pid_t pid() const { return std::atoi(read_plainly(folder_ / "pid").c_str()); }

 private:
  void script(const std::string& name, const std::string& body) {
    write_plainly(folder_ / name, "#!/bin/sh\n" + body);
    ::chmod((folder_ / name).c_str(), 0755);
  }
  std::string why_not_;
  std::vector<std::unique_ptr<test::FarEnd>> ends_;
};

}  // namespace metalwright::reconciler
