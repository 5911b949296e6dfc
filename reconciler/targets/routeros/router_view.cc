#include "reconciler/targets/routeros/router_view.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "schemas/ip_address.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;
using routeros::Property;

constexpr std::array<std::string_view, 3> kAddressProperties{"address", "interface", "disabled"};

bool untouchable(const RestRow& row) {
  return std::any_of(row.values.begin(), row.values.end(), [](const auto& one) {
    return (one.second == "true" || one.second == "yes") &&
           std::find(routeros::kRowMarks.begin(), routeros::kRowMarks.end(), one.first) !=
               routeros::kRowMarks.end();
  });
}

/// The name in a comment of ours; empty where it is none.
std::string_view commented_name(const Menu& menu, const RestRow& row) {
  std::string_view comment = row.value("comment");
  if (!comment.starts_with(routeros::kOwnerMark)) return {};
  comment.remove_prefix(routeros::kOwnerMark.size());
  if (!comment.starts_with(menu.kind)) return {};
  comment.remove_prefix(menu.kind.size());
  return comment.starts_with('/') ? comment.substr(1) : std::string_view();
}

/// The name in a mark of ours; empty where it is none. A comment says it, where the router has one,
/// of rows that somebody renamed and of names that the repository chose as well.
std::string_view marked_name(const Menu& menu, const RestRow& row) {
  const std::string_view commented = commented_name(menu, row);
  if (!commented.empty() || !menu.owned_by_name()) return commented;
  const std::string_view name = row.value("name");
  return name.starts_with(routeros::kOwnerPrefix) ? name : std::string_view();
}

ObjectFields fields_of(const Menu& menu, const RestRow& row) {
  ObjectFields fields;
  fields.reserve(menu.properties.size());
  // The properties are sorted by name, as fields are.
  for (const Property& property : menu.properties) {
    const std::string_view given = row.value(property.name);
    std::string value = given.empty() && property.absent != routeros::kUnknown
                            ? std::string(property.absent)
                            : routeros::canonical(property.type, given);
    if (!value.empty()) fields.push_back({std::string(property.name), std::move(value)});
  }
  return fields;
}

/// Shows as desired what versions differ in, and interfaces by the prefix that they were meant by.
void adjust(const Menu& menu, const RestRow& row, const ObjectFields& desired,
            const RouterRows& rows, ObjectFields& fields) {
  for (const ObjectField& wanted : desired) {
    const Property* property = menu.find(wanted.name);
    if (property == nullptr) continue;
    const std::string* const given = find_field(fields, wanted.name);
    const bool told = given != nullptr;
    // A size in KiB is no size to compare.
    const bool rough = menu.files && told && property->type == routeros::ValueType::number &&
                       given->find_first_not_of("0123456789") != std::string::npos;
    // What only some versions have is compared where the router shows it, but for comments, which
    // tell nothing where rows are told by name.
    const bool unsaid =
        property->soft() && (wanted.name == "comment" || row.value(wanted.name).empty());
    if (rough || unsaid || property->ours() || (property->varies() && !told)) {
      set_field(fields, wanted.name, wanted.value);
    } else if (!routeros::prefix_of_interface(wanted.value).empty()) {
      const std::string* now = find_field(fields, wanted.name);
      if (now != nullptr && *now == resolved_interface(rows, wanted.value)) {
        set_field(fields, wanted.name, wanted.value);
      }
    }
  }
}

bool contains(std::string_view prefix, const std::string& address) {
  if (const auto wide = parse_ipv4_prefix(prefix)) {
    const auto at = parse_ipv4_interface(address);
    return at && wide->contains(at->address);
  }
  const auto wide = parse_ipv6_prefix(prefix);
  const auto at = parse_ipv6_interface(address);
  return wide && at && wide->contains(at->address);
}

Result<void> read_family(RestClient& rest, const char* menu, RouterRows& rows,
                         const std::stop_token& stop) {
  const Result<std::vector<RestRow>> list = rest.rows(menu, kAddressProperties, stop);
  if (!list) {
    if (list.error().check == "routeros-no-menu") return {};
    return tl::unexpected(list.error());
  }
  for (const RestRow& row : *list) {
    if (row.is_true("disabled")) continue;
    rows.addresses.push_back(
        {std::string(row.value("interface")), std::string(row.value("address"))});
  }
  return {};
}

}  // namespace

std::string owner_comment(std::string_view kind, std::string_view name) {
  return std::string(routeros::kOwnerMark) + std::string(kind) + '/' + std::string(name);
}

Result<RouterRows> read_router_rows(RestClient& rest, const std::set<const Menu*>& menus,
                                    const std::set<std::string>& prefixes, std::stop_token stop) {
  MenuProperties all;
  for (const Menu* menu : menus) all[menu] = told_properties(*menu);
  return read_router_rows(rest, all, prefixes, std::move(stop));
}

Result<RouterRows> read_router_rows(RestClient& rest, const MenuProperties& menus,
                                    const std::set<std::string>& prefixes, std::stop_token stop) {
  RouterRows rows;
  for (const auto& [menu, some] : menus) {
    std::vector<std::string_view> properties = some;
    properties.insert(properties.end(), routeros::kRowMarks.begin(), routeros::kRowMarks.end());
    Result<std::vector<RestRow>> list = rest.rows(menu->path, properties, stop);
    if (list) {
      rows.menus[menu->path] = std::move(*list);
    } else if (list.error().check == "routeros-no-menu") {
      rows.menus[menu->path] = {};
      rows.missing.insert(menu);
    } else {
      return tl::unexpected(with_context(list.error(), "while reading " + std::string(menu->path)));
    }
  }
  if (auto read = read_addresses(rest, prefixes, rows, stop); !read) {
    return tl::unexpected(read.error());
  }
  return rows;
}

