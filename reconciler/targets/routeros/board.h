#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/steps.h"
#include "renderers/routeros/menu.h"

/// The rows of one menu while steps are tried out on them, and what RouterOS lets only one row of a
/// menu have.
namespace metalwright::reconciler {

/// Properties that no two rows have alike, together.
using Group = std::vector<std::string_view>;
[[nodiscard]] const std::vector<Group>& unique_groups(std::string_view menu);
[[nodiscard]] bool unique_property(std::string_view menu, std::string_view property);

/// What a row with these values has that no other may have: a key a group. None of a group whose
/// first property is not set: such rows never meet.
[[nodiscard]] std::vector<std::string> unique_keys(const routeros::Menu& menu,
                                                   const RestValues& values);

/// A property by which a row of this menu can make room for another one for a moment, and values
/// of it that nobody has; empty where there is none.
[[nodiscard]] std::string_view spare_property(std::string_view menu);
[[nodiscard]] std::string spare_value(std::string_view property, unsigned number);

[[nodiscard]] std::string_view value_of(const RestValues& values, std::string_view name);
/// The row after a set.
[[nodiscard]] RestValues changed(RestValues row, const RestValues& values);

class Board {
 public:
  Board(const routeros::Menu& menu, const std::vector<RestRow>& rows);

  /// The rows that have what a row with these values would have.
  [[nodiscard]] std::vector<std::string> all_taken_by(const std::string& id,
                                                      const RestValues& values) const;
  /// The first of them; empty: nobody.
  [[nodiscard]] std::string taken_by(const std::string& id, const RestValues& values) const;
  void put(const std::string& id, RestValues values);
  void erase(const std::string& id);
  /// Null where there is none.
  [[nodiscard]] const RestValues* find(const std::string& id) const;

 private:
  const routeros::Menu& menu_;
  std::unordered_map<std::string, RestValues> rows_;
  std::unordered_map<std::string, std::string> owners_;
};

}  // namespace metalwright::reconciler
