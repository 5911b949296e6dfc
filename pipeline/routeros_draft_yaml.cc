#include "pipeline/routeros_draft_yaml.h"

#include <utility>

#include "renderers/routeros/menu.h"
#include "renderers/yaml_writer.h"
#include "schemas/repository_fields.h"

namespace metalwright::pipeline {
namespace {
using renderers::YamlWriter;

void say(YamlWriter& yaml, std::string_view key, const std::string& text) {
  if (!text.empty()) yaml.string(key, text);
}

void write_network(YamlWriter& yaml, const DraftNetwork& network, const std::string& router) {
  yaml.open_named(network.name);
  yaml.string("prefix", network.prefix);
  say(yaml, "gateway", network.gateway);
  if (network.vlan) yaml.number("vlan", *network.vlan);
  if (!network.resolvers.empty()) yaml.strings("dns", network.resolvers);
  say(yaml, "domain", network.domain);
  say(yaml, "boot-server", network.boot_server);
  yaml.open("dhcp");
  yaml.string("server", "routeros:" + router);
  say(yaml, "range", network.range);
  say(yaml, "lease", network.lease);
  if (network.bridge.empty()) say(yaml, "interface", network.interface);
  if (network.boot && network.loader > 0) yaml.string("loader", kBootLoaderWords[network.loader]);
  yaml.close();
  if (!network.ipv6_prefix.empty()) {
    yaml.open("ipv6");
    yaml.string("prefix", network.ipv6_prefix);
    say(yaml, "ra", network.ipv6_ra);
    say(yaml, "range", network.ipv6_range);
    yaml.close();
  }
  yaml.open("routeros");
  if (!network.bridge.empty()) {
    yaml.string("bridge", network.bridge);
    yaml.string("vlan-interface", network.interface);
    if (!network.tagged.empty()) yaml.strings("tagged", network.tagged);
    if (!network.untagged.empty()) yaml.strings("untagged", network.untagged);
  }
  const std::string usual = std::string(routeros::kOwnerPrefix) + network.name;
  if (network.dhcp_server != usual) yaml.string("dhcp-server", network.dhcp_server);
  if (network.range.empty() || network.pool != usual) say(yaml, "pool", network.pool);
  yaml.boolean("boot", network.boot);
  if (network.boot) {
    yaml.boolean("tftp", network.tftp);
    yaml.string("address-list", network.address_list);
  }
  yaml.boolean("dns", network.dns);
  yaml.close();
  yaml.close();
}

void write_server(YamlWriter& yaml, const DraftServer& server) {
  yaml.open_named(server.name);
  say(yaml, "hostname", server.hostname);
  yaml.open("interfaces");
  bool primary = server.interfaces.size() > 1;  // of one it goes without saying
  for (const DraftInterface& interface : server.interfaces) {
    yaml.open_named(interface.name);
    yaml.string("mac", interface.mac);
    if (std::exchange(primary, false)) yaml.string("role", "primary");
    yaml.string("ipv4", interface.ipv4);
    say(yaml, "ipv6", interface.ipv6);
    yaml.close();
  }
  yaml.close();
  yaml.close();
}

}  // namespace

std::string networks_yaml(const RouterDraft& draft, const std::string& router) {
  std::string out;
  YamlWriter yaml(out);
  yaml.open("networks");
  for (const DraftNetwork& network : draft.networks) write_network(yaml, network, router);
  yaml.close();
  yaml.finish();
  return out;
}

std::string inventory_yaml(const RouterDraft& draft) {
  std::string out;
  YamlWriter yaml(out);
  yaml.open("servers");
  for (const DraftServer& server : draft.servers) write_server(yaml, server);
  yaml.close();
  yaml.finish();
  return out;
}

}  // namespace metalwright::pipeline
