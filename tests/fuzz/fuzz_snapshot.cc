// The reader of snapshots, and observing what was read.
#include <cstdint>
#include <string>
#include <string_view>

#include "reconciler/snapshot.h"
#include "reconciler/snapshot_target.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::reconciler;
  using metalwright::require;
  const std::string_view input = metalwright::as_text(bytes, size);
  const auto read = read_snapshot_json(input, "s");
  if (!read) {
    require(!metalwright::has_control_character(read.error().message), "an error is printable");
    return 0;
  }
  const auto again = read_snapshot_json(snapshot_json(*read), "s");
  require(again.has_value() && *again == *read, "reading gives what was written");
  for (const TargetSnapshot& snapshot : read->targets) {
    SnapshotTarget target(snapshot);
    const ResourceTable applied = target.last_applied();
    const auto observed = target.observe({{}, applied, Look::full}, {});
    require(observed.has_value() == snapshot.error.empty(), "what was seen can be observed");
    for (const SnapshotRow& row : snapshot.rows) (void)target.read(row.kind, row.name);
  }
  return 0;
}
