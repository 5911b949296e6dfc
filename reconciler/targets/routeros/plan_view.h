#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/targets/routeros/router_view.h"
#include "schemas/object_fields.h"

namespace metalwright::reconciler {

[[nodiscard]] bool deletes(const Change& change);
/// What the row is called until the change is made.
[[nodiscard]] std::string_view old_name(const Change& change);
/// Whether a property that is no longer stated can be taken back to its default.
[[nodiscard]] bool can_unset(const routeros::Menu& menu, std::string_view name);

/// What a plan asks of a router, and what the router has of it.
class PlanView {
 public:
  /// Both must live longer.
  PlanView(std::span<const Change> changes, const ContentReader& content)
      : changes_(changes), content_(content) {}

  [[nodiscard]] Result<void> read_desired();
  [[nodiscard]] const std::set<const routeros::Menu*>& menus() const { return menus_; }
  [[nodiscard]] const std::set<std::string>& prefixes() const { return prefixes_; }
  /// Everything that a row may have to be made of again.
  [[nodiscard]] MenuProperties properties_to_keep() const;
  /// What names a row, and what is desired of any.
  [[nodiscard]] MenuProperties properties_to_verify() const;

  /// Sees the rows as what the plan is about; they must stay where they are as long as it does.
  /// Error: `unavailable` [routeros-no-menu] where a menu is gone that had a row of the plan.
  [[nodiscard]] Result<void> see(const RouterRows& rows);
  [[nodiscard]] const RouterRows& rows() const { return *rows_; }
  /// Null where there is none.
  [[nodiscard]] const ViewedRow* find(std::string_view kind, std::string_view name) const;
  [[nodiscard]] const ObjectFields* desired(std::string_view kind, std::string_view name) const;

  /// Error: `conflict` [routeros-verify] where the change is not in place.
  [[nodiscard]] Result<void> verify(const Change& change) const;

 private:
  using Name = std::pair<std::string_view, std::string_view>;  // kind and name
  struct HashName {
    std::size_t operator()(const Name& one) const {
      const std::hash<std::string_view> hash;
      return hash(one.first) * 31 + hash(one.second);
    }
  };
  template <class Value>
  using ByName = std::unordered_map<Name, Value, HashName>;

  std::span<const Change> changes_;
  const ContentReader& content_;
  ByName<ObjectFields> desired_;
  std::set<const routeros::Menu*> menus_;
  std::set<std::string> prefixes_;
  std::unordered_set<Name, HashName> concerned_;  // old names as well
  const RouterRows* rows_ = nullptr;
  std::vector<ViewedRow> viewed_;
  ByName<const ViewedRow*> by_name_;
};

}  // namespace metalwright::reconciler
