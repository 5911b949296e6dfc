#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "renderers/render.h"
#include "schemas/model.h"

/// Which boot file a machine's firmware is told to load. One table says how each kind of client is
/// recognised and one function says what it gets; the dnsmasq renderer writes them down and
/// `dhcp_answer.h` reads them out, so that what is proved of a boot path is what dnsmasq does.
///
/// The kinds exclude each other: dnsmasq(8) does not say which of two matching `dhcp-boot` lines
/// wins.
namespace metalwright::renderers {

enum class ClientKind : std::uint8_t {
  bios,        ///< PXE of a BIOS, and PXE that names no architecture
  uefi32,      ///< PXE of an x86 UEFI
  uefi,        ///< PXE of an x64 UEFI
  arm64,       ///< PXE of an ARM64 UEFI
  uefi_http,   ///< UEFI HTTP boot, x64
  arm64_http,  ///< UEFI HTTP boot, ARM64
  ipxe,        ///< iPXE on a BIOS
  ipxe_uefi,   ///< iPXE on an x64 UEFI
  ipxe_other,  ///< iPXE on anything else
};

struct ClientRule {
  ClientKind kind;
  std::string_view word;  ///< for people and command lines: `bios`, `uefi-http`, …
  std::string_view what;  ///< such as `UEFI x64 firmware (client-arch 7 or 9)`
  std::string_view tags;  ///< dnsmasq's condition, such as `tag:fw-uefi,tag:!is-ipxe`
  /// The client system architectures of `pxe-service` (proxy-DHCP), at most two; empty names for
  /// clients that proxy-DHCP answers by `dhcp-boot`.
  std::array<std::string_view, 2> services;
};

/// Every kind, in the order of the enumerators.
[[nodiscard]] std::span<const ClientRule> client_rules();
[[nodiscard]] const ClientRule& client_rule(ClientKind kind);
/// By `word`; empty for anything else.
[[nodiscard]] std::optional<ClientKind> parse_client_kind(std::string_view word);

/// How dnsmasq sets the tags that `ClientRule::tags` tests: an architecture (DHCP option 93, IANA
/// "Processor Architecture Types") gives a tag.
struct ArchitectureTag {
  std::uint16_t architecture;
  std::string_view tag;
};
/// Grouped by tag. Where a client names several, the tag that comes first here is its only one.
[[nodiscard]] std::span<const ArchitectureTag> architecture_tags();

/// Where the boot files of a network are served.
struct BootServer {
  std::optional<Ipv4Address> address;   ///< next-server; empty: dnsmasq's own on that network
  std::optional<Ipv6Address> address6;  ///< for DHCPv6; empty: not known
  std::string http;                     ///< `http://host:port` and path; empty: no HTTP
  std::string http6;                    ///< the same with `address6`; empty: no HTTP
};

/// The network's `boot-server`, else the host of `service.url`. A name is looked up among the
/// servers of the model, because DHCP's next-server is an address; so is the IPv6 address in the
/// network of the server that has the IPv4 address.
/// Error: `invalid` [boot-server-address] for a `boot-server` that gives no IPv4 address.
[[nodiscard]] Result<BootServer> boot_server(const Model& model, const Network& network,
                                             const RenderSettings& settings);

/// The URL with another host (an IPv6 address in brackets), its port and path kept.
[[nodiscard]] std::string url_with_host(std::string_view url, std::string_view host);

struct BootFile {
  std::string name;  ///< a path beneath the TFTP root, or a URL; empty: it is told to load nothing
  bool url = false;
  std::string why;  ///< one line, for `boot-sim`
};

/// What this kind of client is told to load in this network. Only loaders that
/// `settings.boot_loaders` has are named; the first one of each list is taken:
///   ipxe      bios: undionly.kpxe, ipxe.pxe; uefi: ipxe.efi, snponly.efi;
///             uefi32: i386-efi/ipxe.efi, …; arm64: arm64-efi/ipxe.efi, arm64-efi/snponly.efi
///   pxelinux  bios: pxelinux.0; uefi: efi64/grubx64.efi; arm64: efi64/grubaa64.efi, then as with
///             ipxe; others as with ipxe
///   grub      as pxelinux, but bios as with ipxe
/// iPXE itself counts as the firmware it runs on where that gets another loader; on ARM64 and x86
/// UEFI it always gets its menu.
/// iPXE then gets `<http>/boot/menu.ipxe?mac=…&uuid=…`, or `ipxe/menu.ipxe` without HTTP; UEFI HTTP
/// boot gets `<http>/boot/<loader>`.
[[nodiscard]] BootFile boot_file(const Network& network, const BootServer& server,
                                 const RenderSettings& settings, ClientKind kind);
/// The same as DHCPv6 tells it, always a URL (RFC 5970); empty where `server` has no IPv6 address.
[[nodiscard]] std::string boot_url6(const Network& network, const BootServer& server,
                                    const RenderSettings& settings, ClientKind kind);

}  // namespace metalwright::renderers
