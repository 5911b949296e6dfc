#include "renderers/fs_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "renderers/boot_rules.h"
#include "renderers/fs_text.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// PXE 2.1, option 43: discovery control (tag 6, one byte) with bit 3: use the boot file of this
// answer and look for no other boot server. 255 ends it.
constexpr std::string_view kPxeControl = "060108ff";

std::string lease_text(std::chrono::seconds lease) {
  const auto minutes = std::max<std::int64_t>(lease.count() / 60, 1);
  return fmt::format("{} {} {}", minutes / 1440, minutes / 60 % 24, minutes % 60);
}

std::string mac_text(const MacAddress& mac) {
  const auto& o = mac.octets;
  return fmt::format("{:02x}{:02x}.{:02x}{:02x}.{:02x}{:02x}", o[0], o[1], o[2], o[3], o[4], o[5]);
}

class SwitchRows {
 public:
  SwitchRows(const Model& model, const RenderSettings& settings, std::string_view name,
             const ArtifactSink& sink)
      : model_(model), settings_(settings), name_(name), sink_(sink) {
    if (settings_.boot_loaders.empty()) {
      settings_.boot_loaders = {"ipxe.efi", "undionly.kpxe", "pxelinux.0", "efi64/grubx64.efi"};
    }
  }

  Errors render() {
    bool serves = false;
    for (const Network& network : model_.networks) {
      const bool own = serves_in(network);
      if (!own && network.dhcp.relay != name_) continue;
      add_vlan(network);
      if (own) {
        serves = true;
        add_pool(network);
      } else {
        add_relay(network);
      }
    }
    // A relay works by the same service.
    if (serves || relays_) add("fs-service", "dhcp", {{"enabled", "yes"}}, Origin{});
    for (const ServerEntry& entry : model_.servers) add_bindings(entry);
    return std::move(errors_);
  }

 private:
  [[nodiscard]] bool serves_in(const Network& network) const {
    return network.dhcp.server == DhcpServer::fs && network.dhcp.router == name_;
  }

  void add(std::string_view kind, const std::string& name, const ObjectFields& given,
           const Origin& origin) {
    ObjectFields fields;
    for (const ObjectField& field : given) {
      if (field.value.empty()) continue;
      // The others are made of addresses and numbers here, with blanks between them.
      const bool word = field.name == "name" || field.name == "domain-name" ||
                        field.name == "client-name" || field.name == "bootfile" ||
                        field.name == "option 67 ascii";
      if (word && !is_fs_word(field.value)) return refuse(kind, field.name, field.value, origin);
      set_field(fields, field.name, field.value);
    }
    if (kind == "fs-pool" && !is_fs_word(name)) return refuse(kind, "name", name, origin);
    const std::string content = encode_fields(fields);
    sink_(Artifact{.kind = kind, .name = name, .content = content, .mode = 0, .origin = &origin});
  }

  void refuse(std::string_view kind, std::string_view field, std::string_view value,
              const Origin& origin) {
    errors_.push_back(
        invalid("fs-text",
                fmt::format("{}, {}: {} cannot be said at an FS switch's command line (one word of "
                            "printable ASCII without '?' and '\"', up to 128 bytes)",
                            kind, field, quoted(value)),
                origin)
            .value());
  }

  void add_vlan(const Network& network) {
    if (!network.vlan) return;
    add("fs-vlan", std::to_string(*network.vlan), {{"name", network.name}}, network.origin);
  }

  void add_relay(const Network& network) {
    if (!network.vlan) return;
    std::string server;
    if (network.dhcp.server == DhcpServer::routeros) {
      // The router answers at its own address in the network.
      if (network.gateway) server = network.gateway->text();
    } else if (const auto boot = boot_server(model_, network, settings_)) {
      if (boot->address) server = boot->address->text();
    } else {
      errors_.push_back(boot.error());
      return;
    }
    if (server.empty()) return;
    relays_ = true;
    add("fs-interface", fmt::format("VLAN {}", *network.vlan), {{"ip helper-address", server}},
        network.dhcp.origin);
  }

