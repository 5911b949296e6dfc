#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "reconciler/store/store.h"

namespace metalwright::service {

/// A boot that was answered.
struct BootNote {
  std::string mac, subject, decision, profile, address, uuid;
};

/// Writes boots down behind the answers: they are gathered while the store is busy, and repeated
/// ones of a machine become one with a count, so that the store never holds an answer up. What is
/// not yet written when the process is killed is lost: nothing depends on it (a hand-out of an
/// install does not go this way).
class BootNotes {
 public:
  explicit BootNotes(store::Store& store);
  ~BootNotes();
  BootNotes(const BootNotes&) = delete;
  BootNotes& operator=(const BootNotes&) = delete;

  void add(BootNote note);
  /// Waits until everything that was added before is written.
  void flush();
  /// Boots by decision since the start; for metrics.
  [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Gathered {
    BootNote note;
    std::int64_t count = 0;
  };
  void write_all();
  void run();

  static constexpr std::size_t kMost = 20000;  // gathered at once
  store::Store& store_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Gathered> gathered_;  // by MAC
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t dropped_ = 0, added_ = 0, written_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace metalwright::service
