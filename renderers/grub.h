#pragma once

#include <vector>

#include "renderers/boot_site.h"

/// GRUB's configuration for UEFI machines, beside the loader `efi64/grubx64.efi`:
///   efi64/grub.cfg                 a menu of profiles; the local disk after 10 s, or the profile
///                                  that says `default: true`
///   efi64/grub.cfg-01-<mac>        what one machine (its MAC with dashes) boots; without a profile
///                                  its local disk
///   efi64/local.cfg                how the local disk boots, for both
/// All of it is found beneath `$prefix`, the folder that the loader came from, and kernels beneath
/// `$boot_folder/assets/`. Our loader sets both and looks for the machine's file first; the menu
/// looks for it too, for a loader that does not.
///
/// What a file cannot know (in the menu, or of a server without an address) GRUB fills in itself:
/// `$net_default_mac`, `$net_default_ip`, and the UUID by its command `smbios`. It has no word for
/// a host name: a menu entry that needs `${hostname}` is left out and the file says so. Talos'
/// profiles keep what is not known, for Talos fills it in.
///
/// Beyond the usual commands a loader needs `regexp`, `search`, `smbios`, `source` and `test`.
/// Source: GRUB manual 2.06, "Network", "Shell-like scripting".
namespace metalwright::renderers {

class Grub {
 public:
  explicit Grub(const BootSite& site);
  [[nodiscard]] Errors server(const ServerEntry& entry, const ArtifactSink& sink) const;
  [[nodiscard]] Errors site(const ArtifactSink& sink) const;

 private:
  struct Entry {
    Pattern lines;  ///< the whole `menuentry`
    Errors errors;
  };

  const BootSite& site_;
  std::vector<Entry> entries_;  ///< as site_.profiles
};

}  // namespace metalwright::renderers
