#include "pipeline/service/boot_api_reply.h"

#include <fmt/format.h>

#include "pipeline/service/api_boots.h"

namespace metalwright::service {

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

std::string read_member(const Json& body, std::string_view name, std::string_view snake,
                        std::size_t most, std::vector<Violation>& violations) {
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

}  // namespace metalwright::service
