#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// A machine that nobody put into the inventory yet.
struct PendingMachine {
  std::string mac;
  std::string address;   ///< as it was seen or said; empty: not known
  std::string hostname;  ///< as it said
  std::string uuid;      ///< of its firmware, as it said
  std::string source;    ///< `boot` or `register`: where it was seen last
  Time first_seen, last_seen;
  friend bool operator==(const PendingMachine&, const PendingMachine&) = default;
};

/// A machine of the inventory that registered itself.
struct Registration {
  std::string mac;
  std::string server, interface, ipv4, ipv6;  ///< as the inventory said then
  Time registered;
  std::string status;  ///< `registered`, `online`, …
  std::string last_callback;
  std::optional<Time> last_callback_at;
  friend bool operator==(const Registration&, const Registration&) = default;
};

/// A node that phones home.
struct Node {
  std::string name;
  std::string state;  ///< `Pending`, `Provisioning`, `Active`, `Failed`
  std::string address, role, hostname, mac;
  std::string config_hash;  ///< of the configuration that it carries; empty: it did not say
  Time since;               ///< in this state
  Time last_seen;
  std::string applied_hash;  ///< of the bundle that it last reported as applied
  std::string report;        ///< that report, as JSON; empty: none
  std::optional<Time> reported;
  std::string desired_hash, desired_config;  ///< what it was to have when that was last looked at
  friend bool operator==(const Node&, const Node&) = default;
};

/// What machines and nodes said of themselves. All of it is untrusted text.
class Provisioning {
 public:
  explicit Provisioning(Connection& connection) : connection_(connection) {}

  /// Adds a pending machine, or renews what is known of it; `first_seen` stays, and an empty text
  /// leaves the older one. Beyond `most` machines the one that was not seen for the longest time is
  /// dropped. True: it is a new one.
  [[nodiscard]] Result<bool> see(const PendingMachine& machine, std::size_t most);
  [[nodiscard]] Result<bool> forget_pending(std::string_view mac);
  /// By MAC address.
  [[nodiscard]] Result<std::vector<PendingMachine>> pending() const;

  /// Writes a registration, and takes its MAC off the pending list.
  [[nodiscard]] Result<void> record(const Registration& registration);
  [[nodiscard]] Result<std::optional<Registration>> registration(std::string_view mac) const;
  /// By MAC address.
  [[nodiscard]] Result<std::vector<Registration>> registrations() const;

  /// Changes a node, or makes one, in one transaction, so that two that say something at once both
  /// count. `change` is given it as it is (`known`), or with its name alone, and returns whether it
  /// is to be kept.
  [[nodiscard]] Result<void> change_node(
      std::string_view name, const std::function<Result<bool>(Node& node, bool known)>& change);
  [[nodiscard]] Result<void> record(const Node& node);
  [[nodiscard]] Result<std::optional<Node>> node(std::string_view name) const;
  /// By name.
  [[nodiscard]] Result<std::vector<Node>> nodes() const;
  [[nodiscard]] Result<bool> forget_node(std::string_view name);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
