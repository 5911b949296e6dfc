#include "tests/support/dnsmasq_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "reconciler/run_program.h"

extern char** environ;

namespace metalwright::test {

bool have_dnsmasq() {
  const auto version = reconciler::run_program({"dnsmasq", "--version"});
  return version && version->exit_code == 0;
}

DnsmasqProcess::DnsmasqProcess(const std::string& config, std::string log,
                               const std::vector<std::string>& extra)
    : log_(std::move(log)) {
  std::vector<std::string> arguments{"/usr/sbin/dnsmasq", "--keep-in-foreground",
                                     "--log-facility=-", "--conf-file=" + config};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 2, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int failure =
      posix_spawn(&pid_, arguments[0].c_str(), &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) throw std::runtime_error("cannot start dnsmasq");
  for (int i = 0; i < 6000; ++i) {
    if (this->log().find("started, version") != std::string::npos) return;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("dnsmasq did not come up: " + this->log());
}

DnsmasqProcess::~DnsmasqProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::string DnsmasqProcess::log() const {
  std::ifstream in(log_);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace metalwright::test
