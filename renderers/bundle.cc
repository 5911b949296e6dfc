#include "renderers/bundle.h"

#include <fmt/format.h>

#include <algorithm>

namespace metalwright::renderers {

Errors collect_bundle(const ServerEntry& entry,
                      const std::function<Errors(const ArtifactSink&)>& render,
                      std::vector<BundleFile>& files) {
  const std::string folder = std::string(entry.server->name) + '/';
  Errors errors = render([&](const Artifact& artifact) {
    std::string_view path = artifact.name;
    if (path.starts_with(folder)) path.remove_prefix(folder.size());
    files.push_back({std::string(path), artifact.mode, std::string(artifact.content)});
  });
  std::sort(files.begin(), files.end(),
            [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });
  return errors;
}

std::string bundle_text(const std::vector<BundleFile>& files) {
  std::string text;
  for (const BundleFile& file : files) {
    text += fmt::format("{:04o} {} {}\n", file.mode, sha256(file.content).hex(), file.path);
  }
  return text;
}

Errors render_bundle(const Model& model, const ServerEntry& entry,
                     const std::function<Errors(const ArtifactSink&)>& render,
                     const ArtifactSink& sink) {
  std::vector<BundleFile> files;
  Errors errors = collect_bundle(entry, render, files);
  if (has_error(errors) || files.empty()) return errors;
  const std::string text = bundle_text(files);
  const ClusterNode* const node = membership_of(model, *entry.server).node;
  std::string_view name = entry.server->name;
  // Another server's name stays that server's.
  if (node != nullptr && model.find_server(node->name) == nullptr) name = node->name;
  sink({.kind = node == nullptr ? kBundleKind : kNodeKind, .name = name, .content = text});
  return errors;
}

}  // namespace metalwright::renderers
