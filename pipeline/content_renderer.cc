#include "pipeline/content_renderer.h"

#include <string>

namespace metalwright::pipeline {
namespace {

Result<reconciler::Content> host_file(const TargetLayout& layout, std::string_view name) {
  for (const HostFile& file : layout.host_files) {
    if (file.name != name) continue;
    reconciler::Content content;
    content.copy_from = file.copy_from;
    content.bytes = file.bytes;
    content.mode = file.mode;
    return content;
  }
  return fail(ErrorKind::bug, "no-such-resource",
              "no file of the host goes to '" + std::string(name) + "'");
}

}  // namespace

Result<reconciler::Content> ContentRenderer::content(std::string_view kind,
                                                     std::string_view name) const {
  const auto missing = [&] {
    return fail(ErrorKind::bug, "no-such-resource",
                "nothing renders '" + target_.name + '/' + std::string(kind) + '/' +
                    std::string(name) + "'");
  };
  const reconciler::ResourceRow* row = target_.table.find(kind, name);
  if (row == nullptr) return missing();
  const UnitRef unit = target_.units[static_cast<std::size_t>(row - target_.table.rows.data())];
  if (unit.unit == UnitRef::kHostFile) return host_file(layout_, name);

  const auto format = static_cast<renderers::Format>(unit.format);
  if (unit.unit == UnitRef::kSite && reconciler::by_fields(kind)) {
    return site_object(format, kind, name);
  }
  reconciler::Content content;
  bool found = false;
  const renderers::ArtifactSink sink = [&](const renderers::Artifact& artifact) {
    if (found || artifact.name != name || artifact.kind != kind) return;
    found = true;
    content.bytes = artifact.content;
    content.mode = artifact.mode;
  };
  const Errors errors = unit.unit == UnitRef::kSite
                            ? rendering_.site(format, sink)
                            : rendering_.server(format, model_.servers[unit.unit], sink);
  if (found) return content;
  if (!errors.empty()) return tl::unexpected(errors.front());
  return missing();
}

/// A router of 200 networks has thousands of objects: each by itself would render all of them
/// again. What is there once stays as it is.
const ContentRenderer::Site& ContentRenderer::site(renderers::Format format) const {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = sites_.try_emplace(format);
  Site& site = at->second;
  if (!fresh) return site;
  site.errors = rendering_.site(format, [&](const renderers::Artifact& artifact) {
    SitePart& part = site.parts[{std::string(artifact.kind), std::string(artifact.name)}];
    if (reconciler::by_fields(artifact.kind)) part.content = artifact.content;
    if (artifact.origin != nullptr) part.origin = *artifact.origin;
  });
  return site;
}

Result<reconciler::Content> ContentRenderer::site_object(renderers::Format format,
                                                         std::string_view kind,
                                                         std::string_view name) const {
  const Site& site = this->site(format);
  const auto found = site.parts.find({std::string(kind), std::string(name)});
  if (found != site.parts.end()) {
    reconciler::Content content;
    content.bytes = found->second.content;
    content.mode = 0;
    return content;
  }
  if (!site.errors.empty()) return tl::unexpected(site.errors.front());
  return fail(
      ErrorKind::bug, "no-such-resource",
      "nothing renders '" + target_.name + '/' + std::string(kind) + '/' + std::string(name) + "'");
}

void ContentRenderer::describe(reconciler::Change& change) const {
  const reconciler::ResourceRow* row = target_.table.find(change.kind, change.name);
  if (row == nullptr) return;
  const UnitRef unit = target_.units[static_cast<std::size_t>(row - target_.table.rows.data())];
  if (unit.unit < model_.servers.size()) {
    const ServerEntry& entry = model_.servers[unit.unit];
    change.server = entry.server->name.view();
    change.origin = model_.origin(entry);
    return;
  }
  if (unit.unit == UnitRef::kHostFile) {
    for (const HostFile& file : layout_.host_files) {
      if (file.name == change.name) change.origin = file.origin;
    }
    return;
  }
  const Site& site = this->site(static_cast<renderers::Format>(unit.format));
  const auto found = site.parts.find({change.kind, change.name});
  if (found != site.parts.end()) change.origin = found->second.origin;
}

Result<void> ContentRenderer::objects(const reconciler::ContentSink& sink) const {
  const Errors errors =
      render_all(model_, layout_, [&](const ServerEntry*, const renderers::Artifact& artifact) {
        if (reconciler::by_fields(artifact.kind)) {
          sink(artifact.kind, artifact.name, artifact.content);
        }
      });
  if (has_error(errors)) return tl::unexpected(errors.front());
  return {};
}

}  // namespace metalwright::pipeline
