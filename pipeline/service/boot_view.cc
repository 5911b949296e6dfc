#include "pipeline/service/boot_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/service/api_boots.h"
#include "renderers/boot_site.h"
#include "renderers/boot_templates.h"
#include "renderers/ipxe.h"

namespace metalwright::service {
namespace {

/// MAC address to server and interface: one step, whatever the size of the fleet.
class MacIndex {
 public:
  explicit MacIndex(const Model& model) {
    std::size_t count = 0;
    for (const ServerEntry& entry : model.servers) count += entry.server->interfaces.size();
    slots_.resize(std::bit_ceil(count * 2 + 2));
    for (std::uint32_t s = 0; s < model.servers.size(); ++s) {
      const auto interfaces = model.servers[s].server->interfaces;
      for (std::uint32_t i = 0; i < interfaces.size(); ++i) {
        if (interfaces[i].mac) add(key_of(*interfaces[i].mac), s, i);
      }
    }
  }
  [[nodiscard]] MacOwner find(const Model& model, MacAddress mac) const {
    const std::uint64_t key = key_of(mac);
    for (std::size_t at = place(key); slots_[at].key != 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key != key) continue;
      const ServerEntry& entry = model.servers[slots_[at].server];
      return {&entry, &entry.server->interfaces[slots_[at].interface]};
    }
    return {};
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t server = 0, interface = 0;
  };
  static std::uint64_t key_of(MacAddress mac) {
    std::uint64_t key = 1;  // never 0, which is an empty slot
    for (const std::uint8_t octet : mac.octets) key = key << 8U | octet;
    return key;
  }
  [[nodiscard]] std::size_t place(std::uint64_t key) const {
    return (key * 0x9E3779B97F4A7C15ULL >> 20U) & (slots_.size() - 1);
  }
  void add(std::uint64_t key, std::uint32_t server, std::uint32_t interface) {
    std::size_t at = place(key);
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].key == 0) slots_[at] = {key, server, interface};
  }
  std::vector<Slot> slots_;
};

constexpr std::string_view kFirstLine = "#!ipxe\n";

/// The tree's menu begins by looking for the machine's own script; here that was done already.
std::string menu_alone(const std::string& text) {
  const std::size_t menu = text.find(":_menu\n");
  if (menu == std::string::npos) return text;
  return std::string(kFirstLine) + text.substr(menu);
}

/// One profile's lines out of the menu's script: from behind its label to `boot`.
std::string_view lines_of(std::string_view menu, std::string_view profile) {
  constexpr std::string_view kLast = "\nboot || goto _failed\n";
  const std::string label = fmt::format("\n:{}\n", profile);
  const std::size_t at = menu.find(label);
  if (at == std::string_view::npos) return {};
  const std::string_view lines = menu.substr(at + label.size());
  const std::size_t end = lines.find(kLast);
  return end == std::string_view::npos ? std::string_view{} : lines.substr(0, end + kLast.size());
}

std::string last_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

/// Addresses of a profile's files as the API said them: `/boot/assets/talos/vmlinuz` for the kernel
/// `talos/vmlinuz`, whatever the profile is called.
void name_assets_as_said(std::string& script, const Profile& profile) {
  const auto replace = [&](const Asset& asset) {
    const std::string from = "/assets/" + profile.name + '/' + last_name(asset.path);
    const std::string to = "/assets/" + asset.path;
    if (std::count(asset.path.begin(), asset.path.end(), '/') != 1) return;
    for (std::size_t at = 0; (at = script.find(from, at)) != std::string::npos; at += to.size()) {
      const std::size_t end = at + from.size();
      if (end < script.size() && script[end] != ' ' && script[end] != '\n') {
        at = end;
        continue;
      }
      script.replace(at, from.size(), to);
    }
  };
  if (!profile.kernel.path.empty()) replace(profile.kernel);
  for (const Asset& initrd : profile.initrd) replace(initrd);
}

}  // namespace

struct BootView::Parts {
  Parts(std::shared_ptr<const pipeline::Compiled> from, Model model_with_api,
        renderers::RenderSettings with, ApiBoots boots)
      : compiled(std::move(from)),
        model(std::move(model_with_api)),
        settings(std::move(with)),
        api(std::move(boots)),
        site(renderers::make_boot_site(model, settings)),
        ipxe(site),
        templates(site),
        files(model, settings),
        index(model) {}

