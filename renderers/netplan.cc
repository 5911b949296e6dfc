#include "renderers/netplan.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/comment.h"
#include "renderers/netplan_links.h"
#include "renderers/yaml_writer.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::size_t kLongestSsid = 32;  // IEEE 802.11, in bytes

bool is_passphrase(std::string_view text) {
  const auto hexadecimal = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (text.size() == 64) return std::all_of(text.begin(), text.end(), hexadecimal);
  return text.size() >= 8 && text.size() <= 63 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// netplan writes texts into line-based files of systemd and wpa_supplicant as they are.
bool is_line(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

Result<void> check_wifi(const Model& model, const ServerEntry& entry,
                        const RenderSettings& settings, const Wifi& wifi) {
  const std::string path =
      fmt::format("servers.{}.network.wifi.{}", entry.server->name.view(), wifi.name.view());
  const Origin origin = model.origin(entry, wifi.mark);
  if (wifi.ssid.empty() || wifi.ssid.view().size() > kLongestSsid || !is_line(wifi.ssid)) {
    return invalid(checks::kWifiSsid.id,
                   fmt::format("{}: an SSID has 1 to {} bytes of UTF-8 and no control characters",
                               path, kLongestSsid),
                   origin);
  }
  if (!is_line(wifi.regulatory_domain)) {
    return invalid(checks::kNetplanText.id,
                   fmt::format("{}: the regulatory domain is not one line of UTF-8", path), origin);
  }
  const auto secret = settings.secrets.find(wifi.password.name.view());
  if (secret != settings.secrets.end() && !is_passphrase(secret->second)) {
    return invalid(checks::kWifiPassword.id,
                   fmt::format("{}: the value of the secret '{}' is no WiFi password (8 to 63 "
                               "printable characters, or 64 hexadecimal digits)",
                               path, secret->first),
                   origin);
  }
  return {};
}

Result<void> check_texts(const Model& model, const ServerEntry& entry, const Link& link) {
  const auto good = [](std::string_view text) { return is_line(text); };
  const bool routes_good = std::all_of(link.routes.begin(), link.routes.end(), [](const auto& r) {
    return is_line(r.to) && is_line(r.via);
  });
  const bool words_good = link.made == nullptr ||
                          (is_line(link.made->mode) && is_line(link.made->lacp_rate) &&
                           is_line(link.made->transmit_hash_policy) && is_line(link.made->primary));
  if (routes_good && words_good && std::all_of(link.dns.begin(), link.dns.end(), good) &&
      std::all_of(link.search.begin(), link.search.end(), good)) {
    return {};
  }
  return invalid(checks::kNetplanText.id,
                 fmt::format("servers.{}: a value of '{}' is not one line of UTF-8",
                             entry.server->name.view(), link.name),
                 model.origin(entry));
}

void write_routes(YamlWriter& yaml, const std::vector<LinkRoute>& routes) {
  if (routes.empty()) return;
  yaml.open("routes");
  for (const LinkRoute& route : routes) {
    yaml.begin_item();
    yaml.string("to", route.to);
    if (route.via.empty()) {
      yaml.string("scope", "link");
    } else {
      yaml.string("via", route.via);
      if (route.on_link) yaml.boolean("on-link", true);
    }
    if (route.metric) yaml.number("metric", *route.metric);
    yaml.end_item();
  }
  yaml.close();
}

/// What every kind of link has.
void write_common(YamlWriter& yaml, const Link& link) {
  yaml.boolean("dhcp4", link.dhcp4);
  // A static lease is kept for a MAC address, which networkd does not send by itself.
  if (link.dhcp4) yaml.string("dhcp-identifier", "mac");
  if (!link.addresses.empty()) yaml.strings("addresses", link.addresses);
  write_routes(yaml, link.routes);
  if (!link.dns.empty() || !link.search.empty()) {
    yaml.open("nameservers");
    if (!link.dns.empty()) yaml.strings("addresses", link.dns);
    if (!link.search.empty()) yaml.strings("search", link.search);
    yaml.close();
  }
  if (link.mtu_bytes != 0) yaml.number("mtu", link.mtu_bytes);
}

/// Whether the system may come up without this link: one that nothing is reached by.
bool optional_at_boot(const Link& link) {
  return link.kind == LinkKind::ethernet && !link.primary && !link.member && !link.dhcp4 &&
         link.addresses.empty();
}

void write_ethernet(YamlWriter& yaml, const Link& link) {
  if (link.interface != nullptr && link.interface->mac) {
    yaml.open("match");
    yaml.string("macaddress", link.interface->mac->text());
    yaml.close();
    yaml.string("set-name", link.name);
  }
  write_common(yaml, link);
  if (optional_at_boot(link)) yaml.boolean("optional", true);
}

void write_wifi(YamlWriter& yaml, const Link& link, const RenderSettings& settings) {
  const Wifi& wifi = *link.wifi;
  write_common(yaml, link);
  if (!wifi.regulatory_domain.empty()) yaml.string("regulatory-domain", wifi.regulatory_domain);
  yaml.open("access-points");
  yaml.open_named(wifi.ssid);
  if (wifi.hidden) yaml.boolean("hidden", true);
  if (!wifi.password.name.empty()) {
    const auto secret = settings.secrets.find(wifi.password.name.view());
    yaml.string("password", secret != settings.secrets.end()
                                ? secret->second
                                : fmt::format("(secret {})", wifi.password.name.view()));
  }
  yaml.close();
  yaml.close();
}

void write_bond_parameters(YamlWriter& yaml, const VirtualInterface& bond) {
  yaml.open("parameters");
  if (!bond.mode.empty()) yaml.string("mode", bond.mode);
  if (!bond.lacp_rate.empty()) yaml.string("lacp-rate", bond.lacp_rate);
  if (bond.mii_monitor_ms) yaml.number("mii-monitor-interval", *bond.mii_monitor_ms);
  if (!bond.transmit_hash_policy.empty()) {
    yaml.string("transmit-hash-policy", bond.transmit_hash_policy);
  }
  if (!bond.primary.empty()) yaml.string("primary", bond.primary);
  yaml.close();
}

void write_bridge_parameters(YamlWriter& yaml, const VirtualInterface& bridge) {
  yaml.open("parameters");
  if (bridge.stp) yaml.boolean("stp", *bridge.stp);
  if (bridge.forward_delay_s) yaml.number("forward-delay", *bridge.forward_delay_s);
  yaml.close();
}

void write_made(YamlWriter& yaml, const Link& link) {
  const VirtualInterface& made = *link.made;
  if (link.kind == LinkKind::vlan) {
    yaml.number("id", made.vlan_id);
    yaml.string("link", made.link);
  } else if (!made.interfaces.empty()) {
    yaml.strings("interfaces", made.interfaces);
  }
  if (link.kind == LinkKind::bond) write_bond_parameters(yaml, made);
  if (link.kind == LinkKind::bridge && (made.stp || made.forward_delay_s)) {
    write_bridge_parameters(yaml, made);
  }
  // Here it is the address that the link gets, not one to match.
  const std::optional<MacAddress> mac =
      made.mac || link.interface == nullptr ? made.mac : link.interface->mac;
  if (mac) yaml.string("macaddress", mac->text());
  write_common(yaml, link);
}

std::string_view section(LinkKind kind) {
  switch (kind) {
    case LinkKind::ethernet:
      return "ethernets";
    case LinkKind::wifi:
      return "wifis";
    case LinkKind::bond:
      return "bonds";
    case LinkKind::bridge:
      return "bridges";
    case LinkKind::vlan:
      return "vlans";
  }
  return {};
}

void write_links(YamlWriter& yaml, const std::vector<Link>& links, const RenderSettings& settings) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Link& link = links[i];
    if (i == 0 || links[i - 1].kind != link.kind) {
      if (i != 0) yaml.close();
      yaml.open(section(link.kind));
    }
    yaml.open_named(link.name);
    if (link.kind == LinkKind::ethernet) {
      write_ethernet(yaml, link);
    } else if (link.kind == LinkKind::wifi) {
      write_wifi(yaml, link, settings);
    } else {
      write_made(yaml, link);
    }
    yaml.close();
  }
  yaml.close();
}

}  // namespace

