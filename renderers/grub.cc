#include "renderers/grub.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/comment.h"
#include "renderers/grub_text.h"

namespace metalwright::renderers {
namespace {

const Origin kProfiles{.file = "profiles"};

/// Ids have a prefix because GRUB takes a `default` that begins with a digit for a position.
std::string entry_id(const Profile& profile) { return grub_word("profile-" + profile.name); }

/// Our loader says where the tree begins: nowhere over TFTP, `/boot` over HTTP.
std::string tree_file(std::string_view name) { return fmt::format("\"$boot_folder/{}\"", name); }

constexpr std::string_view kAskUuid = "smbios --type 1 --get-uuid 8 --set=system_uuid\n";

/// `exit` alone is not enough: it reports success, and firmware made from EDK II then opens its
/// boot menu and waits for a person. So the disk's own loader is started; the name that any disk
/// may have comes last, because a distribution's fallback loader behind it may restart the machine.
constexpr std::string_view kLocalDisk =
    R"(# Starts what is on the machine's own disk; comes back where nothing is.
if [ "$grub_platform" = 'efi' ]; then
  set cpu=x64
  if [ "$grub_cpu" = 'arm64' ]; then
    set cpu=aa64
  fi
  for loader in /EFI/debian/shim$cpu.efi /EFI/debian/grub$cpu.efi /EFI/ubuntu/shim$cpu.efi \
      /EFI/ubuntu/grub$cpu.efi /EFI/fedora/shim$cpu.efi /EFI/redhat/shim$cpu.efi \
      /EFI/centos/shim$cpu.efi /EFI/rocky/shim$cpu.efi /EFI/almalinux/shim$cpu.efi \
      /EFI/opensuse/shim.efi /EFI/sles/shim.efi /EFI/NixOS-boot/grub$cpu.efi \
      /EFI/systemd/systemd-boot$cpu.efi /EFI/Microsoft/Boot/bootmgfw.efi \
      /EFI/BOOT/BOOT$cpu.EFI; do
    if search --no-floppy --file --set=disk "$loader"; then
      chainloader "($disk)$loader"
      boot
    fi
  done
else
  chainloader (hd0)+1
  boot
fi
echo 'No loader was found on a disk. The firmware goes on.'
)";

/// In a file of its own: it is longer than all else that a machine's file says.
constexpr std::string_view kLocalEntry = R"(menuentry 'Boot the local disk' --id 'local' {
  source "$prefix/local.cfg"
  exit
}
)";

constexpr std::string_view kOwnFile =
    R"(# The machine's own file, for a loader that does not look for it by itself.
if regexp --set=1:m1 --set=2:m2 --set=3:m3 --set=4:m4 --set=5:m5 --set=6:m6 \
    '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"; then
  set own_file="$prefix/grub.cfg-01-$m1-$m2-$m3-$m4-$m5-$m6"
  if [ -s "$own_file" ]; then
    configfile "$own_file"
  fi
fi
)";

Result<std::string> entry_lines(const BootProfile& profile) {
  std::string lines = fmt::format("menuentry {} --id {} {{\n  linux {}", grub_word(profile.title),
                                  entry_id(*profile.profile), tree_file(profile.kernel));
  for (const BootArgument& argument : profile.arguments) {
    const Result<std::string> word = grub_argument(argument.text, argument.path, argument.origin);
    if (!word) return tl::unexpected(word.error());
    lines += ' ' + *word;
  }
  lines += mark_of(Place::arguments);
  if (!profile.initrd.empty()) lines += "\n  initrd";
  for (const std::string& initrd : profile.initrd) lines += ' ' + tree_file(initrd);
  return lines += "\n}\n";
}

bool uses(std::span<const BootArgument> arguments, Place place) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const BootArgument& a) {
    return a.text.find(mark_of(place)) != std::string::npos;
  });
}

/// What GRUB or Talos fill in where it is not known here.
void leave_to_others(const BootProfile& profile, PlaceValues& values) {
  static const std::string mac = grub_variable("net_default_mac");
  static const std::string ip = grub_variable("net_default_ip");
  static const std::string uuid = grub_variable("system_uuid");
  const auto fill = [&](Place place, std::string_view value) {
    if (!values.knows(place)) values.set(place, value);
  };
  if (profile.talos()) {
    fill(Place::uuid, "${uuid}");
    fill(Place::mac, "${mac}");
    fill(Place::hostname, "${hostname}");
  }
  fill(Place::uuid, uuid);
  fill(Place::mac, mac);
  fill(Place::ip, ip);
}

