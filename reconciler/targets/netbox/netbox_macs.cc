#include "reconciler/targets/netbox/netbox_macs.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "schemas/mac_address.h"
#include "schemas/netbox.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

const std::string kPath = "/api/dcim/mac-addresses/";
const std::string kInterfaces = "/api/dcim/interfaces/";

struct MacObject {
  std::int64_t id = 0;
  std::string mac;
  bool ours = false;
};
using MacsOf = std::map<std::int64_t, std::vector<MacObject>>;

Result<MacsOf> macs_of(NetboxApi& api, std::span<const NetboxMacChange> changes,
                       const std::stop_token& stop) {
  std::vector<std::string> ids;
  for (const NetboxMacChange& change : changes) {
    if (!change.made_now) ids.push_back(std::to_string(change.interface));
  }
  MacsOf found;
  const Result<std::vector<json>> listed = api.list_of(
      kPath, "interface_id", ids, "fields=id,mac_address,assigned_object_id,tags", stop);
  if (!listed) return tl::unexpected(listed.error());
  for (const json& object : *listed) {
    const auto mac = parse_mac_address(object.value("mac_address", ""));
    if (!mac || !object["assigned_object_id"].is_number_integer()) continue;
    MacObject one{.id = object["id"].get<std::int64_t>(), .mac = mac->text()};
    for (const json& tag : object.value("tags", json::array())) {
      one.ours = one.ours || tag.value("slug", "") == netbox::kOwnerTag;
    }
    found[object["assigned_object_id"].get<std::int64_t>()].push_back(std::move(one));
  }
  return found;
}

const MacObject* find_mac(const MacsOf& macs, std::int64_t interface, const std::string& mac) {
  const auto of = macs.find(interface);
  if (of == macs.end() || mac.empty()) return nullptr;
  for (const MacObject& one : of->second) {
    if (one.mac == mac) return &one;
  }
  return nullptr;
}

json new_mac(const NetboxMacChange& change) {
  json body = {{"mac_address", change.after},
               {"assigned_object_type", "dcim.interface"},
               {"assigned_object_id", change.interface},
               {"tags", json::array({{{"slug", netbox::kOwnerTag}}})}};
  if (!change.source.empty()) {
    body["custom_fields"] = {{std::string(netbox::kOwnerField), change.source}};
  }
  return body;
}

/// The bodies of one request, and which change each belongs to.
struct Batch {
  std::vector<json> bodies;
  std::vector<std::size_t> changes;
  void add(json body, std::size_t change) {
    bodies.push_back(std::move(body));
    changes.push_back(change);
  }
};

}  // namespace

std::vector<NetboxOutcome> set_netbox_macs(NetboxApi& api, std::span<const NetboxMacChange> changes,
                                           std::size_t chunk, std::stop_token stop) {
  std::vector<NetboxOutcome> outcomes(changes.size(), NetboxWritten{});
  const Result<MacsOf> macs = macs_of(api, changes, stop);
  if (!macs) {
    for (NetboxOutcome& outcome : outcomes) outcome = tl::unexpected(macs.error());
    return outcomes;
  }
  Batch makes, edits, interfaces;
  std::vector<std::int64_t> gone;
  const auto set_primary = [&](std::size_t i, json id) {
    interfaces.add({{"id", changes[i].interface}, {"primary_mac_address", std::move(id)}}, i);
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const NetboxMacChange& change = changes[i];
    outcomes[i] = NetboxWritten{.id = change.interface};
    const MacObject* const old = find_mac(*macs, change.interface, change.before);
    if (change.after.empty()) {
      set_primary(i, nullptr);
      if (old != nullptr && old->ours) gone.push_back(old->id);
    } else if (const MacObject* there = find_mac(*macs, change.interface, change.after)) {
      set_primary(i, there->id);
      if (old != nullptr && old->ours) gone.push_back(old->id);
    } else if (old != nullptr && old->ours) {
      edits.add({{"id", old->id}, {"mac_address", change.after}}, i);
    } else {
      makes.add(new_mac(change), i);
    }
  }
  const auto take = [&](const Batch& batch, std::vector<NetboxOutcome> results, auto&& on_good) {
    for (std::size_t n = 0; n < results.size(); ++n) {
      if (results[n]) {
        on_good(batch.changes[n], *results[n]);
      } else {
        outcomes[batch.changes[n]] = tl::unexpected(results[n].error());
      }
    }
  };
  take(makes, api.create(kPath, makes.bodies, chunk, stop),
       [&](std::size_t i, const NetboxWritten& made) { set_primary(i, made.id); });
  take(edits, api.update(kPath, edits.bodies, chunk, stop),
       [](std::size_t, const NetboxWritten&) {});
  take(interfaces, api.update(kInterfaces, interfaces.bodies, chunk, stop),
       [&](std::size_t i, const NetboxWritten& written) { outcomes[i] = written; });
  // Leftovers of ours; that one stays is no reason to fail.
  (void)api.remove(kPath, gone, chunk, stop);
  return outcomes;
}

}  // namespace metalwright::reconciler
