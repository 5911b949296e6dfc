#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/yaml_reader.h"
#include "schemas/field_table.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

/// Reading nodes by the field tables: the one place where a table's row becomes a check and a
/// value. A value that is wrong is reported and then as if it was not given, so that one run
/// reports everything.
namespace metalwright::inventory {

/// Where a value is, in the words of the file: `servers` > `orion` > `ipv4`. A chain on the stack:
/// it becomes text only in a message.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;  ///< of a key; empty for an item of a list
  std::size_t index = 0;

  /// `servers.orion.interfaces.eth0.mac`, `targets[2].root`.
  [[nodiscard]] std::string text() const;
};

/// What the readers of one document share.
struct Reading {
  std::string_view file;
  const Document* document = nullptr;
  ErrorList* errors = nullptr;

  /// Reports `<path>: <message>` at a place of the file.
  void report(const Check& check, const Path& path, Place place, std::string_view message) const;
  [[nodiscard]] Origin origin(Place place) const {
    return {std::string(file), place.line, place.column};
  }
};

/// A node and the path to it.
struct Value {
  const Reading* reading = nullptr;
  std::uint32_t node = 0;
  const Path* path = nullptr;

  [[nodiscard]] Place place() const { return reading->document->nodes[node].place; }
};

/// Reads a value that is one text of the type of `field`; empty where it is none (reported).
/// The view lives as long as the document.
[[nodiscard]] std::optional<std::string_view> read_text(const Value& value, const Field& field,
                                                        ValueType type);

/// A mapping, read by its table: unknown and missing keys are reported when it is made. The getters
/// take a key's number (`field_index`), check the value by its row, and are empty where it was not
/// given or is wrong.
class Fields {
 public:
  /// `place` is where a missing key is reported: that of the key which holds the mapping.
  Fields(const Value& value, Place place, const FieldTable& table);

  [[nodiscard]] bool given(std::size_t field) const { return values_[field] != 0; }
  /// Where the value stands; the mapping's own place where it was not given.
  [[nodiscard]] Place place(std::size_t field) const;
  [[nodiscard]] Origin origin(std::size_t field) const { return reading_->origin(place(field)); }

  [[nodiscard]] std::string_view text(std::size_t field) const;
  [[nodiscard]] std::string string(std::size_t field) const { return std::string(text(field)); }
  [[nodiscard]] std::optional<std::int64_t> integer(std::size_t field) const;
  [[nodiscard]] std::optional<bool> boolean(std::size_t field) const;
  /// The number of the word in the row's choices.
  [[nodiscard]] std::optional<std::size_t> choice(std::size_t field) const;
  [[nodiscard]] std::optional<std::chrono::seconds> duration(std::size_t field) const;
  [[nodiscard]] std::optional<MacAddress> mac(std::size_t field) const;
  [[nodiscard]] std::optional<Ipv4Interface> ipv4(std::size_t field) const;
  [[nodiscard]] std::optional<Ipv6Interface> ipv6(std::size_t field) const;
  /// The name in `{secret: NAME}`. What stands there instead is never shown: it may be one.
  [[nodiscard]] std::string_view secret(std::size_t field) const;

  /// The good items of a list of texts, in order.
  [[nodiscard]] std::vector<std::string_view> texts(std::size_t field) const;
  /// Calls `visit` for the items of a list, with the item's path and, for texts, after its check.
  using VisitItem = std::function<void(const Value&)>;
  void for_each_item(std::size_t field, const VisitItem& visit) const;
  /// Calls `visit` for the entries of a map whose name is good.
  using VisitEntry = std::function<void(std::string_view name, Place name_place, const Value&)>;
  void for_each_entry(std::size_t field, const VisitEntry& visit) const;
  /// Calls `visit` for a mapping, once; for one that may be written as a text, see `Value`.
  using VisitObject = std::function<void(const Value&, Place key_place)>;
  void for_object(std::size_t field, const VisitObject& visit) const;

  void report(const Check& check, std::size_t field, std::string_view message) const;
  /// Reports at the mapping's own place.
  void report(const Check& check, std::string_view message) const;
  [[nodiscard]] const Reading& reading() const { return *reading_; }
  [[nodiscard]] const Path& path() const { return *path_; }

 private:
  static constexpr std::size_t kMostFields = 48;
  [[nodiscard]] Value value(std::size_t field, Path& path) const;

  const Reading* reading_;
  const Path* path_;
  const FieldTable* table_;
  Place place_;
  std::array<std::uint32_t, kMostFields> values_{};  // nodes; 0: not given
  std::array<std::uint32_t, kMostFields> keys_{};
};

/// Reports a value of another kind than wanted, unless it is broken. Empty lists and mappings may
/// be written as nothing at all: then false comes back without a report.
[[nodiscard]] bool is_kind(const Value& value, NodeKind kind, std::string_view wanted);

/// The entries of a map, as `Fields::for_each_entry`, for one that is not in a `Fields`.
void for_each_entry(const Value& map, ValueType key_type, std::string_view wanted,
                    const Fields::VisitEntry& visit);

/// Reports a key that the table does not have, naming the nearest one.
void report_unknown_key(const Reading& reading, const Path& path, const FieldTable& table,
                        std::string_view key, Place place);

/// True for a name that may stand as a key of the type; reported where it is none.
[[nodiscard]] bool check_key(const Reading& reading, const Path& parent, std::string_view name,
                             Place place, ValueType key_type);

}  // namespace metalwright::inventory
