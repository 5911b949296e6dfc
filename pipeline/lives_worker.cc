#include "pipeline/lives_worker.h"

#include <algorithm>
#include <random>
#include <utility>

namespace metalwright::pipeline {
namespace {
using std::chrono::milliseconds;
constexpr milliseconds kLook{1000};  // for events of other processes
constexpr milliseconds kFirstWait{1000}, kLongestWait{60'000};
constexpr std::chrono::hours kLearn{1};

/// Between half of it and all of it: taps of many hosts do not come back all at once.
milliseconds jittered(milliseconds wait) {
  std::minstd_rand generator{std::random_device{}()};
  return milliseconds(
      std::uniform_int_distribution<std::int64_t>(wait.count() / 2, wait.count())(generator));
}
}  // namespace

LivesWorker::LivesWorker(Lives& lives, Told told)
    : lives_(lives),
      told_(std::move(told)),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

LivesWorker::~LivesWorker() = default;

void LivesWorker::wake() { bell_.ring(); }

/// False where NetBox or the state does not answer.
bool LivesWorker::take(std::stop_token stop) {
  const auto waiting = lives_.store().lifecycle().waiting();
  Result<void> done;
  if (!waiting) {
    done = tl::unexpected<Error>(waiting.error());
  } else if (*waiting > 0) {
    const auto drained = lives_.drain(stop, told_.on_end);
    if (!drained) done = tl::unexpected<Error>(drained.error());
  }
  if (done && std::chrono::steady_clock::now() >= learn_at_) {
    const auto learned = lives_.learn_states(stop);
    if (!learned) done = tl::unexpected<Error>(learned.error());
    if (learned) learn_at_ = std::chrono::steady_clock::now() + kLearn;
  }
  if (stop.stop_requested()) return true;
  if (done && !trouble_.empty()) {
    trouble_.clear();
    if (told_.on_recovery) told_.on_recovery();
  } else if (!done && done.error().check != trouble_) {
    trouble_ = done.error().check;
    if (told_.on_trouble) told_.on_trouble(done.error(), waiting.value_or(0));
  }
  return done.has_value();
}

void LivesWorker::run(std::stop_token stop) {
  milliseconds wait = kFirstWait;
  while (!stop.stop_requested()) {
    if (take(stop)) {
      wait = kFirstWait;
      bell_.wait_for(stop, kLook);
    } else {
      // A lease that comes meanwhile waits too: NetBox is not there for it either.
      bell_.sleep(stop, jittered(wait));
      wait = std::min(wait * 2, kLongestWait);
    }
  }
}

}  // namespace metalwright::pipeline
