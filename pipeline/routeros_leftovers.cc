#include "pipeline/routeros_leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "pipeline/routeros_draft_rows.h"
#include "renderers/routeros/menu.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

using reconciler::Presence;
using reconciler::RestRow;
using reconciler::ViewedRow;

/// Why rows of a kind that nothing names are no part of a repository.
std::string_view usual_reason(std::string_view kind) {
  struct Reason {
    std::string_view kind, text;
  };
  static constexpr std::array kReasons{
      Reason{"address-list", "of address lists, only who may reach the boot service is said"},
      Reason{"bridge-vlan", "its VLAN is that of no network that is imported"},
      Reason{"dhcp-lease", "it could not be kept as it is"},
      Reason{"dhcp-matcher", "of options, only those that name our boot files are said"},
      Reason{"dhcp-network", "it could not be kept as it is"},
      Reason{"dhcp-option", "of options, only those that name our boot files are said"},
      Reason{"dhcp-option-set", "of options, only those that name our boot files are said"},
      Reason{"dhcp-server", "no network that is imported is served by it"},
      Reason{"dns-static", "it is not the name of a server that is imported"},
      Reason{"ipv6-address-list", "of address lists, only who may reach the boot service is said"},
      Reason{"pool", "no DHCP server that is imported gives it out in one range"},
      Reason{"tftp", "of TFTP, only our boot loaders are said"},
      Reason{"vlan", "no network that is imported is on it and on a bridge's VLAN table"},
  };
  for (const Reason& reason : kReasons) {
    if (reason.kind == kind) return reason.text;
  }
  return "no network that is imported has it";
}

std::string shown_row(const routeros::Menu& menu, const RestRow& row) {
  std::string text(menu.path);
  for (const auto& [name, value] : row.values) {
    const routeros::Property* const property = menu.find(name);
    const bool telling = (property != nullptr && property->key()) || name == "address" ||
                         name == "comment" || name == "list" || name == "regexp";
    if (telling && !value.empty()) text += fmt::format(" {}={}", name, quoted(value));
  }
  return text;
}

/// What is set on a row and is not among what a repository says of it.
std::string shown_properties(const ViewedRow& row, const ObjectFields& wanted) {
  std::string left;
  for (const auto& [name, value] : row.given->values) {
    const routeros::Property* const property = row.menu->find(name);
    const bool mark = name == "comment" && value.starts_with(routeros::kOwnerMark);
    const bool state = std::find(routeros::kRowMarks.begin(), routeros::kRowMarks.end(), name) !=
                       routeros::kRowMarks.end();
    if (value.empty() || name == "disabled" || mark || state) continue;
    if (name != "comment" && find_field(wanted, name) != nullptr) continue;
    if (property != nullptr && property->absent != routeros::kUnknown &&
        routeros::canonical(property->type, value) == property->absent) {
      continue;
    }
    // A script may hold what is nobody's to see.
    const std::string shown =
        name.ends_with("-script") ? fmt::format("({} bytes)", value.size()) : quoted(value);
    left += fmt::format("{} {}={}", left.empty() ? "" : ",", name, shown);
  }
  return left;
}

}  // namespace

std::vector<std::string> router_leftovers(const reconciler::RouterRows& rows,
                                          const std::vector<ViewedRow>& viewed,
                                          const DesiredObjects& desired,
                                          const std::map<const RestRow*, std::string>& reasons) {
  std::vector<std::string> notes;
  std::map<const RestRow*, const ViewedRow*> said;
  for (const ViewedRow& row : viewed) {
    const bool wanted = desired.find(row.menu->kind, row.name) != nullptr;
    if (row.presence == Presence::ours && wanted) said[row.given] = &row;
    if (row.presence == Presence::ours && !wanted) {
      notes.push_back(shown_row(*row.menu, *row.given) +
                      ": it is marked as metalwright's and not said, so a plan removes it");
      said[row.given] = nullptr;
    }
  }
  for (const auto& [path, list] : rows.menus) {
    const routeros::Menu& menu = *routeros::find_menu(path);
    for (const RestRow& row : list) {
      if (is_routers_own(row)) continue;
      const auto at = said.find(&row);
      if (at == said.end()) {
        const auto reason = reasons.find(&row);
        notes.push_back(fmt::format(
            "{}: {}", shown_row(menu, row),
            reason == reasons.end() ? usual_reason(menu.kind) : std::string_view(reason->second)));
      } else if (at->second != nullptr) {
        const ViewedRow& is = *at->second;
        const std::string left = shown_properties(is, desired.find(is.menu->kind, is.name)->fields);
        if (left.empty()) continue;
        notes.push_back(fmt::format("{}: left as it is:{}", shown_row(menu, row), left));
      }
    }
  }
  return notes;
}

}  // namespace metalwright::pipeline
