#pragma once

#include "renderers/render.h"

/// `<server>/etc/netplan/99-metalwright.yaml`, mode 0600 (netplan warns of any other): the network
/// of one server for netplan 0.106 and later, written for systemd-networkd. Which link carries what
/// is said in renderers/netplan_links.h. No file for a server whose interfaces the inventory does
/// not know: there would be nothing to match.
///
/// An interface with a MAC address is matched by it and gets its name by `set-name`; a WiFi
/// interface is named only, for networkd can match no other way. A WiFi's password comes from
/// `RenderSettings::secrets`; one that is missing there is written as `(secret NAME)`.
///
/// Errors: those of `links_of`; `wifi-ssid`, `wifi-password` (8 to 63 printable characters or 64
/// hexadecimal digits; never shown), `netplan-text` for text that is not one line of UTF-8.
/// Source: netplan(5) of 0.106.
namespace metalwright::renderers {

[[nodiscard]] Errors render_netplan(const Model& model, const RenderSettings& settings,
                                    const ServerEntry& entry, const ArtifactSink& sink);

}  // namespace metalwright::renderers
