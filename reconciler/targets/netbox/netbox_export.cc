#include "reconciler/targets/netbox/netbox_export.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/netbox/netbox_answer.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "reconciler/targets/netbox/netbox_read.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

/// Not fields of ours: a repository says the id at the interface, and NetBox at a VLAN.
Result<void> read_vlans(NetboxApi& api, const NetboxVersion& version, NetboxExport& out,
                        const std::stop_token& stop) {
  std::string query = "type=virtual";
  if (version.chooses_fields()) query += "&fields=id,name,device,untagged_vlan,tagged_vlans";
  return api.each(
      "/api/dcim/interfaces/", query,
      [&](const json& object) {
        const std::string name =
            text_of(object_of(object, "device"), "name") + '/' + text_of(object, "name");
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
          return read_netbox_page(kind, *version, body, name_of,
                                  [&](NetboxSeen&& seen) { objects.put(std::move(seen)); });
        },
        stop);
    if (!listed) return tl::unexpected(listed.error());
    if (listed->results > objects.size()) {
      out.unnamed[std::string(kind.kind)] = listed->results - objects.size();
    }
    auto& named = out.objects[std::string(kind.kind)];
    objects.for_each([&](const NetboxSeen& seen) {
      Result<ObjectFields> fields = decode_fields(seen.fields);
      if (fields) named.emplace_back(seen.name, std::move(*fields));
    });
    std::sort(named.begin(), named.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  if (auto read = read_vlans(api, *version, out, stop); !read) return tl::unexpected(read.error());
  return out;
}

}  // namespace metalwright::reconciler
