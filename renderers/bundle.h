#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/artifact.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/model.h"

/// All files of a node together, as one artifact: the lines say which files, with which mode and
/// content, so that a difference names the file, and the artifact's digest is the bundle's hash.
///   0600 9f86d081… cluster-config.json
///   0600 60303ae2… etc/netplan/99-metalwright.yaml
/// A server without files has no bundle. It has the name that the node gives itself: the one in
/// its cluster, else the server's.
namespace metalwright::renderers {

/// A node's file; `path` is beneath the node's root.
struct BundleFile {
  std::string path;
  std::uint16_t mode = 0644;
  std::string content;
};

/// Collects what `render` makes for the server's own folder, by path.
[[nodiscard]] Errors collect_bundle(const ServerEntry& entry,
                                    const std::function<Errors(const ArtifactSink&)>& render,
                                    std::vector<BundleFile>& files);
/// The artifact's content: see above. Files that hold secrets differ here as any others do.
[[nodiscard]] std::string bundle_text(const std::vector<BundleFile>& files);

[[nodiscard]] Errors render_bundle(const Model& model, const ServerEntry& entry,
                                   const std::function<Errors(const ArtifactSink&)>& render,
                                   const ArtifactSink& sink);

}  // namespace metalwright::renderers
