#pragma once

#include <cstdint>

#include "inventory/yaml_document.h"

/// What a mapping must not do, and what it may: keys that repeat, and `<<`.
namespace metalwright::inventory {

/// Reports every key that stands in the mapping already, naming the first place.
void report_repeated_keys(const Document& document, std::uint32_t mapping,
                          const FileReport& report);

/// The key is `<<`, and not in quotes.
[[nodiscard]] bool is_merge_key(const Document& document, std::uint32_t key);

/// Replaces `<<` in the mapping, which ends the document: the pairs of the mappings that it names
/// are added behind the mapping's own, and what is there already stays. Reports a value that is no
/// mapping and no list of mappings. (https://yaml.org/type/merge.html)
void merge_mappings(Document& document, std::uint32_t mapping, const FileReport& report);

}  // namespace metalwright::inventory
