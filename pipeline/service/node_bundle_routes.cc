#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "pipeline/service/assets.h"
#include "pipeline/service/json_reply.h"
#include "pipeline/service/node_files.h"
#include "reconciler/targets/nodes/node_standing.h"

/// Nodes fetch what they are to have, and report what they did. The list of files is for clients
/// that have no JSON: a shell is enough, see examples/node-client.
namespace metalwright::service {
namespace {

constexpr std::size_t kMostReportBytes = 64 * 1024;
constexpr std::chrono::seconds kLongestWait{60};

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

/// The node's server; null with the reply made.
const ServerEntry* entry_of(const BootView* view, const Request& request, Reply& reply) {
  const ServerEntry* const entry =
      view == nullptr ? nullptr : server_of_node(view->model(), request.parts[0]);
  if (entry == nullptr) reply_error(reply, 404, "there is no node of that name");
  return entry;
}

/// Until when a request that has no news may be held; empty with the reply made.
std::optional<std::chrono::steady_clock::time_point> patience(const Request& request,
                                                              Reply& reply) {
  std::uint32_t seconds = 0;
  if (const std::string* const wait = request.query("wait")) {
    const auto [end, error] = std::from_chars(wait->data(), wait->data() + wait->size(), seconds);
    if (error != std::errc{} || end != wait->data() + wait->size()) {
      reply_error(reply, 400, "wait is a number of seconds");
      return {};
    }
  }
  return std::chrono::steady_clock::now() +
         std::min<std::chrono::seconds>(std::chrono::seconds(seconds), kLongestWait);
}

Json as_json(const Request& request, const BootView& view, const ServerEntry& entry,
             const Bundle& bundle) {
  Json body;
  body["node"] = request.parts[0];
  body["server"] = entry.server->name.view();
  body["revision"] = view.revision();
  body["hash"] = bundle.hash;
  body["config_hash"] = bundle.config_hash;
  body["files"] = Json::array();
  for (const NodeFile& file : bundle.files) {
    body["files"].push_back({{"path", file.path},
                             {"mode", fmt::format("{:04o}", file.mode)},
                             {"content", file.content}});
  }
  return body;
}

void bundle(Service& service, Request& request, Reply& reply) {
  if (!may_act_for(service, request, reply)) return;
  const std::string* const format = request.query("format");
  if (format != nullptr && *format != "json" && *format != "list") {
    return reply_error(reply, 400, "format is 'json' or 'list'");
  }
  const auto until = patience(request, reply);
  if (!until) return;
  const std::string known = request.header("If-None-Match");
  while (true) {
    const auto view = service.view();
    const ServerEntry* const entry = entry_of(view.get(), request, reply);
    if (entry == nullptr) return;
    const auto made = view->bundle(*entry);
    if (!made) return reply_error(reply, 500, made.error().text());
    const std::string tag = '"' + made->hash + '"';
    const bool same = !known.empty() && names_tag(known, tag);
    if (same && service.wait_for_view(view, *until)) continue;
    reply.header("ETag", tag);
    if (same) {
      reply.status = 304;
      return;
    }
    if (!request.head()) service.audit(request, "bundle", request.parts[0], made->hash);
    if (format == nullptr || *format == "json") {
      return reply_json(reply, as_json(request, *view, *entry, *made));
    }
    reply.header("Cache-Control", "no-store");
    reply.body = renderers::bundle_text(made->files);
    return;
  }
}

void file(Service& service, Request& request, Reply& reply) {
  if (!may_act_for(service, request, reply)) return;
  const std::string* const path = request.query("path");
  if (path == nullptr) return reply_error(reply, 400, "path is missing");
  const auto view = service.view();
  const ServerEntry* const entry = entry_of(view.get(), request, reply);
  if (entry == nullptr) return;
  const auto made = view->bundle(*entry);
  if (!made) return reply_error(reply, 500, made.error().text());
  const auto found = std::find_if(made->files.begin(), made->files.end(),
                                  [&](const NodeFile& each) { return each.path == *path; });
  if (found == made->files.end()) return reply_error(reply, 404, "the node has no such file");
  reply.header("Cache-Control", "no-store");
  reply.content_type = "application/octet-stream";
  reply.body = found->content;
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
  const ServerEntry* const entry = entry_of(view.get(), request, reply);
  if (entry == nullptr) return;
  const Time now = service_time();
  store::Node node;
  bool news = false;
  const auto kept = service.store().provisioning().change_node(
      request.parts[0], [&](store::Node& changed, bool heard) -> Result<bool> {
        if (!heard) {
          changed.state = "Provisioning";
          changed.since = now;
          changed.address = request.client;
        }
        news = !heard || changed.applied_hash != applied;
        changed.last_seen = now;
        changed.reported = now;
        changed.applied_hash = applied;
        changed.report = json_text(body);
        node = changed;
        return true;
      });
  if (!kept) return reply_error(reply, 503, "the state does not answer");
  if (news) service.wake();
  const auto made = view->bundle(*entry);
  const std::string wanted = made ? made->hash : "", config = made ? made->config_hash : "";
  const reconciler::Standing standing =
      reconciler::standing_of(node, {wanted, config}, now, service.config().service.silent_after);
  reply_json(reply, Json{{"received", true},
                         {"desired_hash", wanted},
                         {"convergence", reconciler::word(standing)}});
}

}  // namespace

void add_node_bundle_routes(std::vector<Route>& routes) {
  const RouteClass node = RouteClass::node;
  routes.push_back({Method::get, "/api/v1/nodes/{name}/bundle", node, bundle,
                    "The files that a node is to have; ?wait=60 waits for other ones", Role::node});
  routes.push_back({Method::get, "/api/v1/nodes/{name}/file", node, file,
                    "One of these files as it is: ?path=", Role::node});
  routes.push_back({Method::post, "/api/v1/nodes/{name}/report", node, report,
                    "A node says what it did", Role::node, true});
}

}  // namespace metalwright::service
