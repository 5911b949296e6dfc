#include "pipeline/service/connection_threads.h"

#include <chrono>
#include <csignal>
#include <iterator>
#include <optional>
#include <utility>

namespace metalwright::service {
namespace {

constexpr std::size_t kStackBytes = 1024 * 1024;
constexpr long kMostWaiting = 64;
constexpr std::chrono::milliseconds kAskAgain{5};

/// Interrupts a thread that waits in accept(2): nothing but a signal does that without ending the
/// socket for other processes. Blocked everywhere else.
int wake_signal() { return SIGRTMIN + 1; }

void handle_wake_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // and no SA_RESTART: the system call is to return
  sigaction(wake_signal(), &action, nullptr);
}

}  // namespace

ConnectionThreads::ConnectionThreads(ListeningSocket& socket, std::atomic<long>& budget,
                                     Serve serve)
    : socket_(socket), budget_(budget), serve_(std::move(serve)) {
  handle_wake_signal();
}

ConnectionThreads::~ConnectionThreads() {
  end();
  join();
}

/// Where there can be no more, a connection waits until somebody is done.
void ConnectionThreads::add_thread() {
  if (budget_.fetch_sub(1) <= 0) {
    budget_.fetch_add(1);
    return;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // All other signals are for the thread that waits for them.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, wake_signal());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  {
    const std::lock_guard lock(mutex_);
    Worker& worker = workers_.emplace_back(this);
    worker.self = std::prev(workers_.end());
    waiting_.fetch_add(1);
    if (ended_.load() || pthread_create(&worker.thread, &attributes, enter, &worker) != 0) {
      waiting_.fetch_sub(1);
      workers_.pop_back();
      budget_.fetch_add(1);
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
}

void* ConnectionThreads::enter(void* worker) {
  Worker& self = *static_cast<Worker*>(worker);
  self.of->work(self);
  return nullptr;
}

void ConnectionThreads::work(Worker& self) {
  while (!ended_.load()) {
    std::optional<Taken> taken = socket_.accept();
    if (!taken) {
      if (leave(self)) break;
      continue;
    }
    self.waits.store(false);
    if (waiting_.fetch_sub(1) == 1) add_thread();
    serve_(std::move(*taken));
    if (waiting_.load() >= kMostWaiting) break;
    waiting_.fetch_add(1);
    self.waits.store(true);
  }
  if (self.waits.load()) waiting_.fetch_sub(1);
  budget_.fetch_add(1);
  // All of it under the lock: behind it `join` may return, and this object be gone.
  const std::lock_guard lock(mutex_);
  workers_.erase(self.self);
  left_.notify_all();
}

bool ConnectionThreads::leave(Worker& self) {
  long waiting = waiting_.load();
  while (waiting > 1) {
    if (waiting_.compare_exchange_weak(waiting, waiting - 1)) {
      self.waits.store(false);
      return true;
    }
  }
  return false;
}

/// False where there is none.
bool ConnectionThreads::wake_waiting() {
  bool any = false;
  for (Worker& worker : workers_) {
    if (!worker.waits.load()) continue;
    any = true;
    pthread_kill(worker.thread, wake_signal());
  }
  return any;
}

void ConnectionThreads::end() {
  std::unique_lock lock(mutex_);
  ended_.store(true);
  // Again and again: who is just about to wait does not hear it.
  while (wake_waiting()) left_.wait_for(lock, kAskAgain);
}

void ConnectionThreads::join() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [this] { return workers_.empty(); });
}

}  // namespace metalwright::service
