#include "renderers/boot_site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "renderers/comment.h"
#include "schemas/checks.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// Room for other tools: a file name of 255 bytes is the most that file systems and ISO images hold.
constexpr std::size_t kLongestAssetName = 200;
constexpr std::size_t kLongestTitle = 200;
// The longest text that can stand in a place whose value is known only when a machine boots.
constexpr std::string_view kWidestMac = "00:00:00:00:00:00";
constexpr std::string_view kWidestUuid = "00000000-0000-0000-0000-000000000000";
constexpr std::string_view kWidestIp = "255.255.255.255";
constexpr std::string_view kWidestHostname =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";  // one label

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

/// Letters and signs that neither a URL, a TFTP path, a GRUB word nor a list with commas changes.
bool is_asset_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._+~@-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= kLongestAssetName && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

void check_assets(const Profile& profile, Errors& errors) {
  std::vector<const Asset*> seen;
  const auto check = [&](const Asset& asset, std::string_view key) {
    const std::string path = fmt::format("profiles.{}.{}", profile.name, key);
    if (!is_asset_name(base_name(asset.path))) {
      errors.push_back(invalid(checks::kAssetName.id,
                               fmt::format("{}: the file name in {} can hold letters, digits and "
                                           "'._+~@-' only, 1 to {} of them",
                                           path, quoted(asset.path), kLongestAssetName),
                               asset.origin)
                           .value());
    }
    for (const Asset* other : seen) {
      if (base_name(other->path) != base_name(asset.path)) continue;
      errors.push_back(invalid(checks::kAssetName.id,
                               fmt::format("{}: {} has the file name of {}, and the boot tree "
                                           "keeps a profile's files in one folder",
                                           path, quoted(asset.path), quoted(other->path)),
                               asset.origin)
                           .value());
    }
    seen.push_back(&asset);
  };
  if (!profile.kernel.path.empty()) check(profile.kernel, "kernel");
  for (const Asset& asset : profile.initrd) check(asset, "initrd");
}

/// Single blanks between words and none around them: what iPXE makes of any text, so that a title
/// is the same in every menu.
Result<std::string> menu_title(const Profile& profile) {
  const std::string& text = profile.title.empty() ? profile.name : profile.title;
  std::string title;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return invalid(checks::kMenuText.id,
                     fmt::format("profiles.{}.title: a menu line cannot hold a control character",
                                 profile.name),
                     profile.origin);
    }
    if (c != ' ' || (!title.empty() && title.back() != ' ')) title += c;
  }
  if (!title.empty() && title.back() == ' ') title.pop_back();
  if (title.empty()) title = profile.name;
  if (title[0] == '-') {
    return invalid(checks::kMenuText.id,
                   fmt::format("profiles.{}.title: {} begins with '-', which menus take for an "
                               "option",
                               profile.name, quoted(title)),
                   profile.origin);
  }
  if (title.size() > kLongestTitle) {
    return invalid(checks::kMenuText.id,
                   fmt::format("profiles.{}.title: has {} bytes, and a menu line holds {}",
                               profile.name, title.size(), kLongestTitle),
                   profile.origin);
  }
  return title;
}

void add_arguments(std::string_view text, const std::string& path, const Origin& origin,
                   std::vector<BootArgument>& arguments, Errors& errors) {
  Result<std::vector<std::string>> parsed = parse_kernel_arguments(text, path, origin);
  if (!parsed) {
    errors.push_back(std::move(parsed.error()));
    return;
  }
  for (std::string& argument : *parsed) arguments.push_back({std::move(argument), path, origin});
}

const Origin& first_param_origin(const Profile& profile) {
  return profile.param_origins.empty() ? profile.origin : profile.param_origins.front();
}

Error too_long(const Profile& profile, std::string_view path, std::size_t size,
               const Origin& origin) {
  return invalid(checks::kCommandLineLength.id,
                 fmt::format("{}: the kernel command line of profile '{}' would have {} bytes, and "
                             "a kernel keeps {}",
                             path, profile.name, size, kLongestCommandLine),
                 origin)
      .value();
}

