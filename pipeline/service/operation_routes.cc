#include <map>
#include <string>
#include <vector>

#include "pipeline/service/json_reply.h"
#include "pipeline/service/metrics.h"
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

using Readings = std::vector<Reading>;

void add_nodes(Readings& out, Service& service, const std::vector<store::Node>& nodes) {
  std::map<std::string, std::size_t> states{
      {"Pending", 0}, {"Provisioning", 0}, {"Active", 0}, {"Failed", 0}};
  std::map<std::string, std::size_t> standings;
  for (int i = 0; i < 5; ++i)
    standings[std::string(word(static_cast<reconciler::Standing>(i)))] = 0;
  const Time now = service_time();
  for (const store::Node& node : nodes) {
    ++states[node.state];
    const reconciler::NodeWish wish{node.desired_hash, node.desired_config};
    ++standings[std::string(
        word(reconciler::standing_of(node, wish, now, service.config().service.silent_after)))];
  }
  for (const auto& [state, count] : states) {
    out.push_back({"metalwright_nodes", "Nodes by state.", {{"state", state}}, double(count)});
  }
  for (const auto& [standing, count] : standings) {
    out.push_back({"metalwright_nodes_standing",
                   "Nodes by how they stand to their files.",
                   {{"standing", standing}},
                   double(count)});
  }
}

void add_targets(Readings& out, const std::vector<store::TargetRevision>& targets) {
  for (const store::TargetRevision& target : targets) {
    out.push_back({"metalwright_target_failed",
                   "1 where the target's last run failed.",
                   {{"target", target.target}},
                   target.failed ? 1.0 : 0.0});
    if (!target.converged) continue;
    const auto at = std::chrono::floor<std::chrono::seconds>(target.converged->at);
    out.push_back({"metalwright_target_converged_timestamp_seconds",
                   "When the target was found to have all of its last converged revision.",
                   {{"target", target.target}, {"revision", target.converged->revision}},
                   double(at.time_since_epoch().count())});
  }
}

void add_queues(Readings& out, store::Store& store) {
  const auto add = [&](const char* queue, const Result<std::size_t>& waiting) {
    if (!waiting) return;
    out.push_back({"metalwright_queue_depth",
                   "What waits to be done elsewhere.",
                   {{"queue", queue}},
                   double(*waiting)});
  };
  add("deliveries", store.deliveries().waiting());
  add("lifecycle", store.lifecycle().waiting());
}

void metrics(Service& service, Request&, Reply& reply) {
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  Readings readings;
  readings.push_back(
      {"metalwright_http_connections", "Open connections.", {}, double(service.connections())});
  if (const auto view = service.view()) {
    readings.push_back({"metalwright_servers",
                        "Servers of the revision that is served.",
                        {},
                        double(view->model().servers.size())});
    readings.push_back({"metalwright_revision_info",
                        "The revision that is served.",
                        {{"revision", view->revision()}},
                        1});
  }
  if (const auto pending = service.store().provisioning().pending()) {
    readings.push_back({"metalwright_pending_machines",
                        "Machines that nobody knows.",
                        {},
                        double(pending->size())});
  }
  if (const auto nodes = service.store().provisioning().nodes()) {
    add_nodes(readings, service, *nodes);
  }
  add_queues(readings, service.store());
  if (const auto targets = service.store().revisions().targets()) add_targets(readings, *targets);
  reply.body = service.metrics().text(readings);
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
