#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>

#include "pipeline/service/listening_socket.h"

namespace metalwright::service {

/// The threads of one listener: each waits for a connection and serves it itself, so that no
/// connection is handed from one thread to another. Whoever leaves nobody behind that waits makes
/// one more thread; one that is not needed ends. cpp-httplib's own pool has a fixed size, and as
/// many slow clients as it has threads would stop the service.
class ConnectionThreads {
 public:
  using Serve = std::function<void(Taken taken)>;

  /// `budget` is how many threads more there may be, of all listeners in common.
  ConnectionThreads(ListeningSocket& socket, std::atomic<long>& budget, Serve serve);
  ~ConnectionThreads();
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  void start() { add_thread(); }
  /// Takes no more connections, and returns when none waits for one; those in hand are served on.
  void end();
  /// Behind `end`: waits until all are served.
  void join();

 private:
  struct Worker {
    explicit Worker(ConnectionThreads* threads) : of(threads) {}
    ConnectionThreads* of;
    std::list<Worker>::iterator self;
    pthread_t thread{};
    std::atomic<bool> waits{true};
  };
  static void* enter(void* worker);
  void work(Worker& self);
  /// Whether one that waited in vain may end: not the last that waits.
  [[nodiscard]] bool leave(Worker& self);
  [[nodiscard]] bool wake_waiting();
  void add_thread();

  ListeningSocket& socket_;
  std::atomic<long>& budget_;
  Serve serve_;
  std::atomic<bool> ended_{false};
  std::atomic<long> waiting_{0};
  std::mutex mutex_;  // of what follows
  std::condition_variable left_;
  std::list<Worker> workers_;
};

}  // namespace metalwright::service
