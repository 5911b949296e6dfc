// The reader of snapshots, and observing what was read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "reconciler/snapshot.h"
#include "reconciler/snapshot_target.h"
#include "schemas/quote.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::reconciler;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto read = read_snapshot_json(input, "s");
  if (!read) {
    require(!metalwright::has_control_character(read.error().message));
    return 0;
  }
  const auto again = read_snapshot_json(snapshot_json(*read), "s");
  require(again.has_value() && *again == *read);
  for (const TargetSnapshot& snapshot : read->targets) {
    SnapshotTarget target(snapshot);
    const ResourceTable applied = target.last_applied();
    const auto observed = target.observe({}, applied, Look::full, {});
    require(observed.has_value() == snapshot.error.empty());
    for (const SnapshotRow& row : snapshot.rows) (void)target.read(row.kind, row.name);
  }
  return 0;
}
