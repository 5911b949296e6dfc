#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// Where a server is in its life. `active` means that it carries somebody's work: the boot-path
/// proof does not let its boot change unless its own entry did.
struct MachineState {
  std::string server;
  std::string state;  ///< `active`, and the other states of a server's life
  Time since;
  friend bool operator==(const MachineState&, const MachineState&) = default;
};

class Machines {
 public:
  explicit Machines(Connection& connection) : connection_(connection) {}

  /// Sets a server's state; `since` stays where it already is in that state.
  [[nodiscard]] Result<void> set(std::string_view server, std::string_view state, Time now);
  [[nodiscard]] Result<void> remove(std::string_view server);
  [[nodiscard]] Result<std::optional<MachineState>> find(std::string_view server) const;
  /// By server.
  [[nodiscard]] Result<std::vector<MachineState>> all() const;
  /// The servers in this state, by name.
  [[nodiscard]] Result<std::vector<std::string>> in_state(std::string_view state) const;

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
