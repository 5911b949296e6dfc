#include "pipeline/service/exported.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "pipeline/service/api_boots.h"
#include "renderers/yaml_writer.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::service {
namespace {

constexpr std::string_view kMark =
    "# Made over metalwright's API, and follows it. Take this line away to make the file yours.\n";
constexpr std::string_view kProfiles = "profiles/", kTemplates = "templates/",
                           kServers = "inventory/api-", kYaml = ".yaml", kTemplate = ".api";

bool ours(std::string_view bytes) { return bytes.starts_with(kMark); }

std::string profile_path(std::string_view name) {
  return fmt::format("{}{}{}", kProfiles, name, kYaml);
}
std::string template_path(std::string_view profile) {
  return fmt::format("{}{}{}", kTemplates, profile, kTemplate);
}

void add_profile(const Profile& profile, std::string_view template_text,
                 inventory::FileEdits& files) {
  std::string text;
  renderers::YamlWriter yaml(text);
  yaml.string("type", word(profile.type));
  yaml.boolean("install", profile.install);
  if (!profile.kernel.path.empty()) yaml.string("kernel", profile.kernel.path);
  std::vector<std::string> initrds;
  for (const Asset& initrd : profile.initrd) initrds.push_back(initrd.path);
  if (!initrds.empty()) yaml.strings("initrd", initrds);
  if (!profile.params.empty()) yaml.strings("params", profile.params);
  if (!template_text.empty()) {
    yaml.string("template", template_path(profile.name).substr(kTemplates.size()));
    files[template_path(profile.name)] = std::string(template_text);
  }
  yaml.finish();
  files[profile_path(profile.name)] = std::string(kMark) + text;
}

class Exporter {
 public:
  Exporter(const ApiBoots& api, const Model& others,
           const std::function<bool(std::string_view)>& has_asset)
      : api_(api), others_(others), has_asset_(has_asset) {}

  Exported run() {
    for (const store::ApiProfile& profile : api_.profiles) add(profile);
    std::map<std::string, std::vector<const store::ApiAssignment*>> servers;
    for (const store::ApiAssignment& assignment : api_.assignments) {
      servers[name_of(assignment)].push_back(&assignment);
    }
    for (const auto& [name, assignments] : servers) add(name, assignments);
    return std::move(exported_);
  }

 private:
  struct Made {
    Profile profile;
    std::string template_text;
  };

  void leave_out(std::string what, std::string_view why) {
    exported_.left_out.push_back(fmt::format("{}: {}", what, why));
  }

  void add(const store::ApiProfile& made) {
    const std::string what = "profile " + made.name;
    if (others_.find_profile(made.name) != nullptr) {
      return leave_out(what, "the repository has a profile of this name");
    }
    Result<Profile> profile = profile_of_api(made);
    if (!profile) return leave_out(what, profile.error().message);
    std::vector<std::string> paths;
    if (!profile->kernel.path.empty()) paths.push_back(profile->kernel.path);
    for (const Asset& initrd : profile->initrd) paths.push_back(initrd.path);
    for (const std::string& path : paths) {
      if (has_asset_(path)) continue;
      return leave_out(what, fmt::format("there is no '{}' in the assets folder", path));
    }
    std::string text = template_of_api(made.config_template);
    add_profile(*profile, text, exported_.files);
    ids_[made.id] = made.name;
    made_.emplace(made.name, Made{std::move(*profile), std::move(text)});
  }

  static std::string name_of(const store::ApiAssignment& assignment) {
    if (is_key(assignment.node_name)) return assignment.node_name;
    std::string name = assignment.mac;
    std::replace(name.begin(), name.end(), ':', '-');
    return name;
  }

  /// The profile that an assignment names, by the id of either side.
  const Profile* profile_of(const store::ApiAssignment& assignment) const {
    if (const auto own = ids_.find(assignment.profile_id); own != ids_.end()) {
      return &made_.at(own->second).profile;
    }
    for (const Profile& profile : others_.profiles) {
      if (profile_id(profile.name) == assignment.profile_id) return &profile;
    }
    return nullptr;
  }

  void add(const std::string& name, const std::vector<const store::ApiAssignment*>& assignments) {
    const std::string what = "assignment of " + assignments.front()->mac;
    if (others_.find_server(name) != nullptr) {
      return leave_out(what, fmt::format("the repository has a server '{}'", name));
    }
    const store::ApiAssignment& first = *assignments.front();
    const Profile* const profile = profile_of(first);
    if (profile == nullptr) return leave_out(what, "its profile is not exported");
    std::vector<const store::ApiAssignment*> interfaces;
    for (const store::ApiAssignment* const assignment : assignments) {
      const auto mac = parse_mac_address(assignment->mac);
      if (!mac || has_mac(*mac)) {
        leave_out("assignment of " + assignment->mac, "the repository has this MAC address");
      } else if (assignment->profile_id != first.profile_id ||
                 assignment->params_override != first.params_override) {
        leave_out("assignment of " + assignment->mac,
                  fmt::format("'{}' boots something else already", name));
      } else {
        interfaces.push_back(assignment);
      }
    }
    if (!interfaces.empty()) write_server(name, *profile, first.params_override, interfaces);
  }

