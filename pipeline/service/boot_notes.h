#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "reconciler/store/store.h"

namespace metalwright::service {

class Metrics;

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
  BootNotes(store::Store& store, Metrics& metrics);
  ~BootNotes();
  BootNotes(const BootNotes&) = delete;
  BootNotes& operator=(const BootNotes&) = delete;

  void add(BootNote note);
  /// Waits until everything that was added before is written.
  void flush();

 private:
  struct Gathered {
    BootNote note;
    std::int64_t count = 0;
  };
  void write_all();
  void run();

  static constexpr std::size_t kMost = 20000;  // gathered at once
  store::Store& store_;
  Metrics& metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Gathered> gathered_;  // by MAC
  std::uint64_t added_ = 0, written_ = 0;
  int flushing_ = 0;  // that wait for it
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace metalwright::service