BootProfile make_profile(const Profile& profile) {
  BootProfile boot{.profile = &profile};
  check_assets(profile, boot.errors);
  if (Result<std::string> title = menu_title(profile)) {
    boot.title = std::move(*title);
  } else {
    boot.errors.push_back(std::move(title.error()));
  }
  const std::string path = fmt::format("profiles.{}.params", profile.name);
  for (std::size_t i = 0; i < profile.params.size(); ++i) {
    const Origin& origin =
        i < profile.param_origins.size() ? profile.param_origins[i] : profile.origin;
    add_arguments(profile.params[i], path, origin, boot.arguments, boot.errors);
  }
  boot.kernel = asset_name(profile, profile.kernel);
  for (const Asset& asset : profile.initrd) boot.initrd.push_back(asset_name(profile, asset));

  // PXELINUX adds the most: BOOT_IMAGE=, initrd= and (IPAPPEND 2) BOOTIF=.
  std::string line = "BOOT_IMAGE=" + boot.kernel;
  for (const BootArgument& argument : boot.arguments) line += ' ' + argument.text;
  line += mark_of(Place::arguments);
  for (const std::string& initrd : boot.initrd) line += " initrd=" + initrd;
  line += " BOOTIF=01-";
  line += kWidestMac;
  boot.command_line = Pattern(line);
  PlaceValues none;
  for (const Place place : {Place::mac, Place::uuid, Place::hostname, Place::ip})
    none.set(place, "");
  if (const std::size_t size = command_line_size(boot, none); size > kLongestCommandLine) {
    boot.errors.push_back(too_long(profile, path, size, first_param_origin(profile)));
  }
  return boot;
}

/// The server's own parameters, its console last: the kernel's last `console=` is /dev/console.
std::vector<BootArgument> server_arguments(const BootSite& site, const ServerEntry& entry,
                                           Errors& errors) {
  std::vector<BootArgument> arguments;
  const Boot* boot = entry.server->boot;
  if (boot == nullptr) return arguments;
  const Origin origin = site.model->origin(entry, boot->mark);
  const auto path = [&](std::string_view key) {
    return fmt::format("servers.{}.boot.{}", entry.server->name.view(), key);
  };
  for (const Text& param : boot->params) {
    add_arguments(param, path("params"), origin, arguments, errors);
  }
  if (!boot->console.empty()) {
    add_arguments("console=" + std::string(boot->console), path("console"), origin, arguments,
                  errors);
  }
  return arguments;
}

/// The address of a machine that boots from `interface`. The server's own belongs to the primary.
std::optional<Ipv4Address> address_of(const Server& server, const Interface& interface) {
  const bool primary = server.primary() == &interface;
  const std::optional<Ipv4Interface>& first = primary ? server.ipv4 : interface.ipv4;
  const std::optional<Ipv4Interface>& second = primary ? interface.ipv4 : server.ipv4;
  if (first) return first->address;
  if (second) return second->address;
  return {};
}

}  // namespace

bool BootProfile::talos() const {
  return profile->type == ProfileType::talos_controlplane ||
         profile->type == ProfileType::talos_worker;
}

const BootProfile* BootSite::profile_of(const Server& server) const {
  const Profile* profile = metalwright::profile_of(*model, server);
  if (profile == nullptr) return nullptr;
  const BootProfile& boot = profiles[profile - model->profiles.data()];
  return boot.boots() ? &boot : nullptr;
}

std::string BootSite::local_comment(const Server& server) const {
  const Profile* profile = metalwright::profile_of(*model, server);
  if (profile == nullptr) return "# This server has no profile: it boots its local disk.\n";
  std::string comment;
  append_comment(comment,
                 {"Profile ", profile->name, " has no kernel: the server boots its local disk."});
  return comment;
}

const BootProfile* BootSite::default_profile() const {
  const auto at = std::find_if(profiles.begin(), profiles.end(), [](const BootProfile& p) {
    return p.profile->is_default && p.boots();
  });
  return at == profiles.end() ? nullptr : &*at;
}

