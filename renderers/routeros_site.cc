#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "renderers/routeros_object.h"
#include "renderers/routeros_objects.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// What a boot tree usually has; named where nobody says which loaders there are.
constexpr std::array kUsualLoaders{"arm64-efi/ipxe.efi", "efi64/grubaa64.efi", "efi64/grubx64.efi",
                                   "i386-efi/ipxe.efi",  "ipxe.efi",           "pxelinux.0",
                                   "undionly.kpxe"};

/// The architectures (DHCP option 93) of each kind of firmware that is matched. What a BIOS loads
/// stands in the network's row: that is also for whoever names no architecture.
struct Firmwares {
  ClientKind kind;
  std::array<std::uint16_t, 2> architectures;  ///< 0: none
};
constexpr std::array kFirmwares{
    Firmwares{ClientKind::uefi32, {6, 0}},      Firmwares{ClientKind::uefi, {7, 9}},
    Firmwares{ClientKind::arm64, {11, 0}},      Firmwares{ClientKind::uefi_http, {16, 0}},
    Firmwares{ClientKind::arm64_http, {19, 0}},
};

RenderSettings with_loaders(const RenderSettings& settings) {
  RenderSettings out = settings;
  if (out.boot_loaders.empty()) out.boot_loaders.assign(kUsualLoaders.begin(), kUsualLoaders.end());
  return out;
}

