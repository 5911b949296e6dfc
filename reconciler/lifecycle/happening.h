#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/lifecycle/dhcp_frame.h"
#include "reconciler/lifecycle/registry.h"
#include "reconciler/lifecycle/state_machine.h"
#include "reconciler/store/lifecycle_events.h"
#include "schemas/bmc_vendors.h"
#include "schemas/error.h"

/// Events as the store keeps them, and what follows from one as steps that can be written down
/// before they are made. Pure: no NetBox, no clock.
namespace metalwright::lifecycle {

/// What an event says besides its kind and subject.
struct EventFacts {
  std::optional<Ipv4Address> ip;  ///< of a lease
  std::string vendor;             ///< of the controller
  std::string hostname, relay;    ///< empty: none
  std::string reason;             ///< an operator's words
  std::string evidence;           ///< of a validation: Markdown, for the journal
  std::int64_t device = 0;        ///< NetBox's id, where the subject is not known by its name
  bool forced = false;
  friend bool operator==(const EventFacts&, const EventFacts&) = default;
};
[[nodiscard]] std::string facts_text(const EventFacts& facts);
/// Empty for what `facts_text` did not write.
[[nodiscard]] std::optional<EventFacts> parse_facts(std::string_view text);

/// A lease as an event; empty for one whose hardware address is of no vendor of controllers.
[[nodiscard]] std::optional<store::LifecycleEvent> lease_event(const Lease& lease,
                                                               std::span<const BmcPrefix> more,
                                                               std::string cause, Time now);

/// A thing to make.
struct Step {
  enum class What : std::uint8_t { change_state, assign_address, journal };
  What what = What::journal;
  JournalKind kind = JournalKind::info;
  std::string text;  ///< of a journal entry
  friend bool operator==(const Step&, const Step&) = default;
};

/// What follows from an event: decided once, and made as often as it takes.
struct Intent {
  std::int64_t device = 0;
  std::string name;
  State from = State::other, to = State::other;
  std::string from_word;       ///< as NetBox calls it: also of states that are not ours
  std::int64_t interface = 0;  ///< of a lease's controller
  std::string interface_name;
  std::optional<Ipv4Address> ip;
  bool refused = false;
  std::string because;
  std::vector<Step> steps;
  friend bool operator==(const Intent&, const Intent&) = default;
};
[[nodiscard]] std::string intent_text(const Intent& intent);
[[nodiscard]] std::optional<Intent> parse_intent(std::string_view text);

/// What follows from `event` for a device that is as `device` says. `controller` and `bound`, the
/// controller's addresses, are a lease's.
[[nodiscard]] Intent decide(const store::LifecycleEvent& event, Event kind, const EventFacts& facts,
                            const Device& device, const Controller* controller,
                            std::span<const Bound> bound);

}  // namespace metalwright::lifecycle
