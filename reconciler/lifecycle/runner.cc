#include "reconciler/lifecycle/runner.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/fault.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::fault_point;
using store::LifecycleEnd;
using store::LifecycleEvent;
using store::LifecycleOutcome;
using Failed = tl::unexpected<Error>;

constexpr int kDecisions = 5;  // of one event, while somebody keeps changing the server
constexpr std::size_t kHistory = 100'000;

/// Errors that end an event: what was asked for cannot be made, and never will be. The others leave
/// it waiting.
bool final(const Error& error) { return error.kind == ErrorKind::invalid; }

LifecycleEnd end_of(LifecycleOutcome outcome, std::string server, std::string result) {
  return {outcome, std::move(server), "", "", std::move(result)};
}

std::string payload(const LifecycleEvent& event, const LifecycleEnd& end, const Intent& intent) {
  nlohmann::ordered_json object{{"id", event.key},
                                {"event", event.event},
                                {"server", intent.name},
                                {"device", intent.device},
                                {"from", end.from},
                                {"to", end.to},
                                {"outcome", word(end.outcome)},
                                {"because", intent.because},
                                {"cause", event.cause},
                                {"at", utc_text(event.at)}};
  if (event.event == word(Event::lease)) object["mac"] = event.subject;
  const json facts = json::parse(event.facts, nullptr, false);
  if (facts.is_object()) object["facts"] = facts;
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}
}  // namespace

/// How the steps of an intent went.
struct Runner::Made {
  bool conflict = false;  ///< somebody changed the server first: nothing was made
  bool changed = true;    ///< the state is as it was to become
  std::string problem;    ///< what could not be made, and never will be
};

Result<std::size_t> Runner::drain(std::stop_token stop) {
  std::size_t taken = 0;
  while (!stop.stop_requested()) {
    const Result<std::optional<LifecycleEvent>> next = store_.lifecycle().next();
    if (!next) return Failed(next.error());
    if (!*next) break;
    LifecycleEvent event = **next;
    const Result<LifecycleEnd> end = take(event, stop);
    if (!end) return Failed(end.error());
    ++taken;
    event.outcome = end->outcome;
    event.server = end->server;
    event.from = end->from;
    event.to = end->to;
    event.result = end->result;
    event.ended = now_();
    if (on_end_) on_end_(event);
  }
  if (taken > 0) {
    if (Result<void> pruned = store_.lifecycle().prune(kHistory); !pruned) {
      return Failed(std::move(pruned).error());
    }
  }
  return taken;
}

Result<LifecycleEnd> Runner::take(const LifecycleEvent& event, std::stop_token stop) {
  std::optional<Intent> intent = parse_intent(event.intent);
  bool again = intent.has_value();
  for (int decision = 0; decision < kDecisions; ++decision) {
    if (!intent) {
      LifecycleEnd otherwise;
      Result<std::optional<Intent>> made = decided(event, otherwise, stop);
      if (!made) {
        if (!final(made.error())) return Failed(std::move(made).error());
        otherwise = end_of(LifecycleOutcome::failed, "", made.error().message);
        made = std::nullopt;
      }
      if (!*made) {
        if (Result<void> kept = record(event, otherwise, nullptr); !kept) {
          return Failed(std::move(kept).error());
        }
        return otherwise;
      }
      intent = std::move(**made);
      fault_point("lifecycle.decided");
      if (Result<void> kept = store_.lifecycle().intend(event.id, intent_text(*intent)); !kept) {
        return Failed(std::move(kept).error());
      }
      fault_point("lifecycle.intended");
    }
    const Result<Made> made = make(event, *intent, again, stop);
    if (!made) return Failed(made.error());
    if (made->conflict) {
      intent.reset();
      again = false;
      continue;
    }
    const bool changes = made->changed && intent->to != intent->from;
    LifecycleEnd end{LifecycleOutcome::done, intent->name, intent->from_word,
                     changes ? std::string(word(intent->to)) : intent->from_word, intent->because};
    if (intent->refused) end.outcome = LifecycleOutcome::refused;
    // A lease that only a warning follows from, and whatever nothing follows from.
    const bool warned = event.event == word(Event::lease) && intent->to == intent->from &&
                        intent->steps.size() == 1;
    if ((intent->steps.empty() || warned) && !intent->refused) {
      end.outcome = LifecycleOutcome::ignored;
    }
    if (!made->problem.empty()) {
      end.outcome = LifecycleOutcome::failed;
      end.result = made->problem;
    }
    fault_point("lifecycle.made");
    if (Result<void> kept = record(event, end, &*intent); !kept) {
      return Failed(std::move(kept).error());
    }
    fault_point("lifecycle.recorded");
    return end;
  }
  return unavailable("lifecycle-contended",
                     fmt::format("somebody else keeps changing the state of {}", event.subject));
}

Result<std::optional<Intent>> Runner::decided(const LifecycleEvent& event, LifecycleEnd& otherwise,
                                              std::stop_token stop) {
  const auto kind = parse_event(event.event);
  const auto facts = parse_facts(event.facts);
  if (!kind || !facts) {
    otherwise = end_of(LifecycleOutcome::failed, "", "not an event of this program's");
    return std::optional<Intent>();
  }
  return *kind == Event::lease ? decide_lease(event, *facts, otherwise, std::move(stop))
                               : decide_named(event, *kind, *facts, otherwise, std::move(stop));
}

