#include "renderers/pxelinux.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/comment.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

const Origin kProfiles{.file = "profiles"};

/// KERNEL looks at the end of the name to guess what kind of program it is (`.bin` is a boot
/// sector, `.0` a network boot program); LINUX does not guess.
bool guessed_wrong(std::string_view name) {
  for (const std::string_view end :
       {".0", ".pbx", ".bin", ".bs", ".bss", ".c32", ".cbt", ".com", ".img", ".lss"}) {
    if (name.size() > end.size() && name.substr(name.size() - end.size()) == end) return true;
  }
  return false;
}

std::string entry_lines(const BootProfile& profile) {
  std::string lines = guessed_wrong(profile.kernel) ? "  LINUX " : "  KERNEL ";
  lines += profile.kernel;
  for (std::size_t i = 0; i < profile.initrd.size(); ++i) {
    lines += i == 0 ? "\n  INITRD " : ",";
    lines += profile.initrd[i];
  }
  // An APPEND of nothing is right too, and the place for a server's own arguments is behind it.
  lines += "\n  APPEND";
  for (const BootArgument& argument : profile.arguments) lines += ' ' + argument.text;
  lines += mark_of(Place::arguments);
  lines += "\n  IPAPPEND 2\n";
  return lines;
}

/// What PXELINUX's menu would not show as it is.
void check_title(const BootProfile& profile, Errors& errors) {
  if (profile.title.find('^') == std::string::npos) return;
  errors.push_back(invalid(checks::kMenuText.id,
                           fmt::format("profiles.{}.title: {} holds a '^', which marks a key in "
                                       "PXELINUX's menu",
                                       profile.profile->name, quoted(profile.title)),
                           profile.profile->origin)
                       .value());
}

/// `APPEND -` alone means "not even the global ones".
void check_lone_dash(const std::vector<BootArgument>& arguments, Errors& errors) {
  if (arguments.size() != 1 || arguments[0].text != "-") return;
  errors.push_back(invalid(checks::kParamText.id,
                           fmt::format("{}: PXELINUX takes '-' alone for no parameters at all",
                                       arguments[0].path),
                           arguments[0].origin)
                       .value());
}

/// Fills in what Talos does itself.
void leave_to_talos(const BootProfile& profile, PlaceValues& values) {
  if (!profile.talos()) return;
  if (!values.knows(Place::uuid)) values.set(Place::uuid, "${uuid}");
  if (!values.knows(Place::mac)) values.set(Place::mac, "${mac}");
  if (!values.knows(Place::hostname)) values.set(Place::hostname, "${hostname}");
}

/// The first value that the profile, or one of the server's arguments, needs and nobody knows.
std::optional<Place> missing(const BootProfile& profile, std::span<const BootArgument> own,
                             const PlaceValues& values) {
  for (const Place place : {Place::mac, Place::uuid, Place::hostname, Place::ip}) {
    const bool needed = profile.needs(place) || std::any_of(own.begin(), own.end(), [&](auto& a) {
                          return a.text.find(mark_of(place)) != std::string::npos;
                        });
    if (needed && !values.knows(place)) return place;
  }
  return {};
}

Error left_out(std::string_view what, const BootProfile& profile, Place place) {
  const Profile& p = *profile.profile;
  Error error = invalid(checks::kBootVariable.id,
                        fmt::format("{}: PXELINUX cannot fill in ${{{}}}, which profile '{}' uses: "
                                    "the local disk boots instead",
                                    what, word(place), p.name),
                        p.param_origins.empty() ? p.origin : p.param_origins.front())
                    .value();
  error.severity = Severity::warning;
  return error;
}

void append_local(std::string& out, std::string_view label) {
  out += "LABEL ";
  out += label;
  out += "\n  MENU LABEL Boot the local disk\n  LOCALBOOT 0\n";
}

}  // namespace

Pxelinux::Pxelinux(const BootSite& site) : site_(site) {
  for (const BootProfile& profile : site.profiles) {
    Entry& entry = entries_.emplace_back();
    entry.errors = profile.errors;
    check_title(profile, entry.errors);
    check_lone_dash(profile.arguments, entry.errors);
    if (entry.errors.empty()) entry.lines = Pattern(entry_lines(profile));
  }
}

void Pxelinux::append_entry(std::string& out, const BootProfile& profile,
                            const PlaceValues& values) const {
  out += "LABEL ";
  out += profile.profile->name;
  out += "\n  MENU LABEL ";
  out += profile.title;
  out += '\n';
  entries_[&profile - site_.profiles.data()].lines.append_to(out, values);
}

