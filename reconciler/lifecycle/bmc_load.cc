#include "reconciler/lifecycle/bmc_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "reconciler/lifecycle/netbox_answers.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpClient;
using reconciler::HttpMethod;
using Failed = tl::unexpected<Error>;

constexpr std::size_t kChunk = 100;     // objects a write: it is one transaction at NetBox
constexpr std::size_t kFewRows = 2000;  // from more on all objects are read, not those asked for
constexpr std::size_t kAddress = 3500;  // bytes of a request's address

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// A row that is still to be decided, with what NetBox has for it.
struct Work {
  BmcRow* row = nullptr;
  std::int64_t device = 0, interface = 0;
  std::int64_t mac = 0;  ///< an object with this address that is nobody's or this interface's
  bool bound = false;    ///< that object is this interface's
};

class Load {
 public:
  Load(HttpClient& http, const BmcLoadOptions& options, std::stop_token stop)
      : http_(http), options_(options), stop_(std::move(stop)) {}

  Result<void> run(std::vector<BmcRow>& rows) {
    for (BmcRow& row : rows) {
      if (row.outcome == BmcOutcome::open) work_.push_back({&row});
    }
    if (work_.empty()) return {};
    if (Result<void> found = find_version(); !found) return found;
    if (Result<void> found = find_devices(); !found) return found;
    if (Result<void> found = find_interfaces(); !found) return found;
    if (Result<void> found = find_macs(); !found) return found;
    const Result<void> written = write_all();
    if (!written) {
      for (const Work& each : work_) {
        if (each.row->outcome == BmcOutcome::open) fail(each, written.error().message);
      }
    }
    return {};
  }

 private:
  static void fail(const Work& work, std::string message) {
    work.row->outcome = BmcOutcome::failed;
    work.row->message = std::move(message);
  }

  [[nodiscard]] std::vector<Work*> open() {
    std::vector<Work*> found;
    for (Work& each : work_) {
      if (each.row->outcome == BmcOutcome::open) found.push_back(&each);
    }
    return found;
  }

