#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "pipeline/service/json_reply.h"
#include "pipeline/service/node_files.h"
#include "reconciler/targets/nodes/node_standing.h"

/// Nodes phone home, and are shown.
namespace metalwright::service {
namespace {

void refuse(Reply& reply, int status, std::string_view why) {
  reply_json(reply, Json{{"success", false}, {"message", why}}, status);
}

void phone_home(Service& service, Request& request, Reply& reply) {
  const Json body = object_body(request);
  if (body.is_discarded()) return refuse(reply, 400, "the body is no JSON object");
  const auto either = [&](std::string_view name, std::string_view other) {
    const std::string text = text_member(body, name);
    return text.empty() ? text_member(body, other) : text;
  };
  const std::string name = text_member(body, "node_id");
  const std::string address = either("ip", "node_ip");
  std::string role = either("role", "node_role");
  if (name.empty()) return refuse(reply, 422, "node_id is missing");
  if (address.empty()) return refuse(reply, 422, "ip is missing");
  if (role.empty()) return refuse(reply, 422, "role is missing");
  if (!parse_node_role(role)) return refuse(reply, 400, "role is control-plane or worker");
  if (!is_plain_text(name)) return refuse(reply, 400, "node_id holds a control character");
  const auto view = service.view();
  const bool known = view != nullptr && knows_node(view->model(), name);
  const Time now = service_time();
  std::string before, state;
  bool stranger = false;
  const auto kept = service.store().provisioning().change_node(
      name, [&](store::Node& node, bool heard) -> Result<bool> {
        stranger = !heard && !known;
        if (stranger && service.too_many_strangers()) return false;
        stranger = false;
        before = node.state;
        const std::string hash = text_member(body, "config_hash", 128);
        state = known ? "Provisioning" : "Pending";
        if (heard && node.state != "Pending" && node.state != "Failed" &&
            node.config_hash == hash) {
          state = node.state;
        }
        if (node.state != state) node.since = now;
        node.state = state;
        node.address = address;
        node.role = role;
        node.config_hash = hash;
        if (const std::string hostname = text_member(body, "hostname"); !hostname.empty()) {
          node.hostname = hostname;
        }
        if (const std::string mac = text_member(body, "mac", 64); !mac.empty()) node.mac = mac;
        node.last_seen = now;
        return true;
      });
  if (!kept) return refuse(reply, 503, "the state does not answer");
  if (stranger) return refuse(reply, 503, "too many nodes that nobody knows");
  const ServerEntry* const entry = known ? server_of_node(view->model(), name) : nullptr;
  if (entry != nullptr) {
    if (auto done = service.store().boots().complete(entry->server->name, now); !done) {
      return refuse(reply, 503, "the state does not answer");
    }
  }
  if (before != state) {
    service.audit(request, "phone-home", name, state);
    service.wake();
  }
  reply_json(reply, Json{{"success", true},
                         {"node_id", name},
                         {"state", state},
                         {"message", before.empty() ? "registered" : "updated"}});
}

Json shown(const Service& service, const store::Node& node, const BootView* view, Time now) {
  Json body;
  body["id"] = node.name;
  body["ip"] = node.address;
  body["role"] = node.role;
  body["state"] = node.state;
  body["config_hash"] = node.config_hash;
  body["last_seen"] = utc_text(node.last_seen);
  body["since"] = utc_text(node.since);
  body["hostname"] = node.hostname;
  body["mac"] = node.mac;
  body["reported"] = node.reported ? Json(utc_text(*node.reported)) : Json(nullptr);
  body["applied_hash"] = node.applied_hash;
  const ServerEntry* const entry =
      view == nullptr ? nullptr : server_of_node(view->model(), node.name);
  std::string wanted, config;
  if (entry != nullptr) {
    if (const auto bundle = view->bundle(*entry)) {
      wanted = bundle->hash;
      config = bundle->config_hash;
    }
  }
  body["desired_hash"] = wanted;
  body["drift"] = !config.empty() && !node.config_hash.empty() && node.config_hash != config;
  const reconciler::Standing standing =
      reconciler::standing_of(node, {wanted, config}, now, service.config().service.silent_after);
  body["convergence"] = reconciler::word(standing);
  body["standing"] = reconciler::standing_text(node, standing, now);
  return body;
}

void list_nodes(Service& service, Request& request, Reply& reply) {
  const auto page = page_of(request, reply);
  if (!page) return;
  const auto nodes = service.store().provisioning().nodes();
  if (!nodes) return reply_error(reply, 503, "the state does not answer");
  const auto view = service.view();
  const Time now = service_time();
  Json body = Json::array();
  for (std::size_t i = page->offset; i < nodes->size() && body.size() < page->limit; ++i) {
    body.push_back(shown(service, (*nodes)[i], view.get(), now));
  }
  reply_json(reply, body);
}

void get_node(Service& service, Request& request, Reply& reply) {
  const auto node = service.store().provisioning().node(request.parts[0]);
  if (!node) return reply_error(reply, 503, "the state does not answer");
  if (!*node) return reply_error(reply, 404, "no node of that name was heard of");
  reply_json(reply, shown(service, **node, service.view().get(), service_time()));
}

}  // namespace

bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void add_node_routes(std::vector<Route>& routes) {
  const RouteClass node = RouteClass::node;
  routes.push_back({Method::post, "/api/v1/phone-home", node, phone_home,
                    "A node says that it is there", Role::none, true});
  routes.push_back(
      {Method::get, "/api/v1/nodes", node, list_nodes, "The nodes that were heard of"});
  routes.push_back({Method::get, "/api/v1/nodes/{name}", node, get_node, "One node"});
}

}  // namespace metalwright::service
