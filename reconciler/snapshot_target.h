#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/snapshot.h"
#include "reconciler/target.h"

namespace metalwright::reconciler {

/// A target as a snapshot has it: it can be observed like the one that it was taken of, and not
/// changed. With `last_applied` in an empty store, the engine plans with it as it would have there.
class SnapshotTarget : public Target {
 public:
  /// The snapshot must live longer.
  explicit SnapshotTarget(const TargetSnapshot& snapshot) : snapshot_(snapshot) {}

  /// What was applied there last.
  [[nodiscard]] ResourceTable last_applied() const;

  [[nodiscard]] const std::string& name() const override { return snapshot_.target; }
  /// Error: `unavailable` where the target could not be observed when the snapshot was taken.
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  /// `secret` for what holds one. Error: `unavailable` where the snapshot leaves the content out.
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  /// Error: `refused`, always.
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override { return {}; }

 private:
  [[nodiscard]] const SnapshotRow* find(std::string_view kind, std::string_view name) const;
  const TargetSnapshot& snapshot_;
};

}  // namespace metalwright::reconciler