  Result<void> find_version() {
    const Result<json> status =
        ask(http_, get_request("/api/status/"), "asking for the version", stop_);
    if (!status) return Failed(status.error());
    const std::string version = text_of(*status, "netbox-version");
    int major = 0, minor = 0;
    if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) {
      return unavailable("netbox-answer", "asking for the version: no NetBox answers");
    }
    mac_objects_ = major > 4 || (major == 4 && minor >= 2);
    return {};
  }

  /// All objects of a list, or those that have one of the values where these are few.
  Result<void> look_up(const std::string& path, const std::string& query, std::string_view filter,
                       const std::vector<std::string>& values, std::string_view doing,
                       const std::function<void(const json&)>& visit) {
    if (values.size() > kFewRows)
      return each_object(http_, path + '?' + query, doing, visit, stop_);
    for (std::size_t at = 0; at < values.size();) {
      std::string address = path + '?' + query;
      while (at < values.size() && address.size() < kAddress) {
        address += fmt::format("{}={}&", filter, reconciler::url_escape(values[at++]));
      }
      if (Result<void> listed = each_object(http_, address, doing, visit, stop_); !listed) {
        return listed;
      }
    }
    return {};
  }

  Result<void> find_devices() {
    std::map<std::string, std::vector<std::pair<std::int64_t, std::string>>> devices;
    std::vector<std::string> serials;
    for (const Work& each : work_) {
      devices[lower(each.row->serial)];
      serials.push_back(each.row->serial);
    }
    const auto take = [&](const json& object) {
      const auto wanted = devices.find(lower(text_of(object, "serial")));
      if (wanted == devices.end()) return;
      wanted->second.emplace_back(id_of(object, "id").value_or(0), text_of(object, "name"));
    };
    if (Result<void> listed =
            look_up("/api/dcim/devices/", "fields=id,name,serial&exclude=config_context&", "serial",
                    serials, "looking for serial numbers", take);
        !listed) {
      return listed;
    }
    for (Work& each : work_) {
      auto& found = devices[lower(each.row->serial)];
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      if (found.size() != 1) {
        fail(each, found.empty()
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
    return std::any_of(options_.interfaces.begin(), options_.interfaces.end(),
                       [&](const std::string& each) { return lower(each) == lower(name); });
  }

  struct Interface {
    std::int64_t id = 0;
    std::string name, mac;
    friend auto operator<=>(const Interface&, const Interface&) = default;
  };

  Result<void> find_interfaces() {
    std::map<std::int64_t, std::vector<Interface>> interfaces;
    std::vector<std::string> ids;
    for (const Work* each : open()) {
      interfaces[each->device];
      ids.push_back(std::to_string(each->device));
    }
    std::string names;
    for (const std::string& name : options_.interfaces) {
      names += "name__ie=" + reconciler::url_escape(name) + '&';
    }
    const auto take = [&](const json& object) {
      const auto wanted = interfaces.find(id_of(object, "device").value_or(0));
      Interface interface {
        id_of(object, "id").value_or(0), text_of(object, "name"),
            upper(text_of(object, "mac_address"))
      };
      if (wanted == interfaces.end() || !is_controller(interface.name)) return;
      wanted->second.push_back(std::move(interface));
    };
    if (Result<void> listed = look_up("/api/dcim/interfaces/", names, "device_id", ids,
                                      "looking for controllers", take);
        !listed) {
      return listed;
    }
    for (Work* each : open()) {
      auto& found = interfaces[each->device];
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      if (found.size() != 1) {
        fail(*each, fmt::format("the server has {} interfaces named {}",
                                found.empty() ? "no" : std::to_string(found.size()),
                                fmt::join(options_.interfaces, ", ")));
        continue;
      }
      each->interface = found.front().id;
      each->row->interface = found.front().name;
      decide(*each, found.front().mac);
    }
    return {};
  }

  /// By the address that the interface has now.
  static void decide(const Work& work, const std::string& mac) {
    if (mac.empty()) return;
    const bool same = mac == upper(work.row->mac.text());
    work.row->outcome = same ? BmcOutcome::unchanged : BmcOutcome::differs;
    if (!same) work.row->message = fmt::format("it has {}, which stays", lower(mac));
  }

  /// Where the addresses that are to be set stand already.
  Result<void> find_macs() {
    std::map<std::string, Work*> wanted;
    std::vector<std::string> macs;
    for (Work* each : open()) {
      macs.push_back(upper(each->row->mac.text()));
      wanted[macs.back()] = each;
    }
    if (macs.empty()) return {};
    const auto take = [&](const json& object) {
      const auto at = wanted.find(upper(text_of(object, "mac_address")));
      if (at == wanted.end()) return;
      Work& work = *at->second;
      const auto owner = id_of(object, mac_objects_ ? "assigned_object_id" : "id");
      const bool interface =
          !mac_objects_ || text_of(object, "assigned_object_type") == "dcim.interface";
      if (owner && !(interface && *owner == work.interface)) {
        const json& place = mac_objects_ ? object_of(object, "assigned_object") : object;
        fail(work, fmt::format("this MAC address is {} of {} in NetBox", text_of(place, "name"),
                               text_of(object_of(place, "device"), "name")));
        return;
      }
      if (!mac_objects_ || (work.mac != 0 && work.bound)) return;
      work.mac = id_of(object, "id").value_or(0);
      work.bound = owner.has_value();
    };
    return look_up(mac_objects_ ? "/api/dcim/mac-addresses/" : "/api/dcim/interfaces/", "",
                   "mac_address", macs, "looking for MAC addresses", take);
  }

  Result<void> write_all() {
    std::vector<Work*> sets = open();
    std::vector<const Work*> warned;
    for (const Work& each : work_) {
      if (each.row->outcome == BmcOutcome::differs) warned.push_back(&each);
    }
    const std::size_t all = sets.size() + warned.size();
    std::size_t done = 0;
    if (options_.dry_run) {
      for (Work* each : sets) each->row->outcome = BmcOutcome::set;
      return {};
    }
    for (std::size_t at = 0; at < sets.size(); at += kChunk) {
      const std::span<Work*> chunk(sets.data() + at, std::min(kChunk, sets.size() - at));
      if (stop_.stop_requested()) return unavailable("stopped", "stopped before it was done");
      if (Result<void> made = set(chunk); !made) return made;
      done += chunk.size();
      options_.on_progress(done, all);
    }
    for (std::size_t at = 0; at < warned.size(); at += kChunk) {
      const std::span<const Work* const> chunk(warned.data() + at,
                                               std::min(kChunk, warned.size() - at));
      if (Result<void> told = journal(chunk); !told) return told;
      done += chunk.size();
      options_.on_progress(done, all);
    }
    return {};
  }

  /// Sets the addresses of a chunk: as a whole, or where NetBox refuses that, in halves.
  Result<void> set(std::span<Work*> chunk) {
    if (Result<void> looked = look_again(chunk); !looked) return looked;
    std::vector<Work*> left;
    for (Work* each : chunk) {
      if (each->row->outcome == BmcOutcome::open) left.push_back(each);
    }
    if (left.empty()) return {};
    const Result<void> made = try_to_set(left);
    if (made) {
      for (Work* each : left) each->row->outcome = BmcOutcome::set;
      const std::vector<const Work*> told(left.begin(), left.end());
      return journal(told);
    }
    if (made.error().kind != ErrorKind::invalid && made.error().kind != ErrorKind::conflict) {
      return made;
    }
    if (left.size() == 1) {
      fail(*left.front(), made.error().message);
      return {};
    }
    const std::span<Work*> halves(left);
    if (Result<void> first = set(halves.first(left.size() / 2)); !first) return first;
    return set(halves.subspan(left.size() / 2));
  }

  /// Somebody may have set one since it was looked at.
  Result<void> look_again(std::span<Work*> chunk) {
    std::map<std::int64_t, Work*> wanted;
    std::string address = "/api/dcim/interfaces/?";
    for (Work* each : chunk) {
      wanted[each->interface] = each;
      address += fmt::format("id={}&", each->interface);
    }
    return each_object(
        http_, address, "looking at controllers again",
        [&](const json& object) {
          const auto at = wanted.find(id_of(object, "id").value_or(0));
          if (at == wanted.end()) return;
          decide(*at->second, upper(text_of(object, "mac_address")));
        },
        stop_);
  }

  Result<void> try_to_set(std::span<Work* const> chunk) {
    if (mac_objects_) {
      if (Result<void> made = make_macs(chunk); !made) return made;
      if (Result<void> bound = bind_macs(chunk); !bound) return bound;
    }
    json body = json::array();
    for (const Work* each : chunk) {
      body.push_back({{"id", each->interface}});
      if (mac_objects_) {
        body.back()["primary_mac_address"] = each->mac;
      } else {
        body.back()["mac_address"] = upper(each->row->mac.text());
      }
    }
    const Result<json> answer =
        ask(http_, write_request(HttpMethod::patch, "/api/dcim/interfaces/", body),
            "setting MAC addresses", stop_);
    if (!answer) return Failed(answer.error());
    // An interface that is gone, or that this user may not change, is passed over in silence.
    if (!answer->is_array() || answer->size() != chunk.size()) {
      return invalid("netbox-gone", "NetBox did not change the controller's interface");
    }
    return {};
  }

  Result<void> make_macs(std::span<Work* const> chunk) {
    json body = json::array();
    std::vector<Work*> made;
    for (Work* each : chunk) {
      if (each->mac != 0) continue;
      made.push_back(each);
      body.push_back({{"mac_address", upper(each->row->mac.text())},
                      {"assigned_object_type", "dcim.interface"},
                      {"assigned_object_id", each->interface}});
    }
    if (made.empty()) return {};
    const Result<json> answer =
        ask(http_, write_request(HttpMethod::post, "/api/dcim/mac-addresses/", body),
            "recording MAC addresses", stop_);
    if (!answer) return Failed(answer.error());
    if (!answer->is_array() || answer->size() != made.size()) {
      return unavailable("netbox-answer", "recording MAC addresses: the answer is not the list");
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i]->mac = id_of((*answer)[i], "id").value_or(0);
      made[i]->bound = true;
    }
    return {};
  }

  /// Gives objects that are nobody's to their interfaces.
  Result<void> bind_macs(std::span<Work* const> chunk) {
    json body = json::array();
    for (Work* each : chunk) {
      if (each->bound) continue;
      body.push_back({{"id", each->mac},
                      {"assigned_object_type", "dcim.interface"},
                      {"assigned_object_id", each->interface}});
    }
    if (body.empty()) return {};
    const Result<json> answer =
        ask(http_, write_request(HttpMethod::patch, "/api/dcim/mac-addresses/", body),
            "assigning MAC addresses", stop_);
    if (!answer) return Failed(answer.error());
    for (Work* each : chunk) each->bound = true;
    return {};
  }

  Result<void> journal(std::span<const Work* const> chunk) {
    json body = json::array();
    for (const Work* each : chunk) {
      const bool set = each->row->outcome == BmcOutcome::set;
      const std::string mac = each->row->mac.text();
      body.push_back(
          {{"assigned_object_type", "dcim.device"},
           {"assigned_object_id", each->device},
           {"kind", set ? "success" : "warning"},
           {"comments", set ? fmt::format("MAC address {} set on {}, from {} line {}.", mac,
                                          each->row->interface, options_.source, each->row->line)
                            : fmt::format("MAC address {} from {} line {} not set on {}: {}.", mac,
                                          options_.source, each->row->line, each->row->interface,
                                          each->row->message)}});
    }
    const Result<json> answer =
        ask(http_, write_request(HttpMethod::post, "/api/extras/journal-entries/", body),
            "writing journal entries", stop_);
    if (!answer) return Failed(answer.error());
    return {};
  }

  HttpClient& http_;
  const BmcLoadOptions& options_;
  std::stop_token stop_;
  std::vector<Work> work_;
  bool mac_objects_ = true;
};
}  // namespace

Result<void> load_bmc_macs(HttpClient& http, std::vector<BmcRow>& rows,
                           const BmcLoadOptions& options, std::stop_token stop) {
  return Load(http, options, std::move(stop)).run(rows);
}

}  // namespace metalwright::lifecycle
