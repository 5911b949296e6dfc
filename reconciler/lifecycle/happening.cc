#include "reconciler/lifecycle/happening.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/netbox/netbox_answer.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::id_of;
using reconciler::text_of;
using nlohmann::ordered_json;

constexpr std::string_view kStepWords[] = {"change-state", "assign-address", "journal"};
constexpr JournalKind kKinds[] = {JournalKind::info, JournalKind::success, JournalKind::warning,
                                  JournalKind::danger};

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool flag_of(const json& object, const char* member) {
  const auto at = object.find(member);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

std::optional<JournalKind> kind_of(Action action) {
  switch (action) {
    case Action::journal_info:
      return JournalKind::info;
    case Action::journal_success:
      return JournalKind::success;
    case Action::journal_warning:
      return JournalKind::warning;
    case Action::journal_danger:
      return JournalKind::danger;
    default:
      return {};
  }
}

/// Where the event comes from, for the journal.
std::string told(const store::LifecycleEvent& event, Event kind, const EventFacts& facts) {
  if (kind != Event::lease) {
    return facts.reason.empty() ? event.cause : fmt::format("{}: {}", event.cause, facts.reason);
  }
  std::string text =
      fmt::format("lease of {} to {}", facts.ip ? facts.ip->text() : "?", event.subject);
  std::string more = facts.vendor;
  if (!facts.hostname.empty()) {
    more += fmt::format("{}host name {}", more.empty() ? "" : ", ", facts.hostname);
  }
  if (!facts.relay.empty())
    more += fmt::format("{}relay {}", more.empty() ? "" : ", ", facts.relay);
  if (!more.empty()) text += fmt::format(" ({})", more);
  return fmt::format("{}, seen by {}", text, event.cause);
}

Address stands(const EventFacts& facts, std::span<const Bound> bound) {
  if (bound.empty() || !facts.ip) return Address::none;
  const bool same = std::any_of(bound.begin(), bound.end(), [&](const Bound& each) {
    return each.address.address == *facts.ip;
  });
  return same ? Address::same : Address::other;
}
}  // namespace

std::string facts_text(const EventFacts& facts) {
  ordered_json object = ordered_json::object();
  if (facts.ip) object["ip"] = facts.ip->text();
  if (!facts.vendor.empty()) object["vendor"] = facts.vendor;
  if (!facts.hostname.empty()) object["hostname"] = facts.hostname;
  if (!facts.relay.empty()) object["relay"] = facts.relay;
  if (!facts.reason.empty()) object["reason"] = facts.reason;
  if (!facts.evidence.empty()) object["evidence"] = facts.evidence;
  if (facts.device != 0) object["device"] = facts.device;
  if (facts.forced) object["forced"] = true;
  return dump(object);
}

std::optional<EventFacts> parse_facts(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return {};
  EventFacts facts;
  facts.ip = parse_ipv4(text_of(object, "ip"));
  facts.vendor = text_of(object, "vendor");
  facts.hostname = text_of(object, "hostname");
  facts.relay = text_of(object, "relay");
  facts.reason = text_of(object, "reason");
  facts.evidence = text_of(object, "evidence");
  facts.device = id_of(object, "device").value_or(0);
  facts.forced = flag_of(object, "forced");
  return facts;
}

std::optional<store::LifecycleEvent> lease_event(const Lease& lease,
                                                 std::span<const BmcPrefix> more, std::string cause,
                                                 Time now) {
  const std::string_view vendor = bmc_vendor(lease.mac, more);
  if (vendor.empty()) return {};
  EventFacts facts;
  facts.ip = lease.ip;
  facts.vendor = vendor;
  facts.hostname = lease.hostname;
  if (lease.relay.value != 0) facts.relay = lease.relay.text();
  store::LifecycleEvent event;
  event.at = now;
  event.event = word(Event::lease);
  event.subject = lease.mac.text();
  event.facts = facts_text(facts);
  event.cause = std::move(cause);
  return event;
}

