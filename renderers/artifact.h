#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "schemas/error.h"

namespace metalwright::renderers {

/// Bytes for a path beneath a tree's root.
inline constexpr std::string_view kFileKind = "file";
/// One line of dnsmasq's hosts file of a network, without its line end.
inline constexpr std::string_view kHostKind = "host";

/// What a node is to have: a line of mode, SHA-256 and path for each of its files; see bundle.h.
/// `bundle` for a server that may fetch its files, `node` for a cluster's node, which must.
inline constexpr std::string_view kBundleKind = "bundle", kNodeKind = "node";

/// Something rendered from the model. A view: valid during the sink's call only, so that rendering
/// a fleet reuses a few buffers.
struct Artifact {
  /// One of the above, or a kind of object of an API (`device`, `dhcp-lease`): then the content is
  /// its fields (`encode_fields`), and the mode 0.
  std::string_view kind = kFileKind;
  std::string_view name;  ///< file: relative path, `/` between names; host: `<network>/<mac>`;
                          ///< bundle, node: the node
  std::string_view content;
  std::uint16_t mode = 0644;  ///< file: permission bits
  /// What of the repository it comes from; null means the server that is being rendered.
  const Origin* origin = nullptr;
};

/// Takes the artifacts in the order in which the renderer makes them (fixed for the same input).
using ArtifactSink = std::function<void(const Artifact&)>;

}  // namespace metalwright::renderers
