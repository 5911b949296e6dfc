#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/object_fields.h"
#include "schemas/text.h"

/// What a target is asked to have, was given, or has: rows of kind, name and digest. A fleet of
/// 10,000 servers is 60,000 rows, so rows are plain and compact, and everything that costs more
/// (contents, fields, origins) is made only for the few that differ.
namespace metalwright::reconciler {

struct ResourceRow {
  Text kind;  ///< `file`, `host`, …; with the name and the target it is the address in a plan
  Text name;
  Digest digest;  ///< of all that the resource is made of; see `file_digest` for files

  /// The order of every table: kind, then name, by bytes.
  [[nodiscard]] static int compare(const ResourceRow& a, const ResourceRow& b);
  friend bool operator==(const ResourceRow&, const ResourceRow&) = default;
};

/// Rows ordered by kind and name, each once, with the memory that their texts live in.
struct ResourceTable {
  std::vector<ResourceRow> rows;
  std::vector<std::shared_ptr<const Arena>> arenas;

  /// Null where there is no such row.
  [[nodiscard]] const ResourceRow* find(std::string_view kind, std::string_view name) const;
};

/// The digest of a file resource: permission bits (07777) and content.
/// Equal to `Digester().add(<mode as 4 octal digits>).raw(content)`, so that it can be streamed.
[[nodiscard]] Digest file_digest(std::uint16_t mode, std::string_view content);

/// Files, lines of files and bundles of files are compared as a whole; a resource of any other kind
/// is an object of an API, made of fields (`encode_fields` is its content) and compared field by
/// field.
[[nodiscard]] constexpr bool by_fields(std::string_view kind) {
  return kind != "file" && kind != "host" && kind != "bundle" && kind != "node";
}

/// The digest of an object: `file_digest(0, content)`.
[[nodiscard]] Digest object_digest(std::string_view encoded_fields);

/// The bytes that a desired resource is made of: in memory, or a file of the host to copy from
/// (boot loaders, kernels and initrds).
struct Content {
  std::string bytes;
  std::string copy_from;  ///< absolute path; where it is not empty `bytes` is
  std::uint16_t mode = 0644;
  bool secret = false;  ///< holds a secret's value: never shown
};

/// Gives the content of a desired resource, by kind and name. Valid while the plan is applied;
/// quickest when asked in the order of the plan.
using ContentReader = std::function<Result<Content>(std::string_view kind, std::string_view name)>;

/// Takes the content of each desired resource in no particular order; a view during the call only.
using ContentSink =
    std::function<void(std::string_view kind, std::string_view name, std::string_view content)>;

/// What is known of a target's objects beyond the rows of the tables.
struct ObjectReaders {
  ContentReader desired;
  /// Every desired object at once: what `desired` gives, and quicker where most are wanted.
  std::function<Result<void>(const ContentSink&)> all_desired;
  /// The fields that were applied last. Empty where none ever were.
  std::function<Result<ObjectFields>(std::string_view kind, std::string_view name)> applied;
};

}  // namespace metalwright::reconciler