std::string intent_text(const Intent& intent) {
  ordered_json object{{"device", intent.device},
                      {"name", intent.name},
                      {"from", word(intent.from)},
                      {"from-word", intent.from_word},
                      {"to", word(intent.to)},
                      {"interface", intent.interface},
                      {"interface-name", intent.interface_name},
                      {"refused", intent.refused},
                      {"because", intent.because},
                      {"steps", ordered_json::array()}};
  if (intent.ip) object["ip"] = intent.ip->text();
  for (const Step& step : intent.steps) {
    object["steps"].push_back({{"what", kStepWords[static_cast<std::size_t>(step.what)]},
                               {"kind", word(step.kind)},
                               {"text", step.text}});
  }
  return dump(object);
}

std::optional<Intent> parse_intent(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  const auto device = id_of(object, "device");
  if (!device) return {};
  Intent intent;
  intent.device = *device;
  intent.name = text_of(object, "name");
  intent.from = parse_state(text_of(object, "from"));
  intent.from_word = text_of(object, "from-word");
  intent.to = parse_state(text_of(object, "to"));
  intent.interface = id_of(object, "interface").value_or(0);
  intent.interface_name = text_of(object, "interface-name");
  intent.ip = parse_ipv4(text_of(object, "ip"));
  intent.refused = flag_of(object, "refused");
  intent.because = text_of(object, "because");
  const auto steps = object.find("steps");
  if (steps == object.end() || !steps->is_array()) return {};
  for (const json& each : *steps) {
    Step step;
    const std::string what = text_of(each, "what"), kind = text_of(each, "kind");
    const auto known = std::find(std::begin(kStepWords), std::end(kStepWords), what);
    if (known == std::end(kStepWords)) return {};
    step.what = static_cast<Step::What>(known - std::begin(kStepWords));
    for (const JournalKind candidate : kKinds) {
      if (word(candidate) == kind) step.kind = candidate;
    }
    step.text = text_of(each, "text");
    intent.steps.push_back(std::move(step));
  }
  return intent;
}

Intent decide(const store::LifecycleEvent& event, Event kind, const EventFacts& facts,
              const Device& device, const Controller* controller, std::span<const Bound> bound) {
  const Rule& rule = rule_for(device.state, kind, {stands(facts, bound), facts.forced});
  Intent intent;
  intent.device = device.id;
  intent.name = device.name;
  intent.from = rule.state;
  intent.from_word = device.state_word;
  intent.to = rule.next;
  intent.because = rule.because;
  if (controller != nullptr) {
    intent.interface = controller->interface;
    intent.interface_name = controller->interface_name;
    intent.ip = facts.ip;
  }
  const std::string source = told(event, kind, facts);
  const bool changes = rule.next != rule.state;
  if (changes) intent.steps.push_back({Step::What::change_state, {}, {}});
  bool assigned = false;
  for (const Action action : rule.actions) {
    if (action == Action::refuse) intent.refused = true;
    if (action == Action::assign_address) {
      assigned = true;
      intent.steps.push_back({Step::What::assign_address, {}, {}});
    }
    const auto journal = kind_of(action);
    if (!journal) continue;
    std::string text;
    if (assigned) {
      text = fmt::format("{} assigned to {}: {}.", facts.ip ? facts.ip->text() : "",
                         intent.interface_name, rule.because);
    } else if (changes) {
      text =
          fmt::format("{} → {}: {}; {}.", device.state_word, word(rule.next), rule.because, source);
    } else {
      text = fmt::format("{} in state {}: {}; {}.", word(kind), device.state_word, rule.because,
                         source);
    }
    if (!facts.evidence.empty()) text += "\n\n" + facts.evidence;
    intent.steps.push_back({Step::What::journal, *journal, std::move(text)});
  }
  return intent;
}

}  // namespace metalwright::lifecycle