Result<std::optional<Intent>> Runner::decide_lease(const LifecycleEvent& event,
                                                   const EventFacts& facts, LifecycleEnd& otherwise,
                                                   std::stop_token stop) {
  const auto mac = parse_mac_address(event.subject);
  if (!mac || !facts.ip) {
    otherwise = end_of(LifecycleOutcome::failed, "", "a lease without an address");
    return std::optional<Intent>();
  }
  const Result<std::vector<Controller>> found = registry_.controllers(*mac, stop);
  if (!found) return Failed(found.error());
  std::vector<Controller> controllers;
  for (const Controller& each : *found) {
    if (each.management) controllers.push_back(each);
  }
  if (controllers.size() != 1) {
    std::string result = "NetBox knows no interface with this MAC address";
    if (controllers.size() > 1) {
      result = fmt::format("{} interfaces in NetBox have this MAC address", controllers.size());
    } else if (!found->empty()) {
      result = fmt::format("{} of {} is no management interface", found->front().interface_name,
                           found->front().device_name);
    }
    otherwise = end_of(LifecycleOutcome::ignored, found->empty() ? "" : found->front().device_name,
                       std::move(result));
    return std::optional<Intent>();
  }
  const Controller& controller = controllers.front();
  const Result<Device> device = registry_.device(controller.device, stop);
  if (!device) return Failed(device.error());
  const Result<std::vector<Bound>> bound = registry_.addresses(controller.interface, stop);
  if (!bound) return Failed(bound.error());
  return std::optional(decide(event, Event::lease, facts, *device, &controller, *bound));
}

Result<std::optional<Intent>> Runner::decide_named(const LifecycleEvent& event, Event kind,
                                                   const EventFacts& facts, LifecycleEnd& otherwise,
                                                   std::stop_token stop) {
  if (facts.device != 0) {
    const Result<Device> device = registry_.device(facts.device, stop);
    if (!device) return Failed(device.error());
    return std::optional(decide(event, kind, facts, *device, nullptr, {}));
  }
  const Result<std::vector<Device>> found = registry_.named(event.subject, stop);
  if (!found) return Failed(found.error());
  if (found->size() != 1) {
    otherwise =
        end_of(LifecycleOutcome::failed, event.subject,
               found->empty() ? "NetBox has no server of this name"
                              : fmt::format("{} servers in NetBox have this name", found->size()));
    return std::optional<Intent>();
  }
  return std::optional(decide(event, kind, facts, found->front(), nullptr, {}));
}

/// True once the state is what is wanted; false where somebody else changed it to something else.
Result<bool> Runner::change_state(const Intent& intent, bool again, std::stop_token stop) {
  for (int look = 0; look < kDecisions; ++look) {
    const Result<Device> device = registry_.device(intent.device, stop);
    if (!device) return Failed(device.error());
    // Made before the process died, or before the answer got lost. The first time it is not ours.
    if (device->state == intent.to) return again || look > 0;
    if (device->state != intent.from || device->state_word != intent.from_word) return false;
    fault_point("lifecycle.change");
    const Result<void> changed = registry_.change_state(*device, intent.to, stop);
    fault_point("lifecycle.changed");
    if (changed) return true;
    if (changed.error().kind != ErrorKind::conflict) return Failed(changed.error());
  }
  return false;
}

Result<Runner::Made> Runner::make(const LifecycleEvent& event, const Intent& intent, bool again,
                                  std::stop_token stop) {
  Made made;
  std::string assignment;  // why the address could not be assigned
  int number = 0;
  for (const Step& step : intent.steps) {
    ++number;
    switch (step.what) {
      case Step::What::change_state: {
        const Result<bool> changed = change_state(intent, again, stop);
        if (!changed && !final(changed.error())) return Failed(changed.error());
        if (!changed) return Made{false, false, changed.error().message};
        if (!*changed) return Made{true, false, {}};
        break;
      }
      case Step::What::assign_address: {
        const Result<Device> device = registry_.device(intent.device, stop);
        if (!device) return Failed(device.error());
        Controller controller;
        controller.interface = intent.interface;
        controller.interface_name = intent.interface_name;
        fault_point("lifecycle.assign");
        const auto bound =
            registry_.bind(*device, controller, intent.ip.value_or(Ipv4Address{}), stop);
        fault_point("lifecycle.assigned");
        if (bound) break;
        if (!final(bound.error()) && bound.error().check != "address-elsewhere") {
          return Failed(bound.error());
        }
        assignment = bound.error().message;
        made.problem = fmt::format("{} was not assigned: {}",
                                   intent.ip ? intent.ip->text() : "the address", assignment);
        break;
      }
      case Step::What::journal: {
        const bool instead = !assignment.empty();
        fault_point("lifecycle.journal");
        const Result<void> written =
            registry_.journal(intent.device, instead ? JournalKind::warning : step.kind,
                              instead ? made.problem + '.' : step.text,
                              fmt::format("{}-{}", event.key.substr(0, 16), number), again, stop);
        fault_point("lifecycle.journaled");
        if (!written) {
          if (!final(written.error())) return Failed(written.error());
          made.problem = written.error().message;
        }
        break;
      }
    }
  }
  return made;
}

Result<void> Runner::record(const LifecycleEvent& event, const LifecycleEnd& end,
                            const Intent* intent) {
  const Time now = now_();
  return store_.transaction([&]() -> Result<void> {
    if (intent != nullptr && end.outcome != LifecycleOutcome::ignored) {
      const bool changed = end.from != end.to && end.outcome != LifecycleOutcome::refused;
      const auto told = store_.outbox().append(changed ? "server.state_changed" : "server.event",
                                               payload(event, end, *intent), now);
      if (!told) return Failed(told.error());
    }
    if (intent != nullptr && !intent->name.empty()) {
      if (Result<void> set = store_.machines().set(intent->name, end.to, now); !set) return set;
    }
    return store_.lifecycle().end(event.id, end, now);
  });
}

}  // namespace metalwright::lifecycle
