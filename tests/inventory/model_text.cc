#include "tests/inventory/model_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "schemas/diagnostics.h"

namespace metalwright::inventory {
namespace {
class ModelText {
 public:
  explicit ModelText(const Model& model) : model_(model) {}

  std::string make() {
    for (const ServerEntry& entry : model_.servers) add(entry);
    for (const Network& network : model_.networks) add(network);
    for (const Cluster& cluster : model_.clusters) add(cluster);
    for (const Profile& profile : model_.profiles) add(profile);
    for (const Move& move : model_.moved)
      line("move {} {} {}", move.from, move.to, move.origin.text());
    for (const auto& [name, content] : model_.templates) line("template {} {}", name, content);
    for (const std::string& file : model_.files) line("file {}", file);
    return std::move(out_);
  }

 private:
  template <class... T>
  void line(fmt::format_string<T...> format, T&&... values) {
    out_ += fmt::format(format, std::forward<T>(values)...);
    out_ += '\n';
  }
  static std::string at(Mark mark) { return fmt::format("@{}:{}", mark.line, mark.column); }
  template <class T>
  static std::string text(const std::optional<T>& value) {
    return value ? value->text() : std::string("-");
  }
  template <class T>
  static std::string number(const std::optional<T>& value) {
    return value ? std::to_string(*value) : std::string("-");
  }
  static std::string joined(std::span<const Text> texts) {
    std::string out = "[";
    for (const Text text : texts) out += std::string(text) + '|';
    return out + ']';
  }
  static std::string joined(const std::vector<std::string>& texts) {
    return fmt::format("[{}]", fmt::join(texts, "|"));
  }

  void add(const ServerEntry& entry) {
    const Server& s = *entry.server;
    line("server {} at {} {}", s.name.view(), model_.origin(entry).text(), entry.digest.hex());
    line(" {}{} {}{} {}{} {}{}", s.hostname.view(), at(s.hostname_mark), text(s.ipv4),
         at(s.ipv4_mark), text(s.ipv6), at(s.ipv6_mark), s.serial.view(), at(s.serial_mark));
    line(" {} {} {} {} {} {} {} {} {} {}", s.manufacturer.view(), s.model.view(),
         s.asset_tag.view(), s.site.view(), s.location.view(), s.rack.view(), s.position,
         s.role.view(), s.platform.view(), s.tenant.view());
    line(" {}{} {}{} {} {}", s.profile.view(), at(s.profile_mark), s.cluster.view(),
         at(s.cluster_mark), joined(s.services), static_cast<int>(s.drift));
    for (const Label& label : s.labels) line(" label {} {}", label.key.view(), label.value.view());
    for (const Interface& nic : s.interfaces) {
      line(" interface {}{} {} {}{} {}{} {}{} {}", nic.name.view(), at(nic.mark), nic.role.view(),
           text(nic.mac), at(nic.mac_mark), text(nic.ipv4), at(nic.ipv4_mark), text(nic.ipv6),
           at(nic.ipv6_mark), nic.mtu_bytes);
    }
    if (s.boot != nullptr) {
      line(" boot {} {} {}{}", word(s.boot->firmware), joined(s.boot->params),
           s.boot->console.view(), at(s.boot->mark));
    }
    if (s.network != nullptr) add(*s.network);
  }

  void add(const NetworkConfig& config) {
    for (const auto& nic : config.bonds) add("bond", nic);
    for (const auto& nic : config.vlans) add("vlan", nic);
    for (const auto& nic : config.bridges) add("bridge", nic);
    for (const Wifi& wifi : config.wifis) {
      line(" wifi {}{} {} {} {} {} {} {}", wifi.name.view(), at(wifi.mark), wifi.ssid.view(),
           wifi.password.name.view(), wifi.hidden, wifi.dhcp4, joined(wifi.addresses),
           wifi.regulatory_domain.view());
    }
    add(config.routes);
  }

