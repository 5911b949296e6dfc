#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "schemas/netbox.h"

/// The kinds of objects that we keep in a NetBox, as a table: where each stands in the API, in
/// which order they refer to one another, and how each of our fields is read and written there.
/// What no table can say (MAC addresses, tags) is in netbox_read.cc and netbox_write.cc.
namespace metalwright::reconciler {

enum class NetboxValue : std::uint8_t {
  text,
  number,   ///< written as a number; read as `7` although NetBox may say 7.0
  boolean,  ///< `true`, or not there
  choice,   ///< read as {value, label}, written as the value
  reference,
};

struct NetboxField {
  std::string_view name;  ///< ours
  std::string_view key;   ///< NetBox's
  NetboxValue value = NetboxValue::text;
  std::string_view kind = {};  ///< of a reference
  bool needed = false;         ///< NetBox does not let it be empty: it stays where we let go of it
  bool late = false;           ///< it refers to what can only be made after this object
};

struct NetboxKind {
  std::string_view kind;         ///< ours; see schemas/netbox.h
  std::string_view path;         ///< `/api/dcim/devices/`
  std::string_view object_type;  ///< `dcim.device`; empty where it has no tags and custom fields
  std::string_view filter;       ///< finds objects by what their names as resources are made of
  /// For `?fields=`: all that reading needs.
  std::string_view read;
  std::span<const NetboxField> fields;
  /// Vocabulary that people and we share: where one is there already, it is used as it is, and
  /// stays theirs.
  bool shared = false;
  bool whole = false;  ///< there are few: read with all that is not ours
};

/// Objects that a request writes at most.
inline constexpr std::size_t kMostWritten = 1000;

/// In the order in which they refer to one another: each only to those before it, late fields
/// aside.
[[nodiscard]] std::span<const NetboxKind> netbox_kinds();
/// Its place in that order; `netbox_kinds().size()` for what is none.
[[nodiscard]] std::size_t netbox_rank(std::string_view kind);
/// Null for what is none.
[[nodiscard]] const NetboxKind* find_netbox_kind(std::string_view kind);
[[nodiscard]] const NetboxField* find_netbox_field(const NetboxKind& kind, std::string_view name);

}  // namespace metalwright::reconciler
