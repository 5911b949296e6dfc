#include "pipeline/device_objects.h"

#include <algorithm>
#include <iterator>

#include "reconciler/object_diff.h"
#include "renderers/fs_switch.h"
#include "renderers/routeros_objects.h"

namespace metalwright::pipeline {

using renderers::Artifact;

const DesiredObject* DesiredObjects::find(std::string_view kind, std::string_view name) const {
  const auto at = objects.find({std::string(kind), std::string(name)});
  return at == objects.end() ? nullptr : &at->second;
}

bool is_switch(const Model& model, const std::string& name) {
  return std::any_of(model.networks.begin(), model.networks.end(), [&](const Network& network) {
    return network.dhcp.relay == name ||
           (network.dhcp.server == DhcpServer::fs && network.dhcp.router == name);
  });
}

bool is_router(const Model& model, const std::string& name) {
  return std::any_of(model.networks.begin(), model.networks.end(),
                     [&](const Network& network) { return renderers::served_by(network, name); });
}

DesiredObjects desired_objects(const Model& model, const renderers::RenderSettings& settings,
                               const std::string& name, Errors& errors) {
  DesiredObjects out;
  std::string server;
  const auto take = [&](const Artifact& artifact) {
    DesiredObject& object = out.objects[{std::string(artifact.kind), std::string(artifact.name)}];
    object.content = artifact.content;
    object.fields = decode_fields(artifact.content).value_or(ObjectFields{});
    if (artifact.origin != nullptr) object.origin = *artifact.origin;
    object.server = server;
  };
  const auto keep = [&](Errors found) {
    errors.insert(errors.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
  };
  if (is_router(model, name)) {
    keep(renderers::render_routeros_site(model, settings, name, take));
    for (const ServerEntry& entry : model.servers) {
      server = entry.server->name;
      keep(renderers::render_routeros_server(model, settings, name, entry, take));
    }
  } else {
    keep(renderers::render_fs_objects(model, settings, name, take));
  }
  out.table = std::make_shared<reconciler::ResourceTable>();
  const auto arena = std::make_shared<Arena>();
  for (const auto& [address, object] : out.objects) {
    out.table->rows.push_back({arena->copy(address.first), arena->copy(address.second),
                               reconciler::file_digest(0, object.content)});
  }
  out.table->arenas.push_back(arena);
  return out;
}

}  // namespace metalwright::pipeline
