#include "pipeline/service/connection_threads.h"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <utility>

namespace metalwright::service {
namespace {
constexpr std::chrono::seconds kIdle{30};
constexpr std::size_t kStackBytes = 1024 * 1024;
}  // namespace

void ConnectionThreads::run(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    // A woken thread counts as idle until it runs: so jobs that wait count against the idle ones.
    if (idle_ < jobs_.size() && threads_ < most_ && add_thread()) ++threads_;
  }
  work_.notify_one();
}

bool ConnectionThreads::add_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Signals are for the thread that waits for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pthread_t thread{};
  const bool made = pthread_create(&thread, &attributes, enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return made;
}

void* ConnectionThreads::enter(void* self) {
  static_cast<ConnectionThreads*>(self)->work();
  return nullptr;
}

void ConnectionThreads::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool woken = work_.wait_for(lock, kIdle, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty() && (stopping_ || !woken)) break;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --threads_;
  // Under the lock: behind it `stop` may return, and this object be gone.
  ended_.notify_all();
}

void ConnectionThreads::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_.notify_all();
  ended_.wait(lock, [this] { return threads_ == 0; });
}

}  // namespace metalwright::service
