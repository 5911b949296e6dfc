#pragma once

#include <span>
#include <string>
#include <string_view>

#include "schemas/field_table.h"

/// JSON Schemas (draft 7, which editors' YAML support knows best) made from the field tables. They
/// say what the tables say; the checks across keys and files are the loader's.
namespace metalwright {

/// A file that a user writes.
struct UserFile {
  std::string_view name;  ///< `inventory`: of `schemas/json/inventory.json` and `schema inventory`
  std::string_view path;  ///< where it lies, for people: `inventory.yaml, inventory/*.yaml`
  const FieldTable* table;
};

/// All of them, in the order of the reference.
[[nodiscard]] std::span<const UserFile> user_files();

/// The file's schema as JSON text with a line end: the bytes of `schemas/json/<name>.json`.
/// A YAML file uses it by its first line: `# yaml-language-server: $schema=<path or address>`.
[[nodiscard]] std::string json_schema(const UserFile& file);

}  // namespace metalwright