Errors render_netplan(const Model& model, const RenderSettings& settings, const ServerEntry& entry,
                      const ArtifactSink& sink) {
  const Result<std::vector<Link>> links = links_of(model, entry);
  if (!links) return {links.error()};
  if (links->empty()) return {};
  Errors errors;
  for (const Link& link : *links) {
    if (const auto good = check_texts(model, entry, link); !good) errors.push_back(good.error());
    if (link.wifi == nullptr) continue;
    const Result<void> good = check_wifi(model, entry, settings, *link.wifi);
    if (!good) errors.push_back(good.error());
  }
  if (!errors.empty()) return errors;

  std::string text;
  text.reserve(1024);
  append_server_comment(text, model, entry, nullptr);
  for (const Link& link : *links) {
    if (!link.lacks_length) continue;
    append_comment(text, {link.name,
                          ": an address has no prefix length and no network contains "
                          "it, so the link asks for its address by DHCP."});
  }
  YamlWriter yaml(text);
  yaml.open("network");
  yaml.number("version", 2);
  yaml.string("renderer", "networkd");
  write_links(yaml, *links, settings);
  yaml.close();
  yaml.finish();
  std::string name(entry.server->name.view());
  name += "/etc/netplan/99-metalwright.yaml";
  sink({.name = name, .content = text, .mode = 0600});
  return {};
}

}  // namespace metalwright::renderers
