#include "pipeline/service/boot_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "pipeline/service/metrics.h"

namespace metalwright::service {
namespace {
constexpr std::size_t kMostPending = 10000;
// Writing pauses, so that under load thousands of boots become few transactions; and for longer the
// longer it takes, so that the answers keep the processor.
constexpr std::chrono::milliseconds kShortestPause{50}, kLongestPause{2000};
constexpr int kPauseForWriting = 10;  // times as long

Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}
}  // namespace

BootNotes::BootNotes(store::Store& store, Metrics& metrics)
    : store_(store), metrics_(metrics), writer_([this] { run(); }) {}

BootNotes::~BootNotes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  writer_.join();
}

void BootNotes::add(BootNote note) {
  metrics_.booted(note.decision, note.profile);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t before = gathered_.size();
    if (before >= kMost && !gathered_.contains(note.mac)) {
      metrics_.dropped(1);
      return;
    }
    Gathered& gathered = gathered_[note.mac];
    gathered.note = std::move(note);
    ++gathered.count;
    ++added_;
    wake = before == 0 || (before < kMost / 2 && gathered_.size() == kMost / 2);
  }
  if (wake) changed_.notify_all();
}

void BootNotes::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = added_;
  ++flushing_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return written_ >= wanted || stopping_; });
  --flushing_;
}

void BootNotes::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !gathered_.empty(); });
      if (gathered_.empty()) return;
    }
    const auto begin = std::chrono::steady_clock::now();
    write_all();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    std::unique_lock lock(mutex_);
    changed_.wait_for(
        lock, std::clamp(took * kPauseForWriting, kShortestPause, kLongestPause),
        [this] { return stopping_ || flushing_ > 0 || gathered_.size() >= kMost / 2; });
  }
}

void BootNotes::write_all() {
  std::map<std::string, Gathered> batch;
  std::uint64_t upto = 0;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(gathered_);
    upto = added_;
  }
  const Time now = now_utc();
  std::vector<store::BootSeen> seen;
  for (const auto& [mac, gathered] : batch) {
    const BootNote& note = gathered.note;
    seen.push_back(
        {mac, note.subject, note.decision, note.profile, note.address, gathered.count, now});
  }
  // A store that does not answer costs the notes and no boot; the metrics tell.
  const Result<void> written = store_.transaction([&]() -> Result<void> {
    if (Result<void> noted = store_.boots().note(seen); !noted) return noted;
    for (const auto& [mac, gathered] : batch) {
      const BootNote& note = gathered.note;
      std::string detail = note.decision;
      if (!note.profile.empty()) detail += ' ' + note.profile;
      if (gathered.count > 1) detail += fmt::format(" ({} times)", gathered.count);
      const auto entry = store_.audit().append(
          {0, now, note.address, "boot", note.subject.empty() ? mac : note.subject, detail});
      if (!entry) return tl::unexpected(entry.error());
      if (!note.subject.empty()) continue;
      const auto pending = store_.provisioning().see(
          {mac, note.address, "", note.uuid, "boot", now, now}, kMostPending);
      if (!pending) return tl::unexpected(pending.error());
    }
    return {};
  });
  const std::lock_guard lock(mutex_);
  if (!written) metrics_.dropped(batch.size());
  written_ = upto;
  changed_.notify_all();
}

}  // namespace metalwright::service
