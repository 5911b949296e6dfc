#include "pipeline/service/boot_notes.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "pipeline/service/metrics.h"

namespace metalwright::service {
namespace {
constexpr std::size_t kMostPending = 10000;
// Under load writing pauses, so that thousands of boots become few transactions.
constexpr std::chrono::milliseconds kPause{50};

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
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = gathered_.empty();
    if (gathered_.size() >= kMost && !gathered_.contains(note.mac)) {
      metrics_.dropped(1);
      return;
    }
    Gathered& gathered = gathered_[note.mac];
    gathered.note = std::move(note);
    ++gathered.count;
    ++added_;
  }
  if (first) changed_.notify_all();
}

void BootNotes::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = added_;
  changed_.wait(lock, [&] { return written_ >= wanted || stopping_; });
}

void BootNotes::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !gathered_.empty(); });
      if (gathered_.empty()) return;
    }
    write_all();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPause, [this] { return stopping_; });
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