  std::shared_ptr<const pipeline::Compiled> compiled;  // owns the servers
  Model model;
  renderers::RenderSettings settings;
  ApiBoots api;
  std::vector<std::string> api_profiles;  // in `model`; sorted
  renderers::BootSite site;
  renderers::Ipxe ipxe;
  renderers::BootTemplates templates;
  NodeFiles files;
  MacIndex index;
  std::map<std::string, Result<std::string>, std::less<>> scripts;  // by profile
  Result<std::string> menu = std::string();

  [[nodiscard]] const Profile* profile_of_id(std::string_view id) const {
    for (const store::ApiProfile& profile : api.profiles) {
      if (profile.id == id) return model.find_profile(profile.name);
    }
    for (const Profile& profile : model.profiles) {
      if (profile_id(profile.name) == id) return &profile;
    }
    return nullptr;
  }

  /// The machine of an assignment of the API, as a model of its own: its arguments differ from its
  /// profile's in what it overrides.
  [[nodiscard]] std::unique_ptr<AssignedMachine> assigned(
      const store::ApiAssignment& assignment) const {
    const Profile* const profile = profile_of_id(assignment.profile_id);
    if (profile == nullptr) return nullptr;
    return make_assigned_machine(*profile, assignment, model.templates);
  }

  void make_scripts() {
    std::string text;
    const Errors errors =
        ipxe.site([&](const renderers::Artifact& artifact) { text = artifact.content; });
    if (has_error(errors)) {
      menu = tl::unexpected(errors.front());
    } else {
      menu = menu_alone(text);
    }
    for (const renderers::BootProfile& profile : site.profiles) {
      if (!profile.boots()) continue;
      const std::string& name = profile.profile->name;
      if (has_error(errors)) {
        scripts.emplace(name, tl::unexpected(errors.front()));
        continue;
      }
      std::string script = fmt::format(
          "{}echo Booting profile {}\n{}:_failed\n"
          "echo The kernel of profile {} did not start. The next boot device follows in 10 "
          "seconds.\nsleep 10\nexit 1\n",
          kFirstLine, name, lines_of(text, name), name);
      if (std::binary_search(api_profiles.begin(), api_profiles.end(), name)) {
        name_assets_as_said(script, *profile.profile);
      }
      scripts.emplace(name, std::move(script));
    }
  }
};

BootView::BootView() = default;
BootView::~BootView() = default;

std::shared_ptr<const BootView> BootView::make(std::shared_ptr<const pipeline::Compiled> compiled,
                                               const HostConfig& config, ApiBoots api) {
  Model model = *compiled->model;
  renderers::RenderSettings settings;
  if (!compiled->layouts.empty()) settings.secrets = compiled->layouts.front().settings.secrets;
  settings.service_url = config.service.url;
  // A machine that nobody knows is never installed without being asked.
  for (Profile& profile : model.profiles) profile.is_default &= !profile.install;
  std::vector<std::string> added;
  for (const store::ApiProfile& made : api.profiles) {
    if (model.find_profile(made.name) != nullptr) continue;
    Result<Profile> profile = profile_of_api(made);
    // What another version of this program let in must not spoil the menu for everybody.
    if (!profile) continue;
    if (!made.config_template.empty()) {
      model.templates.emplace(profile->template_name, template_of_api(made.config_template));
    }
    const auto at =
        std::lower_bound(model.profiles.begin(), model.profiles.end(), made.name,
                         [](const Profile& a, const std::string& name) { return a.name < name; });
    model.profiles.insert(at, std::move(*profile));
    added.push_back(made.name);
  }
  std::sort(added.begin(), added.end());
  std::shared_ptr<BootView> view(new BootView());
  view->parts_ = std::make_unique<Parts>(std::move(compiled), std::move(model), std::move(settings),
                                         std::move(api));
  view->parts_->api_profiles = std::move(added);
  view->parts_->make_scripts();
  return view;
}

const std::string& BootView::revision() const { return parts_->compiled->revision; }
const Model& BootView::model() const { return parts_->model; }
const std::shared_ptr<const pipeline::Compiled>& BootView::compiled() const {
  return parts_->compiled;
}
const ApiBoots& BootView::api() const { return parts_->api; }

bool BootView::from_api(std::string_view profile) const {
  return std::binary_search(parts_->api_profiles.begin(), parts_->api_profiles.end(), profile);
}

const store::ApiAssignment* BootView::assignment(MacAddress mac) const {
  const std::string text = mac.text();
  const auto& all = parts_->api.assignments;
  const auto at = std::lower_bound(
      all.begin(), all.end(), text,
      [](const store::ApiAssignment& a, const std::string& key) { return a.mac < key; });
  return at != all.end() && at->mac == text ? &*at : nullptr;
}

MacOwner BootView::owner(MacAddress mac) const { return parts_->index.find(parts_->model, mac); }

