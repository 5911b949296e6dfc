#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/service/api_boots.h"
#include "pipeline/service/boot_api_reply.h"
#include "schemas/mac_address.h"

/// What each machine boots, over the API. What the repository says of a machine wins.
namespace metalwright::service {
namespace {

Json last_boot(Service& service, const std::string& mac) {
  const auto seen = service.store().boots().last_of(mac);
  return seen && *seen ? Json(utc_text((*seen)->last)) : Json(nullptr);
}

Json shown(Service& service, const store::ApiAssignment& assignment) {
  Json body;
  body["macAddress"] = assignment.mac;
  body["nodeName"] = assignment.node_name;
  body["bootProfileId"] = assignment.profile_id;
  Json override = assignment.params_override.empty()
                      ? Json(nullptr)
                      : Json::parse(assignment.params_override, nullptr, false);
  body["bootParamsOverride"] = override.is_discarded() ? Json(nullptr) : std::move(override);
  body["lastBootAt"] = last_boot(service, assignment.mac);
  body["source"] = "api";
  return body;
}

/// The assignment that the repository says for this MAC address; null where it says none.
Json git_assignment(Service& service, const BootView& view, MacAddress mac) {
  const MacOwner owner = view.owner(mac);
  if (owner.entry == nullptr || owner.interface->bmc()) return nullptr;
  const Profile* const profile = profile_of(view.model(), *owner.entry->server);
  if (profile == nullptr || view.from_api(profile->name)) return nullptr;
  Json body;
  body["macAddress"] = mac.text();
  body["nodeName"] = owner.entry->server->name.view();
  body["bootProfileId"] = profile_id(profile->name);
  body["bootParamsOverride"] = nullptr;
  body["lastBootAt"] = last_boot(service, mac.text());
  body["source"] = "git";
  return body;
}

void list_assignments(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  const auto page = view == nullptr ? std::nullopt : page_of(request, reply);
  if (!page) return;
  std::vector<std::string> macs;
  for (const ServerEntry& entry : view->model().servers) {
    if (profile_of(view->model(), *entry.server) == nullptr) continue;
    for (const Interface& interface : entry.server->interfaces) {
      if (interface.mac && !interface.bmc()) macs.push_back(interface.mac->text());
    }
  }
  for (const store::ApiAssignment& assignment : view->api().assignments) {
    macs.push_back(assignment.mac);
  }
  std::sort(macs.begin(), macs.end());
  macs.erase(std::unique(macs.begin(), macs.end()), macs.end());
  Json body = Json::array();
  for (std::size_t i = page->offset; i < macs.size() && body.size() < page->limit; ++i) {
    const MacAddress mac = *parse_mac_address(macs[i]);
    Json git = git_assignment(service, *view, mac);
    if (!git.is_null()) {
      body.push_back(std::move(git));
    } else if (const store::ApiAssignment* const assignment = view->assignment(mac)) {
      body.push_back(shown(service, *assignment));
    }
  }
  reply_json(reply, body);
}

void get_assignment(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const auto mac = parse_mac_address(request.parts[0]);
  if (!mac) return reply_validation(reply, "that is no MAC address");
  const Json git = git_assignment(service, *view, *mac);
  if (!git.is_null()) return reply_json(reply, git);
  const store::ApiAssignment* const assignment = view->assignment(*mac);
  if (assignment == nullptr) return reply_error(reply, 404, "nothing is assigned to this machine");
  reply_json(reply, shown(service, *assignment));
}

bool is_node_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

void write_assignment(Service& service, Request& request, Reply& reply,
                      const std::string& mac_of_path) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const Json body = object_body(request);
  if (body.is_discarded()) return reply_validation(reply, "the body is no JSON object");
  std::vector<Violation> violations;
  store::ApiAssignment assignment;
  std::string said = read_member(body, "macAddress", "mac_address", 64, violations);
  if (said.empty() && violations.empty()) said = mac_of_path;
  const auto mac = parse_mac_address(said);
  if (!mac || mac->multicast() || mac->zero()) {
    violations.push_back({"macAddress", "must be the MAC address of one machine"});
  } else {
    assignment.mac = mac->text();
    const auto of_path = parse_mac_address(mac_of_path);
    if (!mac_of_path.empty() && of_path != mac) {
      violations.push_back({"macAddress", "must be the one of the path"});
    }
  }
  assignment.node_name = read_member(body, "nodeName", "node_name", 255, violations);
  if (!is_node_name(assignment.node_name)) {
    violations.push_back({"nodeName", "must be letters, digits, '.', '-' and '_'"});
  }
  const std::string profile =
      read_member(body, "bootProfileId", "boot_profile_id", 255, violations);
  const Json found = profile_by(*view, profile);
  if (found.is_null()) {
    violations.push_back({"bootProfileId", "must be the id or name of a boot profile"});
  } else {
    assignment.profile_id = found["id"].get<std::string>();
  }
  for (const char* name : {"bootParamsOverride", "boot_params_override"}) {
    const auto at = body.find(name);
    if (at == body.end() || at->is_null()) continue;
    // Some clients send the column's text.
    assignment.params_override = at->is_string() ? at->get<std::string>() : json_text(*at);
    if (assignment.params_override.size() > 4096) {
      violations.push_back({"bootParamsOverride", "must have at most 4096 bytes"});
      assignment.params_override.clear();
    }
  }
  if (violations.empty()) {
    // As it would boot, so that a machine never meets what cannot be written.
    store::ApiProfile trial{"trial", "trial", "", "k/k", "", "", "", {}};
    const auto params = override_params({}, assignment.params_override);
    if (!params) {
      violations.push_back({"bootParamsOverride", params.error().message});
    } else {
      for (const std::string& param : *params) trial.boot_params += param + ' ';
      if (const auto made = profile_of_api(trial); !made) {
        violations.push_back({"bootParamsOverride", made.error().message});
      }
    }
  }
  if (!violations.empty()) return reply_violations(reply, violations);
  assignment.made = service_time();
  const auto is_new = service.store().boot_api().write(assignment);
  if (!is_new) return reply_error(reply, 503, is_new.error().message);
  service.audit(request, "boot-assignment", assignment.mac, found["name"].get<std::string>());
  if (auto read = service.api_changed(); !read) service.say(read.error().text());
  reply_json(reply, shown(service, assignment), *is_new ? 201 : 200);
  if (*is_new) reply.header("Location", "/api/v1/boot/assignments/" + assignment.mac);
}

void make_assignment(Service& service, Request& request, Reply& reply) {
  write_assignment(service, request, reply, "");
}

void change_assignment(Service& service, Request& request, Reply& reply) {
  const auto mac = parse_mac_address(request.parts[0]);
  if (!mac) return reply_validation(reply, "that is no MAC address");
  write_assignment(service, request, reply, mac->text());
}

void remove_assignment(Service& service, Request& request, Reply& reply) {
  const auto mac = parse_mac_address(request.parts[0]);
  if (!mac) return reply_validation(reply, "that is no MAC address");
  const auto removed = service.store().boot_api().remove_assignment(mac->text());
  if (!removed) return reply_error(reply, 503, removed.error().message);
  if (!*removed) return reply_error(reply, 404, "the API assigned nothing to this machine");
  service.audit(request, "boot-assignment", mac->text(), "removed");
  if (auto read = service.api_changed(); !read) service.say(read.error().text());
  reply.status = 204;
}

}  // namespace

void add_boot_assignment_routes(std::vector<Route>& routes) {
  const RouteClass api = RouteClass::api;
  const Role reads = Role::viewer, writes = Role::operator_;
  routes.push_back({Method::get, "/api/v1/boot/assignments", api, list_assignments,
                    "What each machine boots", reads});
  routes.push_back({Method::post, "/api/v1/boot/assignments", api, make_assignment,
                    "Say what a machine boots", writes, true});
  routes.push_back({Method::get, "/api/v1/boot/assignments/{mac}", api, get_assignment,
                    "What one machine boots", reads});
  routes.push_back({Method::put, "/api/v1/boot/assignments/{mac}", api, change_assignment,
                    "Say what a machine boots", writes, true});
  routes.push_back({Method::delete_, "/api/v1/boot/assignments/{mac}", api, remove_assignment,
                    "Take back what the API assigned to a machine", writes});
}

}  // namespace metalwright::service
