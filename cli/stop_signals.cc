#include "cli/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <utility>

#include "cli/command.h"
#include "pipeline/loop.h"

namespace metalwright::cli {

// Signals are taken by a thread that waits for them: no handler, so nothing here is restricted to
// what a handler may do.
struct StopSignals::Thread {
  sigset_t signals{};
  sigset_t before{};
  std::thread waiting;
};

StopSignals::StopSignals(std::function<void()> on_hangup) : thread_(std::make_unique<Thread>()) {
  sigset_t& signals = thread_->signals;
  sigemptyset(&signals);
  // SIGRTMIN is our own: it tells the thread that nobody waits any more.
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGRTMIN}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, &thread_->before);
  thread_->waiting = std::thread([this, signals, on_hangup = std::move(on_hangup)] {
    while (true) {
      const int signal = sigwaitinfo(&signals, nullptr);
      if (signal == SIGRTMIN) return;
      if (signal == SIGHUP && on_hangup) {
        on_hangup();
      } else if (signal == SIGUSR1 || signal == SIGHUP) {
        pipeline::wake_loop();
      }
      if (signal != SIGINT && signal != SIGTERM) continue;
      if (source_.stop_requested()) _exit(kError);  // asked twice
      source_.request_stop();
    }
  });
}

StopSignals::~StopSignals() {
  pthread_kill(thread_->waiting.native_handle(), SIGRTMIN);
  thread_->waiting.join();
  pthread_sigmask(SIG_SETMASK, &thread_->before, nullptr);
}

}  // namespace metalwright::cli
