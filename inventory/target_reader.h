#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inventory/field_reader.h"
#include "schemas/host_config.h"

/// The `targets` of a host's configuration.
namespace metalwright::inventory {

/// Reads one target: the keys of its type, and that those it needs are there. `file` is the
/// configuration's, for relative paths.
[[nodiscard]] TargetConfig read_target(const Value& value, std::string_view file);

[[nodiscard]] MaxDeletes read_max_deletes(const Value& value, Place place);

/// What targets must not have in common: names and paths. `fields` are the whole configuration's.
void check_targets(const std::vector<TargetConfig>& targets, const Fields& fields);

/// The path, joined to the folder of `file` where it is relative; empty for an empty one.
[[nodiscard]] std::string resolved_path(std::string_view file, std::string_view path);

[[nodiscard]] SecretRef read_secret(const Fields& fields, std::size_t field);

}  // namespace metalwright::inventory
