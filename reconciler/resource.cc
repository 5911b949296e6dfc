#include "reconciler/resource.h"

#include <algorithm>
#include <cstdio>

namespace metalwright::reconciler {
namespace {
int compare_names(std::string_view kind_a, std::string_view name_a, std::string_view kind_b,
                  std::string_view name_b) {
  const int kinds = kind_a.compare(kind_b);
  return kinds != 0 ? kinds : name_a.compare(name_b);
}
}  // namespace

int ResourceRow::compare(const ResourceRow& a, const ResourceRow& b) {
  // Rows that one table took over from another share their text: then no byte needs to be read.
  if (a.name.same(b.name) && a.kind.same(b.kind)) return 0;
  return compare_names(a.kind, a.name, b.kind, b.name);
}

const ResourceRow* ResourceTable::find(std::string_view kind, std::string_view name) const {
  const auto at = std::partition_point(rows.begin(), rows.end(), [&](const ResourceRow& row) {
    return compare_names(row.kind, row.name, kind, name) < 0;
  });
  const bool found = at != rows.end() && at->kind == kind && at->name == name;
  return found ? &*at : nullptr;
}

Digest file_digest(std::uint16_t mode, std::string_view content) {
  thread_local Digester digester;
  char octal[5];
  std::snprintf(octal, sizeof octal, "%04o", static_cast<unsigned>(mode & 07777U));
  return digester.add(octal).raw(content).finish();
}

Digest object_digest(std::string_view encoded_fields) { return file_digest(0, encoded_fields); }

}  // namespace metalwright::reconciler
