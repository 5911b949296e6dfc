#pragma once

#include <string>
#include <vector>

#include "renderers/boot_site.h"

/// iPXE scripts, for BIOS and UEFI machines alike:
///   ipxe/menu.ipxe                  goes to the machine's own script where there is one, else
///   shows
///                                   a menu of profiles; the local disk after 10 s, or the profile
///                                   that says `default: true`
///   ipxe/<mac with dashes>.ipxe     what one machine boots; without a profile its local disk
/// The files that are made of a profile's `template` (renderers/boot_templates.h) belong to this
/// format, for they are read over HTTP.
///
/// Where there is a service URL, kernels come from `<url>/boot/assets/` over HTTP (for a machine in
/// a network with a `boot-server` address from there), else from `/assets/` on the server that the
/// script came from. Scripts name each other relatively, so that
/// they work wherever they are served. What a script cannot know (the UUID, in the menu also MAC,
/// host name and address) iPXE fills in itself.
///
/// A script that cannot load its kernel says so and leaves the machine to its next boot device.
///
/// Source: ipxe.org/cmd and /scripting; iPXE of 2019 (Debian 12) and later.
namespace metalwright::renderers {

/// The lines that boot the local disk; they have the label `_next`.
[[nodiscard]] std::string_view ipxe_local_lines();

class Ipxe {
 public:
  explicit Ipxe(const BootSite& site);
  [[nodiscard]] Errors server(const ServerEntry& entry, const ArtifactSink& sink) const;
  [[nodiscard]] Errors site(const ArtifactSink& sink) const;

 private:
  struct Entry {
    Pattern lines;  ///< `kernel` to `boot`
    Errors errors;
  };

  [[nodiscard]] std::string_view base_of(const BootMachine& machine) const;

  const BootSite& site_;
  std::vector<Entry> entries_;              ///< as site_.profiles
  std::string base_;                        ///< `http://…/boot/` or `/`
  std::vector<std::string> network_bases_;  ///< as the model's networks; empty: all are `base_`
};

}  // namespace metalwright::renderers
