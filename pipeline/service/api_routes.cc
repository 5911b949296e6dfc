#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "pipeline/service/api_boots.h"
#include "pipeline/service/json_reply.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

/// Boot profiles and assignments over the API. What the repository has under the same name wins,
/// and is shown beside what the API made.
namespace metalwright::service {
namespace {

struct Violation {
  std::string field, message;
};

void reply_violations(Reply& reply, const std::vector<Violation>& violations) {
  Json body;
  body["title"] = "Constraint Violation";
  body["status"] = 400;
  body["violations"] = Json::array();
  for (const Violation& violation : violations) {
    body["violations"].push_back({{"field", violation.field}, {"message", violation.message}});
  }
  reply_json(reply, body, 400);
}

void reply_validation(Reply& reply, std::string_view message) {
  reply_error(reply, 400, message);
  Json body = Json::parse(reply.body);
  body["error"] = "VALIDATION_ERROR";
  reply.body = json_text(body);
}

/// Reads one member by its camelCase or snake_case name. Notes what is no text or too long.
std::string read(const Json& body, std::string_view name, std::string_view snake, std::size_t most,
                 std::vector<Violation>& violations) {
  for (const std::string_view spelling : {name, snake}) {
    const auto at = body.find(spelling);
    if (at == body.end() || at->is_null()) continue;
    if (!at->is_string()) {
      violations.push_back({std::string(name), "must be a text"});
      return {};
    }
    std::string text = at->get<std::string>();
    if (text.size() > most) {
      violations.push_back({std::string(name), fmt::format("size must be between 0 and {}", most)});
      return {};
    }
    if (text.find('\0') != std::string::npos) {
      violations.push_back({std::string(name), "must not hold NUL"});
      return {};
    }
    return text;
  }
  return {};
}

std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

Json shown(const store::ApiProfile& profile, bool in_force) {
  Json body;
  body["id"] = profile.id;
  body["name"] = profile.name;
  body["profileType"] = profile.type;
  body["kernelPath"] = profile.kernel_path;
  body["initrdPath"] = profile.initrd_path;
  body["bootParams"] = profile.boot_params;
  body["configTemplate"] = profile.config_template;
  body["source"] = "api";
  body["inForce"] = in_force;
  return body;
}

Json shown(const BootView& view, const Profile& profile) {
  Json body;
  std::string initrd, params;
  for (const Asset& asset : profile.initrd) initrd += (initrd.empty() ? "" : ",") + asset.path;
  for (const std::string& param : profile.params) params += (params.empty() ? "" : " ") + param;
  const auto text = view.model().templates.find(profile.template_name);
  body["id"] = profile_id(profile.name);
  body["name"] = profile.name;
  body["profileType"] = word(profile.type);
  body["kernelPath"] = profile.kernel.path;
  body["initrdPath"] = initrd;
  body["bootParams"] = params;
  body["configTemplate"] = text == view.model().templates.end() ? "" : text->second;
  body["source"] = "git";
  body["inForce"] = true;
  return body;
}

const store::ApiProfile* api_profile(const BootView& view, std::string_view key) {
  for (const store::ApiProfile& profile : view.api().profiles) {
    if (profile.id == key || profile.name == key) return &profile;
  }
  return nullptr;
}

const Profile* git_profile(const BootView& view, std::string_view key) {
  for (const Profile& profile : view.model().profiles) {
    if (view.from_api(profile.name)) continue;
    if (profile.name == key || profile_id(profile.name) == key) return &profile;
  }
  return nullptr;
}

/// The profile of that name or id as it is shown; null where there is none.
Json profile_by(const BootView& view, std::string_view key) {
  if (const Profile* const profile = git_profile(view, key)) return shown(view, *profile);
  if (const store::ApiProfile* const profile = api_profile(view, key)) {
    return shown(*profile, view.from_api(profile->name));
  }
  return nullptr;
}

std::shared_ptr<const BootView> view_of(Service& service, Reply& reply) {
  auto view = service.view();
  if (view == nullptr) reply_error(reply, 503, "there is no revision yet");
  return view;
}

void list_profiles(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  const auto page = view == nullptr ? std::nullopt : page_of(request, reply);
  if (!page) return;
  std::vector<Json> all;
  for (const Profile& profile : view->model().profiles) {
    if (!view->from_api(profile.name)) all.push_back(shown(*view, profile));
  }
  for (const store::ApiProfile& profile : view->api().profiles) {
    all.push_back(shown(profile, view->from_api(profile.name)));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Json& a, const Json& b) { return a["name"] < b["name"]; });
  Json body = Json::array();
  for (std::size_t i = page->offset; i < all.size() && body.size() < page->limit; ++i) {
    body.push_back(std::move(all[i]));
  }
  reply_json(reply, body);
}

void get_profile(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const Json profile = profile_by(*view, request.parts[0]);
  if (profile.is_null()) return reply_error(reply, 404, "there is no such boot profile");
  reply_json(reply, profile);
}

/// The body as a profile; false with the reply made.
bool read_profile(const Request& request, Reply& reply, store::ApiProfile& profile) {
  const Json body = object_body(request);
  if (body.is_discarded()) {
    reply_validation(reply, "the body is no JSON object");
    return false;
  }
  std::vector<Violation> violations;
  profile.name = read(body, "name", "name", 100, violations);
  profile.type = read(body, "profileType", "profile_type", 50, violations);
  profile.kernel_path = read(body, "kernelPath", "kernel_path", 500, violations);
  profile.initrd_path = read(body, "initrdPath", "initrd_path", 500, violations);
  profile.boot_params = read(body, "bootParams", "boot_params", 2000, violations);
  profile.config_template = read(body, "configTemplate", "config_template", 256 * 1024, violations);
  if (profile.name.empty() && violations.empty())
    violations.push_back({"name", "must not be blank"});
  if (violations.empty()) {
    if (const Result<Profile> made = profile_of_api(profile); !made) {
      const std::string& message = made.error().message;
      const std::size_t colon = message.find(':');
      violations.push_back(
          {colon == std::string::npos ? "body" : message.substr(0, colon), message});
    }
  }
  if (violations.empty()) return true;
  reply_violations(reply, violations);
  return false;
}

/// Writes it, and answers with what is now there.
void write_profile(Service& service, Request& request, Reply& reply,
                   const store::ApiProfile& profile, int status) {
  if (auto written = service.store().boot_api().write(profile); !written) {
    return reply_error(reply, written.error().kind == ErrorKind::conflict ? 409 : 503,
                       written.error().message);
  }
  service.audit(request, "boot-profile", profile.name, status == 201 ? "made" : "changed");
  if (auto read = service.api_changed(); !read) service.say(read.error().text());
  const auto view = service.view();
  reply_json(reply, shown(profile, view != nullptr && view->from_api(profile.name)), status);
  if (status == 201) reply.header("Location", "/api/v1/boot/profiles/" + profile.name);
}

void make_profile(Service& service, Request& request, Reply& reply) {
  store::ApiProfile profile;
  if (!read_profile(request, reply, profile)) return;
  profile.id = random_uuid();
  profile.made = service_time();
  write_profile(service, request, reply, profile, 201);
}

void change_profile(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const store::ApiProfile* const before = api_profile(*view, request.parts[0]);
  if (before == nullptr) {
    const bool git = git_profile(*view, request.parts[0]) != nullptr;
    return reply_error(reply, git ? 409 : 404,
                       git ? "this profile stands in the repository: change it there"
                           : "there is no such boot profile");
  }
  store::ApiProfile profile;
  if (!read_profile(request, reply, profile)) return;
  profile.id = before->id;
  profile.made = before->made;
  write_profile(service, request, reply, profile, 200);
}

void remove_profile(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const store::ApiProfile* const profile = api_profile(*view, request.parts[0]);
  if (profile == nullptr) {
    const bool git = git_profile(*view, request.parts[0]) != nullptr;
    return reply_error(reply, git ? 409 : 404,
                       git ? "this profile stands in the repository: remove it there"
                           : "there is no such boot profile");
  }
  if (auto removed = service.store().boot_api().remove_profile(profile->id); !removed) {
    return reply_error(reply, 503, removed.error().message);
  }
  service.audit(request, "boot-profile", profile->name, "removed");
  if (auto read = service.api_changed(); !read) service.say(read.error().text());
  reply.status = 204;
}

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
  std::string said = read(body, "macAddress", "mac_address", 64, violations);
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
  assignment.node_name = read(body, "nodeName", "node_name", 255, violations);
  if (!is_node_name(assignment.node_name)) {
    violations.push_back({"nodeName", "must be letters, digits, '.', '-' and '_'"});
  }
  const std::string profile = read(body, "bootProfileId", "boot_profile_id", 255, violations);
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

std::string url_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.rfind(':')));
}