BootSite make_boot_site(const Model& model, const RenderSettings& settings) {
  BootSite site{.model = &model, .settings = &settings};
  site.profiles.reserve(model.profiles.size());
  for (const Profile& profile : model.profiles) site.profiles.push_back(make_profile(profile));
  site.local = "local";
  while (model.find_profile(site.local) != nullptr) site.local += "-disk";
  return site;
}

std::string asset_name(const Profile& profile, const Asset& asset) {
  return fmt::format("assets/{}/{}", profile.name, base_name(asset.path));
}

Errors for_each_boot_machine(const BootSite& site, const ServerEntry& entry,
                             const BootProfile* profile,
                             const std::function<void(const BootMachine&)>& write) {
  const Server& server = *entry.server;
  Errors errors;
  // The loader sees to these; a name becomes part of kernel arguments, where a blank would be two.
  if (!is_name_text(server.hostname)) {
    errors.push_back(invalid(checks::kHostnameFormat.id,
                             fmt::format("servers.{}.hostname: {} is not a host name",
                                         server.name.view(), quoted(server.hostname)),
                             site.model->origin(entry, server.hostname_mark))
                         .value());
    return errors;
  }
  BootMachine machine{.entry = &entry, .profile = profile, .hostname = server.hostname.view()};
  std::vector<BootArgument> arguments;
  if (machine.profile != nullptr) {
    errors = machine.profile->errors;
    arguments = server_arguments(site, entry, errors);
    if (!errors.empty()) return errors;
    machine.arguments = arguments;
  }
  std::string own;  // the server's arguments, to measure
  for (const BootArgument& argument : arguments) own += ' ' + argument.text;
  const Pattern own_arguments(own);

  for (const Interface& interface : server.interfaces) {
    if (!interface.mac || interface.bmc()) continue;
    const bool repeated = std::any_of(
        server.interfaces.data(), &interface,
        [&](const Interface& other) { return other.mac == interface.mac && !other.bmc(); });
    if (repeated) continue;
    const std::string mac = interface.mac->text(':');
    const std::string mac_dashes = interface.mac->text('-');
    const std::optional<Ipv4Address> address = address_of(server, interface);
    const std::string ip = address ? address->text() : std::string();
    machine.interface = &interface;
    machine.mac = mac;
    machine.mac_dashes = mac_dashes;
    machine.address = address;
    machine.ip = address ? std::string_view(ip) : std::string_view();
    if (machine.profile != nullptr) {
      PlaceValues values;
      values.set(Place::mac, machine.mac);
      values.set(Place::hostname, machine.hostname);
      values.set(Place::ip, machine.ip);
      std::string own_text;
      if (!arguments.empty()) {
        PlaceValues widest = values;
        if (!address) widest.set(Place::ip, kWidestIp);
        widest.set(Place::uuid, kWidestUuid);
        own_arguments.append_to(own_text, widest);
      }
      values.set(Place::arguments, own_text);
      if (const std::size_t size = command_line_size(*machine.profile, values);
          size > kLongestCommandLine) {
        const Profile& profile = *machine.profile->profile;
        errors.push_back(
            too_long(profile, fmt::format("servers.{}", server.name.view()), size,
                     arguments.empty() ? first_param_origin(profile) : arguments.front().origin));
        return errors;
      }
    }
    write(machine);
  }
  return errors;
}

std::size_t command_line_size(const BootProfile& profile, PlaceValues values) {
  constexpr std::array<std::pair<Place, std::string_view>, 4> kWidest{
      {{Place::mac, kWidestMac},
       {Place::uuid, kWidestUuid},
       {Place::hostname, kWidestHostname},
       {Place::ip, kWidestIp}}};
  for (const auto& [place, text] : kWidest) {
    if (!values.knows(place)) values.set(place, text);
  }
  return profile.command_line.size(values);
}

}  // namespace metalwright::renderers
