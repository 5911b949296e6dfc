#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/object_diff.h"
#include "reconciler/targets/routeros/rest_client.h"
#include "renderers/routeros/menu.h"
#include "schemas/object_fields.h"

/// What a router has, as resources: whose row is which, and what its values mean. Reading is apart
/// from understanding, so that the latter is pure.
namespace metalwright::reconciler {

/// The rows of menus, as they were given.
struct RouterRows {
  std::map<std::string_view, std::vector<RestRow>> menus;  ///< by path
  std::set<const routeros::Menu*> missing;                 ///< menus that this router does not have
  struct Address {
    std::string interface, address;  ///< `192.168.1.1/24`
  };
  std::vector<Address> addresses;  ///< enabled ones; IPv4 and IPv6, where they were asked for
};

/// One GET a menu. A menu that this router does not have is empty.
/// Errors: those of the client.
/// `prefixes` are those that interfaces are named by: where there are none, no address is read.
[[nodiscard]] Result<RouterRows> read_router_rows(RestClient& rest,
                                                  const std::set<const routeros::Menu*>& menus,
                                                  const std::set<std::string>& prefixes,
                                                  std::stop_token stop);

/// The same with some properties of each menu only.
using MenuProperties = std::map<const routeros::Menu*, std::vector<std::string_view>>;
[[nodiscard]] Result<RouterRows> read_router_rows(RestClient& rest, const MenuProperties& menus,
                                                  const std::set<std::string>& prefixes,
                                                  std::stop_token stop);

/// Adds the addresses that tell where these prefixes are: one GET a family that is among them.
[[nodiscard]] Result<void> read_addresses(RestClient& rest, const std::set<std::string>& prefixes,
                                          RouterRows& rows, const std::stop_token& stop);

/// Whether rows of this menu may name their interface by a prefix.
[[nodiscard]] bool names_interfaces(const routeros::Menu& menu);

/// Adds the prefix that a value names an interface by.
void note_prefix(std::string_view value, std::set<std::string>& prefixes);
/// Those of all fields.
void note_prefixes(const ObjectFields& fields, std::set<std::string>& prefixes);

/// The interface with an address in the prefix of `@192.168.1.0/24`; another text is given back.
/// Empty where no interface has one.
[[nodiscard]] std::string resolved_interface(const RouterRows& rows, std::string_view text);

/// What is desired of a resource; null where nothing is.
using DesiredFields =
    std::function<const ObjectFields*(std::string_view kind, std::string_view name)>;

struct ViewedRow {
  const routeros::Menu* menu = nullptr;
  std::string name;  ///< of the resource
  Presence presence = Presence::foreign;
  const RestRow* given = nullptr;
  ObjectFields fields;  ///< canonical; those that the row does not show as they are by default
};

/// The managed rows. Dynamic and builtin ones are nobody's and are left out. A row of somebody else
/// that stands where a desired one should has that one's name; others have none and are left out
/// too. Properties that only some versions have, and interfaces that are named by their prefix, are
/// shown as desired where they are right. `rows` must live longer. `concerns` tells which of our
/// rows are looked at; empty: all.
[[nodiscard]] std::vector<ViewedRow> view_rows(
    const RouterRows& rows, const DesiredFields& desired,
    std::span<const std::pair<std::string_view, std::string_view>> wanted,
    const std::function<bool(std::string_view kind, std::string_view name)>& concerns = {});

/// Counts rows of others that are as desired in all but our mark as what is desired: nothing is to
/// be done to them. Where such rows are taken over, they are left as foreign, so that they get it.
void accept_unmarked(std::vector<ViewedRow>& rows, const DesiredFields& desired);

/// What a row of these fields is known by, canonical; equal keys cannot stand beside each other.
[[nodiscard]] std::string row_key(const routeros::Menu& menu, const ObjectFields& fields,
                                  const RouterRows& rows);

/// The comment of a resource's row: `metalwright:dhcp-lease/orion`.
[[nodiscard]] std::string owner_comment(std::string_view kind, std::string_view name);

}  // namespace metalwright::reconciler