std::optional<Result<MachineBoot>> BootView::boot(MacAddress mac) const {
  const MacOwner owner = this->owner(mac);
  const bool known = owner.entry != nullptr && !owner.interface->bmc();
  const Profile* profile =
      known ? metalwright::profile_of(parts_->model, *owner.entry->server) : nullptr;
  if (profile == nullptr) {
    if (const store::ApiAssignment* const assignment = this->assignment(mac)) {
      const std::unique_ptr<AssignedMachine> machine = parts_->assigned(*assignment);
      if (machine != nullptr) {
        Result<std::string> script = assigned_script(*machine, parts_->settings.service_url);
        if (!script) return Result<MachineBoot>(tl::unexpected(script.error()));
        name_assets_as_said(*script, machine->profile());
        return Result<MachineBoot>(MachineBoot{
            assignment->mac, machine->hostname(), machine->profile().name,
            fmt::format("{}/{}", assignment->profile_id, utc_text(assignment->made)),
            machine->profile().install, "an assignment of the API", std::move(*script)});
      }
    }
    if (!known) return {};
  }
  const Server& server = *owner.entry->server;
  MachineBoot boot;
  boot.subject = server.name.view();
  boot.name = server.hostname.view();
  const bool boots = profile != nullptr && !profile->kernel.path.empty();
  if (boots) {
    boot.profile = profile->name;
    boot.assignment = profile->name;
    boot.install = profile->install;
  }
  boot.reason = server.profile.empty()
                    ? parts_->model.origin(*owner.entry).text()
                    : parts_->model.origin(*owner.entry, server.profile_mark).text();
  const std::string wanted = "ipxe/" + mac.text('-') + ".ipxe";
  const Errors errors = parts_->ipxe.server(*owner.entry, [&](const renderers::Artifact& artifact) {
    if (artifact.name == wanted) boot.script = artifact.content;
  });
  if (boot.script.empty() && !errors.empty()) {
    return Result<MachineBoot>(tl::unexpected(errors.front()));
  }
  if (boots && from_api(profile->name)) name_assets_as_said(boot.script, *profile);
  return Result<MachineBoot>(std::move(boot));
}

Result<Bundle> BootView::bundle(const ServerEntry& entry) const {
  return parts_->files.bundle(entry);
}

Result<std::string> BootView::menu() const { return parts_->menu; }

std::optional<Result<std::string>> BootView::profile_script(std::string_view name) const {
  const auto at = parts_->scripts.find(name);
  if (at == parts_->scripts.end()) return {};
  return at->second;
}

std::string BootView::asset(std::string_view folder, std::string_view file) const {
  if (const Profile* const profile = parts_->model.find_profile(folder)) {
    if (last_name(profile->kernel.path) == file) return profile->kernel.path;
    for (const Asset& initrd : profile->initrd) {
      if (last_name(initrd.path) == file) return initrd.path;
    }
  }
  return fmt::format("{}/{}", folder, file);
}

std::string BootView::loader(std::string_view path) const {
  for (const auto& layout : parts_->compiled->layouts) {
    for (const pipeline::HostFile& file : layout.host_files) {
      if (file.name == path && file.origin.file.empty()) return file.copy_from;
    }
  }
  return {};
}

std::optional<Result<std::string>> BootView::config(std::string_view profile,
                                                    MacAddress mac) const {
  const std::string wanted = fmt::format("configs/{}/{}", profile, mac.text());
  std::optional<Result<std::string>> found;
  const renderers::ArtifactSink take = [&](const renderers::Artifact& artifact) {
    if (artifact.name == wanted) found = Result<std::string>(std::string(artifact.content));
  };
  const MacOwner owner = this->owner(mac);
  const Profile* const own = owner.entry == nullptr
                                 ? nullptr
                                 : metalwright::profile_of(parts_->model, *owner.entry->server);
  if (own != nullptr) {
    if (own->name != profile) return {};
    const Errors errors = parts_->templates.server(*owner.entry, take);
    if (!found && !errors.empty()) return Result<std::string>(tl::unexpected(errors.front()));
    return found;
  }
  const store::ApiAssignment* const assignment = this->assignment(mac);
  const std::unique_ptr<AssignedMachine> machine =
      assignment == nullptr ? nullptr : parts_->assigned(*assignment);
  if (machine == nullptr || machine->profile().name != profile) return {};
  const Errors errors = assigned_config(*machine, parts_->settings.service_url, take);
  if (!found && !errors.empty()) return Result<std::string>(tl::unexpected(errors.front()));
  return found;
}

}  // namespace metalwright::service
