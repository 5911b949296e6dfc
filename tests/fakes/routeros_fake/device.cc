#include "tests/fakes/routeros_fake/device.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "schemas/ip_address.h"
#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

const std::string kNothing;

tl::unexpected<Refusal> refuse(std::string detail, int status = 400) {
  return tl::unexpected(Refusal{.status = status, .detail = std::move(detail)});
}

bool is_interface_menu(std::string_view path) {
  return path == "/interface" || path == "/interface/bridge" || path == "/interface/vlan";
}

constexpr std::array<std::string_view, 3> kInterfaceMenus{"/interface", "/interface/bridge",
                                                          "/interface/vlan"};

std::string hex_of(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return text;
}

/// A DHCP option's value as it goes over the wire, in hexadecimal; empty where it is none.
std::optional<std::string> option_bytes(std::string_view value) {
  std::string bytes;
  while (!value.empty()) {
    if (value.starts_with("0x")) {
      value.remove_prefix(2);
      std::string digits;
      while (!value.empty() && std::isxdigit(static_cast<unsigned char>(value.front())) != 0) {
        digits += value.front();
        value.remove_prefix(1);
      }
      if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
      for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
      }
      continue;
    }
    const bool plain = value.starts_with("s'");
    if (!plain && !value.starts_with('\'')) return std::nullopt;
    value.remove_prefix(plain ? 2 : 1);
    const std::size_t end = value.find('\'');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = value.substr(0, end);
    value.remove_prefix(end + 1);
    const auto address = plain ? std::nullopt : parse_ipv4(text);
    const bool number =
        !plain && !text.empty() && text.size() <= 3 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (address) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        bytes += static_cast<char>((address->value >> static_cast<unsigned>(shift)) & 255U);
      }
    } else if (number) {
      bytes += static_cast<char>(std::stoi(std::string(text)));
    } else {
      bytes += text;
    }
  }
  return hex_of(bytes);
}

}  // namespace

std::string id_text(std::uint32_t id) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[id & 15U]);
    id >>= 4U;
  } while (id != 0);
  return '*' + text;
}

Device::Device(const Menus& menus) : menus_(&menus) {
  for (const auto& [path, menu] : menus) {
    Table table;
    if (menu.single) {
      DeviceRow row;
      row.values.resize(menu.columns.size());
      table.rows.push_back(std::move(row));
    }
    tables_.emplace(path, std::move(table));
  }
}

const Menu* Device::menu(std::string_view path) const {
  const auto at = menus_->find(path);
  return at == menus_->end() ? nullptr : &at->second;
}

Device::Table& Device::table(const Menu& menu) { return tables_.find(menu.path)->second; }

const std::vector<DeviceRow>& Device::rows(const Menu& menu) const {
  return tables_.find(menu.path)->second.rows;
}

const std::string& Device::value(const Menu& menu, const DeviceRow& row,
                                 std::string_view column) const {
  const std::optional<std::size_t> at = menu.column(column);
  return at ? row.values[*at] : kNothing;
}

DeviceRow* Device::find_id(const Menu& menu, std::uint32_t id) {
  std::vector<DeviceRow>& rows = table(menu).rows;
  if (!menu.ordered) {
    const auto at = std::lower_bound(
        rows.begin(), rows.end(), id,
        [](const DeviceRow& row, std::uint32_t wanted) { return row.id < wanted; });
    return at == rows.end() || at->id != id ? nullptr : &*at;
  }
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const DeviceRow& row) { return row.id == id; });
  return at == rows.end() ? nullptr : &*at;
}

