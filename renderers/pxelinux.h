#pragma once

#include <vector>

#include "renderers/boot_site.h"

/// PXELINUX's configuration, beneath the folder that `pxelinux.0` is in:
///   pxelinux.cfg/default                 a menu of profiles; the local disk after 5 s, or the
///                                        profile that says `default: true`
///   pxelinux.cfg/01-<mac with dashes>    what one machine boots; without a profile its local disk
///
/// PXELINUX has no variables, so what a file cannot say it does not try: an entry that needs
/// `${uuid}` (or, in the menu, any value of a machine) is left out, the file says so, and a warning
/// comes back. Talos' profiles keep `${uuid}`, `${mac}` and `${hostname}` there: Talos fills them
/// in.
///
/// Source: Syslinux wiki, SYSLINUX and PXELINUX; lines end at 2047 bytes, nothing is escaped.
namespace metalwright::renderers {

class Pxelinux {
 public:
  explicit Pxelinux(const BootSite& site);
  [[nodiscard]] Errors server(const ServerEntry& entry, const ArtifactSink& sink) const;
  [[nodiscard]] Errors site(const ArtifactSink& sink) const;

 private:
  struct Entry {
    Pattern lines;  ///< `KERNEL` to `IPAPPEND`, indented
    Errors errors;
  };
  void append_entry(std::string& out, const BootProfile& profile, const PlaceValues& values) const;

  const BootSite& site_;
  std::vector<Entry> entries_;  ///< as site_.profiles
};

}  // namespace metalwright::renderers
