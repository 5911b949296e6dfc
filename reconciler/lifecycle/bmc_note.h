#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/error.h"

/// What a load is about to do, on disk: an address that is set at NetBox is to be told in the
/// journal, and these are two requests. Who is killed between them finds the entries here.
namespace metalwright::lifecycle {

/// An address that is about to be set, and its entry in the journal.
struct BmcEntry {
  std::int64_t device = 0, interface = 0;
  std::string mac, text;
  friend bool operator==(const BmcEntry&, const BmcEntry&) = default;
};

/// The entries of one chunk; `key` stands in each of them, so that they are found again.
struct BmcEntries {
  std::string key;
  std::vector<BmcEntry> entries;
  friend bool operator==(const BmcEntries&, const BmcEntries&) = default;
};

/// The file, locked for as long as it is open. Everything is written before NetBox is, so what is
/// not whole was never begun.
class BmcNote {
 public:
  /// Errors: `unavailable` [bmc-note] where the file cannot be made, or another load has it.
  [[nodiscard]] static Result<BmcNote> open(const std::string& path);
  BmcNote(BmcNote&& other) noexcept;
  BmcNote& operator=(BmcNote&&) = delete;
  ~BmcNote();

  /// What a load that was cut off left; empty where none did.
  [[nodiscard]] Result<BmcEntries> left() const;
  /// Replaces it, durably.
  [[nodiscard]] Result<void> keep(const BmcEntries& entries);
  [[nodiscard]] Result<void> clear();

 private:
  explicit BmcNote(int file) : file_(file) {}
  [[nodiscard]] Result<void> replace(const std::string& bytes);
  int file_;
};

}  // namespace metalwright::lifecycle