Result<void> read_addresses(RestClient& rest, const std::set<std::string>& prefixes,
                            RouterRows& rows, const std::stop_token& stop) {
  for (const bool six : {false, true}) {
    const bool asked = std::any_of(
        prefixes.begin(), prefixes.end(),
        [&](const std::string& prefix) { return (prefix.find(':') != std::string::npos) == six; });
    if (!asked) continue;
    if (auto read = read_family(rest, six ? "/ipv6/address" : "/ip/address", rows, stop); !read) {
      return read;
    }
  }
  return {};
}

bool names_interfaces(const Menu& menu) { return menu.find("interface") != nullptr; }

void note_prefix(std::string_view value, std::set<std::string>& prefixes) {
  const std::string_view prefix = routeros::prefix_of_interface(value);
  if (!prefix.empty()) prefixes.emplace(prefix);
}

void note_prefixes(const ObjectFields& fields, std::set<std::string>& prefixes) {
  for (const ObjectField& field : fields) note_prefix(field.value, prefixes);
}

std::string resolved_interface(const RouterRows& rows, std::string_view text) {
  const std::string_view prefix = routeros::prefix_of_interface(text);
  if (prefix.empty()) return std::string(text);
  for (const RouterRows::Address& address : rows.addresses) {
    if (contains(prefix, address.address)) return address.interface;
  }
  return {};
}

std::string row_key(const Menu& menu, const ObjectFields& fields, const RouterRows& rows) {
  std::string key;
  for (const Property& property : menu.properties) {
    if (!property.key()) continue;
    const std::string* value = find_field(fields, property.name);
    std::string text = value != nullptr                        ? *value
                       : property.absent == routeros::kUnknown ? std::string()
                                                               : std::string(property.absent);
    if (text.starts_with('@')) text = resolved_interface(rows, text);
    key += text + '\x1f';
  }
  return key;
}

std::vector<ViewedRow> view_rows(
    const RouterRows& rows, const DesiredFields& desired,
    std::span<const std::pair<std::string_view, std::string_view>> wanted,
    const std::function<bool(std::string_view kind, std::string_view name)>& concerns) {
  std::vector<ViewedRow> viewed;
  for (const auto& [path, list] : rows.menus) {
    const Menu& menu = *routeros::find_menu(path);
    std::vector<const RestRow*> foreign;
    std::unordered_map<std::string_view, std::size_t> ours;  // into `viewed`
    for (const RestRow& row : list) {
      if (untouchable(row)) continue;
      const std::string_view name = marked_name(menu, row);
      if (name.empty()) {
        foreign.push_back(&row);
        continue;
      }
      if (concerns && !concerns(menu.kind, name)) continue;
      ViewedRow one{.menu = &menu,
                    .name = std::string(name),
                    .presence = Presence::ours,
                    .given = &row,
                    .fields = fields_of(menu, row)};
      if (const auto known = ours.find(name); known == ours.end()) {
        ours.emplace(name, viewed.size());
        viewed.push_back(std::move(one));
      } else {
        // Somebody copied a row with its comment: ours is the one that is where it should be.
        const ObjectFields* fields = desired(menu.kind, name);
        const std::string key = fields == nullptr ? std::string() : row_key(menu, *fields, rows);
        if (row_key(menu, one.fields, rows) == key) viewed[known->second] = std::move(one);
      }
    }
    if (foreign.empty()) continue;
    std::unordered_map<std::string, std::string_view> names;  // of what is missing, by key
    for (const auto& [kind, name] : wanted) {
      if (kind != menu.kind || ours.contains(name)) continue;
      const ObjectFields* fields = desired(kind, name);
      if (fields != nullptr) names.emplace(row_key(menu, *fields, rows), name);
    }
    if (names.empty()) continue;
    for (const RestRow* row : foreign) {
      ObjectFields fields = fields_of(menu, *row);
      const auto at = names.find(row_key(menu, fields, rows));
      if (at == names.end()) continue;
      viewed.push_back({.menu = &menu,
                        .name = std::string(at->second),
                        .presence = Presence::foreign,
                        .given = row,
                        .fields = std::move(fields)});
    }
  }
  for (ViewedRow& row : viewed) {
    const bool particular = std::any_of(
        row.menu->properties.begin(), row.menu->properties.end(), [](const Property& one) {
          return one.soft() || one.ours() ||
                 ((one.flags & routeros::kReference) != 0 && one.name == "interface");
        });
    if (!particular) continue;
    const ObjectFields* fields = desired(row.menu->kind, row.name);
    if (fields != nullptr) adjust(*row.menu, *row.given, *fields, rows, row.fields);
  }
  return viewed;
}

void accept_unmarked(std::vector<ViewedRow>& rows, const DesiredFields& desired) {
  for (ViewedRow& row : rows) {
    if (row.presence != Presence::foreign) continue;
    const ObjectFields* wanted = desired(row.menu->kind, row.name);
    if (wanted == nullptr) continue;
    const bool same = std::all_of(wanted->begin(), wanted->end(), [&](const ObjectField& field) {
      const std::string* now = find_field(row.fields, field.name);
      return field.name == "comment" || (now != nullptr && *now == field.value);
    });
    if (!same) continue;
    row.presence = Presence::ours;
    if (const std::string* mark = find_field(*wanted, "comment")) {
      set_field(row.fields, "comment", *mark);
    }
  }
}

}  // namespace metalwright::reconciler
