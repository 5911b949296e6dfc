#include "renderers/netbox_names.h"

#include <algorithm>

namespace metalwright::renderers {
namespace {

std::string slug_or_none(std::string_view name) {
  return name.empty() ? std::string() : netbox::slug(name);
}

}  // namespace

std::string_view netbox_platform(const Model& model, const Server& server) {
  if (!server.platform.empty()) return server.platform;
  const Profile* const profile = profile_of(model, server);
  if (profile == nullptr) return {};
  switch (profile->type) {
    case ProfileType::talos_controlplane:
    case ProfileType::talos_worker:
      return "Talos";
    case ProfileType::ubuntu:
      return "Ubuntu";
    case ProfileType::nixos:
      return "NixOS";
    case ProfileType::rescue:
    case ProfileType::custom:
      return {};
  }
  return {};
}

NetboxPlace netbox_place(const Model& model, const Server& server) {
  NetboxPlace place;
  place.site = slug_or_none(server.site);
  const bool placed = !server.rack.empty() || !server.location.empty();
  if (place.site.empty() && placed) place.site = netbox::slug(netbox::kDefaultSite);
  if (!server.location.empty()) place.location = place.site + '/' + netbox::slug(server.location);
  if (!server.rack.empty()) {
    const std::string& hall = place.location.empty() ? place.site : place.location;
    place.rack = hall + '/' + netbox::trimmed(server.rack.view());
  }
  if (!server.model.empty() || !server.manufacturer.empty()) {
    const std::string_view maker =
        server.manufacturer.empty() ? netbox::kDefaultManufacturer : server.manufacturer.view();
    const std::string_view model_name =
        server.model.empty() ? netbox::kDefaultModel : server.model.view();
    place.device_type = netbox::slug(maker) + '/' + netbox::slug(model_name);
  }
  place.role = slug_or_none(server.role);
  place.platform = slug_or_none(netbox_platform(model, server));
  place.tenant = slug_or_none(server.tenant);
  return place;
}

std::vector<std::string> netbox_tags(const Server& server) {
  std::vector<std::string> tags;
  for (const Text service : server.services) tags.emplace_back(service.view());
  for (const Label& label : server.labels) {
    tags.push_back(std::string(label.key.view()) + '=' + std::string(label.value.view()));
  }
  std::erase(tags, "");
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

}  // namespace metalwright::renderers
