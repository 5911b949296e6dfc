#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "pipeline/explain.h"
#include "pipeline/service/json_reply.h"
#include "reconciler/plan_lines.h"
#include "reconciler/targets/nodes/node_standing.h"
#include "schemas/mac_address.h"
#include "schemas/time.h"

/// What people look at: servers and how they stand, pending machines, runs and what they changed.
namespace metalwright::service {
namespace {

using Nodes = std::map<std::string, store::Node, std::less<>>;

Json time_or_null(const std::optional<Time>& time) {
  return time ? Json(utc_text(*time)) : Json(nullptr);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::vector<std::string> macs_of(const Server& server) {
  std::vector<std::string> macs;
  for (const Interface& interface : server.interfaces) {
    if (interface.mac && !interface.bmc()) macs.push_back(interface.mac->text());
  }
  return macs;
}

/// Its node, by its own name or by the one that its cluster gives it.
const store::Node* node_of(const Model& model, const Server& server, const Nodes& nodes) {
  if (const auto at = nodes.find(server.name.view()); at != nodes.end()) return &at->second;
  const Membership membership = membership_of(model, server);
  if (membership.node == nullptr) return nullptr;
  const auto at = nodes.find(std::string_view(membership.node->name));
  return at == nodes.end() ? nullptr : &at->second;
}

/// One look at what all answers of a request need.
struct Look {
  std::shared_ptr<const BootView> view;
  std::shared_ptr<const RoundBook::Round> round;
  Nodes nodes;
  std::map<std::string, std::string, std::less<>> lives;  // server to state
  Time now;
};

std::optional<Look> look(Service& service, Reply& reply) {
  Look look{service.view(), service.rounds().last(), {}, {}, service_time()};
  if (look.view == nullptr) {
    reply_error(reply, 503, "there is no revision yet");
    return {};
  }
  auto nodes = service.store().provisioning().nodes();
  auto lives = service.store().machines().all();
  if (!nodes || !lives) {
    reply_error(reply, 503, "the state does not answer");
    return {};
  }
  for (store::Node& node : *nodes) {
    std::string name = node.name;
    look.nodes.emplace(std::move(name), std::move(node));
  }
  for (store::MachineState& life : *lives) look.lives.emplace(life.server, life.state);
  return look;
}

std::string convergence_of(Service& service, const Look& look, const ServerEntry& entry,
                           const store::Node* node) {
  if (node == nullptr) return "unknown";
  const auto bundle = look.view->bundle(entry);
  const Bundle wished = bundle.value_or(Bundle{});
  return std::string(word(reconciler::standing_of(
      *node, {wished.hash, wished.config_hash}, look.now, service.config().service.silent_after)));
}

const std::vector<RoundBook::ResourceState>* waiting_of(const Look& look, const Server& server) {
  if (look.round == nullptr) return nullptr;
  const auto at = look.round->servers.find(server.name.view());
  return at == look.round->servers.end() ? nullptr : &at->second;
}

bool was_looked_at(const Look& look, std::string_view name) {
  if (look.round == nullptr) return false;
  const auto& targets = look.round->targets;
  return std::any_of(targets.begin(), targets.end(),
                     [&](const auto& target) { return target.target == name && target.known; });
}

/// Looked for in everything that a row of the table shows by itself.
bool fits(const Server& server, std::string_view profile, const std::string& wanted) {
  if (wanted.empty()) return true;
  if (lower(server.name.view()).find(wanted) != std::string::npos) return true;
  if (lower(server.hostname).find(wanted) != std::string::npos) return true;
  if (lower(profile).find(wanted) != std::string::npos) return true;
  if (server.ipv4 && server.ipv4->address.text().find(wanted) != std::string::npos) return true;
  const auto macs = macs_of(server);
  const auto mac = parse_mac_address(wanted);
  return std::any_of(macs.begin(), macs.end(), [&](const std::string& text) {
    return text.find(wanted) != std::string::npos || (mac && text == mac->text());
  });
}

Json last_boot(Service& service, const std::vector<std::string>& macs) {
  std::optional<store::BootSeen> last;
  for (const std::string& mac : macs) {
    auto seen = service.store().boots().last_of(mac);
    if (seen && *seen && (!last || (*seen)->last > last->last)) last = std::move(**seen);
  }
  if (!last) return nullptr;
  return {{"last", utc_text(last->last)},
          {"decision", last->decision},
          {"profile", last->profile},
          {"boots", last->boots}};
}

Json shown(Service& service, const Look& look, const ServerEntry& entry) {
  const Server& server = *entry.server;
  const Profile* const profile = profile_of(look.view->model(), server);
  const std::vector<std::string> macs = macs_of(server);
  Json body;
  body["name"] = server.name.view();
  body["hostname"] = std::string_view(server.hostname);
  body["macs"] = macs;
  body["profile"] = profile == nullptr ? "" : profile->name;
  const auto life = look.lives.find(server.name.view());
  body["lifecycle"] = life == look.lives.end() ? "" : life->second;
  body["targets"] = Json::array();
  if (const auto* const waiting = waiting_of(look, server)) {
    std::map<std::string, std::string> worst;
    for (const RoundBook::ResourceState& state : *waiting) {
      worst.emplace(state.target, state.state);
    }
    for (const auto& [target, state] : worst) {
      body["targets"].push_back({{"target", target}, {"state", state}});
    }
  }
  for (const TargetConfig& target : service.config().targets) {
    if (was_looked_at(look, target.name)) continue;
    body["targets"].push_back({{"target", target.name}, {"state", "not looked at yet"}});
  }
  body["boot"] = last_boot(service, macs);
  const store::Node* const node = node_of(look.view->model(), server, look.nodes);
  body["node"] = nullptr;
  if (node != nullptr) {
    body["node"] = {{"name", node->name},
                    {"state", node->state},
                    {"convergence", convergence_of(service, look, entry, node)},
                    {"last_seen", utc_text(node->last_seen)},
                    {"reported", time_or_null(node->reported)}};
  }
  return body;
}

void list_servers(Service& service, Request& request, Reply& reply) {
  const auto page = page_of(request, reply);
  if (!page) return;
  const auto seen = look(service, reply);
  if (!seen) return;
  const std::string* const q = request.query("q");
  const std::string* const state = request.query("state");
  const std::string wanted = q == nullptr ? "" : lower(q->substr(0, 255));
  Json body;
  body["total"] = 0;
  body["servers"] = Json::array();
  std::size_t total = 0;
  const Model& model = seen->view->model();
  for (const ServerEntry& entry : model.servers) {
    const Profile* const profile = profile_of(model, *entry.server);
    if (!fits(*entry.server, profile == nullptr ? "" : profile->name, wanted)) continue;
    if (state != nullptr && !state->empty()) {
      const store::Node* const node = node_of(model, *entry.server, seen->nodes);
      const std::string convergence = convergence_of(service, *seen, entry, node);
      const bool waits = waiting_of(*seen, *entry.server) != nullptr;
      const bool attention = waits || convergence == "failed" || convergence == "silent" ||
                             (node != nullptr && node->state == "Failed");
      if (*state == "attention" ? !attention : convergence != *state) continue;
    }
    if (total++ < page->offset || body["servers"].size() >= page->limit) continue;
    body["servers"].push_back(shown(service, *seen, entry));
  }
  body["total"] = total;
  reply_json(reply, body);
}

void get_server(Service& service, Request& request, Reply& reply) {
  const auto seen = look(service, reply);
  if (!seen) return;
  const Model& model = seen->view->model();
  const ServerEntry* const entry = pipeline::find_server(model, request.parts[0]);
  if (entry == nullptr) return reply_error(reply, 404, "there is no such server");
  Json body = shown(service, *seen, *entry);
  const auto text = service.inventory();
  const pipeline::Explanation explained =
      pipeline::explain(model, text == nullptr ? inventory::RepositoryFiles{} : text->files(),
                        seen->view->compiled()->state, *entry, nullptr);
  body["origin"] = explained.origin.text();
  body["notes"] = explained.notes;
  body["values"] = Json::array();
  for (const pipeline::ExplainedValue& value : explained.values) {
    body["values"].push_back(
        {{"path", value.path}, {"value", value.value}, {"origin", value.origin.text()}});
  }
  std::map<std::string, std::string> states;
  if (const auto* const waiting = waiting_of(*seen, *entry->server)) {
    for (const RoundBook::ResourceState& state : *waiting) states[state.address] = state.state;
  }
  std::map<std::string, std::string> targets;
  if (seen->round != nullptr) {
    for (const RoundBook::TargetState& target : seen->round->targets) {
      const bool known = target.state == "converged" || target.state == "drifted";
      targets[target.target] = known ? "in place" : target.state;
    }
  }
  body["resources"] = Json::array();
  for (const pipeline::ExplainedResource& resource : explained.resources) {
    const auto state = states.find(resource.address);
    const auto target = targets.find(resource.address.substr(0, resource.address.find('/')));
    std::string word = target == targets.end() ? "not looked at yet" : target->second;
    if (state != states.end()) {
      word = state->second;
      states.erase(state);
    }
    body["resources"].push_back({{"address", resource.address}, {"state", word}});
  }
  // Deletes of what it is to have no longer.
  for (const auto& [address, state] : states) {
    body["resources"].push_back({{"address", address}, {"state", state}});
  }
  body["report"] = nullptr;
  if (const store::Node* const node = node_of(model, *entry->server, seen->nodes);
      node != nullptr && !node->report.empty()) {
    Json report = Json::parse(node->report, nullptr, false);
    if (!report.is_discarded()) body["report"] = std::move(report);
  }
  reply_json(reply, body);
}

void status(Service& service, Request&, Reply& reply) {
  const auto pending = service.store().provisioning().pending();
  if (!pending) return reply_error(reply, 503, "the state does not answer");
  const auto view = service.view();
  const auto round = service.rounds().last();
  Json body;
  body["revision"] = view == nullptr ? "" : view->revision();
  body["servers"] = view == nullptr ? 0 : view->model().servers.size();
  body["pending"] = pending->size();
  body["rejected"] = round != nullptr && round->rejected ? Json(round->asked) : Json(nullptr);
  body["targets"] = Json::array();
  for (const TargetConfig& target : service.config().targets) {
    Json& shown = body["targets"].emplace_back();
    shown = {{"target", target.name},
             {"type", word(target.type)},
             {"state", "not looked at yet"},
             {"error", ""}};
    if (round == nullptr) continue;
    for (const RoundBook::TargetState& state : round->targets) {
      if (state.target != target.name) continue;
      shown["state"] = state.state;
      shown["error"] = state.error;
    }
  }
  reply_json(reply, body);
}

void list_pending(Service& service, Request& request, Reply& reply) {
  const auto page = page_of(request, reply);
  if (!page) return;
  auto machines = service.store().provisioning().pending();
  if (!machines) return reply_error(reply, 503, "the state does not answer");
  std::stable_sort(machines->begin(), machines->end(),
                   [](const auto& a, const auto& b) { return a.last_seen > b.last_seen; });
  Json body;
  body["total"] = machines->size();
  body["pending"] = Json::array();
  for (std::size_t i = page->offset; i < machines->size() && i - page->offset < page->limit; ++i) {
    const store::PendingMachine& machine = (*machines)[i];
    body["pending"].push_back({{"mac", machine.mac},
                               {"address", machine.address},
                               {"hostname", machine.hostname},
                               {"uuid", machine.uuid},
                               {"source", machine.source},
                               {"first_seen", utc_text(machine.first_seen)},
                               {"last_seen", utc_text(machine.last_seen)}});
  }
  reply_json(reply, body);
}

Json shown(const store::Run& run) {
  return {{"id", run.id},
          {"revision", run.revision},
          {"trigger", run.trigger},
          {"started", utc_text(run.started)},
          {"ended", time_or_null(run.ended)},
          {"outcome", store::word(run.outcome)},
          {"summary", run.summary}};
}

void list_runs(Service& service, Request& request, Reply& reply) {
  const auto page = page_of(request, reply);
  if (!page) return;
  const auto runs = service.store().runs().recent(page->offset + page->limit);
  if (!runs) return reply_error(reply, 503, "the state does not answer");
  Json body;
  body["runs"] = Json::array();
  for (std::size_t i = page->offset; i < runs->size(); ++i) {
    body["runs"].push_back(shown((*runs)[i]));
  }
  reply_json(reply, body);
}

void get_run(Service& service, Request& request, Reply& reply) {
  constexpr std::size_t kMostChanges = 1000;
  store::RunId id = 0;
  const std::string& text = request.parts[0];
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool number = failed == std::errc() && end == text.data() + text.size();
  const auto run = number ? service.store().runs().find(id)
                          : Result<std::optional<store::Run>>(std::optional<store::Run>());
  if (!run) return reply_error(reply, 503, "the state does not answer");
  if (!*run) return reply_error(reply, 404, "there is no such run");
  const auto changes = service.store().runs().changes(id, kMostChanges);
  if (!changes) return reply_error(reply, 503, "the state does not answer");
  Json body = shown(**run);
  body["changes"] = Json::array();
  for (const store::RunChange& change : *changes) {
    body["changes"].push_back({{"target", change.target},
                               {"kind", change.kind},
                               {"name", change.name},
                               {"action", reconciler::word(change.action)},
                               {"reason", reconciler::word(change.reason)},
                               {"outcome", store::word(change.outcome)},
                               {"error", change.error}});
  }
  // It was written by this program, or by another version of it.
  const auto kept = service.store().runs().diff(id);
  Json sections = kept ? Json::parse(*kept, nullptr, false) : Json();
  body["sections"] = sections.is_array() ? std::move(sections) : Json::array();
  reply_json(reply, body);
}

}  // namespace

void add_people_routes(std::vector<Route>& routes) {
  const RouteClass api = RouteClass::api;
  const Role viewer = Role::viewer;
  routes.push_back({Method::get, "/api/v1/status", api, status,
                    "The revision in force and how far each target is", viewer});
  routes.push_back({Method::get, "/api/v1/servers", api, list_servers,
                    "Servers and how they stand; ?q= looks for one, ?state= for a node's state",
                    viewer});
  routes.push_back({Method::get, "/api/v1/servers/{name}", api, get_server,
                    "One server: its values, where they come from, what is made of them", viewer});
  routes.push_back({Method::get, "/api/v1/pending", api, list_pending,
                    "Machines that are in no inventory, the latest first", viewer});
  routes.push_back({Method::get, "/api/v1/runs", api, list_runs, "The last runs", viewer});
  routes.push_back(
      {Method::get, "/api/v1/runs/{run}", api, get_run, "One run and what it changed", viewer});
}

}  // namespace metalwright::service