void network_config(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const std::string* const vendor = request.query("vendor");
  const bool mikrotik = vendor != nullptr && *vendor == "mikrotik";
  if (!mikrotik && (vendor == nullptr || *vendor != "fs")) {
    return reply_validation(reply, "vendor is 'mikrotik' or 'fs'");
  }
  std::string& out = reply.body;
  for (const Network& network : view->model().networks) {
    const std::string server =
        network.boot_server.empty() ? url_host(service.config().service.url) : network.boot_server;
    const std::string gateway = network.gateway ? network.gateway->text() : "";
    if (mikrotik) {
      out += "/ip dhcp-server network add address=" + network.prefix.text();
      if (!gateway.empty()) out += " gateway=" + gateway;
      out += " boot-file-name=\"undionly.kpxe\"";
      if (!server.empty()) out += " next-server=" + server;
      out += '\n';
      continue;
    }
    out += "ip dhcp pool " + network.name + "\n network " + network.prefix.address.text() + ' ' +
           network.prefix.netmask().text() + '\n';
    if (!gateway.empty()) out += " default-router " + gateway + '\n';
    if (!server.empty()) out += " next-server " + server + '\n';
    out += " bootfile undionly.kpxe\n exit\n";
  }
}

}  // namespace

void add_api_routes(std::vector<Route>& routes) {
  const RouteClass api = RouteClass::api;
  const Role reads = Role::viewer, writes = Role::operator_;
  routes.push_back({Method::get, "/api/v1/boot/profiles", api, list_profiles,
                    "Boot profiles of the repository and of the API", reads});
  routes.push_back({Method::post, "/api/v1/boot/profiles", api, make_profile, "Make a boot profile",
                    writes, true});
  routes.push_back({Method::get, "/api/v1/boot/profiles/{profile}", api, get_profile,
                    "One boot profile, by its name or id", reads});
  routes.push_back({Method::put, "/api/v1/boot/profiles/{profile}", api, change_profile,
                    "Change a boot profile that the API made", writes, true});
  routes.push_back({Method::delete_, "/api/v1/boot/profiles/{profile}", api, remove_profile,
                    "Remove a boot profile that the API made, with its assignments", writes});
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
  routes.push_back({Method::get, "/api/v1/boot/network-config", api, network_config,
                    "The networks' DHCP for a router that answers it itself", reads});
}

}  // namespace metalwright::service
