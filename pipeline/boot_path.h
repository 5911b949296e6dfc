#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/render.h"

/// What a boot file sends a machine to next. Reads the files as they will be published, not the
/// model they were rendered from, so that a mistake of a renderer shows too.
namespace metalwright::pipeline {

struct BootReference {
  std::string_view step;  ///< `kernel`, `initrd`, `configuration`, `loader`
  std::string path;       ///< path in the same tree, without a slash in front
  std::uint32_t line = 0;
  std::string item = {};  ///< of a menu, as `menu_default` names it; empty outside of one
};

/// The files of the same tree that the boot file `path` of a format names, in its order. What only
/// the machine knows (`${net0/mac}`, `$net_default_mac`) and other hosts' URLs are left out; a URL
/// beneath `service_url` counts as the file that the service answers with.
/// Formats other than pxelinux, grub and ipxe name none.
/// Sources: SYSLINUX documentation; GNU GRUB manual, "Shell-like scripting"; ipxe.org/scripting.
[[nodiscard]] std::vector<BootReference> boot_references(renderers::Format format,
                                                         std::string_view path,
                                                         std::string_view content,
                                                         std::string_view service_url);

/// The item that a menu takes where nobody chooses one; empty where the content has no menu.
[[nodiscard]] std::string menu_default(renderers::Format format, std::string_view content);

}  // namespace metalwright::pipeline
