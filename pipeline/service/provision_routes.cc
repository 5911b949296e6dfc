#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "pipeline/service/inventory_text.h"
#include "pipeline/service/json_reply.h"
#include "pipeline/service/nixos_module.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

/// The cluster bootstrap listener: machines register, fetch what they are to be, and report. The
/// paths, members and status codes are those of the service that it takes the place of, whose
/// clients go on unchanged.
namespace metalwright::service {
namespace {

constexpr std::size_t kMostPending = 10000;
constexpr std::string_view kOnline = "boot-complete";

bool is_done_event(std::string_view event) {
  for (const std::string_view done :
       {kOnline, std::string_view("install-complete"), std::string_view("installed"),
        std::string_view("provisioned"), std::string_view("complete"), std::string_view("done")}) {
    if (event == done) return true;
  }
  return false;
}

/// A server as its file has it, and the interface that asked.
struct Known {
  MacOwner owner;
  std::string name, interface;
  Json entry = Json::object();
  Json nic = Json::object();
};

std::optional<Known> known(Service& service, MacAddress mac) {
  const auto view = service.view();
  if (view == nullptr) return {};
  const MacOwner owner = view->owner(mac);
  if (owner.entry == nullptr) return {};
  Known found{owner, std::string(owner.entry->server->name), std::string(owner.interface->name)};
  if (const auto text = service.inventory()) {
    found.entry = Json::parse(text->server(found.name), nullptr, false);
    if (!found.entry.is_object()) found.entry = Json::object();
  }
  if (const auto nics = found.entry.find("interfaces");
      nics != found.entry.end() && nics->is_object() && nics->contains(found.interface)) {
    found.nic = (*nics)[found.interface];
    if (!found.nic.is_object()) found.nic = Json::object();
  }
  return found;
}

Json member(const Json& object, std::string_view name, Json otherwise = nullptr) {
  const auto at = object.find(name);
  return at == object.end() ? std::move(otherwise) : *at;
}

std::string text_or_empty(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string hostname_of(const Known& machine) {
  const Json hostname = member(machine.entry, "hostname");
  return hostname.is_string() ? hostname.get<std::string>()
                              : std::string(machine.owner.entry->server->hostname);
}

void health(Service&, Request& request, Reply& reply) {
  const Personality personality = request.listener().personality;
  Json body;
  switch (personality) {
    case Personality::boot:
      body["status"] = "UP";
      body["checks"] = Json::array();
      break;
    case Personality::deployer:
      body["status"] = "ok";
      break;
    case Personality::all:
    case Personality::cluster_bootstrap:
      body["status"] = "healthy";
      body["genesis_bond"] = "ACTIVE";
      body["frequency"] = "432 Hz";
      body["timestamp"] = bare_time(service_time());
      if (personality == Personality::all) body["checks"] = Json::array();
      break;
  }
  reply_json(reply, body);
}

Json provisioned_entry(const store::Registration& row) {
  Json host;
  host["server_name"] = row.server;
  host["interface"] = row.interface;
  host["ipv4"] = row.ipv4.empty() ? Json(nullptr) : Json(row.ipv4);
  host["ipv6"] = row.ipv6.empty() ? Json(nullptr) : Json(row.ipv6);
  host["mac"] = row.mac;
  host["registered_at"] = bare_time(row.registered);
  host["status"] = row.status;
  if (row.last_callback_at) {
    host["last_callback"] = row.last_callback;
    host["last_callback_time"] = bare_time(*row.last_callback_at);
  }
  return host;
}

void status(Service& service, Request&, Reply& reply) {
  const auto registrations = service.store().provisioning().registrations();
  const auto pending = service.store().provisioning().pending();
  if (!registrations || !pending) return reply_error(reply, 503, "the state does not answer");
  Json body;
  body["provisioned"] = Json::object();
  for (const store::Registration& row : *registrations) {
    body["provisioned"][row.mac] = provisioned_entry(row);
  }
  body["pending"] = Json::object();
  for (const store::PendingMachine& row : *pending) {
    Json& host = body["pending"][row.mac];
    host["ip"] = row.address;
    host["hostname"] = row.hostname.empty() ? "unknown" : row.hostname;
    host["first_seen"] = bare_time(row.first_seen);
  }
  body["timestamp"] = bare_time(service_time());
  reply_json(reply, body);
}

void inventory(Service& service, Request&, Reply& reply) {
  const auto text = service.inventory();
  if (text == nullptr) return reply_error(reply, 503, "there is no revision yet");
  reply.content_type = "application/json; charset=utf-8";
  reply.header("Cache-Control", "no-store");
  reply.body = text->all();
}

void register_machine(Service& service, Request& request, Reply& reply) {
  const Json body = object_body(request);
  const auto refuse = [&](std::string_view why) { reply_json(reply, Json{{"error", why}}, 400); };
  if (body.is_discarded()) return refuse("the body is no JSON object");
  const std::string said = text_member(body, "mac", 64);
  if (said.empty()) return refuse("mac is required");
  const auto mac = parse_mac_address(said);
  if (!mac) return refuse("mac is not a MAC address");
  const std::string text = mac->text();
  const Time now = service_time();
  const std::optional<Known> machine = known(service, *mac);
  if (!machine) {
    const auto seen = service.store().provisioning().see(
        {text, text_member(body, "ip", 64), text_member(body, "hostname"), "", "register", now,
         now},
        kMostPending);
    if (!seen) return reply_error(reply, 503, "the state does not answer");
    if (*seen) service.audit(request, "pending", text, "registered itself");
    return reply_json(reply,
                      Json{{"status", "unknown"},
                           {"message", "MAC not in inventory, added to pending"},
                           {"mac", text}},
                      202);
  }
  const Json ipv6 = member(machine->nic, "ipv6");
  const auto recorded = service.store().provisioning().record(
      store::Registration{text,
                          machine->name,
                          machine->interface,
                          text_or_empty(member(machine->entry, "ipv4")),
                          text_or_empty(ipv6),
                          now,
                          "registered",
                          "",
                          {}});
  if (!recorded) return reply_error(reply, 503, "the state does not answer");
  service.audit(request, "register", machine->name, text);
  reply_json(reply, Json{{"status", "matched"},
                         {"server_name", machine->name},
                         {"ipv6", ipv6},
                         {"config_url", "/nixos-config/" + text}});
}

void config(Service& service, Request& request, Reply& reply) {
  const auto mac = parse_mac_address(request.parts[0]);
  const std::optional<Known> machine = mac ? known(service, *mac) : std::nullopt;
  if (!machine) {
    return reply_json(reply,
                      Json{{"error", "MAC not found in inventory"},
                           {"mac", mac ? mac->text() : request.parts[0]}},
                      404);
  }
  Json body;
  body["server_name"] = machine->name;
  body["hostname"] = hostname_of(*machine);
  body["ipv4"] = member(machine->entry, "ipv4");
  body["ipv6"] = member(machine->entry, "ipv6");
  body["interface"] = Json{{"name", machine->interface},
                           {"ipv6", member(machine->nic, "ipv6")},
                           {"role", member(machine->nic, "role")}};
  body["specs"] =
      member(machine->entry, "specs", member(machine->entry, "x-specs", Json::object()));
  body["services"] = member(machine->entry, "services", Json::array());
  reply_json(reply, body);
}

void nixos_config(Service& service, Request& request, Reply& reply) {
  const auto mac = parse_mac_address(request.parts[0]);
  const std::optional<Known> machine = mac ? known(service, *mac) : std::nullopt;
  reply.header("Cache-Control", "no-store");
  if (!machine) {
    // The original's clients store whatever they get: so it is a comment.
    reply.status = 404;
    std::string shown = mac ? mac->text() : request.parts[0].substr(0, 64);
    for (char& c : shown) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
    }
    reply.body = fmt::format("# Error: MAC {} not found in inventory\n", shown);
    return;
  }
  NixosMachine nixos;
  nixos.server = machine->name;
  nixos.hostname = hostname_of(*machine);
  nixos.interface = machine->interface;
  nixos.mac = mac->text();
  nixos.ipv6 = text_or_empty(member(machine->entry, "ipv6"));
  for (const Text& name : machine->owner.entry->server->services) nixos.services.emplace_back(name);
  nixos.callback_base = own_address(service, request);
  reply.body = nixos_module(nixos);
}

void callback(Service& service, Request& request, Reply& reply) {
  const std::string event = request.parts[0].substr(0, 100);
  Json body = object_body(request);
  if (body.is_discarded()) body = Json::object();
  const Time now = service_time();
  const auto mac = parse_mac_address(text_member(body, "mac", 64));
  if (mac) {
    const std::string text = mac->text();
    auto row = service.store().provisioning().registration(text);
    if (!row) return reply_error(reply, 503, "the state does not answer");
    if (*row) {
      (*row)->last_callback = event;
      (*row)->last_callback_at = now;
      if (event == kOnline) (*row)->status = "online";
      if (auto kept = service.store().provisioning().record(**row); !kept) {
        return reply_error(reply, 503, "the state does not answer");
      }
    }
    const auto view = service.view();
    const MacOwner owner = view == nullptr ? MacOwner{} : view->owner(*mac);
    const std::string subject =
        owner.entry != nullptr ? std::string(owner.entry->server->name) : text;
    if (is_done_event(event)) {
      if (auto done = service.store().boots().complete(subject, now); !done) {
        return reply_error(reply, 503, "the state does not answer");
      }
    }
    if (owner.entry != nullptr || *row) service.audit(request, "callback", subject, event);
  }
  reply_json(reply, Json{{"received", event}, {"timestamp", bare_time(now)}});
}

void bootstrap(Service& service, Request& request, Reply& reply) {
  reply.content_type = "text/x-shellscript; charset=utf-8";
  reply.body = bootstrap_script(own_address(service, request));
}

}  // namespace

void add_provision_routes(std::vector<Route>& routes) {
  const RouteClass node = RouteClass::node;
  routes.push_back({Method::get, "/health", RouteClass::open, health, "Whether it runs"});
  routes.push_back({Method::get, "/status", node, status, "Registered and pending machines"});
  routes.push_back({Method::get, "/inventory", node, inventory, "The whole inventory"});
  routes.push_back({Method::post, "/register", node, register_machine,
                    "A machine says that it is there", Role::none, true});
  routes.push_back(
      {Method::get, "/config/{mac}", node, config, "What the inventory has of a machine"});
  routes.push_back(
      {Method::get, "/nixos-config/{mac}", node, nixos_config, "A machine's NixOS module"});
  routes.push_back({Method::post, "/callback/{event}", node, callback,
                    "A machine says how far it came", Role::none, true});
  routes.push_back({Method::get, "/scripts/bootstrap.sh", node, bootstrap,
                    "The script that registers a machine and fetches its module"});
}

}  // namespace metalwright::service
