#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reconciler/store/provisioning.h"
#include "reconciler/target.h"
#include "reconciler/targets/nodes/node_standing.h"

/// Nodes that fetch their files themselves: what one has is what it reported, and a change is made
/// by offering it. So a plan shows the nodes that are behind as changes, applying waits a moment
/// for those that are listening, and a node that failed or fell silent leaves the target
/// incomplete until somebody has looked.
namespace metalwright::reconciler {

struct NodesTargetSettings {
  std::string name;
  std::chrono::milliseconds patience{5000};  ///< that an apply waits for nodes that are behind
  std::chrono::seconds silent_after{900};
  std::function<Result<std::vector<store::Node>>()> nodes;  ///< everything that was heard of
  std::function<Time()> clock;
};

/// Who never reported takes no part, but for nodes of a cluster, which must: the desired rows that
/// are about the others are left out.
[[nodiscard]] ResourceTable nodes_that_take_part(const ResourceTable& desired,
                                                 const std::vector<store::Node>& nodes);

class NodesTarget : public Target {
 public:
  explicit NodesTarget(NodesTargetSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] const std::string& name() const override { return settings_.name; }
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  /// Nothing: of what a node has only the hash is known.
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override;

 private:
  using Nodes = std::map<std::string, store::Node, std::less<>>;
  [[nodiscard]] Result<Nodes> nodes() const;

  NodesTargetSettings settings_;
};

}  // namespace metalwright::reconciler
