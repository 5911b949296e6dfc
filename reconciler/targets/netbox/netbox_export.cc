#include "reconciler/targets/netbox/netbox_export.h"

#include <algorithm>

#include "reconciler/targets/netbox/netbox_memory.h"
#include "reconciler/targets/netbox/netbox_read.h"

namespace metalwright::reconciler {

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
  return out;
}

}  // namespace metalwright::reconciler
