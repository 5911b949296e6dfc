#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

/// The fields of an object of an API target (a NetBox device, a RouterOS lease): the form in which
/// it is rendered, compared, recorded and shown.
namespace metalwright {

/// `value` is text in the target's one canonical spelling, such as `1500`, `52:54:00:12:34:56` or
/// `site-a/rack-3`. There are no empty values: a field without a value is not there.
struct ObjectField {
  std::string name, value;
  friend bool operator==(const ObjectField&, const ObjectField&) = default;
};

/// Ordered by name, each once.
using ObjectFields = std::vector<ObjectField>;

/// Null where there is no such field.
[[nodiscard]] const std::string* find_field(const ObjectFields& fields, std::string_view name);
/// Puts a field in its place; an empty value takes it out.
void set_field(ObjectFields& fields, std::string_view name, std::string value);

/// One line a field, `name=value`, with `\` and line ends in values escaped by a `\`: equal fields
/// are equal bytes.
[[nodiscard]] std::string encode_fields(const ObjectFields& fields);
/// Error: `invalid`, where the text is not what `encode_fields` writes.
[[nodiscard]] Result<ObjectFields> decode_fields(std::string_view text);
/// Whether every field of `part` is in `whole`, with the same value. Both are encoded.
[[nodiscard]] bool holds_fields(std::string_view whole, std::string_view part);

}  // namespace metalwright
