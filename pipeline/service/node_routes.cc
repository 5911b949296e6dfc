#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "pipeline/service/json_reply.h"
#include "pipeline/service/node_files.h"

/// Nodes phone home, fetch what they are to have, and report what they did.
namespace metalwright::service {
namespace {

constexpr std::size_t kMostReportBytes = 64 * 1024;
constexpr std::chrono::seconds kLongestWait{60};

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
  const auto before = service.store().provisioning().node(name);
  if (!before) return refuse(reply, 503, "the state does not answer");
  if (!*before && !known && service.too_many_strangers()) {
    return refuse(reply, 503, "too many nodes that nobody knows");
  }
  store::Node node = *before ? **before : store::Node{};
  const std::string hash = text_member(body, "config_hash", 128);
  std::string state = known ? "Provisioning" : "Pending";
  if (*before && node.state != "Pending" && node.state != "Failed" && node.config_hash == hash) {
    state = node.state;
  }
  if (!*before || node.state != state) node.since = now;
  node.name = name;
  node.state = state;
  node.address = address;
  node.role = role;
  node.config_hash = hash;
  if (const std::string hostname = text_member(body, "hostname"); !hostname.empty()) {
    node.hostname = hostname;
  }
  if (const std::string mac = text_member(body, "mac", 64); !mac.empty()) node.mac = mac;
  node.last_seen = now;
  if (auto kept = service.store().provisioning().record(node); !kept) {
    return refuse(reply, 503, "the state does not answer");
  }
  if (known) {
    const ServerEntry* const entry = server_of_node(view->model(), name);
    if (entry != nullptr) {
      if (auto done = service.store().boots().complete(entry->server->name, now); !done) {
        return refuse(reply, 503, "the state does not answer");
      }
    }
  }
  if (!*before || (*before)->state != state) {
    service.audit(request, "phone-home", name, state);
    service.wake();
  }
  reply_json(reply, Json{{"success", true},
                         {"node_id", name},
                         {"state", state},
                         {"message", *before ? "updated" : "registered"}});
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
  body["convergence"] = node_convergence(node, wanted, now, service.config().service.silent_after);
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

/// A node's own token has the node's name; others need the role of an operator.
bool may_act_for(Service& service, Request& request, Reply& reply) {
  if (!service.config().service.tokens) return true;
  if (request.role >= Role::operator_) return true;
  const std::string own = request.parts[0] + '@';
  if (request.role == Role::node && request.who.starts_with(own)) return true;
  service.audit(request, "auth-failure", request.parts[0], "not this node's token");
  reply_error(reply, 403, "this token is not the node's");
  return false;
}

void bundle(Service& service, Request& request, Reply& reply) {
  if (!may_act_for(service, request, reply)) return;
  auto until = std::chrono::steady_clock::now();
  if (const std::string* const wait = request.query("wait")) {
    const auto seconds = std::atoi(wait->c_str());
    until += std::clamp<std::chrono::seconds>(std::chrono::seconds(seconds),
                                              std::chrono::seconds(0), kLongestWait);
  }
  const std::string known = request.header("If-None-Match");
  while (true) {
    const auto view = service.view();
    const ServerEntry* const entry =
        view == nullptr ? nullptr : server_of_node(view->model(), request.parts[0]);
    if (entry == nullptr) return reply_error(reply, 404, "there is no node of that name");
    const auto made = view->bundle(*entry);
    if (!made) return reply_error(reply, 500, made.error().text());
    const std::string tag = '"' + made->hash + '"';
    if (known == tag && service.wait_for_view(view, until)) continue;
    reply.header("ETag", tag);
    if (known == tag) {
      reply.status = 304;
      return;
    }
    Json body;
    body["node"] = request.parts[0];
    body["server"] = entry->server->name.view();
    body["revision"] = view->revision();
    body["hash"] = made->hash;
    body["config_hash"] = made->config_hash;
    body["files"] = Json::array();
    for (const NodeFile& file : made->files) {
      body["files"].push_back({{"path", file.path},
                               {"mode", fmt::format("{:04o}", file.mode)},
                               {"content", file.content}});
    }
    if (!request.head()) service.audit(request, "bundle", request.parts[0], made->hash);
    return reply_json(reply, body);
  }
}

void report(Service& service, Request& request, Reply& reply) {
  if (!may_act_for(service, request, reply)) return;
  if (request.body().size() > kMostReportBytes) {
    return reply_error(reply, 413, "a report has at most 65536 bytes");
  }
  const Json body = object_body(request);
  if (body.is_discarded()) return reply_error(reply, 400, "the body is no JSON object");
  const std::string applied = text_member(body, "applied_hash", 128);
  if (applied.empty()) return reply_error(reply, 422, "applied_hash is missing");
  const auto view = service.view();
  const ServerEntry* const entry =
      view == nullptr ? nullptr : server_of_node(view->model(), request.parts[0]);
  if (entry == nullptr) return reply_error(reply, 404, "there is no node of that name");
  const auto before = service.store().provisioning().node(request.parts[0]);
  if (!before) return reply_error(reply, 503, "the state does not answer");
  const Time now = service_time();
  store::Node node = *before ? **before : store::Node{};
  if (!*before) {
    node.name = request.parts[0];
    node.state = "Provisioning";
    node.since = now;
    node.address = request.client;
  }
  node.last_seen = now;
  node.reported = now;
  node.applied_hash = applied;
  node.report = json_text(body);
  if (auto kept = service.store().provisioning().record(node); !kept) {
    return reply_error(reply, 503, "the state does not answer");
  }
  const auto made = view->bundle(*entry);
  const std::string wanted = made ? made->hash : "";
  reply_json(reply, Json{{"received", true},
                         {"desired_hash", wanted},
                         {"convergence", node_convergence(node, wanted, now,
                                                          service.config().service.silent_after)}});
}

}  // namespace

bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string_view node_convergence(const store::Node& node, std::string_view wanted, Time now,
                                  std::chrono::seconds silent_after) {
  if (node.state == "Failed") return "failed";
  if (now - node.last_seen > silent_after) return "silent";
  if (!node.reported) return "unknown";
  const Json report = Json::parse(node.report, nullptr, false);
  if (text_member(report, "health") == "failed") return "failed";
  return node.applied_hash == wanted ? "converged" : "behind";
}

void add_node_routes(std::vector<Route>& routes) {
  const RouteClass node = RouteClass::node;
  routes.push_back({Method::post, "/api/v1/phone-home", node, phone_home,
                    "A node says that it is there", Role::none, true});
  routes.push_back(
      {Method::get, "/api/v1/nodes", node, list_nodes, "The nodes that were heard of"});
  routes.push_back({Method::get, "/api/v1/nodes/{name}", node, get_node, "One node"});
  routes.push_back({Method::get, "/api/v1/nodes/{name}/bundle", node, bundle,
                    "The files that a node is to have; ?wait=60 waits for other ones", Role::node});
  routes.push_back({Method::post, "/api/v1/nodes/{name}/report", node, report,
                    "A node says what it did", Role::node, true});
}

}  // namespace metalwright::service
