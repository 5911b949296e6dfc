#include "cli/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <thread>

#include "cli/command.h"
#include "pipeline/loop.h"

namespace metalwright::cli {

// Signals are taken by a thread that waits for them: no handler, so nothing here is restricted to
// what a handler may do.
struct StopSignals::Thread {
  sigset_t signals{};
  sigset_t before{};
  std::jthread waiting;
};

StopSignals::StopSignals() : thread_(std::make_unique<Thread>()) {
  sigset_t& signals = thread_->signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, &thread_->before);
  thread_->waiting = std::jthread([this, signals](std::stop_token done) {
    const timespec tick{.tv_sec = 0, .tv_nsec = 100'000'000};
    while (!done.stop_requested()) {
      const int signal = sigtimedwait(&signals, nullptr, &tick);
      if (signal == SIGUSR1 || signal == SIGHUP) pipeline::wake_loop();
      if (signal != SIGINT && signal != SIGTERM) continue;
      if (source_.stop_requested()) _exit(kError);  // asked twice
      source_.request_stop();
    }
  });
}

StopSignals::~StopSignals() {
  thread_->waiting.request_stop();
  thread_->waiting.join();
  pthread_sigmask(SIG_SETMASK, &thread_->before, nullptr);
}

}  // namespace metalwright::cli