  /// What a pool and a binding in it have in common.
  ObjectFields options(const Network& network, ClientKind kind) {
    ObjectFields fields;
    std::string resolvers;
    for (const std::string& resolver : network.dns) {
      if (parse_ipv4(resolver)) resolvers += (resolvers.empty() ? "" : " ") + resolver;
    }
    set_field(fields, "dns-server", resolvers);
    set_field(fields, "domain-name", network.domain);
    if (network.gateway) set_field(fields, "default-router", network.gateway->text());
    const auto server = boot_server(model_, network, settings_);
    if (!server) {
      errors_.push_back(server.error());
      return fields;
    }
    const BootFile file = boot_file(network, *server, settings_, kind);
    if (!server->address || file.name.empty()) return fields;
    set_field(fields, "next-server", server->address->text());
    set_field(fields, "bootfile", file.name);
    set_field(fields, "option 66 ascii", server->address->text());
    set_field(fields, "option 67 ascii", file.name);
    set_field(fields, "option 43 hex", std::string(kPxeControl));
    return fields;
  }

  void add_pool(const Network& network) {
    const Ipv4Prefix& prefix = network.prefix;
    ObjectFields fields = options(network, ClientKind::bios);
    set_field(fields, "network", prefix.address.text() + ' ' + prefix.netmask().text());
    set_field(fields, "lease", lease_text(network.dhcp.lease));
    add("fs-pool", network.name, fields, network.dhcp.origin);
    const std::uint32_t first = prefix.address.value + 1;
    const std::uint32_t last = prefix.broadcast().value - 1;
    const auto exclude = [&](std::uint32_t from, std::uint32_t to) {
      if (from > to) return;
      std::string range = Ipv4Address{from}.text();
      if (from != to) range += ' ' + Ipv4Address{to}.text();
      add("fs-excluded", range, {}, network.dhcp.origin);
    };
    if (!network.dhcp.range) return exclude(first, last);
    exclude(first, network.dhcp.range->first.value - 1);
    exclude(network.dhcp.range->last.value + 1, last);
  }

  void add_bindings(const ServerEntry& entry) {
    const Server& server = *entry.server;
    const bool uefi = server.boot != nullptr && server.boot->firmware == Firmware::uefi;
    for (const Interface& interface : server.interfaces) {
      if (!interface.mac) continue;
      const bool primary = &interface == server.primary();
      const auto& address = primary && server.ipv4 ? server.ipv4 : interface.ipv4;
      if (!address) continue;
      const Network* const network = model_.network_of(address->address);
      if (network == nullptr || !serves_in(*network)) continue;
      ObjectFields fields = options(*network, uefi ? ClientKind::uefi : ClientKind::bios);
      set_field(fields, "host", address->address.text() + ' ' + network->prefix.netmask().text());
      set_field(fields, "hardware-address", mac_text(*interface.mac));
      if (primary) set_field(fields, "client-name", std::string(first_label(server.hostname)));
      add("fs-pool",
          fmt::format("{}-{}-{}", network->name, server.name.view(), interface.name.view()), fields,
          model_.origin(entry, interface.mac_mark));
    }
  }

  const Model& model_;
  RenderSettings settings_;
  std::string_view name_;
  const ArtifactSink& sink_;
  Errors errors_;
  bool relays_ = false;
};

}  // namespace

Errors render_fs_objects(const Model& model, const RenderSettings& settings, std::string_view name,
                         const ArtifactSink& sink) {
  return SwitchRows(model, settings, name, sink).render();
}

Errors render_fs_config(const Model& model, const RenderSettings& settings, std::string_view name,
                        const ArtifactSink& sink) {
  std::vector<FsObject> objects;
  Errors errors = render_fs_objects(model, settings, name, [&objects](const Artifact& artifact) {
    objects.push_back({std::string(artifact.kind), std::string(artifact.name),
                       decode_fields(artifact.content).value_or(ObjectFields{})});
  });
  if (has_error(errors)) return errors;
  const std::string text =
      fmt::format(
          "! {}: written by metalwright from networks.yaml and the inventory; change it "
          "there.\n",
          name) +
      fs_text(std::move(objects));
  const std::string file = fmt::format("{}.cfg", name);
  const Origin origin{.file = "networks.yaml"};
  sink(Artifact{.kind = kFileKind, .name = file, .content = text, .mode = 0644, .origin = &origin});
  return errors;
}

}  // namespace metalwright::renderers
