#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schemas/checks.h"

/// The tables that say what a user may write: one for every kind of mapping, one row a key. The
/// readers check by them, and the JSON Schemas, the reference and the "nearest key" hints are made
/// from them, so a key is added in one place. What a key means is said here; what it means together
/// with other keys is said by the semantic checks.
namespace metalwright {

/// How a value is written. Everything is text until the table says otherwise.
enum class ValueType : std::uint8_t {
  // One text.
  text,
  name,
  serial,
  host_name,
  host,  ///< a host name or an address
  mac_address,
  mac_prefix,  ///< the first octets of a MAC address, at least three
  ipv4_address,
  ip_address,
  ipv4_interface,  ///< an address, the prefix length optional
  ipv6_interface,
  ip_interface,  ///< of either family, with its prefix length
  ipv4_prefix,
  ipv6_prefix,
  ipv4_range,
  ipv6_range,
  ipv6_address,
  route_target,  ///< `default` or a prefix of either family
  integer,
  boolean,
  choice,
  duration,
  time_of_day,
  instant,  ///< a point in time, UTC
  interface_name,
  dhcp_server,
  url,  ///< http:// or https://
  sha256,
  asset_path,  ///< relative, beneath a folder of ours
  host_path,   ///< a path on the host
  state,
  git,
  listen_address,
  reload,
  // More than one.
  secret,  ///< `{secret: NAME}`
  object,  ///< a mapping with the keys of `table`
  list,    ///< a sequence of `item`s
  map,     ///< a mapping from names that the user chooses to `item`s
  any,     ///< whatever the user likes; not looked at
};

struct FieldTable;

/// One key of a mapping.
struct Field {
  std::string_view name;
  ValueType type = ValueType::text;
  std::string_view doc;  ///< one line for the reference, without a full stop
  bool required = false;
  std::int64_t min = 0, max = 0;  ///< integer: the limits; text: most bytes (0: 255)
  std::span<const std::string_view> choices{};
  std::string_view fallback{};        ///< the default, as it would be written
  ValueType item = ValueType::text;   ///< of a list or map
  ValueType key = ValueType::name;    ///< of a map: what its names are
  const FieldTable* table = nullptr;  ///< of an object, or of the items where they are objects
  bool single = false;                ///< an object may be written as its first key's text, a
                                      ///< list of one item as that item
};

struct FieldTable {
  std::string_view name;  ///< of the kind of thing: `server`, `interface`, …
  std::string_view doc;
  std::span<const Field> fields;
};

/// What is known of a type of text.
struct TypeFacts {
  std::string_view word;     ///< for the reference: `IPv4 address`
  std::string_view wanted;   ///< for messages, after "is not": `an IPv4 address`
  const Check* check;        ///< reported where the text is none
  std::string_view pattern;  ///< for the JSON Schema (ECMA 262); empty: any text
  std::string_view example;
};
[[nodiscard]] const TypeFacts& facts(ValueType type);

/// True for the types that are one text.
[[nodiscard]] bool is_scalar(ValueType type);

/// The number of a key in its table, at compile time: a key that is not there does not compile.
consteval std::size_t field_index(const FieldTable& table, std::string_view name) {
  for (std::size_t i = 0; i < table.fields.size(); ++i) {
    if (table.fields[i].name == name) return i;
  }
  throw "no such key in the table";  // NOLINT: never runs
}

/// The key of the table that is most like `key`: by edit distance, blind to case and to `_` for
/// `-`. Never null unless the table is empty.
[[nodiscard]] const Field* nearest_field(const FieldTable& table, std::string_view key);
/// The same among words.
[[nodiscard]] std::string_view nearest_word(std::span<const std::string_view> words,
                                            std::string_view word);

}  // namespace metalwright
