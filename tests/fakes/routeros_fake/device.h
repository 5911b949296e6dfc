#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "tests/fakes/routeros_fake/menus.h"

/// The configuration of a router, with the rules that RouterOS keeps when it is changed: what
/// exists, what is unique, what refers to what, and what may not be touched. No network, no clock.
namespace metalwright::fakes {

/// Why a command was not carried out: what the REST server answers.
struct Refusal {
  int status = 400;
  std::string detail;
};
template <class T>
using Outcome = tl::expected<T, Refusal>;

using Properties = std::map<std::string, std::string, std::less<>>;

struct DeviceRow {
  std::uint32_t id = 0;
  bool builtin = false;
  std::vector<std::string> values;  ///< by column; empty: unset

  friend bool operator==(const DeviceRow&, const DeviceRow&) = default;
};

/// `*1A`.
[[nodiscard]] std::string id_text(std::uint32_t id);

class Device {
 public:
  explicit Device(const Menus& menus);

  [[nodiscard]] const Menus& menus() const { return *menus_; }
  /// Null where the router has no such menu.
  [[nodiscard]] const Menu* menu(std::string_view path) const;
  [[nodiscard]] const std::vector<DeviceRow>& rows(const Menu& menu) const;
  /// A value as it is given; empty: unset.
  [[nodiscard]] const std::string& value(const Menu& menu, const DeviceRow& row,
                                         std::string_view column) const;
  /// By `*1A`, or by the name where the menu has names. Null where there is none.
  [[nodiscard]] const DeviceRow* find(const Menu& menu, std::string_view id_or_name) const;

  /// What a user may do.
  [[nodiscard]] Outcome<std::uint32_t> add(const Menu& menu, const Properties& properties);
  [[nodiscard]] Outcome<void> set(const Menu& menu, std::uint32_t id, const Properties& properties);
  /// Of a menu with a single row.
  [[nodiscard]] Outcome<void> set(const Menu& menu, const Properties& properties);
  [[nodiscard]] Outcome<void> remove(const Menu& menu, std::uint32_t id);
  /// In front of `before`; at the end where that is 0.
  [[nodiscard]] Outcome<void> move(const Menu& menu, std::uint32_t id, std::uint32_t before);

  /// What the router itself does: no rule holds. Makes a row and gives its id.
  std::uint32_t put(std::string_view path, const Properties& values, bool builtin = false);
  /// Sets any column.
  void force(const Menu& menu, std::uint32_t id, std::string_view column, std::string value);
  /// Takes away what is dynamic, as a reboot does.
  void drop_dynamic();

  /// Everything that a user has configured, a line a row without ids, for comparing whole states:
  /// `/ip/pool name=pool1 ranges=…`. Rows in the order of the menus that have one, else sorted.
  [[nodiscard]] std::string configuration() const;

 private:
  struct Table {
    std::vector<DeviceRow> rows;
    std::uint32_t next_id = 1;
  };
  [[nodiscard]] Table& table(const Menu& menu);
  [[nodiscard]] DeviceRow* find_id(const Menu& menu, std::uint32_t id);
  [[nodiscard]] Outcome<std::string> accepted(const Menu& menu, const Column& column,
                                              const std::string& text) const;
  [[nodiscard]] bool refers_to_something(const Column& column, std::string_view name) const;
  [[nodiscard]] Outcome<void> check_unique(const Menu& menu, const DeviceRow& row) const;
  void retarget(const Menu& menu, const std::string& from, const std::string& to);
  void derive(const Menu& menu, DeviceRow& row) const;

  const Menus* menus_;
  std::map<std::string, Table, std::less<>> tables_;
};

}  // namespace metalwright::fakes
