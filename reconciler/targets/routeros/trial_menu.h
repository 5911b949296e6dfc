#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "reconciler/targets/routeros/steps.h"
#include "renderers/routeros/interpreter.h"

/// One menu of a router while an undo is tried on it. A plan is tried several times, and touches
/// few rows of many: what was looked at is shared (TrialRows), and each trial keeps what differs
/// from it (TrialMenu).
namespace metalwright::reconciler {

/// The rows as they were looked at. Values are canonical once they are asked for, and what a row
/// without a property has anyway is not among them.
class TrialRows {
 public:
  /// `rows` must live longer.
  TrialRows(const routeros::Menu& menu, const std::vector<RestRow>& rows);

  [[nodiscard]] const routeros::Menu& menu() const { return menu_; }
  [[nodiscard]] const std::vector<RestRow>& rows() const { return rows_; }
  /// Null where there is none.
  [[nodiscard]] const RestValues* find(std::string_view id) const;
  [[nodiscard]] RestValues kept(const RestValues& values) const;
  /// The same of what a set says: what it takes back to the default is there, and empty.
  [[nodiscard]] RestValues settings(const RestValues& values) const;
  /// The rows that have this canonical value.
  [[nodiscard]] std::vector<std::string_view> having(std::string_view name,
                                                     std::string_view value) const;
  /// Who has what `unique_key` tells; empty: nobody.
  [[nodiscard]] std::string_view owner(std::string_view key) const;

 private:
  using Index = std::unordered_multimap<std::string, std::size_t>;

  const routeros::Menu& menu_;
  const std::vector<RestRow>& rows_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
  mutable std::unordered_map<std::size_t, RestValues> kept_;
  mutable std::map<std::string, Index, std::less<>> indices_;  // by property
  mutable std::unordered_map<std::string, std::size_t> owners_;
  mutable bool owners_known_ = false;
};

class TrialMenu {
 public:
  /// Texts that are found by views.
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Touched = std::unordered_map<std::string, RestValues, HashText, std::equal_to<>>;  // by id

  explicit TrialMenu(const TrialRows& rows);

  [[nodiscard]] const routeros::Menu& menu() const { return base_.menu(); }
  [[nodiscard]] const TrialRows& base() const { return base_; }
  [[nodiscard]] const RestValues* find(std::string_view id) const;
  /// All ids that may have the value, and perhaps others; all of them where `name` is empty.
  [[nodiscard]] std::vector<std::string> having(std::string_view name,
                                                std::string_view value) const;
  /// Rows whose value of a property holds this text somewhere.
  [[nodiscard]] std::vector<std::string> holding(std::string_view name,
                                                 std::string_view part) const;
  /// Of the rows that were touched, those that are there.
  [[nodiscard]] const Touched& touched() const { return changed_; }

  [[nodiscard]] routeros::Ran<void> insert(const std::string& id, const RestValues& values,
                                           const std::string& before);
  [[nodiscard]] routeros::Ran<void> set(const std::string& id, const RestValues& values);
  void erase(const std::string& id);

  /// Whether the rows, without their ids, are what they were at the beginning; in an ordered menu
  /// in their order.
  [[nodiscard]] bool as_before() const;

 private:
  [[nodiscard]] bool untouched(std::string_view id) const {
    return !changed_.contains(id) && !gone_.contains(id);
  }
  [[nodiscard]] bool taken(std::string_view id, const RestValues& values);
  using Index = std::unordered_multimap<std::string, std::string>;  // by value, of touched rows
  void index(Index& moved, std::string_view name, const std::string& id,
             const RestValues& values) const;
  void put(const std::string& id, RestValues values);

  const TrialRows& base_;
  Touched changed_;
  // Rows of the base that were touched and are no more.
  std::unordered_set<std::string, HashText, std::equal_to<>> gone_;
  // Kept from the first question on; what a row no longer has stays in them, and is looked up.
  mutable std::map<std::string, Index, std::less<>> moved_;  // by property
  Index owners_;                                             // by unique key
  bool owners_known_ = false;
  std::vector<std::string> order_;  // of an ordered menu
};

}  // namespace metalwright::reconciler
