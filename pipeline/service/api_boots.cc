#include "pipeline/service/api_boots.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "renderers/boot_site.h"
#include "renderers/boot_templates.h"
#include "renderers/ipxe.h"
#include "schemas/digest.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

namespace metalwright::service {
namespace {

const Origin kApi{.file = "api"};

/// Words at blanks; a value in double quotes may hold some.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if ((c == ' ' || c == '\t' || c == '\n' || c == '\r') && !quoted) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
      continue;
    }
    word += c;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

ProfileType type_of(std::string_view type) {
  if (type == "talos") return ProfileType::talos_worker;
  return parse_profile_type(type).value_or(ProfileType::custom);
}

bool is_asset_path(std::string_view path) {
  if (path.empty() || path.size() > 500 || path.front() == '/' || path.back() == '/') return false;
  while (true) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part.front() == '.') return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

Result<Asset> asset_of(std::string_view path, std::string_view field) {
  if (!is_asset_path(path)) {
    return invalid("asset-path",
                   fmt::format("{}: {} is no path beneath the assets folder", field,
                               metalwright::quoted(path)),
                   kApi);
  }
  return Asset{std::string(path), "", "", kApi};
}

bool is_profile_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' && name[0] != '-' &&
         name[0] != '_' && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

Model model_of(Profile profile) {
  Model model;
  model.profiles.push_back(std::move(profile));
  return model;
}

}  // namespace

