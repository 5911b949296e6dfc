#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/desired_state.h"
#include "pipeline/layout.h"
#include "pipeline/pulse.h"
#include "reconciler/target.h"
#include "schemas/host_config.h"

namespace metalwright::reconciler {
struct RouterosTargetSettings;
}
namespace metalwright::store {
class Store;
}

namespace metalwright::pipeline {

/// Servers and the states that they are in, where a NetBox holds them.
using ServerStates = std::vector<std::pair<std::string, std::string>>;

/// How a router of the configuration is reached, and what is kept of it in the state's folder.
[[nodiscard]] reconciler::RouterosTargetSettings router_settings(const HostConfig& config,
                                                                 const TargetConfig& target,
                                                                 const std::string& state_folder);

/// The targets of a configuration, and what of the host goes into them: boot loaders, kernels,
/// initrds.
class HostTargets {
 public:
  /// Is told in `flush`, where something may be written, what the NetBox that holds the servers'
  /// states says of them.
  using OnStates = std::function<void(const ServerStates&)>;
  /// `store` must outlive them: what nodes report is there. So must `pulse`, which beats with
  /// every answer of an API that may be asked for hours; it may be null.
  [[nodiscard]] static Result<std::unique_ptr<HostTargets>> make(
      const HostConfig& config, const std::string& state_folder, store::Store& store,
      bool may_write, OnStates on_states = {}, Pulse* pulse = nullptr);
  ~HostTargets();

  [[nodiscard]] const std::vector<std::unique_ptr<reconciler::Target>>& all() const;
  /// Null where there is none of that name.
  [[nodiscard]] reconciler::Target* find(std::string_view name) const;
  /// The boot loaders of Debian's packages, as files of a boot tree.
  [[nodiscard]] Result<std::vector<HostFile>> boot_loaders();
  /// See DigestHostFile.
  [[nodiscard]] Result<HostFileDigests> digest(const std::string& path, std::uint16_t mode);
  /// Writes down what the targets remember of their last look.
  void flush();

 private:
  HostTargets();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::pipeline