const DeviceRow* Device::find(const Menu& menu, std::string_view id_or_name) const {
  if (id_or_name.starts_with('*')) {
    char* end = nullptr;
    const std::string digits(id_or_name.substr(1));
    const unsigned long id = std::strtoul(digits.c_str(), &end, 16);
    if (end == digits.c_str() || *end != '\0') return nullptr;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the search changes nothing
    return const_cast<Device*>(this)->find_id(menu, static_cast<std::uint32_t>(id));
  }
  const std::optional<std::size_t> name = menu.column("name");
  if (!name) return nullptr;
  const std::vector<DeviceRow>& all = rows(menu);
  const auto at = std::find_if(all.begin(), all.end(), [&](const DeviceRow& row) {
    return row.values[*name] == id_or_name;
  });
  return at == all.end() ? nullptr : &*at;
}

bool Device::refers_to_something(const Column& column, std::string_view name) const {
  if (std::find(column.words.begin(), column.words.end(), name) != column.words.end()) return true;
  for (const std::string& path : column.menus) {
    if (path == "/interface") {
      for (const std::string_view one : kInterfaceMenus) {
        if (find(*menu(one), name) != nullptr) return true;
      }
    } else if (find(*menu(path), name) != nullptr) {
      return true;
    }
  }
  return false;
}

Outcome<std::string> Device::accepted(const Menu& menu, const Column& column,
                                      const std::string& text) const {
  if (menu.path == "/ip/dhcp-server/option" && column.name == "value" && !text.empty() &&
      !option_bytes(text)) {
    return refuse("invalid value for argument value");
  }
  if (menu.path == "/ip/dhcp-server/lease" && column.name == "address" && !parse_ipv4(text) &&
      !text.empty() && find(*this->menu("/ip/pool"), text) == nullptr) {
    return refuse("invalid value for argument address");
  }
  std::optional<std::string> canonical = canonical_value(column.kind, text);
  if (!canonical) return refuse("invalid value for argument " + column.name);
  if (column.kind == ValueKind::reference && !text.empty() && !refers_to_something(column, text)) {
    return refuse("input does not match any value of " + column.name);
  }
  if (column.kind == ValueKind::reference_list) {
    for (const std::string& name : split_list(text)) {
      if (!refers_to_something(column, name)) {
        return refuse("input does not match any value of " + column.name);
      }
    }
  }
  // `all` and `none` are what a row without the property has.
  if (menu.path == "/ip/dhcp-server/lease" && column.name == "server" && text == "all") return "";
  if (column.kind == ValueKind::reference && text == "none") return "";
  return *canonical;
}

Outcome<void> Device::check_unique(const Menu& menu, const DeviceRow& row) const {
  const std::optional<std::size_t> dynamic = menu.column("dynamic");
  for (const Menu::Unique& unique : menu.unique) {
    if (row.values[unique.columns.front()].empty()) continue;
    for (const DeviceRow& other : rows(menu)) {
      if (other.id == row.id) continue;
      const bool same = std::all_of(
          unique.columns.begin(), unique.columns.end(),
          [&](std::size_t column) { return other.values[column] == row.values[column]; });
      if (same && !(dynamic && other.values[*dynamic] == "true")) return refuse(unique.refusal);
    }
  }
  if (is_interface_menu(menu.path)) {
    const std::string& name = value(menu, row, "name");
    for (const std::string_view path : kInterfaceMenus) {
      if (path == menu.path) continue;
      if (find(*this->menu(path), name) != nullptr) {
        return refuse("failure: already have interface with such name");
      }
    }
  }
  return {};
}

void Device::derive(const Menu& menu, DeviceRow& row) const {
  if (menu.path == "/ip/dhcp-server/option") {
    row.values[*menu.column("raw-value")] =
        option_bytes(row.values[*menu.column("value")]).value_or("");
  }
  if (menu.path == "/ip/address") {
    if (const auto at = parse_ipv4_interface(row.values[*menu.column("address")])) {
      const std::uint8_t length = at->length.value_or(32);
      const std::uint32_t mask = length == 0 ? 0 : ~0U << (32U - length);
      row.values[*menu.column("network")] = Ipv4Address{at->address.value & mask}.text();
    }
    row.values[*menu.column("actual-interface")] = row.values[*menu.column("interface")];
  }
  if (menu.path == "/file") {
    row.values[*menu.column("size")] = std::to_string(row.values[*menu.column("contents")].size());
  }
}