  void add(std::string_view kind, const VirtualInterface& nic) {
    line(" {} {}{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", kind, nic.name.view(),
         at(nic.mark), joined(nic.interfaces), joined(nic.addresses), joined(nic.dns), nic.dhcp4,
         nic.mtu_bytes, text(nic.mac), nic.mode.view(), nic.lacp_rate.view(),
         nic.transmit_hash_policy.view(), nic.primary.view(), number(nic.mii_monitor_ms),
         nic.link.view(), nic.vlan_id, nic.stp ? (*nic.stp ? "stp" : "no-stp") : "-",
         number(nic.forward_delay_s));
    add(nic.routes);
  }

  void add(std::span<const Route> routes) {
    for (const Route& route : routes) {
      line("  route {} {} {} {}{}", route.to.view(), route.via.view(), number(route.metric),
           route.on_link, at(route.mark));
    }
  }

  void add(const Network& n) {
    line("network {} {} {} {} {} {} {} {} {}", n.name, n.origin.text(), n.prefix.text(),
         n.prefix_origin.text(), text(n.gateway), n.gateway_origin.text(), number(n.vlan),
         joined(n.dns), n.domain);
    line(" {} {} {} {} {} {} {} {} {} {}", n.boot_server, n.mtu_bytes, word(n.dhcp.server),
         n.dhcp.router + n.dhcp.relay, n.dhcp.interface, text(n.dhcp.range), n.dhcp.lease.count(),
         word(n.dhcp.loader), n.dhcp.origin.text(), n.dhcp.range_origin.text());
    if (n.ipv6) {
      line(" {} {} {} {}", n.ipv6->prefix.text(), text(n.ipv6->gateway), word(n.ipv6->ra),
           text(n.ipv6->range));
    }
    const NetworkRouter& r = n.router;
    line(" {} {} {} {} {} {} {} {} {} {} {} {}", r.bridge, r.vlan_interface, joined(r.tagged),
         joined(r.untagged), r.dhcp_server, r.pool, r.boot, r.tftp, text(r.next_server), r.dns,
         r.address_list, r.origin.text());
  }

  void add(const Cluster& c) {
    line("cluster {} {} {} {} {} {} {} {}", c.name, c.origin.text(), joined(c.initial_peers),
         number(c.bgp_asn), c.fiberlb_bgp, joined(c.vips), c.prismnet_integration, c.profile);
    for (const ClusterNode& node : c.nodes) {
      line(" node {} {} {} {} {} {} {} {}", node.name, word(node.role), node.ip,
           joined(node.services), node.server, c.origin_of(node.position).text(),
           c.origin_of(node.ip_position).text(), c.origin_of(node.server_position).text());
    }
    const auto places = [&](const std::vector<Origin>& origins) {
      for (const Origin& origin : origins) line(" at {}", origin.text());
    };
    places(c.initial_peer_origins);
    places(c.vip_origins);
    places({c.profile_origin});
    for (const BgpPeer& peer : c.bgp_peers) {
      line(" peer {} {} {}", peer.address, peer.asn, peer.origin.text());
    }
  }

  void add(const Profile& p) {
    line("profile {} {} {} {} {} {} {} {}", p.name, p.title, word(p.type), p.origin.text(),
         joined(p.params), p.template_name, p.install, p.is_default);
    line(" kernel {} {} {}", p.kernel.path, p.kernel.url, p.kernel.sha256);
    for (const Asset& initrd : p.initrd) {
      line(" initrd {} {} {} {}", initrd.path, initrd.url, initrd.sha256, initrd.origin.text());
    }
  }

  const Model& model_;
  std::string out_;
};
}  // namespace

std::string model_text(const Model& model) { return ModelText(model).make(); }

std::string result_text(const LoadResult& result) {
  const std::string errors = format_diagnostics(result.errors, DiagnosticFormat::text);
  return result.model == nullptr ? errors : errors + model_text(*result.model);
}

}  // namespace metalwright::inventory
