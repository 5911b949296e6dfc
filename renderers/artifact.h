#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "schemas/error.h"

namespace metalwright::renderers {

enum class ArtifactKind : std::uint8_t {
  file,  ///< bytes for a path beneath a tree's root
  host,  ///< one line of dnsmasq's hosts file of a network, without its line end
};

/// Something rendered from the model. A view: valid during the sink's call only, so that rendering
/// a fleet reuses a few buffers.
struct Artifact {
  ArtifactKind kind = ArtifactKind::file;
  std::string_view name;  ///< file: relative path, `/` between names; host: `<network>/<mac>`
  std::string_view content;
  std::uint16_t mode = 0644;  ///< file: permission bits
  /// What of the repository it comes from; null means the server that is being rendered.
  const Origin* origin = nullptr;
};

/// Takes the artifacts in the order in which the renderer makes them (fixed for the same input).
using ArtifactSink = std::function<void(const Artifact&)>;

}  // namespace metalwright::renderers
