#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/artifact.h"
#include "schemas/model.h"

/// The renderers behind one door. Each is a pure function of the model and the settings: no clock,
/// disk or network. What is rendered comes in two kinds of unit: one server (everything that
/// depends on that server's entry) and the site (menus and main configurations). A server's unit
/// depends on its own entry, the networks, clusters, profiles and templates, and on nothing of
/// other servers, so that a push that edits one server renders one server.
namespace metalwright::renderers {

enum class Format : std::uint8_t {
  pxelinux,
  grub,
  ipxe,
  netplan,
  cluster_config,
  dnsmasq,
  netbox,    ///< objects of NetBox's API
  routeros,  ///< rows of RouterOS menus, for the router that the settings name
  bundle,    ///< what a node that fetches its files is to have
};
inline constexpr std::array kFormats{Format::pxelinux, Format::grub,           Format::ipxe,
                                     Format::netplan,  Format::cluster_config, Format::dnsmasq,
                                     Format::netbox,   Format::routeros,       Format::bundle};
/// True where the site's unit also depends on every server: objects that servers share, such as
/// the racks that they stand in. Such a unit is rendered again whenever any server changes.
[[nodiscard]] constexpr bool site_depends_on_servers(Format format) {
  return format == Format::netbox;
}
/// The word in `render:` of a target, such as `cluster-config`; and back, empty for anything else.
[[nodiscard]] std::string_view word(Format format);
[[nodiscard]] std::optional<Format> parse_format(std::string_view word);

/// dnsmasq's part in the site.
enum class DnsmasqMode : std::uint8_t {
  dhcp,   ///< leases and boot answers for the networks whose `dhcp.server` is dnsmasq (or proxy)
  proxy,  ///< every network of ours as proxy-DHCP, beside somebody else's DHCP server
  tftp,   ///< TFTP only
};

struct DnsmasqSettings {
  DnsmasqMode mode = DnsmasqMode::dhcp;
  std::string tftp_root;                ///< absolute path that dnsmasq serves; empty: no TFTP
  std::string hosts_folder;             ///< absolute path of the folder of `dhcp-hostsfile`s
  std::vector<std::string> interfaces;  ///< to bind to; empty: all
  std::vector<std::string> listen_addresses;
  std::string pid_file, lease_file, log_file, user;  ///< empty: dnsmasq's default
  bool authoritative = true;
};

/// A boot loader as it is here.
struct LoaderFile {
  std::uint64_t size = 0;
  std::string digest;  ///< in hexadecimal
};

/// What rendering needs from the host's configuration.
struct RenderSettings {
  std::string target;       ///< the name of the target that is rendered for
  std::string service_url;  ///< without a slash at the end; empty: boot over TFTP only
  DnsmasqSettings dnsmasq;
  /// The values of the secrets that the model names. One that is missing here is rendered as the
  /// text `(secret NAME)`: for output that is only looked at.
  std::map<std::string, std::string, std::less<>> secrets;
  /// Boot loaders that the tree has, by path: a boot answer names only these.
  std::vector<std::string> boot_loaders;
  /// Where a router fetches the loaders from, without a slash at the end; empty: it does not.
  std::string loaders_url;
  std::map<std::string, LoaderFile, std::less<>>
      loader_files;  ///< those of `boot_loaders`, by path
};

/// Renders the units of one model. Making it works out once what all units share (each profile's
/// part of a boot file, each cluster's list of nodes), so that a fleet costs little more than its
/// bytes. `model` (with its index built) and `settings` must outlive it. Any thread may call it.
///
/// What is returned are the values that a format cannot hold, with their origins; nothing reaches
/// the sink for an artifact that such an error is about. An error that stands in a profile comes
/// back for each server that boots it: drop repeats. A warning tells of something left out on
/// purpose, such as a menu entry that a loader could not fill in: all its artifacts are made.
class Rendering {
 public:
  Rendering(const Model& model, const RenderSettings& settings);
  ~Rendering();
  Rendering(Rendering&&) noexcept;
  Rendering& operator=(Rendering&&) noexcept;

  /// All artifacts of one server in one format.
  [[nodiscard]] Errors server(Format format, const ServerEntry& entry,
                              const ArtifactSink& sink) const;
  /// The artifacts of the site in one format: menus, main configurations.
  [[nodiscard]] Errors site(Format format, const ArtifactSink& sink) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

/// One unit, for a caller that has only one: `Rendering(model, settings).server(…)`.
[[nodiscard]] Errors render_server(Format format, const Model& model,
                                   const RenderSettings& settings, const ServerEntry& entry,
                                   const ArtifactSink& sink);
[[nodiscard]] Errors render_site(Format format, const Model& model, const RenderSettings& settings,
                                 const ArtifactSink& sink);

}  // namespace metalwright::renderers
