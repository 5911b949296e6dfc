#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "renderers/render.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/model.h"

/// What every target should have for one revision: a table of resources a target, made by rendering
/// every unit (each server, and the site) once and keeping the digests. The content is rendered
/// again when somebody asks for it, which only happens for what differs.
///
/// A state made from the previous one renders only the servers whose entry changed. That is right
/// because a server's artifacts depend on its entry and on the context, and on nothing else.
namespace metalwright::pipeline {

/// A file of the host that belongs into a tree as it is: a boot loader, a kernel, an initrd.
struct HostFile {
  std::string name;       ///< path in the tree
  std::string copy_from;  ///< absolute path; empty: `bytes` is the content
  std::string bytes;
  std::uint16_t mode = 0644;
  Digest digest;           ///< reconciler::file_digest of mode and content
  std::uint64_t size = 0;  ///< of a boot loader
  Origin origin;           ///< the profile that names it; empty for a boot loader
};

/// What goes to one target.
struct TargetLayout {
  std::string name;
  std::vector<renderers::Format> formats;
  renderers::RenderSettings settings;
  std::vector<HostFile> host_files;
};

/// Which unit makes a row.
struct UnitRef {
  static constexpr std::uint32_t kSite = 0xffffffff, kHostFile = 0xfffffffe;
  std::uint32_t unit = kSite;  ///< index into DesiredState::servers, or one of the above
  std::uint8_t format = 0;     ///< renderers::Format; not for host files
};

struct TargetState {
  std::string name;
  reconciler::ResourceTable table;
  std::vector<UnitRef> units;  ///< parallel to the table's rows
};

struct DesiredServer {
  Text name;
  Digest entry;  ///< of the text of its entry in the repository
};

struct DesiredState {
  std::string revision;
  /// Of everything but the servers' entries that rendering depends on: networks, clusters,
  /// profiles, templates, settings, host files, and this program's version.
  Digest context;
  std::vector<DesiredServer> servers;                ///< sorted by name
  std::vector<TargetState> targets;                  ///< in the order of the layouts
  std::vector<std::shared_ptr<const Arena>> arenas;  ///< of the servers' names

  [[nodiscard]] const TargetState* find_target(std::string_view name) const;
  /// The server that a row belongs to; empty for the site's and the host's files.
  [[nodiscard]] std::string_view server_of(const TargetState& target, std::size_t row) const;
};

/// One rendered artifact, for those who look at contents while a state is made.
using RenderedObserver =
    std::function<void(const ServerEntry* server, std::size_t target, renderers::Format format,
                       const renderers::Artifact& artifact)>;

struct BuildInput {
  std::string revision;
  const Model& model;
  Digest context;
  const std::vector<TargetLayout>& layouts;
  const DesiredState* previous = nullptr;  ///< of the same layouts; may be null
  /// Called for every artifact that is rendered, from one thread a server; may be empty.
  RenderedObserver observer;
};

struct BuildResult {
  DesiredState state;
  Errors errors;                        ///< what could not be expressed; in file order
  std::vector<std::uint32_t> rendered;  ///< servers that were rendered, as indices; ordered
  bool site_rendered = true;
};

[[nodiscard]] BuildResult build_desired(const BuildInput& input);

/// Every artifact of a layout, the site's first, then server by server: for `render --out`.
[[nodiscard]] Errors render_all(
    const Model& model, const TargetLayout& layout,
    const std::function<void(const ServerEntry* server, const renderers::Artifact&)>& sink);

/// Is drift of this desired resource to be corrected: as its server says, else `otherwise`.
[[nodiscard]] bool corrects_drift(const DesiredState& state, const Model& model,
                                  const TargetState& target, const reconciler::ResourceRow& row,
                                  bool otherwise);

}  // namespace metalwright::pipeline
