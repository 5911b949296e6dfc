#pragma once

#include "renderers/render.h"

/// The objects that a NetBox should have, as fields (schemas/netbox.h has their kinds and names).
///
/// A server's unit is its device, its interfaces (bonds, VLANs, bridges and WiFi among them) and
/// its addresses. The site's unit is what servers share (sites, racks, makers, roles, …), clusters,
/// networks as prefixes and VLANs, and the tag and the custom field that mark what is ours.
///
/// A device's status is no part of it: it belongs to the server's life, not to the repository.
/// Nor is what NetBox demands and the repository does not say: see `kDefaultSite`.
namespace metalwright::renderers {

/// Errors: `invalid` [netbox-value] for a value that is longer than NetBox takes; that object is
/// left out, and whatever belongs to it.
[[nodiscard]] Errors render_netbox_server(const Model& model, const ServerEntry& entry,
                                          const ArtifactSink& sink);
/// Warning: [netbox-value] for names that are one to NetBox, such as the sites `FRA 1` and `fra-1`.
[[nodiscard]] Errors render_netbox_site(const Model& model, const ArtifactSink& sink);

}  // namespace metalwright::renderers
