#include "renderers/routeros_object.h"

#include <fmt/format.h>

#include <utility>

#include "renderers/routeros/quote.h"
#include "renderers/routeros_objects.h"
#include "schemas/quote.h"

namespace metalwright::renderers {

std::string owner_comment(std::string_view kind, std::string_view name) {
  return fmt::format("{}{}/{}", routeros::kOwnerMark, kind, name);
}

RouterosObject::RouterosObject(std::string_view kind, std::string name, const Origin& origin,
                               int version)
    : menu_(*routeros::find_menu_of_kind(kind)),
      name_(std::move(name)),
      origin_(origin),
      version_(version) {
  if (menu_.find("comment") != nullptr) set("comment", owner_comment(kind, name_));
  if (menu_.find("disabled") != nullptr) set("disabled", "no");
}

void RouterosObject::refuse(std::string_view property, std::string message) {
  errors_.push_back(
      invalid("routeros-text",
              fmt::format("{} '{}', {}: {}", menu_.kind, shown(name_), property, message), origin_)
          .value());
}

RouterosObject& RouterosObject::set(std::string_view property, std::string_view value) {
  if (value.empty()) return *this;
  const routeros::Property* const known = menu_.find(property);
  if (version_ < 7 && known != nullptr && known->only_7(value)) return *this;
  std::string text = routeros::canonical(menu_, property, value);
  if (const auto written = routeros::quoted_text(text); !written) {
    refuse(property, written.error().message);
  }
  set_field(fields_, property, std::move(text));
  return *this;
}

RouterosObject& RouterosObject::set_list(std::string_view property,
                                         const std::vector<std::string>& items) {
  for (const std::string& item : items) {
    if (item.empty() || item.find(',') != std::string::npos) {
      refuse(property, fmt::format("{} cannot stand in a list of RouterOS", quoted(item)));
    }
  }
  return set(property, fmt::format("{}", fmt::join(items, ",")));
}

void RouterosObject::finish(const ArtifactSink& sink, Errors& errors) {
  if (!errors_.empty()) {
    errors.insert(errors.end(), errors_.begin(), errors_.end());
    return;
  }
  const std::string content = encode_fields(fields_);
  sink(Artifact{
      .kind = menu_.kind, .name = name_, .content = content, .mode = 0, .origin = &origin_});
}

std::string router_dhcp_server(const Network& network) {
  return network.router.dhcp_server.empty() ? std::string(routeros::kOwnerPrefix) + network.name
                                            : network.router.dhcp_server;
}

std::string router_pool(const Network& network) {
  if (!network.router.pool.empty()) return network.router.pool;
  return network.dhcp.range ? std::string(routeros::kOwnerPrefix) + network.name : "static-only";
}

std::string router_interface(const Network& network) {
  if (!network.dhcp.interface.empty()) return network.dhcp.interface;
  if (!network.router.bridge.empty() && network.vlan) {
    return network.router.vlan_interface.empty() ? fmt::format("vlan{}", *network.vlan)
                                                 : network.router.vlan_interface;
  }
  return routeros::interface_by_prefix(network.prefix.text());
}

}  // namespace metalwright::renderers
