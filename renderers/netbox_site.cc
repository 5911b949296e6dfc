#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "renderers/netbox.h"
#include "renderers/netbox_names.h"
#include "renderers/netbox_object.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kLongestVlanName = 64;

/// At most `longest` characters of a text: names are for people, and told apart by their slugs.
std::string beginning(std::string_view text, std::size_t longest) {
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size() && n < longest; ++n) {
    at += std::max<std::size_t>(utf8_length(text.substr(at)), 1);
  }
  return std::string(text.substr(0, at));
}

class SiteObjects {
 public:
  SiteObjects(const Model& model, const ArtifactSink& sink) : model_(model), sink_(sink) {}

  Errors make() {
    add_marks();
    for (const ServerEntry& entry : model_.servers) add_server(entry);
    for (const Cluster& cluster : model_.clusters) add_cluster(cluster);
    for (const Network& network : model_.networks) add_network(network);
    for (const auto& [key, shared] : shared_) give(shared);
    return std::move(errors_);
  }

 private:
  /// An object that several servers refer to.
  struct Shared {
    std::string_view kind;
    std::string name, title;
    ObjectFields more;
    std::string source;  ///< the first by name of the files that mention it
    Origin origin;
  };

  void add_marks() {
    const std::string owned(netbox::kOwnedDescription);
    NetboxObject(netbox::kTag, std::string(netbox::kOwnerTag))
        .set("name", std::string(netbox::kOwnerTag))
        .set("description", owned)
        .give(sink_, &kNowhere);
    NetboxObject(netbox::kCustomField, std::string(netbox::kOwnerField))
        .set("type", "text")
        .set("objects", std::string(netbox::kAllObjects))
        .set("description", owned)
        .give(sink_, &kNowhere);
  }

  /// Notes an object that a server mentions. The same name with another title is one object.
  void share(const ServerEntry& entry, std::string_view kind, std::string name,
             std::string_view title, ObjectFields more = {}) {
    const std::string& file = model_.files[entry.file];
    const auto [at, first] = shared_.try_emplace({std::string(kind), name});
    Shared& shared = at->second;
    if (first) {
      shared = {kind, std::move(name),     std::string(title), std::move(more),
                file, model_.origin(entry)};
      return;
    }
    shared.source = std::min(shared.source, file);
    if (shared.title == title) return;
    Error error = invalid(checks::kNetboxValue.id,
                          fmt::format("servers.{}: the {} {} and the {} {} of {} are one to NetBox",
                                      shown(entry.server->name), kind, quoted(title), kind,
                                      quoted(shared.title), shared.origin.text()),
                          model_.origin(entry))
                      .value();
    error.severity = Severity::warning;
    errors_.push_back(std::move(error));
  }

  void add_server(const ServerEntry& entry) {
    const Server& server = *entry.server;
    const NetboxPlace place = netbox_place(model_, server);
    const bool placed = !server.site.empty();
    share(entry, netbox::kSite, placed ? place.site : netbox::slug(netbox::kDefaultSite),
          placed ? server.site.view() : netbox::kDefaultSite);
    if (!place.location.empty()) {
      share(entry, netbox::kLocation, place.location, server.location, {{"site", place.site}});
    }
    if (!place.rack.empty()) add_rack(entry, place);
    const std::string_view maker =
        server.manufacturer.empty() ? netbox::kDefaultManufacturer : server.manufacturer.view();
    const std::string_view model =
        server.model.empty() ? netbox::kDefaultModel : server.model.view();
    share(entry, netbox::kManufacturer, netbox::slug(maker), maker);
    share(entry, netbox::kDeviceType, netbox::slug(maker) + '/' + netbox::slug(model), model,
          {{"manufacturer", netbox::slug(maker)}});
    const std::string_view role = server.role.empty() ? netbox::kDefaultRole : server.role.view();
    share(entry, netbox::kRole, netbox::slug(role), role);
    if (!place.platform.empty()) {
      share(entry, netbox::kPlatform, place.platform, netbox_platform(model_, server));
    }
    if (!place.tenant.empty()) share(entry, netbox::kTenant, place.tenant, server.tenant);
    for (const std::string& tag : netbox_tags(server)) {
      if (const std::string slug = netbox::slug(tag); slug != netbox::kOwnerTag) {
        share(entry, netbox::kTag, slug, tag);
      }
    }
  }

  void add_rack(const ServerEntry& entry, const NetboxPlace& place) {
    ObjectFields more;
    set_field(more, "site", place.site);
    set_field(more, "location", place.location);
    share(entry, netbox::kRack, place.rack, entry.server->rack, more);
    // Halls may have racks of the same name, and a rack is in a hall or in none.
    const auto [at, first] =
        racks_.try_emplace(place.site + '/' + std::string(entry.server->rack.view()),
                           place.location.empty(), model_.origin(entry));
    if (at->second.first == place.location.empty()) return;
    errors_.push_back(
        invalid(
            checks::kNetboxValue.id,
            fmt::format("servers.{}: the rack {} is in {} location for the server that names it "
                        "first ({}), and in {} here",
                        shown(entry.server->name), quoted(entry.server->rack.view()),
                        at->second.first ? "no" : "a", at->second.second.text(),
                        place.location.empty() ? "none" : "one"),
            model_.origin(entry))
            .value());
  }

  void give(const Shared& shared) {
    NetboxObject object(shared.kind, shared.name);
    for (const ObjectField& field : shared.more) object.set(field.name, field.value);
    if (shared.kind == netbox::kTag) {
      object.set("description", std::string(netbox::kOwnedDescription));
    } else {
      object.owned(shared.source);
    }
    object.set(shared.kind == netbox::kDeviceType ? "model" : "name",
               beginning(shared.title, kLongestName));
    object.give(sink_, &shared.origin);
  }

  void add_cluster(const Cluster& cluster) {
    if (!typed_) {
      typed_ = true;
      NetboxObject(netbox::kClusterType, netbox::slug(netbox::kDefaultClusterType))
          .set("name", std::string(netbox::kDefaultClusterType))
          .owned("clusters")
          .give(sink_, &kNowhere);
    }
    NetboxObject(netbox::kCluster, cluster.name)
        .owned(cluster.origin.file)
        .give(sink_, &cluster.origin);
  }

  void add_network(const Network& network) {
    const std::string source = fmt::format("{}#{}", network.origin.file, network.name);
    std::string vid;
    if (network.vlan) {
      vid = std::to_string(*network.vlan);
      NetboxObject(netbox::kVlan, vid)
          .owned(source)
          .set("name", beginning(network.name, kLongestVlanName))
          .give(sink_, &network.origin);
    }
    const auto prefix = [&](std::string name) {
      NetboxObject(netbox::kPrefix, std::move(name))
          .owned(source)
          .set("vlan", vid)
          .give(sink_, &network.origin);
    };
    prefix(network.prefix.text());
    if (network.ipv6) prefix(network.ipv6->prefix.text());
  }

  const Model& model_;
  const ArtifactSink& sink_;
  const Origin kNowhere;
  std::map<std::pair<std::string, std::string>, Shared> shared_;
  /// By site and name: whether it is in no location, and who said so.
  std::map<std::string, std::pair<bool, Origin>> racks_;
  bool typed_ = false;
  Errors errors_;
};

}  // namespace

Errors render_netbox_site(const Model& model, const ArtifactSink& sink) {
  return SiteObjects(model, sink).make();
}

}  // namespace metalwright::renderers
