#pragma once

#include <iterator>
#include <span>

#include "reconciler/resource.h"

/// Most that is decided about a target begins with what it should have beside what it was given
/// last: two ordered tables, read in one pass. What the target has now is not in it, since each
/// target finds that in its own way.
namespace metalwright::reconciler {

/// A resource in two tables; null where the one or the other does not have it, never both.
struct RowPair {
  const ResourceRow* desired = nullptr;
  const ResourceRow* applied = nullptr;

  /// Kind and name, by whichever has it; its digest is the desired one where there is one.
  [[nodiscard]] const ResourceRow& row() const { return desired != nullptr ? *desired : *applied; }
  /// Both have it, and it is desired as it was applied.
  [[nodiscard]] bool unchanged() const {
    return desired != nullptr && applied != nullptr && desired->digest == applied->digest;
  }
};

/// The rows of two ordered tables side by side, in their order:
///   for (const RowPair& pair : RowPairs(desired.rows, last_applied.rows)) …
/// Valid as long as the tables are.
class RowPairs {
 public:
  RowPairs(std::span<const ResourceRow> desired, std::span<const ResourceRow> applied)
      : desired_(desired), applied_(applied) {}

  class Iterator {
   public:
    Iterator(std::span<const ResourceRow> desired, std::span<const ResourceRow> applied)
        : desired_(desired.data()),
          desired_end_(desired_ + desired.size()),
          applied_(applied.data()),
          applied_end_(applied_ + applied.size()) {
      ++*this;
    }
    const RowPair& operator*() const { return pair_; }
    Iterator& operator++() {
      const int order = desired_ == desired_end_   ? 1
                        : applied_ == applied_end_ ? -1
                                                   : ResourceRow::compare(*desired_, *applied_);
      pair_.desired = order <= 0 ? desired_++ : nullptr;
      pair_.applied = order >= 0 && applied_ != applied_end_ ? applied_++ : nullptr;
      return *this;
    }
    bool operator==(std::default_sentinel_t /*end*/) const {
      return pair_.desired == nullptr && pair_.applied == nullptr;
    }

   private:
    const ResourceRow *desired_, *desired_end_, *applied_, *applied_end_;
    RowPair pair_;
  };

  [[nodiscard]] Iterator begin() const { return {desired_, applied_}; }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  std::span<const ResourceRow> desired_, applied_;
};

}  // namespace metalwright::reconciler
