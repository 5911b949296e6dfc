#include "renderers/ipxe.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/boot_rules.h"
#include "renderers/comment.h"
#include "renderers/ipxe_text.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

const Origin kProfiles{.file = "profiles"};

// Our labels begin with `_`, which no name of a profile does.
//
// On UEFI `exit 1` makes the firmware go on to its next boot device (`exit 0` reports success, and
// firmware made from EDK II then waits in its boot menu). A BIOS would start over with the network,
// so the first disk is booted.
constexpr std::string_view kLocalLines = R"(iseq ${platform} efi && goto _next ||
sanboot --no-describe --drive 0x80 ||
:_next
exit 1
)";

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Result<std::string> entry_lines(const BootProfile& profile) {
  std::string lines = fmt::format("kernel {}{}", mark_of(Place::base), profile.kernel);
  // A UEFI kernel finds its initrds by these names; older kernels know no other way.
  for (const std::string& initrd : profile.initrd) {
    lines += fmt::format(" initrd={}", last_name(initrd));
  }
  for (const BootArgument& argument : profile.arguments) {
    const Result<void> fits =
        check_ipxe_text(argument.text, checks::kParamText.id, argument.path, argument.origin);
    if (!fits) return tl::unexpected(fits.error());
    lines += ' ' + argument.text;
  }
  lines += mark_of(Place::arguments);
  lines += " || goto _failed\n";
  for (const std::string& initrd : profile.initrd) {
    lines += fmt::format("initrd {}{} || goto _failed\n", mark_of(Place::base), initrd);
  }
  return lines += "boot || goto _failed\n";
}

/// What iPXE fills in where it is not known here. `netX` is the interface that booted.
void leave_to_ipxe(PlaceValues& values) {
  if (!values.knows(Place::uuid)) values.set(Place::uuid, "${uuid}");
  if (!values.knows(Place::mac)) values.set(Place::mac, "${netX/mac}");
  if (!values.knows(Place::hostname)) values.set(Place::hostname, "${hostname}");
  if (!values.knows(Place::ip)) values.set(Place::ip, "${netX/ip}");
}

}  // namespace

std::string_view ipxe_local_lines() { return kLocalLines; }

Ipxe::Ipxe(const BootSite& site) : site_(site) {
  const std::string& url = site.settings->service_url;
  base_ = url.empty() ? "/" : url + "/boot/";
  const bool url_fits = is_ipxe_text(base_) && base_.find(' ') == std::string::npos;
  const std::vector<Network>& networks = site.model->networks;
  const bool elsewhere = std::any_of(networks.begin(), networks.end(), [](const Network& network) {
    return parse_ipv4(network.boot_server).has_value();
  });
  if (!url.empty() && elsewhere) {
    for (const Network& network : networks) {
      network_bases_.push_back(parse_ipv4(network.boot_server)
                                   ? url_with_host(url, network.boot_server) + "/boot/"
                                   : base_);
    }
  }
  for (const BootProfile& profile : site.profiles) {
    Entry& entry = entries_.emplace_back();
    entry.errors = profile.errors;
    if (!url_fits) {
      entry.errors.push_back(
          invalid(checks::kUrlFormat.id, fmt::format("service.url: {} is not a URL", quoted(url)))
              .value());
      continue;
    }
    const Result<void> title = check_ipxe_text(
        profile.title, checks::kMenuText.id,
        fmt::format("profiles.{}.title", profile.profile->name), profile.profile->origin);
    if (!title && !profile.title.empty()) entry.errors.push_back(title.error());
    if (const Result<std::string> lines = entry_lines(profile)) {
      entry.lines = Pattern(*lines);
    } else {
      entry.errors.push_back(lines.error());
    }
  }
}

std::string_view Ipxe::base_of(const BootMachine& machine) const {
  if (network_bases_.empty() || !machine.address) return base_;
  const Network* network = site_.model->network_of(*machine.address);
  return network == nullptr ? base_ : network_bases_[network - site_.model->networks.data()];
}

