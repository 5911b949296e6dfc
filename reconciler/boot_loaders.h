#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

/// The boot loaders of a boot tree. They are not ours: Debian's packages have them, so that `apt`
/// does their security updates. Only GRUB is put together here, out of Debian's modules: the ready
/// network loader of Debian reads `/grub/grub.cfg` and has no HTTP.
///
///   pxelinux  pxelinux.0, ldlinux.c32, libcom32.c32, libutil.c32, menu.c32
///   grub      efi64/grubx64.efi; efi64/grubaa64.efi for ARM64
///   ipxe      undionly.kpxe, ipxe.efi, snponly.efi; arm64-efi/ipxe.efi for ARM64
///
/// Our GRUB reads, from the folder it was loaded from (TFTP or HTTP): `grub.cfg-01-<mac with
/// dashes>` of the card it booted from, else `grub.cfg`. `prefix` names that folder, `root` the
/// server, and `boot_folder` the path above the loader's folder (empty at the root of TFTP,
/// `/boot` for `http://host/boot/efi64/grubx64.efi`), so that a configuration can name a file of
/// the tree as `"$boot_folder/…"` wherever the tree is served. It is not signed: Secure Boot
/// refuses it.
namespace metalwright::reconciler {

struct BootLoader {
  std::string path;              ///< in the tree
  std::filesystem::path source;  ///< the file of the host that has its bytes
  std::string_view package;      ///< the Debian package that it comes from
};

struct BootLoaderRequest {
  bool pxelinux = true, grub = true, ipxe = true;
  /// Loaders for ARM64 come along where they are installed; set, a missing one is an error.
  bool arm64 = false;
  /// Folder where made loaders are kept, made where it is missing. A loader is made again only when
  /// the modules of GRUB have changed.
  std::filesystem::path cache;
  std::filesystem::path root = "/";  ///< where Debian's packages are installed
};

struct BootLoaders {
  std::vector<BootLoader> files;  ///< sorted by path; what could be had, even if there are errors
  Errors errors;                  ///< one a package that is missing, sorted
};

/// Finds what `request` asks for and makes what has to be made (under 0.1 s, and next to nothing
/// from the cache). The same packages give the same bytes.
/// Errors: `unavailable` [boot-loader-missing] names the package to install, [boot-loader-made]
/// says why GRUB could not be put together, [boot-loader-cache] why it could not be kept.
[[nodiscard]] BootLoaders find_boot_loaders(const BootLoaderRequest& request);

/// The paths that a boot server with all packages for x86 has, sorted: for rendering where no
/// package is installed. `pxelinux`, `grub` and `ipxe` as in a request.
[[nodiscard]] std::vector<std::string> usual_boot_loaders(bool pxelinux, bool grub, bool ipxe);

}  // namespace metalwright::reconciler