/// Each dot of a file name for itself; some firmware asks with a slash in front.
std::string request_pattern(std::string_view file) {
  std::string pattern = "/?";
  for (const char c : file) {
    if (std::string_view(".+*?()[]{}|^$\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// The last bits of an aligned block of addresses; empty where the range is none.
std::optional<Ipv6Prefix> block_of(const Ipv6Range& range) {
  for (int length = 128; length >= 64; --length) {
    Ipv6Address first = range.first;
    Ipv6Address last = range.first;
    for (int bit = length; bit < 128; ++bit) {
      const auto octet = static_cast<std::size_t>(bit / 8);
      const auto mask = static_cast<std::uint8_t>(0x80U >> static_cast<unsigned>(bit % 8));
      first.octets[octet] &= static_cast<std::uint8_t>(~mask);
      last.octets[octet] |= mask;
    }
    if (first == range.first && last == range.last) {
      return Ipv6Prefix{range.first, static_cast<std::uint8_t>(length)};
    }
  }
  return std::nullopt;
}

class SiteRows {
 public:
  SiteRows(const Model& model, const RenderSettings& settings, std::string_view router,
           const ArtifactSink& sink)
      : model_(model), settings_(with_loaders(settings)), router_(router), sink_(sink) {}

  Errors render() {
    for (const Network& network : model_.networks) {
      if (served_by(network, router_)) add(network);
    }
    for (const auto& [loader, use] : loaders_) {
      if (!settings_.loaders_url.empty()) add_file(loader, use.origin);
      RouterosObject("tftp", loader, use.origin)
          .set("req-filename", request_pattern(loader))
          .set("real-filename", file_name(loader))
          .set_list("ip-addresses", use.prefixes)
          .set("allow", "yes")
          .set("read-only", "yes")
          .set("allow-rollover", "yes")
          .finish(sink_, errors_);
    }
    return std::move(errors_);
  }

  std::vector<std::string> loaders() {
    std::vector<std::string> names;
    for (const auto& [loader, use] : loaders_) names.push_back(loader);
    return names;
  }

 private:
  struct LoaderUse {
    std::vector<std::string> prefixes;
    Origin origin;
  };

  RouterosObject object(std::string_view kind, std::string name, const Network& network) {
    return {kind, std::move(name), network.dhcp.origin, network.router.version};
  }
  /// A row whose name we choose.
  RouterosObject named(std::string_view kind, std::string name, const Network& network) {
    RouterosObject made(kind, name, network.dhcp.origin, network.router.version);
    made.set("name", name);
    return made;
  }
  static std::string our_name(const Network& network, std::string_view what) {
    return fmt::format("{}{}-{}", routeros::kOwnerPrefix, network.name, what);
  }

  /// What a loader is called on the router. One that the router fetches stands in no folder, which
  /// would have to be made first, and its name tells its bytes: RouterOS tells no digest.
  [[nodiscard]] std::string file_name(std::string_view loader) const {
    if (settings_.loaders_url.empty()) return fmt::format("{}/{}", kRouterBootFolder, loader);
    constexpr std::size_t kDigits = 8;
    std::string name(routeros::kOwnerPrefix);
    const auto file = settings_.loader_files.find(loader);
    if (file != settings_.loader_files.end()) name += file->second.digest.substr(0, kDigits) + '-';
    name += loader;
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
  }

  void add_file(const std::string& loader, const Origin& origin) {
    const std::string name = file_name(loader);
    RouterosObject file("router-file", name, origin);
    file.set("name", name).set("from", settings_.loaders_url + '/' + loader);
    const auto known = settings_.loader_files.find(loader);
    if (known != settings_.loader_files.end()) {
      file.set("size", std::to_string(known->second.size));
    }
    file.finish(sink_, errors_);
  }

  void add(const Network& network) {
    add_vlan(network);
    if (network.dhcp.range) {
      named("pool", router_pool(network), network)
          .set("ranges", network.dhcp.range->text())
          .finish(sink_, errors_);
    }
    named("dhcp-server", router_dhcp_server(network), network)
        .set("interface", router_interface(network))
        .set("address-pool", router_pool(network))
        .set("lease-time", routeros::routeros_duration(network.dhcp.lease))
        .finish(sink_, errors_);
    RouterosObject row = object("dhcp-network", network.name, network);
    row.set("address", network.prefix.text()).set("domain", network.domain);
    if (network.gateway) row.set("gateway", network.gateway->text());
    std::vector<std::string> resolvers;
    for (const std::string& resolver : network.dns) {
      if (parse_ipv4(resolver)) resolvers.push_back(resolver);
    }
    row.set_list("dns-server", resolvers);
    if (network.router.boot) add_boot(network, row);
    row.finish(sink_, errors_);
    add_ipv6(network);
  }

  void add_vlan(const Network& network) {
    const NetworkRouter& router = network.router;
    if (router.bridge.empty() || !network.vlan) return;
    const std::string id = std::to_string(*network.vlan);
    if (!vlans_.insert(router.bridge + '/' + id).second) {
      errors_.push_back(
          invalid("routeros-vlan",
                  fmt::format("networks.{}.routeros.bridge: another network of the router has VLAN "
                              "{} on bridge {} already",
                              network.name, id, quoted(router.bridge)),
                  router.origin)
              .value());
      return;
    }
    object("vlan", network.name, network)
        .set("name", router.vlan_interface.empty() ? "vlan" + id : router.vlan_interface)
        .set("interface", router.bridge)
        .set("vlan-id", id)
        .set("mtu", network.mtu_bytes == 0 ? std::string() : std::to_string(network.mtu_bytes))
        .finish(sink_, errors_);
    std::vector<std::string> tagged{router.bridge};
    tagged.insert(tagged.end(), router.tagged.begin(), router.tagged.end());
    object("bridge-vlan", network.name, network)
        .set("bridge", router.bridge)
        .set("vlan-ids", id)
        .set_list("tagged", tagged)
        .set_list("untagged", router.untagged)
        .finish(sink_, errors_);
  }

  void add_boot(const Network& network, RouterosObject& row) {
    Result<BootServer> server = boot_server(model_, network, settings_);
    if (!server) {
      errors_.push_back(server.error());
      return;
    }
    if (network.router.next_server) server->address = network.router.next_server;
    // Nobody to load from: DHCP alone.
    if (!server->address && server->http.empty()) return;
    if (!network.router.address_list.empty()) {
      object("address-list", network.name, network)
          .set("list", network.router.address_list)
          .set("address", network.prefix.text())
          .finish(sink_, errors_);
    }
    const BootFile bios = file_for(network, *server, ClientKind::bios);
    if (server->address) {
      row.set("next-server", server->address->text()).set("boot-file-name", bios.name);
    }
    // RouterOS 6 has no matchers: every machine gets what a BIOS gets.
    if (network.router.version < 7) return;
    if (server->address) {
      named("dhcp-option", our_name(network, "tftp"), network)
          .set("code", "66")
          .set("value", routeros::option_text(server->address->text()))
          .finish(sink_, errors_);
    }
    add_ipxe(network, *server);
    for (const Firmwares& firmware : kFirmwares) {
      const BootFile file = file_for(network, *server, firmware.kind);
      if (file.name.empty() || (!file.url && !server->address)) continue;
      const std::string set = add_option_set(network, *server, firmware.kind, file);
      for (const std::uint16_t architecture : firmware.architectures) {
        if (architecture == 0) continue;
        add_matcher(network, our_name(network, fmt::format("arch-{}", architecture)), "93",
                    fmt::format("0x{:04x}", architecture), "substring", set);
      }
    }
  }

  BootFile file_for(const Network& network, const BootServer& server, ClientKind kind) {
    BootFile file = boot_file(network, server, settings_, kind);
    if (!file.name.empty() && !file.url && network.router.tftp && server.address) {
      LoaderUse& use = loaders_[file.name];
      if (use.prefixes.empty()) use.origin = network.dhcp.origin;
      const std::string prefix = network.prefix.text();
      if (std::find(use.prefixes.begin(), use.prefixes.end(), prefix) == use.prefixes.end()) {
        use.prefixes.push_back(prefix);
      }
    }
    return file;
  }

  /// iPXE gets its menu. Where it would get another loader on one firmware and its menu on another,
  /// it gets the menu on both: RouterOS matches one option at a time.
  void add_ipxe(const Network& network, const BootServer& server) {
    for (const ClientKind kind :
         {ClientKind::ipxe, ClientKind::ipxe_uefi, ClientKind::ipxe_other}) {
      const BootFile menu = boot_file(network, server, settings_, kind);
      if (!menu.url && (!server.address || menu.name != "ipxe/menu.ipxe")) continue;
      const std::string set = add_option_set(network, server, ClientKind::ipxe, menu);
      add_matcher(network, our_name(network, "ipxe"), "77", "iPXE", "exact", set);
      return;
    }
  }

  std::string add_option_set(const Network& network, const BootServer& server, ClientKind kind,
                             const BootFile& file) {
    const std::string word(client_rule(kind).word);
    std::vector<std::string> options;
    const auto add_option = [&](const std::string& name, std::string_view code,
                                std::string_view text, bool force) {
      named("dhcp-option", name, network)
          .set("code", code)
          .set("value", routeros::option_text(text))
          .set("force", force ? "yes" : "no")
          .finish(sink_, errors_);
      options.push_back(name);
    };
    if (server.address && !file.url) options.push_back(our_name(network, "tftp"));
    add_option(our_name(network, word), "67", file.name, false);
    // Firmware takes an answer to HTTP boot only from a server that calls itself that.
    if (kind == ClientKind::uefi_http || kind == ClientKind::arm64_http) {
      add_option(our_name(network, word + "-class"), "60", "HTTPClient", true);
    }
    const std::string set = our_name(network, word);
    named("dhcp-option-set", set, network).set_list("options", options).finish(sink_, errors_);
    return set;
  }

  void add_matcher(const Network& network, std::string name, std::string_view code,
                   std::string_view value, std::string_view type, const std::string& set) {
    named("dhcp-matcher", std::move(name), network)
        .set("server", router_dhcp_server(network))
        .set("address-pool", router_pool(network))
        .set("code", code)
        .set("value", value)
        .set("matching-type", type)
        .set("option-set", set)
        .finish(sink_, errors_);
  }

  /// Whether the boot service may have an IPv6 address: it is told by a name, or by such a one.
  [[nodiscard]] bool boots_over_ipv6(const Network& network) const {
    std::string_view host = network.boot_server;
    if (host.empty()) {
      host = settings_.service_url;
      host.remove_prefix(std::min(host.find("//"), host.size()));
      host.remove_prefix(std::min<std::size_t>(2, host.size()));
      host = host.substr(0, host.find_first_of(":/"));
    }
    return !parse_ipv4(host).has_value();
  }

  void add_ipv6(const Network& network) {
    if (!network.ipv6) return;
    const Network::Ipv6& ipv6 = *network.ipv6;
    if (network.router.boot && !network.router.address_list.empty() && boots_over_ipv6(network)) {
      object("ipv6-address-list", network.name, network)
          .set("list", network.router.address_list)
          .set("address", ipv6.prefix.text())
          .finish(sink_, errors_);
    }
    if (ipv6.ra == RouterAdvertisement::none) return;
    std::vector<std::string> resolvers;
    for (const std::string& resolver : network.dns) {
      if (parse_ipv6(resolver)) resolvers.push_back(resolver);
    }
    const bool stateful = ipv6.ra == RouterAdvertisement::stateful;
    const bool slaac = ipv6.ra == RouterAdvertisement::slaac;
    object("ipv6-nd", network.name, network)
        .set("interface", router_interface(network))
        .set("managed-address-configuration", stateful ? "yes" : "no")
        .set("other-configuration", slaac ? "no" : "yes")
        .set("advertise-dns", "yes")
        .set_list("dns", resolvers)
        .finish(sink_, errors_);
    object("ipv6-nd-prefix", network.name, network)
        .set("prefix", ipv6.prefix.text())
        .set("interface", router_interface(network))
        .set("autonomous", stateful ? "no" : "yes")
        .set("on-link", "yes")
        .finish(sink_, errors_);
    if (!slaac) add_dhcpv6(network, ipv6);
  }

  void add_dhcpv6(const Network& network, const Network::Ipv6& ipv6) {
    std::string pool = "static-only";
    if (ipv6.range) {
      const auto block = block_of(*ipv6.range);
      if (!block) {
        errors_.push_back(
            invalid("routeros-ipv6-range",
                    fmt::format("networks.{}.ipv6.range: '{}' is no prefix, and RouterOS's pools "
                                "are: take one such as ::1000-::1fff",
                                network.name, ipv6.range->text()),
                    network.origin)
                .value());
        return;
      }
      pool = our_name(network, "v6");
      named("ipv6-pool", pool, network)
          .set("prefix", block->text())
          .set("prefix-length", "128")
          .finish(sink_, errors_);
    }
    named("dhcpv6-server", our_name(network, "v6"), network)
        .set("interface", router_interface(network))
        .set("address-pool", pool)
        .set("lease-time", routeros::routeros_duration(network.dhcp.lease))
        .finish(sink_, errors_);
  }

  const Model& model_;
  const RenderSettings settings_;
  std::string_view router_;
  const ArtifactSink& sink_;
  std::map<std::string, LoaderUse> loaders_;
  std::set<std::string> vlans_;
  Errors errors_;
};

}  // namespace

Errors render_routeros_site(const Model& model, const RenderSettings& settings,
                            std::string_view router, const ArtifactSink& sink) {
  return SiteRows(model, settings, router, sink).render();
}

std::vector<std::string> router_boot_loaders(const Model& model, const RenderSettings& settings,
                                             std::string_view router) {
  const ArtifactSink nowhere = [](const Artifact&) {};
  SiteRows rows(model, settings, router, nowhere);
  (void)rows.render();
  return rows.loaders();
}

}  // namespace metalwright::renderers