  bool has_mac(MacAddress mac) const {
    if (macs_.empty()) {
      for (const ServerEntry& entry : others_.servers) {
        for (const Interface& interface : entry.server->interfaces) {
          if (interface.mac) macs_.insert(interface.mac->text());
        }
      }
      macs_.insert("");  // it was looked at
    }
    return macs_.contains(mac.text());
  }

  void write_server(const std::string& name, const Profile& profile, const std::string& override,
                    const std::vector<const store::ApiAssignment*>& interfaces) {
    const std::vector<std::string> params =
        override_params(profile.params, override).value_or(profile.params);
    const bool adds = params.size() >= profile.params.size() &&
                      std::equal(profile.params.begin(), profile.params.end(), params.begin());
    std::string profile_name = profile.name;
    if (!adds) {
      // A server's own parameters come behind the profile's, and take nothing away from them.
      Profile own = profile;
      own.name = profile_name = profile.name + "-for-" + name;
      own.params = params;
      const auto made = made_.find(profile.name);
      const auto text = others_.templates.find(profile.template_name);
      add_profile(own,
                  made != made_.end()               ? made->second.template_text
                  : text != others_.templates.end() ? text->second
                                                    : "",
                  exported_.files);
    }
    std::string text;
    renderers::YamlWriter yaml(text);
    yaml.open("servers");
    yaml.open_named(name);
    yaml.string("profile", profile_name);
    if (adds && params.size() > profile.params.size()) {
      yaml.open("boot");
      yaml.strings(
          "params",
          std::vector<std::string>(
              params.begin() + static_cast<std::ptrdiff_t>(profile.params.size()), params.end()));
      yaml.close();
    }
    yaml.open("interfaces");
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
      yaml.open_named(fmt::format("eth{}", i));
      yaml.string("mac", interfaces[i]->mac);
      if (i == 0) yaml.string("role", "primary");
      yaml.close();
    }
    yaml.close();
    yaml.close();
    yaml.close();
    yaml.finish();
    exported_.files[fmt::format("{}{}{}", kServers, name, kYaml)] = std::string(kMark) + text;
  }

  const ApiBoots& api_;
  const Model& others_;
  const std::function<bool(std::string_view)>& has_asset_;
  Exported exported_;
  std::map<std::string, std::string> ids_;  // of profiles of the API: their names
  std::map<std::string, Made> made_;        // by name
  mutable std::set<std::string> macs_;
};

}  // namespace

Exported export_api(const ApiBoots& api, const Model& others,
                    const std::function<bool(std::string_view path)>& has_asset) {
  return Exporter(api, others, has_asset).run();
}

bool is_exported(const inventory::RepositoryFiles& files, const inventory::RepositoryFile& file) {
  const std::string_view path = file.path;
  if (path.starts_with(kProfiles) || path.starts_with(kServers)) return ours(*file.bytes);
  if (!path.starts_with(kTemplates) || !path.ends_with(kTemplate)) return false;
  // A template is handed out as it is, so its profile's file tells whose it is.
  const std::string_view name =
      path.substr(kTemplates.size(), path.size() - kTemplates.size() - kTemplate.size());
  const inventory::RepositoryFile* const profile = find_file(files, profile_path(name));
  return profile != nullptr && ours(*profile->bytes);
}

inventory::RepositoryFiles without_exported(const inventory::RepositoryFiles& files) {
  inventory::RepositoryFiles others;
  for (const inventory::RepositoryFile& file : files) {
    if (!is_exported(files, file)) others.push_back(file);
  }
  return others;
}

inventory::FileEdits edits_for(const Exported& exported, const inventory::RepositoryFiles& files) {
  inventory::FileEdits edits;
  for (const inventory::RepositoryFile& file : files) {
    if (is_exported(files, file) && !exported.files.contains(file.path)) edits[file.path] = {};
  }
  for (const auto& [path, bytes] : exported.files) {
    const inventory::RepositoryFile* const there = find_file(files, path);
    // A file that somebody took over is his.
    if (there != nullptr && !is_exported(files, *there)) continue;
    if (there == nullptr || *there->bytes != *bytes) edits[path] = bytes;
  }
  return edits;
}

inventory::RepositoryFiles edited(const inventory::RepositoryFiles& files,
                                  const inventory::FileEdits& edits) {
  std::map<std::string, inventory::RepositoryFile> all;
  for (const inventory::RepositoryFile& file : files) all.emplace(file.path, file);
  for (const auto& [path, bytes] : edits) {
    all.erase(path);
    if (bytes) all.emplace(path, inventory::repository_file(path, *bytes));
  }
  inventory::RepositoryFiles out;
  for (auto& [path, file] : all) out.push_back(std::move(file));
  return out;
}

std::string adopted_entry(const store::PendingMachine& machine, const Adoption& adoption) {
  std::string entry = fmt::format("  {}:\n", adoption.name);
  const std::string& hostname = machine.hostname;
  if (hostname != "unknown" && hostname != adoption.name && is_host_name(hostname)) {
    entry += fmt::format("    hostname: {}\n", hostname);
  }
  // Most likely a lease: whether it is to keep the address is for a person to say.
  if (parse_ipv4(machine.address)) entry += fmt::format("    # seen at {}\n", machine.address);
  if (!adoption.profile.empty()) entry += fmt::format("    profile: {}\n", adoption.profile);
  return entry + fmt::format("    interfaces:\n      {}: {{mac: \"{}\", role: primary}}\n",
                             adoption.interface, machine.mac);
}

}  // namespace metalwright::service
