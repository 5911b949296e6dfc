#include "renderers/boot_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace metalwright::renderers {
namespace {

constexpr std::array<ClientRule, 9> kRules{{
    {ClientKind::bios,
     "bios",
     "PXE of a BIOS (client-arch 0 or none)",
     "tag:fw-bios,tag:!is-ipxe",
     {"x86PC", ""}},
    {ClientKind::uefi32,
     "uefi32",
     "PXE of an x86 UEFI (client-arch 6)",
     "tag:fw-uefi32,tag:!is-ipxe",
     {"IA32_EFI", ""}},
    {ClientKind::uefi,
     "uefi",
     "PXE of an x64 UEFI (client-arch 7 or 9)",
     "tag:fw-uefi,tag:!is-ipxe",
     {"x86-64_EFI", "BC_EFI"}},
    {ClientKind::arm64,
     "arm64",
     "PXE of an ARM64 UEFI (client-arch 11)",
     "tag:fw-arm64,tag:!is-ipxe",
     {"ARM64_EFI", ""}},
    {ClientKind::uefi_http,
     "uefi-http",
     "HTTP boot of an x64 UEFI (client-arch 16)",
     "tag:fw-uefi-http,tag:!is-ipxe",
     {}},
    {ClientKind::arm64_http,
     "arm64-http",
     "HTTP boot of an ARM64 UEFI (client-arch 19)",
     "tag:fw-arm64-http,tag:!is-ipxe",
     {}},
    {ClientKind::ipxe, "ipxe", "iPXE on a BIOS", "tag:is-ipxe,tag:fw-bios", {}},
    {ClientKind::ipxe_uefi, "ipxe-uefi", "iPXE on an x64 UEFI", "tag:is-ipxe,tag:fw-uefi", {}},
    {ClientKind::ipxe_other,
     "ipxe-other",
     "iPXE on other firmware",
     "tag:is-ipxe,tag:!fw-bios,tag:!fw-uefi",
     {}},
}};

// A client that names several architectures is taken for the first of these, because a later stage
// of a mixed image is chosen by the firmware itself. 9 is what some old x64 firmware sends.
constexpr std::array<ArchitectureTag, 7> kArchitectureTags{{{7, "fw-uefi"},
                                                            {9, "fw-uefi"},
                                                            {11, "fw-arm64"},
                                                            {6, "fw-uefi32"},
                                                            {16, "fw-uefi-http"},
                                                            {19, "fw-arm64-http"},
                                                            {0, "fw-bios"}}};

constexpr std::string_view kGrub = "efi64/grubx64.efi";
constexpr std::string_view kGrubArm64 = "efi64/grubaa64.efi";
constexpr std::string_view kPxelinux = "pxelinux.0";
constexpr std::string_view kMenu = "ipxe/menu.ipxe";
// iPXE expands its settings in the file name that DHCP gives it; netX is the device it booted from.
constexpr std::string_view kMenuQuery = "/boot/menu.ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}";

using Loaders = std::vector<std::string_view>;

Loaders ipxe_loaders(ClientKind kind) {
  switch (kind) {
    case ClientKind::bios:
      return {"undionly.kpxe", "ipxe.pxe"};
    case ClientKind::uefi32:
      return {"i386-efi/ipxe.efi", "i386-efi/snponly.efi"};
    case ClientKind::uefi:
    case ClientKind::uefi_http:
      return {"ipxe.efi", "snponly.efi"};
    case ClientKind::arm64:
    case ClientKind::arm64_http:
      return {"arm64-efi/ipxe.efi", "arm64-efi/snponly.efi"};
    case ClientKind::ipxe:
    case ClientKind::ipxe_uefi:
    case ClientKind::ipxe_other:
      break;
  }
  return {};
}

/// What the client may be given, best first; empty where it is iPXE and shall go on to its menu.
Loaders loaders_for(BootLoader loader, ClientKind kind) {
  const bool uefi =
      kind == ClientKind::uefi || kind == ClientKind::uefi_http || kind == ClientKind::ipxe_uefi;
  const bool bios = kind == ClientKind::bios || kind == ClientKind::ipxe;
  if (uefi && loader != BootLoader::ipxe) return {kGrub};
  if (bios && loader == BootLoader::pxelinux) return {kPxelinux};
  Loaders loaders = ipxe_loaders(kind);
  const bool arm64 = kind == ClientKind::arm64 || kind == ClientKind::arm64_http;
  if (arm64 && loader != BootLoader::ipxe) loaders.insert(loaders.begin(), kGrubArm64);
  return loaders;
}

bool over_http(ClientKind kind) {
  return kind == ClientKind::uefi_http || kind == ClientKind::arm64_http;
}

/// The parts of `scheme://host:port/path`; the host without brackets. Empty where it is no URL.
struct UrlParts {
  std::string_view scheme, host, rest;
};
UrlParts split_url(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return {};
  UrlParts parts{.scheme = url.substr(0, colon), .host = {}, .rest = {}};
  std::string_view authority = url.substr(colon + 3);
  if (const std::size_t at = authority.substr(0, authority.find('/')).rfind('@');
      at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return {};
    parts.host = authority.substr(1, end - 1);
    parts.rest = authority.substr(end + 1);
  } else {
    const std::size_t end = std::min(authority.find_first_of(":/"), authority.size());
    parts.host = authority.substr(0, end);
    parts.rest = authority.substr(end);
  }
  return parts;
}

bool is_loopback(Ipv4Address address) { return address.value >> 24 == 127; }

const Server* server_called(const Model& model, std::string_view name) {
  const ServerEntry* entry = model.find_server(name);
  if (entry != nullptr) return entry->server;
  for (const ServerEntry& other : model.servers) {
    if (other.server->hostname == name) return other.server;
  }
  return nullptr;
}

std::optional<Ipv4Address> address_of(const Server& server) {
  if (server.ipv4) return server.ipv4->address;
  const Interface* primary = server.primary();
  if (primary != nullptr && primary->ipv4) return primary->ipv4->address;
  return {};
}

/// The IPv6 address in the network of the server that has this IPv4 address.
std::optional<Ipv6Address> ipv6_beside(const Model& model, const Network& network,
                                       Ipv4Address address) {
  if (!network.ipv6) return {};
  for (const ServerEntry& entry : model.servers) {
    const Server& server = *entry.server;
    if (address_of(server) != address) continue;
    const Interface* primary = server.primary();
    for (const std::optional<Ipv6Interface>& own :
         {server.ipv6, primary == nullptr ? std::nullopt : primary->ipv6}) {
      if (own && network.ipv6->prefix.contains(own->address)) return own->address;
    }
  }
  return {};
}

}  // namespace