Errors Ipxe::server(const ServerEntry& entry, const ArtifactSink& sink) const {
  const BootProfile* profile = site_.profile_of(*entry.server);
  const Entry* lines = nullptr;
  if (profile != nullptr) {
    lines = &entries_[profile - site_.profiles.data()];
    if (!lines->errors.empty()) return lines->errors;
  }
  Errors own_errors;
  std::string name;
  std::string text;
  text.reserve(kUsualBootFile);
  std::string own;
  std::string first_lines = "#!ipxe\n";
  append_server_comment(
      first_lines, *site_.model, entry,
      profile != nullptr ? profile->profile : profile_of(*site_.model, *entry.server));
  Errors errors = for_each_boot_machine(site_, entry, profile, [&](const BootMachine& machine) {
    name.assign("ipxe/").append(machine.mac_dashes).append(".ipxe");
    text = first_lines;
    if (profile == nullptr) {
      text += site_.local_comment(*entry.server);
      text += kLocalLines;
      sink({.name = name, .content = text});
      return;
    }
    PlaceValues values;
    values.set(Place::mac, machine.mac);
    values.set(Place::hostname, machine.hostname);
    values.set(Place::ip, machine.ip);
    values.set(Place::base, base_of(machine));
    leave_to_ipxe(values);
    own.clear();
    for (const BootArgument& argument : machine.arguments) {
      const Result<void> fits =
          check_ipxe_text(argument.text, checks::kParamText.id, argument.path, argument.origin);
      if (!fits) {
        if (own_errors.empty()) own_errors.push_back(fits.error());
        return;
      }
      own += ' ';
      Pattern(argument.text).append_to(own, values);
    }
    values.set(Place::arguments, own);
    const std::string& profile_name = profile->profile->name;
    text += "echo Booting ";
    text += machine.hostname;
    text += " as ";
    text += profile_name;
    text += '\n';
    lines->lines.append_to(text, values);
    text += ":_failed\necho ";
    text += machine.hostname;
    text += ": the kernel of profile ";
    text += profile_name;
    text += " did not start. The next boot device follows in 10 seconds.\nsleep 10\nexit 1\n";
    sink({.name = name, .content = text});
  });
  errors.insert(errors.end(), own_errors.begin(), own_errors.end());
  return errors;
}

Errors Ipxe::site(const ArtifactSink& sink) const {
  Errors errors;
  for (const Entry& entry : entries_) {
    errors.insert(errors.end(), entry.errors.begin(), entry.errors.end());
  }
  if (!errors.empty()) return errors;
  const BootProfile* first = site_.default_profile();
  std::string text = "#!ipxe\n";
  append_site_comment(text, "profiles/");
  // netX is the interface that booted; where a build does not know the word, it is the first.
  text += "# The machine's own script, where it has one.\n";
  text += "chain --replace ${netX/mac:hexhyp}.ipxe ||\n";
  text += "isset ${netX/mac} || chain --replace ${net0/mac:hexhyp}.ipxe ||\n";
  text += ":_menu\nmenu This machine (${netX/mac}) is not in the inventory\n";
  text += "item " + site_.local + " Boot the local disk\n";
  for (const BootProfile& profile : site_.profiles) {
    if (!profile.boots()) continue;
    text += "item " + profile.profile->name + ' ' + profile.title + '\n';
  }
  text += fmt::format("choose --default {} --timeout 10000 target && goto ${{target}} || goto {}\n",
                      first == nullptr ? site_.local : first->profile->name, site_.local);
  text += ":" + site_.local + '\n';
  text += kLocalLines;
  PlaceValues values;
  values.set(Place::base, base_);
  leave_to_ipxe(values);
  for (const BootProfile& profile : site_.profiles) {
    if (!profile.boots()) continue;
    text += ":" + profile.profile->name + '\n';
    entries_[&profile - site_.profiles.data()].lines.append_to(text, values);
  }
  text += ":_failed\necho The kernel of ${target} did not start. The menu follows in 10 seconds.\n";
  text += "sleep 10\ngoto _menu\n";
  sink({.name = "ipxe/menu.ipxe", .content = text, .origin = &kProfiles});
  return errors;
}

}  // namespace metalwright::renderers
