#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "pipeline/lives.h"
#include "reconciler/lifecycle/state_reference.h"

namespace metalwright::cli {
namespace {
using lifecycle::EventFacts;
using nlohmann::ordered_json;
using store::LifecycleEvent;
using store::LifecycleOutcome;

struct Options {
  std::string event, name, reason, format = "text";
  std::size_t limit = 20, wait_seconds = 60;
  bool force = false, rules = false, learn = false, take = false;
};

/// `orion: offline → discovered`, and what follows it in a line.
std::string ended_line(const LifecycleEvent& event) {
  std::string states;
  if (!event.from.empty()) {
    states = event.from == event.to ? fmt::format("stays {}: ", event.from)
                                    : fmt::format("{} → {}: ", event.from, event.to);
  }
  const std::string name = event.server.empty() ? event.subject : event.server;
  if (!event.ended) return fmt::format("{}: {}", name, event.facts);
  return fmt::format("{}: {}{}", name, states, event.result);
}

/// Takes the waiting events, and waits for this one where another process is at them.
Result<LifecycleEvent> take_and_await(pipeline::Lives& lives, std::int64_t id,
                                      std::chrono::seconds patience, std::stop_token stop) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto drained = lives.drain(stop);
    const auto found = lives.store().lifecycle().find(id);
    if (!found) return tl::unexpected(found.error());
    if (*found && (*found)->ended) return **found;
    if (!drained) return tl::unexpected(drained.error());
    if (stop.stop_requested() || std::chrono::steady_clock::now() > end) {
      return unavailable("lifecycle-waiting", "another process is at the waiting events");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

int tell(const Options& options, const Globals& globals) {
  auto lives = open_lives(globals, "event");
  if (!lives) return report(lives.error());
  StopSignals signals;
  EventFacts facts;
  facts.reason = options.reason;
  facts.forced = options.force;
  LifecycleEvent event;
  event.at = now_utc();
  event.event = options.event;
  event.subject = options.name;
  event.facts = lifecycle::facts_text(facts);
  event.cause = who_am_i();
  store::Store& store = (*lives)->store();
  std::int64_t id = 0;
  const Result<void> added = store.transaction([&]() -> Result<void> {
    const auto kept = store.lifecycle().add(event);
    if (!kept) return tl::unexpected(kept.error());
    id = kept->value_or(0);
    const auto entry = store.audit().append({.id = 0,
                                             .at = event.at,
                                             .who = event.cause,
                                             .action = options.event,
                                             .subject = options.name,
                                             .detail = options.reason});
    if (!entry) return tl::unexpected(entry.error());
    return {};
  });
  if (!added) return report(added.error());
  const auto ended =
      take_and_await(**lives, id, std::chrono::seconds(options.wait_seconds), signals.token());
  if (!ended) {
    report(ended.error());
    std::fputs("the event waits and is taken later: see 'metalwright lifecycle'\n", stderr);
    return kPartly;
  }
  const std::string line = ended_line(*ended) + '\n';
  if (ended->outcome == LifecycleOutcome::done || ended->outcome == LifecycleOutcome::ignored) {
    print(line);
    return kSuccess;
  }
  std::fputs(line.c_str(), stderr);
  return ended->outcome == LifecycleOutcome::refused ? kRefused : kError;
}

ordered_json json_of(const LifecycleEvent& event) {
  ordered_json object{{"id", event.key},        {"at", utc_text(event.at)},
                      {"event", event.event},   {"subject", event.subject},
                      {"server", event.server}, {"outcome", word(event.outcome)},
                      {"from", event.from},     {"to", event.to},
                      {"result", event.result}, {"cause", event.cause}};
  object["ended"] = event.ended ? ordered_json(utc_text(*event.ended)) : ordered_json();
  const auto facts = ordered_json::parse(event.facts, nullptr, false);
  object["facts"] = facts.is_object() ? facts : ordered_json::object();
  return object;
}

int show_json(const std::vector<store::MachineState>& machines,
              const std::vector<LifecycleEvent>& events, std::size_t waiting) {
  ordered_json out{{"format_version", 1},
                   {"waiting", waiting},
                   {"servers", ordered_json::array()},
                   {"events", ordered_json::array()}};
  for (const store::MachineState& machine : machines) {
    out["servers"].push_back(
        {{"name", machine.server}, {"state", machine.state}, {"since", utc_text(machine.since)}});
  }
  for (const LifecycleEvent& event : events) out["events"].push_back(json_of(event));
  return print(out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n') ? kSuccess
                                                                                       : kError;
}

int show_text(const Options& options, const std::vector<store::MachineState>& machines,
              const std::vector<LifecycleEvent>& events, std::size_t waiting) {
  std::string out;
  if (options.name.empty()) {
    std::map<std::string, std::size_t> counts;
    for (const store::MachineState& machine : machines) ++counts[machine.state];
    for (const auto& [state, count] : counts) out += fmt::format("{:<16}{}\n", state, count);
  } else {
    for (const store::MachineState& machine : machines) {
      out += fmt::format("{} is {} since {}\n", machine.server, machine.state,
                         utc_text(machine.since));
    }
  }
  if (waiting > 0) out += fmt::format("{:<16}{}\n", "events waiting", waiting);
  if (!out.empty() && !events.empty()) out += '\n';
  for (const LifecycleEvent& event : events) {
    out += fmt::format("{}  {:<18}{:<9}{}  ({})\n", utc_text(event.at), event.event,
                       word(event.outcome), ended_line(event), event.cause);
  }
  if (out.empty()) out = "nothing is known yet\n";
  return print(out) ? kSuccess : kError;
}

int show(const Options& options, const Globals& globals) {
  if (options.rules) return print(lifecycle::lifecycle_reference()) ? kSuccess : kError;
  auto lives = open_lives(globals, "lifecycle");
  if (!lives) return report(lives.error());
  StopSignals signals;
  if (options.take) {
    const auto drained = (*lives)->drain(signals.token());
    if (!drained) return report(drained.error());
  }
  if (options.learn) {
    const auto learned = (*lives)->learn_states(signals.token());
    if (!learned) return report(learned.error());
  }
  store::Store& store = (*lives)->store();
  auto machines = store.machines().all();
  if (!machines) return report(machines.error());
  if (!options.name.empty()) {
    std::erase_if(*machines, [&](const store::MachineState& machine) {
      return machine.server != options.name;
    });
  }
  const auto events = store.lifecycle().recent(options.name, options.limit);
  if (!events) return report(events.error());
  const auto waiting = store.lifecycle().waiting();
  if (!waiting) return report(waiting.error());
  return options.format == "json" ? show_json(*machines, *events, *waiting)
                                  : show_text(options, *machines, *events, *waiting);
}

/// What may be told by a person or a program; leases have a command of their own.
std::vector<std::string> event_words() {
  std::vector<std::string> words;
  for (const lifecycle::Event event : lifecycle::kEvents) {
    if (event != lifecycle::Event::lease) words.emplace_back(word(event));
  }
  return words;
}

}  // namespace

void add_lifecycle_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("event", "tell what happened to a server");
    app->add_option("EVENT", options->event, "what happened")
        ->required()
        ->check(CLI::IsMember(event_words()));
    app->add_option("NAME", options->name, "the server, as NetBox calls it")->required();
    app->add_option("--reason", options->reason, "why, for the journal");
    app->add_flag(
        "--force", options->force,
        "also where the server carries somebody's work, or is in a state that is not ours");
    app->add_option("--wait", options->wait_seconds,
                    "how long to wait while another process is at the waiting events, in seconds")
        ->capture_default_str();
    app->footer(
        "What follows is in 'metalwright lifecycle --rules'. Where NetBox does not answer, the "
        "event is kept and taken later (exit status 6); 3: refused in the server's state.\n"
        "Example: metalwright event fail orion --reason 'fan 3 is dead'");
    add(app, [options, &globals] { return tell(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        program.add_subcommand("lifecycle", "the servers' states and what happened to them");
    app->add_option("NAME", options->name, "one server, or the MAC address of its controller");
    app->add_option("--limit", options->limit, "at most so many events")->capture_default_str();
    app->add_option("--format", options->format, "form of the output")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    app->add_flag("--rules", options->rules, "print what follows from which event in which state");
    app->add_flag("--take", options->take, "first take the events that wait for NetBox");
    app->add_flag("--learn", options->learn, "first ask NetBox for all servers' states");
    app->footer("Example: metalwright lifecycle orion");
    add(app, [options, &globals] { return show(*options, globals); });
  }
}

}  // namespace metalwright::cli
