#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pipeline/secrets.h"
#include "pipeline/service/json_reply.h"

/// What operators and their programs ask: is it alive, what does it do, what can be asked of it;
/// and the forge's calls.
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
    std::map<std::string, std::size_t> states{
        {"Pending", 0}, {"Provisioning", 0}, {"Active", 0}, {"Failed", 0}};
    for (const store::Node& node : *nodes) ++states[node.state];
    family(out, "metalwright_nodes", "gauge", "Nodes by state.");
    for (const auto& [state, count] : states) {
      out += fmt::format("metalwright_nodes{{state=\"{}\"}} {}\n", label(state), count);
    }
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

/// The names in a pattern, in order.
std::vector<std::string> names_of(std::string_view pattern) {
  std::vector<std::string> names;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos;
       at = pattern.find('{', at + 1)) {
    names.emplace_back(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return names;
}

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

void openapi(Service& service, Request&, Reply& reply) {
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", "metalwright"}, {"version", "1"}};
  document["paths"] = Json::object();
  for (const Route& route : service.routes().routes()) {
    Json operation;
    operation["summary"] = route.summary;
    operation["parameters"] = Json::array();
    for (const std::string& name : names_of(route.pattern)) {
      operation["parameters"].push_back(
          {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
    if (route.body) {
      operation["requestBody"] = {
          {"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}};
    }
    operation["responses"] = {{"default", {{"description", route.summary}}}};
    operation["security"] = Json::array();
    if (route.role != Role::none) {
      operation["security"].push_back({{"bearer", Json::array()}});
      operation["security"].push_back({{"apiKey", Json::array()}});
      operation["x-role"] = word(route.role);
    }
    document["paths"][std::string(route.pattern)][lower(word(route.method))] = operation;
  }
  document["components"]["securitySchemes"] = {
      {"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
      {"apiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
  reply_json(reply, document);
}

std::string hmac_hex(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

/// GitHub and Gitea sign the body (`X-Hub-Signature-256: sha256=…`, `X-Gitea-Signature`), Forgejo
/// too (`X-Forgejo-Signature`); GitLab sends the secret itself (`X-Gitlab-Token`).
bool signed_by(const Request& request, const std::string& secret) {
  const std::string mac = hmac_hex(secret, request.body());
  bool good = equal_in_constant_time(request.header("X-Hub-Signature-256"), "sha256=" + mac);
  for (const char* name : {"X-Forgejo-Signature", "X-Gitea-Signature", "X-Metalwright-Signature"}) {
    good = equal_in_constant_time(request.header(name), mac) || good;
  }
  return equal_in_constant_time(request.header("X-Gitlab-Token"), secret) || good;
}

void git_hook(Service& service, Request& request, Reply& reply) {
  const SecretRef& ref = service.config().service.git_hook;
  if (ref.name.empty())
    return reply_error(reply, 404, "no secret is set for this: service.git-hook");
  const auto secret = pipeline::resolve_secret(service.config().secrets, ref.name);
  if (!secret || secret->empty()) {
    service.say(secret ? "the secret of git hooks is empty" : secret.error().text());
    return reply_error(reply, 503, "the secret cannot be read");
  }
  if (!signed_by(request, *secret)) {
    service.audit(request, "auth-failure", "/hooks/git", "wrong signature");
    return reply_error(reply, 401, "the signature is wrong");
  }
  // Nothing of the body is believed: the loop looks for itself.
  service.wake();
  reply_json(reply, Json{{"accepted", true}}, 202);
}

}  // namespace

void add_operation_routes(std::vector<Route>& routes) {
  const RouteClass open = RouteClass::open, api = RouteClass::api;
  routes.push_back({Method::get, "/livez", open, live, "Whether the process answers"});
  routes.push_back({Method::get, "/readyz", open, ready, "Whether it can serve boots"});
  routes.push_back({Method::get, "/metrics", api, metrics, "Metrics for Prometheus", Role::viewer});
  routes.push_back({Method::get, "/api/v1/openapi.json", api, openapi, "This description"});
  routes.push_back({Method::post, "/hooks/git", RouteClass::hooks, git_hook,
                    "The forge says that something was pushed", Role::none, true});
}

}  // namespace metalwright::service