Outcome<std::uint32_t> Device::add(const Menu& menu, const Properties& properties) {
  if (!menu.has("add")) return refuse("no such command");
  DeviceRow row;
  row.values.resize(menu.columns.size());
  for (std::size_t i = 0; i < menu.columns.size(); ++i) row.values[i] = menu.columns[i].fallback;
  std::uint32_t before = 0;
  for (const auto& [name, text] : properties) {
    if (name == "place-before" && menu.ordered) {
      const DeviceRow* other = find(menu, text);
      if (other == nullptr) return refuse("no such item");
      before = other->id;
      continue;
    }
    const std::optional<std::size_t> at = menu.column(name);
    if (!at || !menu.columns[*at].addable) return refuse("unknown parameter " + name);
    Outcome<std::string> value = accepted(menu, menu.columns[*at], text);
    if (!value) return tl::unexpected(value.error());
    row.values[*at] = std::move(*value);
  }
  for (std::size_t i = 0; i < menu.columns.size(); ++i) {
    if (menu.columns[i].required && row.values[i].empty() &&
        !properties.contains(menu.columns[i].name)) {
      return refuse("missing value(s) of argument(s) " + menu.columns[i].name);
    }
  }
  if (Outcome<void> unique = check_unique(menu, row); !unique) {
    return tl::unexpected(unique.error());
  }
  derive(menu, row);
  Table& target = table(menu);
  row.id = target.next_id++;
  const std::uint32_t id = row.id;
  target.rows.push_back(std::move(row));
  if (before != 0) (void)move(menu, id, before);
  return id;
}

Outcome<void> Device::set(const Menu& menu, std::uint32_t id, const Properties& properties) {
  DeviceRow* row = find_id(menu, id);
  if (row == nullptr) return refuse("", 404);
  if (value(menu, *row, "dynamic") == "true") return refuse("failure: can not change dynamic");
  DeviceRow changed = *row;
  for (const auto& [name, text] : properties) {
    const bool unset = name.starts_with('!');
    const std::optional<std::size_t> at = menu.column(unset ? name.substr(1) : name);
    if (!at || !menu.columns[*at].settable) return refuse("unknown parameter " + name);
    if (unset) {
      changed.values[*at].clear();
      continue;
    }
    if (text.empty() && menu.columns[*at].required) {
      return refuse("invalid value for argument " + name);
    }
    Outcome<std::string> value = accepted(menu, menu.columns[*at], text);
    if (!value) return tl::unexpected(value.error());
    changed.values[*at] = std::move(*value);
  }
  if (Outcome<void> unique = check_unique(menu, changed); !unique) return unique;
  derive(menu, changed);
  const std::string before = value(menu, *row, "name"), after = value(menu, changed, "name");
  *row = std::move(changed);
  if (before != after) retarget(menu, before, after);
  return {};
}

Outcome<void> Device::set(const Menu& menu, const Properties& properties) {
  DeviceRow& row = table(menu).rows.front();
  for (const auto& [name, text] : properties) {
    const std::optional<std::size_t> at = menu.column(name);
    if (!at || !menu.columns[*at].settable) return refuse("unknown parameter " + name);
    Outcome<std::string> value = accepted(menu, menu.columns[*at], text);
    if (!value) return tl::unexpected(value.error());
    row.values[*at] = std::move(*value);
  }
  return {};
}

Outcome<void> Device::remove(const Menu& menu, std::uint32_t id) {
  if (!menu.has("remove")) return refuse("no such command");
  const DeviceRow* row = find_id(menu, id);
  if (row == nullptr) return refuse("", 404);
  if (row->builtin) return refuse("failure: can not remove builtin");
  const std::string name = value(menu, *row, "name");
  std::vector<DeviceRow>& rows = table(menu).rows;
  rows.erase(rows.begin() + (row - rows.data()));
  if (!name.empty()) retarget(menu, name, id_text(id));
  return {};
}

