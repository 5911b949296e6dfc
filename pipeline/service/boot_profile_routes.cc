#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "pipeline/service/api_boots.h"
#include "pipeline/service/boot_api_reply.h"

/// Boot profiles over the API. What the repository has under the same name wins, and is shown
/// beside what the API made.
namespace metalwright::service {
namespace {

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
  profile.name = read_member(body, "name", "name", 100, violations);
  profile.type = read_member(body, "profileType", "profile_type", 50, violations);
  profile.kernel_path = read_member(body, "kernelPath", "kernel_path", 500, violations);
  profile.initrd_path = read_member(body, "initrdPath", "initrd_path", 500, violations);
  profile.boot_params = read_member(body, "bootParams", "boot_params", 2000, violations);
  profile.config_template =
      read_member(body, "configTemplate", "config_template", 256 * 1024, violations);
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

}  // namespace

void add_boot_profile_routes(std::vector<Route>& routes) {
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
}

}  // namespace metalwright::service
