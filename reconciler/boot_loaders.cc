#include "reconciler/boot_loaders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <system_error>

#include "reconciler/grub_image.h"

namespace metalwright::reconciler {
namespace {

namespace fs = std::filesystem;

enum class Family : std::uint8_t { pxelinux, ipxe };
enum class Machine : std::uint8_t { x86, arm64 };

/// A loader that a package has as it is.
struct Packaged {
  Family family;
  Machine machine;
  std::string_view path, file, package;
};

// Debian 12 has no iPXE for ARM64; from Debian 13 on the package `ipxe` has one.
constexpr std::array kPackaged{
    Packaged{Family::pxelinux, Machine::x86, "pxelinux.0", "usr/lib/PXELINUX/pxelinux.0",
             "pxelinux"},
    // The core, without which pxelinux.0 does nothing, and the menu with what it is linked to.
    Packaged{Family::pxelinux, Machine::x86, "ldlinux.c32",
             "usr/lib/syslinux/modules/bios/ldlinux.c32", "syslinux-common"},
    Packaged{Family::pxelinux, Machine::x86, "libcom32.c32",
             "usr/lib/syslinux/modules/bios/libcom32.c32", "syslinux-common"},
    Packaged{Family::pxelinux, Machine::x86, "libutil.c32",
             "usr/lib/syslinux/modules/bios/libutil.c32", "syslinux-common"},
    Packaged{Family::pxelinux, Machine::x86, "menu.c32", "usr/lib/syslinux/modules/bios/menu.c32",
             "syslinux-common"},
    Packaged{Family::ipxe, Machine::x86, "undionly.kpxe", "usr/lib/ipxe/undionly.kpxe", "ipxe"},
    Packaged{Family::ipxe, Machine::x86, "ipxe.efi", "usr/lib/ipxe/ipxe.efi", "ipxe"},
    Packaged{Family::ipxe, Machine::x86, "snponly.efi", "usr/lib/ipxe/snponly.efi", "ipxe"},
    Packaged{Family::ipxe, Machine::arm64, "arm64-efi/ipxe.efi", "usr/lib/ipxe/ipxe-arm64.efi",
             "ipxe"},
};

struct GrubLoader {
  Machine machine;
  std::string_view path, platform, package;
};
// Both in one folder: a machine's `grub.cfg-01-<mac>` is the same for either.
constexpr std::array kGrubLoaders{
    GrubLoader{Machine::x86, "efi64/grubx64.efi", "x86_64-efi", "grub-efi-amd64-bin"},
    GrubLoader{Machine::arm64, "efi64/grubaa64.efi", "arm64-efi", "grub-efi-arm64-bin"},
};

bool present(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

Error missing(std::string_view path, std::string_view package, const fs::path& file) {
  std::string how = fmt::format("apt install {}", package);
  if (package == "grub-efi-arm64-bin") {
    how =
        fmt::format("dpkg --add-architecture arm64 && apt update && apt install {}:arm64", package);
  } else if (path.starts_with("arm64-efi/")) {
    how = fmt::format("Debian 12's {} has none for ARM64, Debian 13's has", package);
  }
  return unavailable("boot-loader-missing",
                     fmt::format("the boot loader '{}' needs '{}', which is not there: {}", path,
                                 file.native(), how))
      .value();
}

class Finder {
 public:
  explicit Finder(const BootLoaderRequest& request) : request_(request) {}

  void packaged(const Packaged& loader) {
    const fs::path file = request_.root / loader.file;
    if (present(file)) {
      found_.files.push_back({std::string(loader.path), file, loader.package});
    } else if (required(loader.machine)) {
      report(loader.path, loader.package, file);
    }
  }

  void grub(const GrubLoader& loader) {
    const GrubImage image{.platform = std::string(loader.platform),
                          .modules = request_.root / "usr/lib/grub" / loader.platform,
                          .mkimage = request_.root / "usr/bin/grub-mkimage",
                          .cache = request_.cache};
    const fs::path kernel = image.modules / "kernel.img";
    if (!present(kernel)) {
      if (required(loader.machine)) report(loader.path, loader.package, kernel);
      return;
    }
    if (!present(image.mkimage)) return report(loader.path, "grub-common", image.mkimage);
    auto made = make_grub_image(image);
    if (made) {
      found_.files.push_back({std::string(loader.path), std::move(*made), loader.package});
    } else {
      found_.errors.push_back(
          with_context(made.error(), fmt::format("for the boot loader '{}'", loader.path)));
    }
  }

  BootLoaders take() {
    std::sort(found_.files.begin(), found_.files.end(),
              [](const BootLoader& a, const BootLoader& b) { return a.path < b.path; });
    sort_errors(found_.errors);
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool required(Machine machine) const {
    return machine == Machine::x86 || request_.arm64;
  }
  /// Once a package: installing it mends the rest.
  void report(std::string_view path, std::string_view package, const fs::path& file) {
    if (std::find(reported_.begin(), reported_.end(), package) != reported_.end()) return;
    reported_.push_back(package);
    found_.errors.push_back(missing(path, package, file));
  }

  const BootLoaderRequest& request_;
  BootLoaders found_;
  std::vector<std::string_view> reported_;
};

}  // namespace

BootLoaders find_boot_loaders(const BootLoaderRequest& request) {
  Finder finder(request);
  for (const Packaged& loader : kPackaged) {
    if (loader.family == Family::ipxe ? request.ipxe : request.pxelinux) finder.packaged(loader);
  }
  if (request.grub) {
    for (const GrubLoader& loader : kGrubLoaders) finder.grub(loader);
  }
  return finder.take();
}

std::vector<std::string> usual_boot_loaders(bool pxelinux, bool grub, bool ipxe) {
  std::vector<std::string> paths;
  for (const Packaged& loader : kPackaged) {
    if (loader.machine != Machine::x86) continue;
    if (loader.family == Family::ipxe ? ipxe : pxelinux) paths.emplace_back(loader.path);
  }
  if (grub) paths.emplace_back(kGrubLoaders[0].path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace metalwright::reconciler