Errors Pxelinux::server(const ServerEntry& entry, const ArtifactSink& sink) const {
  const BootProfile* profile = site_.profile_of(*entry.server);
  if (profile != nullptr) {
    const Errors& errors = entries_[profile - site_.profiles.data()].errors;
    if (!errors.empty()) return errors;
  }
  Errors warnings;
  std::string name;
  std::string text;
  text.reserve(kUsualBootFile);
  std::string own;
  std::string first_lines;
  append_server_comment(
      first_lines, *site_.model, entry,
      profile != nullptr ? profile->profile : profile_of(*site_.model, *entry.server));
  Errors errors = for_each_boot_machine(site_, entry, profile, [&](const BootMachine& machine) {
    name.assign("pxelinux.cfg/01-").append(machine.mac_dashes);
    text = first_lines;
    PlaceValues values;
    std::optional<Place> unknown;
    if (profile != nullptr) {
      values.set(Place::mac, machine.mac);
      values.set(Place::hostname, machine.hostname);
      values.set(Place::ip, machine.ip);
      leave_to_talos(*profile, values);
      unknown = missing(*profile, machine.arguments, values);
      own.clear();
      for (const BootArgument& argument : machine.arguments) {
        own += ' ';
        Pattern(argument.text).append_to(own, values);
      }
      values.set(Place::arguments, own);
    }
    if (profile == nullptr) {
      text += site_.local_comment(*entry.server);
    } else if (unknown) {
      append_comment(text, {"PXELINUX cannot fill in {", word(*unknown), "}, which profile ",
                            profile->profile->name, " uses: the local disk boots instead."});
      // `${uuid}` is a matter of the profile and comes back once, with the menu.
      if (*unknown != Place::uuid) {
        warnings.push_back(
            left_out(fmt::format("servers.{}", entry.server->name.view()), *profile, *unknown));
      }
    }
    const bool local = profile == nullptr || unknown.has_value();
    text += "DEFAULT ";
    text += local ? site_.local : profile->profile->name;
    text += "\nPROMPT 0\n";
    if (!local) {
      text += "ONERROR " + site_.local + '\n';
      append_entry(text, *profile, values);
    }
    append_local(text, site_.local);
    sink({.name = name, .content = text});
  });
  errors.insert(errors.end(), warnings.begin(), warnings.end());
  return errors;
}

Errors Pxelinux::site(const ArtifactSink& sink) const {
  Errors errors;
  std::vector<const BootProfile*> offered;
  std::string notes;
  for (const BootProfile& profile : site_.profiles) {
    const Entry& entry = entries_[&profile - site_.profiles.data()];
    errors.insert(errors.end(), entry.errors.begin(), entry.errors.end());
    if (!profile.boots()) continue;
    PlaceValues values;
    leave_to_talos(profile, values);
    const std::optional<Place> unknown = missing(profile, {}, values);
    if (!unknown) {
      offered.push_back(&profile);
      continue;
    }
    append_comment(notes, {"Profile ", profile.profile->name,
                           " is not offered: PXELINUX cannot "
                           "fill in {",
                           word(*unknown), "} for a machine it does not know."});
    if (profile.needs(Place::uuid) && !profile.talos()) {
      errors.push_back(
          left_out(fmt::format("profiles.{}.params", profile.profile->name), profile, Place::uuid));
    }
  }
  if (has_error(errors)) return errors;

  const std::vector<std::string>& loaders = site_.settings->boot_loaders;
  const bool has_menu = std::find(loaders.begin(), loaders.end(), "menu.c32") != loaders.end();
  const BootProfile* first = site_.default_profile();
  if (std::find(offered.begin(), offered.end(), first) == offered.end()) first = nullptr;
  std::string text;
  append_site_comment(text, "profiles/");
  text += notes;
  text += "DEFAULT " + (first == nullptr ? site_.local : first->profile->name) + '\n';
  text += has_menu ? "UI menu.c32\nPROMPT 0\n" : "PROMPT 1\n";
  text += "TIMEOUT 50\nONERROR " + site_.local + '\n';
  text += "MENU TITLE metalwright: a machine that the inventory does not know\n";
  if (!has_menu) {
    text += "SAY This machine is not in the inventory. Type a name, or wait 5 seconds:\n";
    text += "SAY   " + site_.local + " - Boot the local disk\n";
    for (const BootProfile* profile : offered) {
      text += "SAY   " + profile->profile->name + " - " + profile->title + '\n';
    }
  }
  append_local(text, site_.local);
  for (const BootProfile* profile : offered) {
    PlaceValues values;
    leave_to_talos(*profile, values);
    append_entry(text, *profile, values);
  }
  sink({.name = "pxelinux.cfg/default", .content = text, .origin = &kProfiles});
  return errors;
}

}  // namespace metalwright::renderers