Outcome<void> Device::move(const Menu& menu, std::uint32_t id, std::uint32_t before) {
  if (!menu.ordered) return refuse("no such command");
  const DeviceRow* row = find_id(menu, id);
  if (row == nullptr || (before != 0 && find_id(menu, before) == nullptr)) {
    return refuse("no such item");
  }
  if (before == id) return {};
  std::vector<DeviceRow>& rows = table(menu).rows;
  DeviceRow moved = *row;
  rows.erase(rows.begin() + (row - rows.data()));
  const auto at = std::find_if(rows.begin(), rows.end(),
                               [&](const DeviceRow& other) { return other.id == before; });
  rows.insert(before == 0 ? rows.end() : at, std::move(moved));
  return {};
}

/// What referred to a name refers to another one now, or to something deleted.
void Device::retarget(const Menu& menu, const std::string& from, const std::string& to) {
  const std::string_view path =
      is_interface_menu(menu.path) ? std::string_view("/interface") : std::string_view(menu.path);
  for (const auto& [other_path, other] : *menus_) {
    for (std::size_t i = 0; i < other.columns.size(); ++i) {
      const Column& column = other.columns[i];
      if (std::find(column.menus.begin(), column.menus.end(), path) == column.menus.end()) continue;
      for (DeviceRow& row : table(other).rows) {
        if (row.values[i].empty()) continue;
        std::vector<std::string> names = split_list(row.values[i]);
        std::replace(names.begin(), names.end(), from, to);
        row.values[i] = join_list(names);
      }
    }
  }
}

std::uint32_t Device::put(std::string_view path, const Properties& values, bool builtin) {
  const Menu& at = *menu(path);
  Table& target = table(at);
  DeviceRow fresh;
  DeviceRow& row = at.single ? target.rows.front() : fresh;
  if (!at.single) {
    row.values.resize(at.columns.size());
    for (std::size_t i = 0; i < at.columns.size(); ++i) row.values[i] = at.columns[i].fallback;
    row.id = target.next_id++;
  }
  row.builtin = builtin;
  for (const auto& [name, text] : values) row.values.at(at.column(name).value()) = text;
  derive(at, row);
  const std::uint32_t id = row.id;
  if (!at.single) target.rows.push_back(std::move(fresh));
  return id;
}

void Device::force(const Menu& menu, std::uint32_t id, std::string_view column, std::string value) {
  DeviceRow* row = menu.single ? &table(menu).rows.front() : find_id(menu, id);
  if (row != nullptr) row->values.at(menu.column(column).value()) = std::move(value);
}

void Device::drop_dynamic() {
  for (const auto& [path, menu] : *menus_) {
    const std::optional<std::size_t> dynamic = menu.column("dynamic");
    if (!dynamic) continue;
    std::erase_if(table(menu).rows,
                  [&](const DeviceRow& row) { return row.values[*dynamic] == "true"; });
  }
}

std::string Device::configuration() const {
  std::string text;
  for (const auto& [path, menu] : *menus_) {
    if (path == "/system/clock" || path == "/system/resource" || path == "/log") continue;
    std::vector<std::string> lines;
    for (const DeviceRow& row : rows(menu)) {
      std::string line = path;
      for (std::size_t i = 0; i < menu.columns.size(); ++i) {
        if (menu.columns[i].read_only || row.values[i].empty()) continue;
        line += ' ' + menu.columns[i].name + '=' + row.values[i];
      }
      if (value(menu, row, "dynamic") != "true") lines.push_back(line + '\n');
    }
    if (!menu.ordered) std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) text += line;
  }
  return text;
}

}  // namespace metalwright::fakes
