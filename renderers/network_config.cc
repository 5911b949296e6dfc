#include "renderers/network_config.h"

#include <fmt/format.h>

#include <set>

#include "renderers/fs_switch.h"
#include "renderers/routeros_script.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::string_view kMikrotikHowTo =
    "# How to use this file\n"
    "#   1. Look through it: every row is added, or set where it is there already. Rows of your "
    "own\n"
    "#      are not touched.\n"
    "#   2. Keep a way back: /system backup save name=before, or /export file=before.\n"
    "#   3. Copy it to the router (WinBox Files, scp) and run: /import file-name={}.rsc\n"
    "#   4. Put the boot loaders into the router's folder metalwright/ where the router itself "
    "shall\n"
    "#      offer them by TFTP.\n"
    "#   5. Start a machine by network; /ip dhcp-server lease print and /log print show what it "
    "got.\n"
    "# RouterOS 7.16 or newer. Importing again changes nothing.\n"
    "\n";

constexpr std::string_view kFsHowTo =
    "! How to use this file\n"
    "!   1. Look through it, and save what the switch has: copy running-config startup-config\n"
    "!   2. Enter the configuration: configure terminal\n"
    "!   3. Paste the lines below; a pool that has the same name is changed, nothing is removed.\n"
    "!   4. Check: show ip dhcp pool, show ip dhcp binding, show vlan\n"
    "!   5. Keep it: write\n"
    "! Switch {}: ports of machines want 'spanning-tree portfast', or DHCP gives up before they "
    "forward.\n"
    "!\n";

DhcpServer server_of(NetworkVendor vendor) {
  return vendor == NetworkVendor::mikrotik ? DhcpServer::routeros : DhcpServer::fs;
}

std::set<std::string> devices(const Model& model, NetworkVendor vendor) {
  std::set<std::string> names;
  for (const Network& network : model.networks) {
    if (network.dhcp.server == server_of(vendor)) names.insert(network.dhcp.router);
    if (vendor == NetworkVendor::fs && !network.dhcp.relay.empty()) {
      names.insert(network.dhcp.relay);
    }
  }
  return names;
}

}  // namespace

std::optional<NetworkVendor> parse_network_vendor(std::string_view word) {
  if (word == "mikrotik") return NetworkVendor::mikrotik;
  if (word == "fs") return NetworkVendor::fs;
  return std::nullopt;
}

Result<std::string> render_network_config(const Model& model, const RenderSettings& settings,
                                          NetworkVendor vendor, std::string_view device) {
  const bool mikrotik = vendor == NetworkVendor::mikrotik;
  const std::set<std::string> named = devices(model, vendor);
  std::optional<Model> as_if;
  std::string name(device);
  if (named.empty() && device.empty()) {
    name = mikrotik ? "router" : "switch";
    as_if = model;
    for (Network& network : as_if->networks) {
      network.dhcp.server = server_of(vendor);
      network.dhcp.router = name;
    }
  } else if (device.empty()) {
    name = *named.begin();
  } else if (!named.contains(name)) {
    return invalid("network-config-device",
                   fmt::format("no network is served by the {} {}", mikrotik ? "router" : "switch",
                               quoted(device)));
  }
  const Model& shown = as_if ? *as_if : model;
  std::string text;
  const ArtifactSink sink = [&text](const Artifact& artifact) { text = artifact.content; };
  const Errors errors = mikrotik ? render_routeros_script(shown, settings, name, {}, sink)
                                 : render_fs_config(shown, settings, name, sink);
  for (const Error& error : errors) {
    if (error.severity == Severity::error) return tl::unexpected(error);
  }
  return mikrotik ? fmt::format(kMikrotikHowTo, name) + text : fmt::format(kFsHowTo, name) + text;
}

}  // namespace metalwright::renderers
