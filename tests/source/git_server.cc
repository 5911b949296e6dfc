#include "tests/source/git_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

extern char** environ;

namespace metalwright::inventory {
namespace {

pid_t spawn(const std::vector<std::string>& arguments, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, 0);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  std::vector<std::string> words = arguments;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawnp(&pid, pointers[0], &actions, nullptr, pointers.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void end(pid_t pid) {
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

std::uint16_t free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  close(listener);
  return ntohs(address.sin_port);
}

bool answers(std::uint16_t port) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool connected =
      connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(client);
  return connected;
}

}  // namespace

PortServer::PortServer(const std::vector<std::string>& arguments) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  EXPECT_EQ(pipe2(input.data(), O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(output.data(), O_CLOEXEC), 0);
  pid_ = spawn(arguments, input[0], output[1]);
  close(input[0]);
  close(output[1]);
  stop_ = input[1];
  std::string line;
  char c = 0;
  while (read(output[0], &c, 1) == 1 && c != '\n') line += c;
  close(output[0]);
  EXPECT_FALSE(line.empty()) << arguments[1] << " did not start";
  port_ = static_cast<std::uint16_t>(line.empty() ? 0 : std::stoi(line));
}

PortServer::~PortServer() {
  close(stop_);
  end(pid_);
}

std::string server_script(const std::string& name) {
  return std::string(METALWRIGHT_SOURCE_DIR) + "/tests/source/servers/" + name;
}

bool Sshd::installed() { return access("/usr/sbin/sshd", X_OK) == 0; }

Sshd::Sshd(const std::string& folder, const std::string& host_key, const std::string& authorized)
    : port_(free_port()) {
  // Where its parent process waits without privileges; Debian's service makes it at boot.
  std::error_code error;
  std::filesystem::create_directories("/run/sshd", error);
  write_file(folder + "/sshd_config", "ListenAddress 127.0.0.1\nPort " + std::to_string(port_) +
                                          "\nHostKey " + host_key + "\nAuthorizedKeysFile " +
                                          authorized +
                                          "\nStrictModes no\nUsePAM no\nPidFile none\n"
                                          "PasswordAuthentication no\n"
                                          "KbdInteractiveAuthentication no\n"
                                          "PermitRootLogin prohibit-password\n");
  pid_ = spawn(
      {"/usr/sbin/sshd", "-D", "-e", "-f", folder + "/sshd_config", "-E", folder + "/sshd.log"}, -1,
      -1);
  for (int i = 0; i < 2400 && !answers(port_); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  EXPECT_TRUE(answers(port_)) << read_file(folder + "/sshd.log");
}

Sshd::~Sshd() { end(pid_); }

}  // namespace metalwright::inventory