/// `local` is the position of the local disk's entry: `fallback` knows no ids.
void append_start(std::string& out, std::string_view timeout, std::string_view first,
                  std::string_view local) {
  out += "set timeout=";
  out += timeout;
  out += "\nset default=";
  out += first;
  out += "\nset fallback=";
  out += local;
  out += '\n';
}

}  // namespace

Grub::Grub(const BootSite& site) : site_(site) {
  for (const BootProfile& profile : site.profiles) {
    Entry& entry = entries_.emplace_back();
    entry.errors = profile.errors;
    if (const Result<std::string> lines = entry_lines(profile)) {
      entry.lines = Pattern(*lines);
    } else {
      entry.errors.push_back(lines.error());
    }
  }
}

Errors Grub::server(const ServerEntry& entry, const ArtifactSink& sink) const {
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
  std::string first_lines;
  append_server_comment(
      first_lines, *site_.model, entry,
      profile != nullptr ? profile->profile : profile_of(*site_.model, *entry.server));
  Errors errors = for_each_boot_machine(site_, entry, profile, [&](const BootMachine& machine) {
    name.assign("efi64/grub.cfg-01-").append(machine.mac_dashes);
    text = first_lines;
    if (profile == nullptr) {
      text += site_.local_comment(*entry.server);
      append_start(text, "0", "'local'", "0");
    } else {
      PlaceValues values;
      values.set(Place::mac, machine.mac);
      values.set(Place::hostname, machine.hostname);
      values.set(Place::ip, machine.ip);
      leave_to_others(*profile, values);
      own.clear();
      for (const BootArgument& argument : machine.arguments) {
        const Result<std::string> word =
            grub_argument(argument.text, argument.path, argument.origin);
        if (!word) {
          if (own_errors.empty()) own_errors.push_back(word.error());
          return;
        }
        own += ' ';
        Pattern(*word).append_to(own, values);
      }
      values.set(Place::arguments, own);
      append_start(text, "0", entry_id(*profile->profile), "1");
      const bool asks = profile->needs(Place::uuid) || uses(machine.arguments, Place::uuid);
      if (asks && !profile->talos()) text += kAskUuid;
      lines->lines.append_to(text, values);
    }
    text += kLocalEntry;
    sink({.name = name, .content = text});
  });
  errors.insert(errors.end(), own_errors.begin(), own_errors.end());
  return errors;
}

Errors Grub::site(const ArtifactSink& sink) const {
  Errors errors;
  std::string notes;
  std::string entries;
  bool asks_uuid = false;
  std::string first = "'local'";
  const BootProfile* default_profile = site_.default_profile();
  for (const BootProfile& profile : site_.profiles) {
    const Entry& entry = entries_[&profile - site_.profiles.data()];
    errors.insert(errors.end(), entry.errors.begin(), entry.errors.end());
    if (!profile.boots()) continue;
    PlaceValues values;
    leave_to_others(profile, values);
    if (profile.needs(Place::hostname) && !values.knows(Place::hostname)) {
      append_comment(notes, {"Profile ", profile.profile->name,
                             " is not offered: GRUB cannot fill "
                             "in {hostname} for a machine it does not know."});
      continue;
    }
    entry.lines.append_to(entries, values);
    asks_uuid = asks_uuid || (profile.needs(Place::uuid) && !profile.talos());
    if (&profile == default_profile) first = entry_id(*profile.profile);
  }
  if (!errors.empty()) return errors;
  std::string text;
  append_site_comment(text, "profiles/");
  text += notes;
  text += kOwnFile;
  append_start(text, "10", first, "0");
  if (asks_uuid) text += kAskUuid;
  text += kLocalEntry;
  text += entries;
  sink({.name = "efi64/grub.cfg", .content = text, .origin = &kProfiles});
  text.clear();
  append_comment(text, {"Generated by metalwright; the same for every repository."});
  text += kLocalDisk;
  sink({.name = "efi64/local.cfg", .content = text, .origin = &kProfiles});
  return errors;
}

}  // namespace metalwright::renderers
