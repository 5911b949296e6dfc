#include "renderers/render.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "renderers/boot_site.h"
#include "renderers/boot_templates.h"
#include "renderers/bundle.h"
#include "renderers/cluster_config.h"
#include "renderers/dhcp_hosts.h"
#include "renderers/dnsmasq.h"
#include "renderers/grub.h"
#include "renderers/ipxe.h"
#include "renderers/netbox.h"
#include "renderers/netplan.h"
#include "renderers/pxelinux.h"
#include "renderers/routeros_objects.h"
#include "schemas/checks.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 9> kWords{
    {{Format::pxelinux, "pxelinux"},
     {Format::grub, "grub"},
     {Format::ipxe, "ipxe"},
     {Format::netplan, "netplan"},
     {Format::cluster_config, "cluster-config"},
     {Format::dnsmasq, "dnsmasq"},
     {Format::netbox, "netbox"},
     {Format::routeros, "routeros"},
     {Format::bundle, "bundle"}}};

Errors joined(Errors first, Errors second) {
  first.insert(first.end(), std::make_move_iterator(second.begin()),
               std::make_move_iterator(second.end()));
  return first;
}

}  // namespace

std::string_view word(Format format) {
  for (const auto& [candidate, word] : kWords) {
    if (candidate == format) return word;
  }
  return {};
}

std::optional<Format> parse_format(std::string_view word) {
  for (const auto& [format, candidate] : kWords) {
    if (candidate == word) return format;
  }
  return {};
}

struct Rendering::State {
  State(const Model& model, const RenderSettings& settings)
      : model(model),
        settings(settings),
        boot(make_boot_site(model, settings)),
        pxelinux(boot),
        grub(boot),
        ipxe(boot),
        templates(boot),
        cluster_config(model) {}

  const Model& model;
  const RenderSettings& settings;
  BootSite boot;
  Pxelinux pxelinux;
  Grub grub;
  Ipxe ipxe;
  BootTemplates templates;
  ClusterConfig cluster_config;
};

Rendering::Rendering(const Model& model, const RenderSettings& settings)
    : state_(std::make_unique<State>(model, settings)) {}
Rendering::~Rendering() = default;
Rendering::Rendering(Rendering&&) noexcept = default;
Rendering& Rendering::operator=(Rendering&&) noexcept = default;

Errors Rendering::server(Format format, const ServerEntry& entry, const ArtifactSink& sink) const {
  const State& s = *state_;
  // The loader sees to it; a name becomes part of paths, which must not lead out of a tree.
  if (!is_key(entry.server->name)) {
    return {invalid(checks::kNameFormat.id,
                    fmt::format("{} is not a name for a server", quoted(entry.server->name)),
                    s.model.origin(entry))
                .value()};
  }
  switch (format) {
    case Format::pxelinux:
      return s.pxelinux.server(entry, sink);
    case Format::grub:
      return s.grub.server(entry, sink);
    case Format::ipxe:
      return joined(s.ipxe.server(entry, sink), s.templates.server(entry, sink));
    case Format::netplan:
      return render_netplan(s.model, s.settings, entry, sink);
    case Format::cluster_config:
      return s.cluster_config.server(entry, sink);
    case Format::dnsmasq:
      return render_dhcp_hosts(s.model, s.settings, entry, sink);
    case Format::netbox:
      return render_netbox_server(s.model, entry, sink);
    case Format::routeros:
      return render_routeros_server(s.model, s.settings, s.settings.target, entry, sink);
    case Format::bundle:
      return render_bundle(
          s.model, entry,
          [&](const ArtifactSink& each) {
            return joined(render_netplan(s.model, s.settings, entry, each),
                          s.cluster_config.server(entry, each));
          },
          sink);
  }
  return {};
}

Errors Rendering::site(Format format, const ArtifactSink& sink) const {
  const State& s = *state_;
  switch (format) {
    case Format::pxelinux:
      return s.pxelinux.site(sink);
    case Format::grub:
      return s.grub.site(sink);
    case Format::ipxe:
      return joined(s.templates.site(), s.ipxe.site(sink));
    case Format::netplan:
    case Format::cluster_config:
    case Format::bundle:
      return {};
    case Format::netbox:
      return render_netbox_site(s.model, sink);
    case Format::routeros:
      return render_routeros_site(s.model, s.settings, s.settings.target, sink);
    case Format::dnsmasq:
      return render_dnsmasq(s.model, s.settings, sink);
  }
  return {};
}

Errors render_server(Format format, const Model& model, const RenderSettings& settings,
                     const ServerEntry& entry, const ArtifactSink& sink) {
  return Rendering(model, settings).server(format, entry, sink);
}

Errors render_site(Format format, const Model& model, const RenderSettings& settings,
                   const ArtifactSink& sink) {
  return Rendering(model, settings).site(format, sink);
}

}  // namespace metalwright::renderers