std::string template_of_api(std::string text) {
  for (const auto& [from, to] :
       {std::pair<std::string_view, std::string_view>{"{{nodeName}}", "{{hostname}}"},
        {"{{node_name}}", "{{hostname}}"},
        {"{{macAddress}}", "{{mac}}"},
        {"{{mac_address}}", "{{mac}}"}}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

std::string profile_id(std::string_view name) {
  // RFC 9562, version 8: 122 bits of our own choice.
  Digest digest = sha256("boot profile of the repository: " + std::string(name));
  digest.bytes[6] = static_cast<std::uint8_t>((digest.bytes[6] & 0x0FU) | 0x80U);
  digest.bytes[8] = static_cast<std::uint8_t>((digest.bytes[8] & 0x3FU) | 0x80U);
  const std::string hex = digest.hex();
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

Result<Profile> profile_of_api(const store::ApiProfile& made) {
  Profile profile;
  if (!is_profile_name(made.name)) {
    return invalid("name-format",
                   fmt::format("name: {} is no profile name", metalwright::quoted(made.name)),
                   kApi);
  }
  profile.name = profile.title = made.name;
  profile.origin = profile.template_origin = kApi;
  profile.type = type_of(made.type);
  profile.install = profile.type == ProfileType::ubuntu;
  if (!made.kernel_path.empty()) {
    Result<Asset> kernel = asset_of(made.kernel_path, "kernelPath");
    if (!kernel) return tl::unexpected(kernel.error());
    profile.kernel = std::move(*kernel);
  }
  // Several initrds with commas between them.
  for (std::string_view rest = made.initrd_path; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    Result<Asset> initrd = asset_of(rest.substr(0, comma), "initrdPath");
    if (!initrd) return tl::unexpected(initrd.error());
    profile.initrd.push_back(std::move(*initrd));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  profile.params = words_of(made.boot_params);
  profile.param_origins.assign(profile.params.size(), kApi);
  if (!made.config_template.empty()) profile.template_name = "api/" + made.name;

  Model model = model_of(profile);
  if (!made.config_template.empty()) {
    model.templates[profile.template_name] = template_of_api(made.config_template);
  }
  const renderers::RenderSettings settings;
  const renderers::BootSite site = renderers::make_boot_site(model, settings);
  Errors errors = site.profiles.front().errors;
  if (errors.empty() && site.profiles.front().boots()) {
    errors = renderers::Ipxe(site).site([](const renderers::Artifact&) {});
  }
  if (errors.empty()) errors = renderers::BootTemplates(site).site();
  if (has_error(errors)) return tl::unexpected(errors.front());
  return profile;
}

Result<std::vector<std::string>> override_params(const std::vector<std::string>& params,
                                                 const std::string& json) {
  std::vector<std::string> result = params;
  if (json.empty()) return result;
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, false);
  const auto wrong = [](std::string_view what) {
    return invalid("param-text", fmt::format("bootParamsOverride: {}", what), kApi);
  };
  if (object.is_null()) return result;
  if (!object.is_object()) return wrong("is no object of names and values");
  for (const auto& [name, value] : object.items()) {
    if (name.empty() || name.find_first_of(" \t\r\n\"=") != std::string::npos) {
      return wrong(fmt::format("{} is no name of an argument", metalwright::quoted(name)));
    }
    const auto of_name = [&name = name](const std::string& param) {
      return param == name || param.starts_with(name + '=');
    };
    std::string text;
    if (value.is_string()) {
      text = value.get<std::string>();
    } else if (value.is_number()) {
      text = value.dump();
    } else if (!value.is_null() && !value.is_boolean()) {
      return wrong(fmt::format("{} is neither a text, a number, a switch nor null",
                               metalwright::quoted(name)));
    }
    const bool remove = value.is_null() || (value.is_boolean() && !value.get<bool>());
    if (text.find_first_of(" \t") != std::string::npos && text.find('"') == std::string::npos) {
      text = '"' + text + '"';
    }
    const std::string made = text.empty() ? name : name + '=' + text;
    const auto first = std::find_if(result.begin(), result.end(), of_name);
    if (first == result.end()) {
      if (!remove) result.push_back(made);
      continue;
    }
    if (!remove) *first = made;
    result.erase(std::remove_if(remove ? first : first + 1, result.end(), of_name), result.end());
  }
  return result;
}

std::unique_ptr<AssignedMachine> make_assigned_machine(
    const Profile& profile, const store::ApiAssignment& assignment,
    const std::map<std::string, std::string>& templates) {
  const auto mac = parse_mac_address(assignment.mac);
  if (!mac) return nullptr;
  Model model = model_of(profile);
  Profile& own = model.profiles.front();
  if (auto params = override_params(own.params, assignment.params_override)) {
    own.params = std::move(*params);
    own.param_origins.assign(own.params.size(), kApi);
  }
  if (const auto at = templates.find(own.template_name); at != templates.end()) {
    model.templates.insert(*at);
  }
  auto arena = std::make_shared<Arena>();
  Interface interface;
  interface.name = arena->copy("boot");
  interface.role = arena->copy("primary");
  interface.mac = *mac;
  Server server;
  const std::string& name = assignment.node_name;
  server.name = arena->copy(name.empty() ? mac->text('-') : name);
  server.hostname = server.name;
  server.profile = arena->copy(own.name);
  server.interfaces = arena->copy_span(std::span<const Interface>(&interface, 1));
  model.files.push_back("api");
  model.servers.push_back({.server = arena->copy_value(server), .line = 1, .column = 1});
  model.arenas.push_back(std::move(arena));
  build_index(model);
  return std::make_unique<AssignedMachine>(std::move(model));
}

Result<std::string> assigned_script(const AssignedMachine& machine,
                                    const std::string& service_url) {
  renderers::RenderSettings settings;
  settings.service_url = service_url;
  const renderers::BootSite site = renderers::make_boot_site(machine.model(), settings);
  std::string script;
  const Errors errors = renderers::Ipxe(site).server(
      machine.model().servers.front(),
      [&](const renderers::Artifact& artifact) { script = artifact.content; });
  if (script.empty() && !errors.empty()) return tl::unexpected(errors.front());
  return script;
}

Errors assigned_config(const AssignedMachine& machine, const std::string& service_url,
                       const renderers::ArtifactSink& sink) {
  renderers::RenderSettings settings;
  settings.service_url = service_url;
  const renderers::BootSite site = renderers::make_boot_site(machine.model(), settings);
  return renderers::BootTemplates(site).server(machine.model().servers.front(), sink);
}

}  // namespace metalwright::service
