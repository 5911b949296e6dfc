#include "cli/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace metalwright::cli {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

bool notify_manager(const std::string& lines) {
  const std::string_view place = environment("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (place.size() < 2 || place.size() >= sizeof address.sun_path) return false;
  if (place.front() != '/' && place.front() != '@') return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, place.data(), place.size());
  if (place.front() == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place.size());
  const ssize_t sent = sendto(socket, lines.data(), lines.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), size);
  close(socket);
  return sent == static_cast<ssize_t>(lines.size());
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  notify_manager(
      fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                  static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000));
}

void notify_ready(const std::string& status) { notify_manager("READY=1\nSTATUS=" + status); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  // Children inherit the environment; what it says is for one process.
  const std::string_view process = environment("WATCHDOG_PID");
  if (!process.empty() && number<pid_t>(process) != getpid()) return {};
  const auto interval = number<std::int64_t>(environment("WATCHDOG_USEC"));
  if (!interval || *interval <= 0) return {};
  return std::chrono::microseconds(*interval);
}

struct Watchdog::Parts {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::thread thread;
};

Watchdog::Watchdog(std::function<bool()> alive) : parts_(std::make_unique<Parts>()) {
  const auto interval = watchdog_interval();
  if (!interval) return;
  parts_->thread =
      std::thread([parts = parts_.get(), pause = *interval / 3, alive = std::move(alive)] {
        std::unique_lock lock(parts->mutex);
        while (!parts->changed.wait_for(lock, pause, [parts] { return parts->stopping; })) {
          lock.unlock();
          if (alive()) notify_manager("WATCHDOG=1");
          lock.lock();
        }
      });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->stopping = true;
  }
  parts_->changed.notify_all();
  if (parts_->thread.joinable()) parts_->thread.join();
}

bool logs_to_journal() {
  const std::string_view stream = environment("JOURNAL_STREAM");
  const std::size_t colon = stream.find(':');
  struct stat file {};
  if (colon == std::string_view::npos || fstat(STDERR_FILENO, &file) != 0) return false;
  return number<dev_t>(stream.substr(0, colon)) == file.st_dev &&
         number<ino_t>(stream.substr(colon + 1)) == file.st_ino;
}

}  // namespace metalwright::cli
