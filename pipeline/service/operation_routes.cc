#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "pipeline/service/json_reply.h"
#include "pipeline/service/openapi.h"
#include "reconciler/targets/nodes/node_standing.h"

/// What operators and their programs ask: is it alive, what does it do, what can be asked of it.
namespace metalwright::service {
namespace {

void live(Service&, Request&, Reply& reply) { reply.body = "ok\n"; }

void ready(Service& service, Request&, Reply& reply) {
  std::string why;
  if (service.view() == nullptr) why += "there is no revision yet\n";
  if (const auto mark = service.store().revisions().last_good(); !mark) {
    why += "the state does not answer\n";
  }
  reply.status = why.empty() ? 200 : 503;
  reply.body = why.empty() ? "ok\n" : why;
}

std::string label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void add_nodes(std::string& out, Service& service, const std::vector<store::Node>& nodes) {
  std::map<std::string, std::size_t> states{
      {"Pending", 0}, {"Provisioning", 0}, {"Active", 0}, {"Failed", 0}};
  std::map<std::string_view, std::size_t> standings;
  for (int i = 0; i < 5; ++i) standings[word(static_cast<reconciler::Standing>(i))] = 0;
  const Time now = service_time();
  for (const store::Node& node : nodes) {
    ++states[node.state];
    const reconciler::NodeWish wish{node.desired_hash, node.desired_config};
    ++standings[word(
        reconciler::standing_of(node, wish, now, service.config().service.silent_after))];
  }
  family(out, "metalwright_nodes", "gauge", "Nodes by state.");
  for (const auto& [state, count] : states) {
    out += fmt::format("metalwright_nodes{{state=\"{}\"}} {}\n", label(state), count);
  }
  family(out, "metalwright_nodes_standing", "gauge", "Nodes by how they stand to their files.");
  for (const auto& [standing, count] : standings) {
    out += fmt::format("metalwright_nodes_standing{{standing=\"{}\"}} {}\n", standing, count);
  }
}

void metrics(Service& service, Request&, Reply& reply) {
  std::string& out = reply.body;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  family(out, "metalwright_http_requests_total", "counter", "Requests by route and status.");
  const auto& routes = service.routes().routes();
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (int kind = 1; kind <= 5; ++kind) {
      const std::uint64_t count = service.answered(i, kind);
      if (count == 0) continue;
      out += fmt::format(
          "metalwright_http_requests_total{{method=\"{}\",route=\"{}\",status=\"{}xx\"}} {}\n",
          word(routes[i].method), label(routes[i].pattern), kind, count);
    }
  }
  family(out, "metalwright_http_connections", "gauge", "Open connections.");
  out += fmt::format("metalwright_http_connections {}\n", service.connections());
  family(out, "metalwright_boots_total", "counter", "Boot menus by what was decided.");
  for (const auto& [decision, count] : service.notes().counts()) {
    out += fmt::format("metalwright_boots_total{{decision=\"{}\"}} {}\n", label(decision), count);
  }
  family(out, "metalwright_boot_notes_dropped_total", "counter", "Boots that could not be noted.");
  out += fmt::format("metalwright_boot_notes_dropped_total {}\n", service.notes().dropped());
  if (const auto view = service.view()) {
    family(out, "metalwright_servers", "gauge", "Servers of the revision that is served.");
    out += fmt::format("metalwright_servers {}\n", view->model().servers.size());
    family(out, "metalwright_revision_info", "gauge", "The revision that is served.");
    out += fmt::format("metalwright_revision_info{{revision=\"{}\"}} 1\n", label(view->revision()));
  }
  if (const auto pending = service.store().provisioning().pending()) {
    family(out, "metalwright_pending_machines", "gauge", "Machines that nobody knows.");
    out += fmt::format("metalwright_pending_machines {}\n", pending->size());
  }
  if (const auto nodes = service.store().provisioning().nodes()) {
    add_nodes(out, service, *nodes);
  }
  family(out, "metalwright_queue_depth", "gauge", "What waits to be done elsewhere.");
  if (const auto waiting = service.store().deliveries().waiting()) {
    out += fmt::format("metalwright_queue_depth{{queue=\"deliveries\"}} {}\n", *waiting);
  }
  if (const auto waiting = service.store().lifecycle().waiting()) {
    out += fmt::format("metalwright_queue_depth{{queue=\"lifecycle\"}} {}\n", *waiting);
  }
  service.rounds().write_metrics(out);
  if (const auto targets = service.store().revisions().targets()) {
    family(out, "metalwright_target_converged_timestamp_seconds", "gauge",
           "When the target was found to have all of its last converged revision.");
    for (const store::TargetRevision& target : *targets) {
      if (!target.converged) continue;
      out += fmt::format(
          "metalwright_target_converged_timestamp_seconds{{target=\"{}\",revision=\"{}\"}} {}\n",
          label(target.target), label(target.converged->revision),
          target.converged->at.time_since_epoch().count() / 1000000);
    }
    family(out, "metalwright_target_failed", "gauge", "1 where the target's last run failed.");
    for (const store::TargetRevision& target : *targets) {
      out += fmt::format("metalwright_target_failed{{target=\"{}\"}} {}\n", label(target.target),
                         target.failed ? 1 : 0);
    }
  }
}

void openapi(Service& service, Request&, Reply& reply) {
  reply.content_type = "application/json; charset=utf-8";
  reply.body = openapi_document(service.routes().routes());
}

}  // namespace

void add_operation_routes(std::vector<Route>& routes) {
  const RouteClass open = RouteClass::open, api = RouteClass::api;
  routes.push_back({Method::get, "/livez", open, live, "Whether the process answers"});
  routes.push_back({Method::get, "/readyz", open, ready, "Whether it can serve boots"});
  routes.push_back({Method::get, "/metrics", api, metrics, "Metrics for Prometheus", Role::viewer});
  routes.push_back({Method::get, "/api/v1/openapi.json", api, openapi, "This description"});
}

}  // namespace metalwright::service
