#pragma once

#include <string_view>

#include "renderers/artifact.h"
#include "renderers/render.h"
#include "schemas/model.h"

/// Switches of FS (fs.com, the S series with FSOS, whose command line is that of Ruijie's RGOS):
/// what one has for the networks whose `dhcp.server` is `fs:<its name>`, and the relay of those
/// whose `dhcp.relay` names it. There is no live push: the text is given to the switch by a person,
/// and a plan compares it with a saved `show running-config` (fs_config.h).
///
///   vlan 10                            a VLAN of each network that has one
///    name lab
///   interface VLAN 10                  relay, where another machine answers
///    ip helper-address 192.0.2.10
///   service dhcp
///   ip dhcp excluded-address …         what of a network is not in its range
///   ip dhcp pool lab
///    network 192.168.1.0 255.255.255.0
///    option 43 hex 060108ff            PXE: load the boot file, ask nobody else (PXE 2.1, tag 6)
///    option 66 ascii 192.0.2.10
///    option 67 ascii undionly.kpxe
///   ip dhcp pool lab-orion-eth0        a static binding
///    host 192.168.1.141 255.255.255.0
///    hardware-address d094.6624.967e
///
/// The switch tells no firmware from another: a pool gives what a BIOS loads, a binding what
/// `boot.firmware` says of its server. iPXE is given its loader again; it needs a script of its own
/// (docs/troubleshooting/chainload-loop.md), or a relay to a server that can tell.
///
/// Sources: FS S5860 series CLI reference, "DHCP commands"; Ruijie RGOS command reference.
namespace metalwright::renderers {

/// The switch's configuration as objects: kinds `fs-vlan`, `fs-interface`, `fs-service`,
/// `fs-excluded`, `fs-pool`; names are the VLAN id, the interface, `dhcp`, the range, the pool.
/// Errors: [fs-text] for a text that its command line cannot hold; [boot-server-address].
[[nodiscard]] Errors render_fs_objects(const Model& model, const RenderSettings& settings,
                                       std::string_view name, const ArtifactSink& sink);

/// The same as text to give to the switch, as the file `<name>.cfg`. Errors: as above.
[[nodiscard]] Errors render_fs_config(const Model& model, const RenderSettings& settings,
                                      std::string_view name, const ArtifactSink& sink);

}  // namespace metalwright::renderers
