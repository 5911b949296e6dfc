#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inventory/repository_files.h"
#include "pipeline/desired_state.h"
#include "reconciler/plan.h"
#include "schemas/model.h"

/// Where everything about one server comes from, and what became of it.
namespace metalwright::pipeline {

struct ExplainedValue {
  std::string path;  ///< `interfaces.eth0.mac`
  std::string value;
  Origin origin;
};

struct ExplainedResource {
  std::string address;  ///< `tftp/file/pxelinux.cfg/01-…`
  std::string state;    ///< `in place`, `to be created`, `drifted`, …
};

struct Explanation {
  std::string server;
  Origin origin;
  std::vector<ExplainedValue> values;  ///< in the file's order
  std::vector<std::string> notes;      ///< profile, cluster and network, and why
  std::vector<ExplainedResource> resources;
};

/// The server of that name, else the one that has the MAC address, IP address, host name or serial
/// number; null where there is none.
[[nodiscard]] const ServerEntry* find_server(const Model& model, std::string_view what);

/// What a planned change says of its resource: `to be created`, `drifted: somebody changed it`, …
[[nodiscard]] std::string state_word(const reconciler::Change& change);

/// `plan` may be null: then the resources' states are not known.
[[nodiscard]] Explanation explain(const Model& model, const inventory::RepositoryFiles& files,
                                  const DesiredState& state, const ServerEntry& entry,
                                  const reconciler::Plan* plan);

}  // namespace metalwright::pipeline
