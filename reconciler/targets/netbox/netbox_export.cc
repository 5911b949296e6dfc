#include "reconciler/targets/netbox/netbox_export.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "reconciler/netbox/netbox_answer.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "reconciler/targets/netbox/netbox_read.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

/// Not fields of ours: a repository says the id at the interface, and NetBox at a VLAN.
Result<void> read_vlans(NetboxApi& api, const NetboxVersion& version, const NetboxNameOf& name_of,
                        NetboxExport& out, const std::stop_token& stop) {
  std::string query = "type=virtual";
  if (version.chooses_fields()) query += "&fields=id,name,device,untagged_vlan,tagged_vlans";
  return api.each(
      "/api/dcim/interfaces/", query,
      [&](const json& object) {
        const json device = object_of(object, "device");
        const std::string* known = name_of(netbox::kDevice, id_of(device, "id").value_or(0));
        if (known == nullptr) return;
        const std::string name = *known + '/' + text_of(object, "name");
        std::vector<json> vlans;
        if (object.contains("untagged_vlan")) vlans.push_back(object["untagged_vlan"]);
        const auto tagged = object.find("tagged_vlans");
        if (tagged != object.end() && tagged->is_array()) {
          vlans.insert(vlans.end(), tagged->begin(), tagged->end());
        }
        std::erase_if(vlans, [](const json& vlan) { return !id_of(vlan, "vid"); });
        if (vlans.size() == 1) out.vlans[name] = std::to_string(*id_of(vlans.front(), "vid"));
      },
      stop);
}

/// The one that a plan would take keeps the name. Into `made` go the names that the others get.
void tell_namesakes_apart(NetboxObjects& objects, std::set<std::string, std::less<>>& made) {
  if (objects.unique()) return;
  std::vector<NetboxSeen> others;
  objects.for_each([&](const NetboxSeen& seen) {
    if (objects.find(seen.name) != &seen) others.push_back(seen);
  });
  for (NetboxSeen& seen : others) {
    seen.name += kNetboxNamesake + std::to_string(seen.id);
    made.insert(seen.name);
    objects.put(std::move(seen));
  }
}

/// What people may look for in the repository and not find. Who may not see it is not told.
Result<void> count_others(NetboxApi& api, NetboxExport& out, const std::stop_token& stop) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOthers{
      {{"cables", "/api/dcim/cables/"},
       {"IP ranges", "/api/ipam/ip-ranges/"},
       {"virtual machines", "/api/virtualization/virtual-machines/"},
       {"VRFs", "/api/ipam/vrfs/"}}};
  for (const auto& [what, path] : kOthers) {
    const Result<std::size_t> count = api.count(std::string(path) + "?limit=1", stop);
    if (!count && count.error().check == "http-stopped") return tl::unexpected(count.error());
    if (count && *count > 0) out.others.emplace_back(what, *count);
  }
  return {};
}

}  // namespace

Result<NetboxExport> read_netbox_export(NetboxApi& api, std::stop_token stop) {
  const Result<NetboxVersion> version = api.version(stop);
  if (!version) return tl::unexpected(version.error());
  NetboxExport out;
  NetboxMemory memory;
  const NetboxNameOf name_of = [&](std::string_view kind, std::int64_t id) -> const std::string* {
    const NetboxSeen* seen = memory.of(kind).find(id);
    return seen == nullptr ? nullptr : &seen->name;
  };
  for (const NetboxKind& kind : netbox_kinds()) {
    std::string query = version->chooses_fields() ? "fields=" + std::string(kind.read) : "";
    NetboxObjects& objects = memory.of(kind.kind);
    const Result<NetboxApi::Listed> listed = api.pages(
        std::string(kind.path), query,
        [&](std::string& body) {
          return read_netbox_page(
              kind, *version, body, name_of,
              [&](NetboxSeen&& seen) { objects.put(std::move(seen)); },
              [&](std::string what) {
                out.unnamed[std::string(kind.kind)].push_back(std::move(what));
              });
        },
        stop);
    if (!listed) return tl::unexpected(listed.error());
    tell_namesakes_apart(objects, out.namesakes[std::string(kind.kind)]);
    auto& named = out.objects[std::string(kind.kind)];
    objects.for_each([&](const NetboxSeen& seen) {
      Result<ObjectFields> fields = decode_fields(seen.fields);
      if (fields) named.emplace_back(seen.name, std::move(*fields));
    });
    std::sort(named.begin(), named.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  if (auto read = read_vlans(api, *version, name_of, out, stop); !read) {
    return tl::unexpected(read.error());
  }
  if (auto counted = count_others(api, out, stop); !counted) {
    return tl::unexpected(counted.error());
  }
  return out;
}

}  // namespace metalwright::reconciler
