#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "reconciler/lifecycle/registry.h"
#include "reconciler/lifecycle/runner.h"
#include "reconciler/netbox/netbox_api.h"
#include "reconciler/store/run_lock.h"
#include "reconciler/store/store.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

/// The servers' lives on one host: its state and its NetBox, put together. Needs neither the
/// repository nor the other targets.
namespace metalwright::pipeline {

class Lives {
 public:
  /// Opens the state, and reads what the NetBox wants to be told apart from its address: nothing is
  /// asked yet. `command` is what the lock is taken in the name of.
  /// Errors: `invalid` [lifecycle-netbox] where the configuration names no NetBox for it.
  [[nodiscard]] static Result<std::unique_ptr<Lives>> open(HostConfig config, std::string command);
  ~Lives();
  Lives(const Lives&) = delete;
  Lives& operator=(const Lives&) = delete;

  [[nodiscard]] const HostConfig& config() const { return config_; }
  [[nodiscard]] store::Store& store() { return *store_; }
  [[nodiscard]] lifecycle::Registry& registry() { return *registry_; }

  /// Takes the lock for events now and keeps it: for a process that will not be able to later on.
  /// Error: `unavailable` [run-locked].
  [[nodiscard]] Result<void> keep_lock();

  /// How taking the waiting events ended.
  struct Drained {
    std::size_t taken = 0;
    bool elsewhere = false;  ///< another process is at it, and takes ours too
  };
  /// Takes all waiting events, those that come meanwhile too. Errors as Runner::drain.
  [[nodiscard]] Result<Drained> drain(std::stop_token stop,
                                      const lifecycle::Runner::OnEnd& on_end = {});

  /// Takes over from NetBox in which states the servers are: for what people change there. Returns
  /// how many there are.
  [[nodiscard]] Result<std::size_t> learn_states(std::stop_token stop);

 private:
  Lives(HostConfig config, std::string command);
  [[nodiscard]] Result<void> set_up();

  HostConfig config_;
  std::string command_;
  std::unique_ptr<store::Store> store_;
  std::optional<reconciler::NetboxApi> netbox_;
  std::unique_ptr<lifecycle::Registry> registry_;
  std::optional<store::RunLock> lock_;
};

/// The NetBox that holds the servers' states, with its token.
/// Errors: `invalid` [lifecycle-netbox], and the secret's.
[[nodiscard]] Result<reconciler::NetboxApi> lifecycle_netbox(const HostConfig& config);

}  // namespace metalwright::pipeline
