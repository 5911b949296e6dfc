#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace metalwright::service {

/// Threads for connections: one more whenever none is free, up to `most`; one that had nothing to
/// do for a while ends. cpp-httplib's own pool has a fixed size, and as many slow clients as it has
/// threads would stop the service.
class ConnectionThreads {
 public:
  explicit ConnectionThreads(std::size_t most) : most_(most) {}
  ~ConnectionThreads() { stop(); }
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  void run(std::function<void()> job);
  /// Waits until all jobs are done; none may be given any more.
  void stop();

 private:
  static void* enter(void* self);
  void work();
  [[nodiscard]] bool add_thread();

  std::mutex mutex_;
  std::condition_variable work_, ended_;
  std::deque<std::function<void()>> jobs_;
  std::size_t most_, threads_ = 0, idle_ = 0;
  bool stopping_ = false;
};

}  // namespace metalwright::service
