#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/kernel_arguments.h"
#include "renderers/pattern.h"
#include "renderers/render.h"
#include "schemas/model.h"

/// What PXELINUX, GRUB and iPXE have in common: which kernel, initrds and arguments a machine
/// boots, and for which of its interfaces there is a file. How it is written is each format's.
namespace metalwright::renderers {

/// One argument of a kernel's command line as marked text, and where it stands.
struct BootArgument {
  std::string text;
  std::string path;  ///< `profiles.talos.params`
  Origin origin;
};

/// A profile, worked out once for all machines that boot it.
struct BootProfile {
  const Profile* profile = nullptr;
  std::string title;  ///< for menus; no control characters, single blanks between words
  std::vector<BootArgument> arguments;
  std::string kernel;               ///< `assets/talos/vmlinuz`
  std::vector<std::string> initrd;  ///< `assets/talos/initramfs.xz`
  /// The command line as the kernel gets it, to measure: with what the loaders add to it.
  Pattern command_line;
  Errors errors;  ///< why no format can boot it

  /// A profile that is a template only has no kernel.
  [[nodiscard]] bool boots() const { return !profile->kernel.path.empty(); }

  /// Talos fills in `${uuid}`, `${mac}` and `${hostname}` itself where a loader could not.
  [[nodiscard]] bool talos() const;
  [[nodiscard]] bool needs(Place place) const { return command_line.has(place); }
};

/// A machine as it boots from one of its interfaces.
struct BootMachine {
  const ServerEntry* entry = nullptr;
  const Interface* interface = nullptr;
  const BootProfile* profile = nullptr;  ///< null: it boots its local disk
  std::string_view mac;                  ///< `52:54:00:ab:cd:ef`
  std::string_view mac_dashes;           ///< `52-54-00-ab-cd-ef`
  std::string_view hostname;
  std::string_view ip;                      ///< null where it is not known
  std::optional<Ipv4Address> address;       ///< the same
  std::span<const BootArgument> arguments;  ///< the server's own, after the profile's
  [[nodiscard]] const Server& server() const { return *entry->server; }
};

struct BootSite {
  const Model* model = nullptr;
  const RenderSettings* settings = nullptr;
  std::vector<BootProfile> profiles;  ///< as in the model
  std::string local;  ///< the menus' name of booting the local disk: `local`, or longer where a
                      ///< profile has that name

  /// What the server boots; null: its local disk.
  [[nodiscard]] const BootProfile* profile_of(const Server& server) const;
  /// Why it boots its local disk, as a comment line.
  [[nodiscard]] std::string local_comment(const Server& server) const;
  /// The default of the menus for unknown machines; null: the local disk.
  [[nodiscard]] const BootProfile* default_profile() const;
};

[[nodiscard]] BootSite make_boot_site(const Model& model, const RenderSettings& settings);

/// Where a kernel or initrd of a profile stands in the boot tree, and over HTTP below `/boot/`:
/// `assets/<profile>/<last part of its path>`.
[[nodiscard]] std::string asset_name(const Profile& profile, const Asset& asset);

/// Bytes that nearly every machine's boot file fits into.
inline constexpr std::size_t kUsualBootFile = 1024;

/// Calls `write` for each interface of the server that has a MAC address and is no BMC, in the
/// file's order. `profile` is what the site says that it boots. Errors (which skip the server): of
/// its profile, of its own parameters, and `command-line-length`.
[[nodiscard]] Errors for_each_boot_machine(const BootSite& site, const ServerEntry& entry,
                                           const BootProfile* profile,
                                           const std::function<void(const BootMachine&)>& write);

/// Bytes of the command line with `values` filled in, to be at most kLongestCommandLine. What
/// `values` does not know counts as long as it can be.
[[nodiscard]] std::size_t command_line_size(const BootProfile& profile, PlaceValues values);

}  // namespace metalwright::renderers
