#include "reconciler/lifecycle/bmc_find.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "reconciler/netbox/netbox_answer.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::id_of;
using reconciler::NetboxApi;
using reconciler::object_of;
using reconciler::text_of;

constexpr std::size_t kFewValues = 2000;  // from more on all objects are read, not those asked for

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

class Finder {
 public:
  Finder(NetboxApi& netbox, std::vector<BmcWork>& work, const std::vector<std::string>& names,
         std::stop_token stop)
      : netbox_(netbox), work_(work), names_(names), stop_(std::move(stop)) {}

  Result<void> run() {
    const Result<reconciler::NetboxVersion> version = netbox_.version(stop_);
    if (!version) return tl::unexpected(version.error());
    version_ = *version;
    if (Result<void> found = find_devices(); !found) return found;
    if (Result<void> found = find_interfaces(); !found) return found;
    return find_macs();
  }

 private:
  /// All objects of a list, or those that have one of the values where these are few.
  Result<void> look_up(const std::string& path, const std::string& query, const std::string& filter,
                       const std::vector<std::string>& values,
                       const std::function<void(const json&)>& visit) {
    if (values.size() > kFewValues) return netbox_.each(path, query, visit, stop_);
    return netbox_.each_of(path, filter, values, query, visit, stop_);
  }

  /// `fields` of a list, where NetBox lets one choose.
  [[nodiscard]] std::string only(std::string_view fields, std::string query = "") const {
    if (!version_.chooses_fields()) return query;
    return fmt::format("{}{}fields={}", query, query.empty() ? "" : "&", fields);
  }

  Result<void> find_devices() {
    std::unordered_map<std::string, std::vector<std::pair<std::int64_t, std::string>>> devices;
    std::vector<std::string> serials;
    for (const BmcWork& each : work_) {
      devices[lower(each.row->serial)];
      serials.push_back(each.row->serial);
    }
    const auto take = [&](const json& object) {
      const auto wanted = devices.find(lower(text_of(object, "serial")));
      if (wanted == devices.end()) return;
      wanted->second.emplace_back(id_of(object, "id").value_or(0), text_of(object, "name"));
    };
    if (Result<void> listed =
            look_up("/api/dcim/devices/", only("id,name,serial", "exclude=config_context"),
                    "serial", serials, take);
        !listed) {
      return tl::unexpected(with_context(listed.error(), "looking for serial numbers"));
    }
    for (BmcWork& each : work_) {
      auto& found = devices[lower(each.row->serial)];
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      if (found.size() != 1) {
        each.fail(found.empty()
                      ? "no server in NetBox has this serial number"
                      : fmt::format("{} servers in NetBox have this serial number", found.size()));
        continue;
      }
      each.device = found.front().first;
      each.row->device = found.front().second;
    }
    return {};
  }

  [[nodiscard]] bool is_controller(const std::string& name) const {
    return std::any_of(names_.begin(), names_.end(),
                       [&](const std::string& each) { return lower(each) == lower(name); });
  }

  struct Interface {
    std::int64_t id = 0;
    std::string name, mac;
    friend auto operator<=>(const Interface&, const Interface&) = default;
  };

  Result<void> find_interfaces() {
    std::unordered_map<std::int64_t, std::vector<Interface>> interfaces;
    std::vector<std::string> ids;
    for (const BmcWork& each : work_) {
      if (!each.open()) continue;
      if (interfaces.try_emplace(each.device).second) ids.push_back(std::to_string(each.device));
    }
    if (ids.empty()) return {};
    std::string query;
    for (const std::string& name : names_) {
      query += fmt::format("{}name__ie={}", query.empty() ? "" : "&", reconciler::url_escape(name));
    }
    const auto take = [&](const json& object) {
      const auto wanted = interfaces.find(id_of(object, "device").value_or(0));
      if (wanted == interfaces.end()) return;
      Interface interface {
        id_of(object, "id").value_or(0), text_of(object, "name"),
            upper(text_of(object, "mac_address"))
      };
      if (is_controller(interface.name)) wanted->second.push_back(std::move(interface));
    };
    if (Result<void> listed =
            look_up("/api/dcim/interfaces/", only("id,name,device,mac_address", query), "device_id",
                    ids, take);
        !listed) {
      return tl::unexpected(with_context(listed.error(), "looking for controllers"));
    }
    for (BmcWork& each : work_) {
      if (!each.open()) continue;
      auto& found = interfaces[each.device];
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      if (found.size() != 1) {
        each.fail(fmt::format("the server has {} interfaces named {}",
                              found.empty() ? "no" : std::to_string(found.size()),
                              fmt::join(names_, ", ")));
        continue;
      }
      each.interface = found.front().id;
      each.row->interface = found.front().name;
      each.decide(found.front().mac);
    }
    return {};
  }

  /// Where the addresses that are to be set stand already.
  Result<void> find_macs() {
    std::unordered_map<std::string, BmcWork*> wanted;
    std::vector<std::string> macs;
    for (BmcWork& each : work_) {
      if (!each.open()) continue;
      macs.push_back(netbox_mac(each.row->mac));
      wanted[macs.back()] = &each;
    }
    if (macs.empty()) return {};
    const bool objects = version_.mac_objects();
    const auto take = [&](const json& object) {
      const auto at = wanted.find(upper(text_of(object, "mac_address")));
      if (at == wanted.end()) return;
      BmcWork& work = *at->second;
      const auto owner = id_of(object, objects ? "assigned_object_id" : "id");
      const bool interface =
          !objects || text_of(object, "assigned_object_type") == "dcim.interface";
      if (owner && !(interface && *owner == work.interface)) {
        const json& place = objects ? object_of(object, "assigned_object") : object;
        work.fail(fmt::format("this MAC address is {} of {} in NetBox", text_of(place, "name"),
                              text_of(object_of(place, "device"), "name")));
        return;
      }
      if (!objects || (work.mac != 0 && work.bound)) return;
      work.mac = id_of(object, "id").value_or(0);
      work.bound = owner.has_value();
    };
    const Result<void> listed =
        objects ? look_up("/api/dcim/mac-addresses/",
                          only("id,mac_address,assigned_object_type,assigned_object_id,"
                               "assigned_object"),
                          "mac_address", macs, take)
                : look_up("/api/dcim/interfaces/", only("id,name,device,mac_address"),
                          "mac_address", macs, take);
    if (!listed) return tl::unexpected(with_context(listed.error(), "looking for MAC addresses"));
    return {};
  }

  NetboxApi& netbox_;
  std::vector<BmcWork>& work_;
  const std::vector<std::string>& names_;
  std::stop_token stop_;
  reconciler::NetboxVersion version_;
};
}  // namespace

std::string netbox_mac(const MacAddress& mac) { return upper(mac.text()); }

void BmcWork::decide(const std::string& now) const {
  if (now.empty()) return;
  const bool same = upper(now) == netbox_mac(row->mac);
  row->outcome = same ? BmcOutcome::unchanged : BmcOutcome::differs;
  if (!same) row->message = fmt::format("it has {}, which stays", lower(now));
}

Result<void> find_bmcs(NetboxApi& netbox, std::vector<BmcWork>& work,
                       const std::vector<std::string>& names, std::stop_token stop) {
  return Finder(netbox, work, names, std::move(stop)).run();
}

}  // namespace metalwright::lifecycle
