#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/lifecycle/state_machine.h"
#include "schemas/error.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::reconciler {
class NetboxApi;
}

/// NetBox as the keeper of the servers' states. Sources: NetBox's REST API, 3.7 to 4.6.
namespace metalwright::lifecycle {

/// How a NetBox tells the states that it does not have of its own, `discovered` and `ready`.
enum class StateSetup : std::uint8_t {
  choices,  ///< `FIELD_CHOICES` adds them to the devices' status: then `status` is the state
  field,  ///< a custom field `lifecycle` of devices holds the state; the status goes along with it
  none,   ///< neither: servers cannot be discovered
};
[[nodiscard]] std::string_view word(StateSetup setup);
/// What to do so that it can: the exact lines.
[[nodiscard]] std::vector<std::string> state_setup_remedy();
/// The error for a NetBox that cannot, with the remedy: `refused` [lifecycle-states].
[[nodiscard]] Error missing_states();

/// The status that goes along with a state where a custom field holds the state: of those that
/// every NetBox has, the one that the server was in before.
[[nodiscard]] std::string_view status_of(State state);

/// The state that a status and the custom field `lifecycle` tell together: the field's word while
/// the status is the one that goes along with it. Where somebody changed the status by hand, the
/// status is what counts.
[[nodiscard]] std::string state_word(std::string_view status, std::string_view field);

/// A server as NetBox had it when it was asked.
struct Device {
  std::int64_t id = 0;
  std::string name, site;
  State state = State::other;
  std::string state_word;  ///< as it stands there: also of states that somebody else defined
  std::string status;
  std::string etag;          ///< from 4.6 on; empty before
  std::string last_updated;  ///< as it stands there
  std::optional<std::int64_t> oob_ip;
  friend bool operator==(const Device&, const Device&) = default;
};

/// The interface of a server's management controller.
struct Controller {
  std::int64_t interface = 0;
  std::string interface_name;
  std::int64_t device = 0;
  std::string device_name;
  bool management = false;  ///< it is `mgmt_only`, or has one of the names of such interfaces
};

/// An address of an interface.
struct Bound {
  std::int64_t id = 0;
  Ipv4Interface address;
  bool leased = false;  ///< made by `bind`: may be taken away again when the lease moves
};

enum class JournalKind : std::uint8_t { info, success, warning, danger };
[[nodiscard]] std::string_view word(JournalKind kind);

struct RegistryOptions {
  std::vector<std::string> interfaces{"bmc", "ilo", "idrac"};  ///< names, in any case
  std::uint8_t prefix_length = 24;  ///< of addresses that no prefix in NetBox contains
};

/// Errors of all calls: `unavailable` (unreachable, busy, or an answer that is none: again later),
/// `refused` [netbox-permission] (credentials or rights: a person has to do something), `conflict`
/// (somebody changed it meanwhile: look again), `invalid` [netbox-refused] (NetBox takes no such
/// value). Writes may be repeated after `unavailable`: each looks whether it was done.
class Registry {
 public:
  /// `netbox` must outlive it.
  Registry(reconciler::NetboxApi& netbox, RegistryOptions options)
      : netbox_(netbox), options_(std::move(options)) {}

  /// Asked once, and then remembered for as long as it is not `none`.
  [[nodiscard]] Result<StateSetup> setup(std::stop_token stop);

  /// Interfaces with this hardware address.
  [[nodiscard]] Result<std::vector<Controller>> controllers(const MacAddress& mac,
                                                            std::stop_token stop);
  /// Devices of this name, in any case.
  [[nodiscard]] Result<std::vector<Device>> named(std::string_view name, std::stop_token stop);
  /// Error: `invalid` [netbox-gone] where there is none (any more).
  [[nodiscard]] Result<Device> device(std::int64_t id, std::stop_token stop);
  /// All devices that have a name, by id.
  [[nodiscard]] Result<std::vector<Device>> devices(std::stop_token stop);
  /// The IPv4 addresses of an interface, by id.
  [[nodiscard]] Result<std::vector<Bound>> addresses(std::int64_t interface, std::stop_token stop);

  /// Changes the state of a device that is still as `seen`. Error: `conflict` where it is not.
  [[nodiscard]] Result<void> change_state(const Device& seen, State state, std::stop_token stop);

  /// Makes `ip` an address of the controller's interface, and the device's out-of-band address
  /// where it has none or had one that goes. Addresses that an earlier lease made are removed.
  /// Returns what was bound. Errors: `conflict` [address-elsewhere] where the address is another
  /// interface's and not by a lease: people's own records are left alone.
  [[nodiscard]] Result<Ipv4Interface> bind(const Device& device, const Controller& controller,
                                           Ipv4Address ip, std::stop_token stop);

  /// Writes a journal entry that carries `key`. With `look_first` only where none does.
  [[nodiscard]] Result<void> journal(std::int64_t device, JournalKind kind, std::string_view text,
                                     std::string_view key, bool look_first, std::stop_token stop);

  [[nodiscard]] const RegistryOptions& options() const { return options_; }

 private:
  reconciler::NetboxApi& netbox_;
  RegistryOptions options_;
  std::optional<StateSetup> setup_;
};

}  // namespace metalwright::lifecycle