std::span<const ClientRule> client_rules() { return kRules; }

const ClientRule& client_rule(ClientKind kind) { return kRules[static_cast<std::size_t>(kind)]; }

std::optional<ClientKind> parse_client_kind(std::string_view word) {
  for (const ClientRule& rule : kRules) {
    if (rule.word == word) return rule.kind;
  }
  return {};
}

std::span<const ArchitectureTag> architecture_tags() { return kArchitectureTags; }

std::string url_with_host(std::string_view url, std::string_view host) {
  const UrlParts parts = split_url(url);
  return fmt::format("{}://{}{}", parts.scheme, host, parts.rest);
}

Result<BootServer> boot_server(const Model& model, const Network& network,
                               const RenderSettings& settings) {
  BootServer server;
  server.http = settings.service_url;
  const bool named = !network.boot_server.empty();
  const std::string host =
      named ? network.boot_server : std::string(split_url(settings.service_url).host);
  std::optional<Ipv4Address> address = parse_ipv4(host);
  if (!address) {
    if (const Server* found = host.empty() ? nullptr : server_called(model, host)) {
      address = address_of(*found);
    }
  }
  if (named && !address) {
    return invalid("boot-server-address",
                   fmt::format("networks.{}.boot-server: '{}' is neither an IPv4 address nor a "
                               "server that has one, and DHCP's next-server must be an address",
                               network.name, network.boot_server),
                   network.origin);
  }
  if (address) {
    if (!server.http.empty()) server.http = url_with_host(settings.service_url, address->text());
    server.address6 = ipv6_beside(model, network, *address);
    // A machine cannot load anything from its own loopback.
    if (!is_loopback(*address)) server.address = address;
  } else {
    server.address6 = parse_ipv6(host);
  }
  if (server.address6 && !server.http.empty()) {
    server.http6 = url_with_host(settings.service_url, '[' + server.address6->text() + ']');
  }
  return server;
}

BootFile boot_file(const Network& network, const BootServer& server, const RenderSettings& settings,
                   ClientKind kind) {
  const BootLoader loader = network.dhcp.loader;
  const Loaders loaders = loaders_for(loader, kind);
  if (loaders.empty()) {
    if (server.http.empty()) {
      return {std::string(kMenu), false, "iPXE goes on to its menu, by TFTP"};
    }
    return {server.http + std::string(kMenuQuery), true, "iPXE goes on to its menu, by HTTP"};
  }
  const auto has = [&](std::string_view path) {
    return std::find(settings.boot_loaders.begin(), settings.boot_loaders.end(), path) !=
           settings.boot_loaders.end();
  };
  const auto found = std::find_if(loaders.begin(), loaders.end(), has);
  if (found == loaders.end()) {
    return {{},
            false,
            fmt::format("loader '{}' asks for {}, which the boot tree does not have", word(loader),
                        fmt::join(loaders, " or "))};
  }
  if (!over_http(kind)) {
    return {std::string(*found), false, fmt::format("loader '{}', by TFTP", word(loader))};
  }
  if (server.http.empty()) {
    return {{}, false, "HTTP boot needs 'service.url' in the host's configuration"};
  }
  return {fmt::format("{}/boot/{}", server.http, *found), true,
          fmt::format("loader '{}', by HTTP", word(loader))};
}

std::string boot_url6(const Network& network, const BootServer& server,
                      const RenderSettings& settings, ClientKind kind) {
  if (!server.address6) return {};
  BootServer six{.address = {}, .address6 = server.address6, .http = server.http6, .http6 = {}};
  const BootFile file = boot_file(network, six, settings, kind);
  if (file.url || file.name.empty()) return file.name;
  return fmt::format("tftp://[{}]/{}", server.address6->text(), file.name);
}

}  // namespace metalwright::renderers
