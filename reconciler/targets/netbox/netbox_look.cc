#include "reconciler/targets/netbox/netbox_look.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "schemas/object_fields.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kPage = 1000;
/// A request that takes long shows its changes late, and with the times at which it made them.
constexpr std::chrono::seconds kMargin{120};
/// From so many values on it may be cheaper to read a list as a whole than to ask by name.
constexpr std::size_t kManyNames = 300;
constexpr std::size_t kNamesARequest = 150;

const std::string kTagged = fmt::format("tag={}", netbox::kOwnerTag);

/// A time as NetBox writes it, some seconds earlier; empty where it is none.
std::string earlier(const std::string& time, std::chrono::seconds by) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(time.c_str(), "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return {};
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  const std::chrono::sys_seconds at = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                                      std::chrono::minutes(minute) + std::chrono::seconds(second);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", at - by);
}

bool listed_whole(const NetboxKind& kind) { return kind.whole; }

/// What an object would be called if its slug were that of its title, and a rack by who does not
/// say in which location it is; empty where there is no such name.
std::string name_by_title(const NetboxKind& kind, const NetboxSeen& seen) {
  if (kind.kind == netbox::kRack) {
    const Result<ObjectFields> rack = decode_fields(seen.fields);
    const std::string* site = rack ? find_field(*rack, "site") : nullptr;
    const std::string* name = rack ? find_field(*rack, "name") : nullptr;
    return site == nullptr || name == nullptr ? std::string() : *site + '/' + *name;
  }
  const bool has_slug = kind.filter == "slug" && seen.name != netbox::kOwnerTag;
  const Result<ObjectFields> fields = decode_fields(has_slug ? seen.fields : "");
  if (!has_slug || !fields) return {};
  const std::string* title = find_field(*fields, "name");
  if (title == nullptr) title = find_field(*fields, "model");
  if (title == nullptr) return {};
  return seen.name.substr(0, seen.name.rfind('/') + 1) + netbox::slug(*title);
}

}  // namespace

std::string NetboxLook::columns(const NetboxKind& kind) const {
  // What they are in would cost NetBox much, and is not ours.
  if (!version_.chooses_fields()) {
    return kind.kind == netbox::kDevice ? "exclude=config_context" : "";
  }
  return "fields=" + std::string(kind.read);
}

NetboxNameOf NetboxLook::name_of() const {
  return [this](std::string_view kind, std::int64_t id) -> const std::string* {
    const NetboxSeen* seen = memory_.of(kind).find(id);
    return seen == nullptr ? nullptr : &seen->name;
  };
}

Result<NetboxApi::Listed> NetboxLook::read(const NetboxKind& kind, const std::string& query,
                                           const Seen& seen, NetboxObjects* fills) {
  std::string all = columns(kind);
  if (!query.empty()) all = all.empty() ? query : query + '&' + all;
  const NetboxNameOf names = name_of();
  return api_.pages(
      std::string(kind.path), all,
      [&](std::string& body) {
        Result<NetboxApi::Page> page = read_netbox_page(kind, version_, body, names, seen);
        if (page && fills != nullptr) fills->expect(page->count);
        return page;
      },
      stop_);
}

/// People choose slugs as they like: where nothing has the slug that a resource's name stands for,
/// the object of that title is the resource.
void NetboxLook::use_title(const NetboxKind& kind, NetboxSeen& seen,
                           const NetboxObjects& among) const {
  if (!listed_whole(kind)) return;
  const std::string name = name_by_title(kind, seen);
  if (name.empty() || name == seen.name) return;
  const NetboxSeen* of_that_name = among.find(name);
  if (of_that_name != nullptr && of_that_name->id != seen.id) return;
  const NetboxSeen* before = memory_.of(kind.kind).find(seen.id);
  const bool use = desired_.is_stated ? desired_.is_stated(kind.kind, name) &&
                                            !desired_.is_stated(kind.kind, seen.name)
                                      : before != nullptr && before->name == name;
  if (use) seen.name = name;
}

/// It is on another device of the same name, in another site perhaps.
bool NetboxLook::is_of_namesake(const NetboxSeen& seen) const {
  if (seen.device == 0 || seen.name.find('/') == std::string::npos) return false;
  const NetboxSeen* known =
      memory_.of(netbox::kDevice).find(std::string_view(seen.name).substr(0, seen.name.find('/')));
  return known != nullptr && known->id != seen.device;
}

/// Of several objects of one name, none of them ours, the one that is most like what is stated
/// keeps it; the others get names that no resource has, and what is on them as well.
void NetboxLook::choose_among_namesakes(const NetboxKind& kind) {
  NetboxObjects& objects = memory_.of(kind.kind);
  if (!desired_.fields || objects.unique()) return;
  for (const auto& [name, ids] : objects.namesakes()) {
    if (objects.find(name)->tagged || !desired_.is_stated(kind.kind, name)) continue;
    const ObjectFields stated = desired_.fields(std::string(kind.kind), name);
    const auto likeness = [&](std::int64_t id) {
      const Result<ObjectFields> found = decode_fields(objects.find(id)->fields);
      return found ? std::count_if(stated.begin(), stated.end(),
                                   [&](const ObjectField& field) {
                                     const std::string* now = find_field(*found, field.name);
                                     return now != nullptr && *now == field.value;
                                   })
                   : 0;
    };
    const std::int64_t best = *std::max_element(
        ids.begin(), ids.end(),
        [&](std::int64_t a, std::int64_t b) { return likeness(a) < likeness(b); });
    for (const std::int64_t id : ids) {
      if (id == best) continue;
      NetboxSeen other = *objects.find(id);
      other.name += kNetboxNamesake + std::to_string(id);
      objects.put(std::move(other));
    }
  }
}

/// Everything that `filter` lets through, in place of what was known. False where it changed while
/// it was read, twice.
Result<bool> NetboxLook::read_all(const NetboxKind& kind, const std::string& filter) {
  NetboxObjects& objects = memory_.of(kind.kind);
  for (int attempt = 0; attempt < 2; ++attempt) {
    NetboxObjects found;
    const Result<NetboxApi::Listed> listed = read(
        kind, filter, [&](NetboxSeen&& one) { found.put(std::move(one)); }, &found);
    if (!listed) return tl::unexpected(listed.error());
    std::vector<NetboxSeen> renamed;
    found.for_each([&](const NetboxSeen& one) {
      NetboxSeen other = one;
      use_title(kind, other, found);
      if (other.name != one.name) renamed.push_back(std::move(other));
    });
    for (NetboxSeen& one : renamed) found.put(std::move(one));
    objects = std::move(found);
    if (listed->whole) return true;
  }
  return false;
}

Result<std::size_t> NetboxLook::count(const NetboxKind& kind, const std::string& filter) {
  std::string query = fmt::format("{}?{}{}limit=1", kind.path, filter, filter.empty() ? "" : "&");
  if (version_.chooses_fields()) query += "&fields=id";
  return api_.count(query, stop_);
}

Result<NetboxLookResult> NetboxLook::full(const NetboxNames& wanted) {
  NetboxLookResult result;
  api_.forget_version();
  const Result<NetboxVersion> version = api_.version(stop_);
  if (!version) return tl::unexpected(version.error());
  version_ = memory_.version = *version;
  bool tags_exist = false;
  for (const NetboxKind& kind : netbox_kinds()) {
    const auto names = wanted.find(kind.kind);
    const bool is_wanted = names != wanted.end() && !names->second.empty();
    std::string filter = kTagged;
    if (kind.kind == netbox::kTag || (listed_whole(kind) && is_wanted)) filter.clear();
    if (kind.kind == netbox::kCustomField) filter = fmt::format("name={}", netbox::kOwnerField);
    if (filter == kTagged && !tags_exist) {
      memory_.of(kind.kind).clear();
      continue;
    }
    const Result<bool> whole = read_all(kind, filter);
    if (!whole) return tl::unexpected(whole.error());
    result.whole = result.whole && *whole;
    // A filter by a tag that is not there is refused.
    if (kind.kind == netbox::kTag) {
      tags_exist = memory_.of(kind.kind).find(netbox::kOwnerTag) != nullptr;
    }
  }
  memory_.compared = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (Result<void> looked = look_up(wanted); !looked) return tl::unexpected(looked.error());
  return result;
}

Result<NetboxLookResult> NetboxLook::cheap(const NetboxNames& wanted, bool only) {
  if (memory_.empty()) return full(wanted);
  version_ = memory_.version;
  NetboxLookResult result;
  bool again = false;
  for (const NetboxKind& kind : netbox_kinds()) {
    const NetboxObjects& known = memory_.of(kind.kind);
    const auto names = wanted.find(kind.kind);
    const bool is_wanted = names != wanted.end() && !names->second.empty();
    if (!is_wanted && (only || known.tagged() == 0)) continue;
    // Whether the tag is still there shows below: a filter by one that is gone is refused.
    if (kind.kind == netbox::kTag && is_wanted &&
        std::all_of(names->second.begin(), names->second.end(),
                    [&](const std::string& name) { return known.find(name) != nullptr; })) {
      continue;
    }
    Result<bool> whole = true;
    if (kind.kind == netbox::kCustomField) {
      const bool was_there = known.size() > 0;
      whole = read_all(kind, fmt::format("name={}", netbox::kOwnerField));
      // It took what it said of all objects along, and that shows in no time of theirs.
      if (was_there && known.size() == 0) again = true;
    } else if (listed_whole(kind) && is_wanted && known.size() <= kPage) {
      whole = read_all(kind, "");
    } else if (memory_.of(netbox::kTag).find(netbox::kOwnerTag) == nullptr) {
      continue;  // nothing of ours was ever made
    } else if (known.tagged() <= kPage) {
      whole = read_all(kind, kTagged);
    } else {
      whole = read_changes(kind);
      // References to a device that was renamed are known by its old name.
      if (whole && !*whole) again = true;
      if (whole) whole = true;
    }
    if (!whole && whole.error().check == "netbox-refused") again = true;
    if (!whole && !again) return tl::unexpected(whole.error());
    if (again) break;
    result.whole = result.whole && *whole;
  }
  if (again) return full(wanted);
  if (Result<void> looked = look_up(wanted); !looked) return tl::unexpected(looked.error());
  return result;
}

/// False where all has to be read again, because something has another name now.
Result<bool> NetboxLook::read_changes(const NetboxKind& kind) {
  NetboxObjects& objects = memory_.of(kind.kind);
  const std::string latest = objects.latest();
  bool same_names = true;
  for (const std::string& since : {earlier(latest, kMargin), latest}) {
    bool too_many = false;
    std::vector<NetboxSeen> changed;
    const NetboxNameOf names = name_of();
    const Result<NetboxApi::Listed> listed = api_.pages(
        std::string(kind.path),
        fmt::format("{}&last_updated__gte={}&{}", kTagged, url_escape(since), columns(kind)),
        [&](std::string& body) -> Result<NetboxApi::Page> {
          Result<NetboxApi::Page> page =
              read_netbox_page(kind, version_, body, names,
                               [&](NetboxSeen&& one) { changed.push_back(std::move(one)); });
          // Much was made a moment ago: what the margin adds is not worth its pages.
          if (page && page->count > kPage && since != latest) {
            too_many = true;
            page->count = page->results;
          }
          return page;
        },
        stop_);
    if (!listed) return tl::unexpected(listed.error());
    for (NetboxSeen& one : changed) {
      use_title(kind, one, objects);
      same_names = objects.put(std::move(one)) && same_names;
    }
    if (!too_many) break;
  }
  const Result<std::size_t> counted = count(kind, kTagged);
  if (!counted) return tl::unexpected(counted.error());
  if (*counted != objects.tagged()) {
    // Something lost its tag or went: which, only the whole list tells.
    const Result<bool> whole = read_all(kind, kTagged);
    if (!whole) return tl::unexpected(whole.error());
  }
  return same_names || kind.kind != netbox::kDevice;
}

Result<void> NetboxLook::again(const NetboxKind& kind, const std::vector<std::int64_t>& ids) {
  version_ = memory_.version;
  NetboxObjects& objects = memory_.of(kind.kind);
  std::set<std::int64_t> gone(ids.begin(), ids.end());
  std::vector<std::string> values;
  for (const std::int64_t id : gone) values.push_back(std::to_string(id));
  const NetboxNameOf names = name_of();
  const Result<void> read = api_.pages_of(
      std::string(kind.path), "id", values, columns(kind),
      [&](std::string& body) {
        return read_netbox_page(kind, version_, body, names, [&](NetboxSeen&& one) {
          gone.erase(one.id);
          use_title(kind, one, objects);
          objects.put(std::move(one));
        });
      },
      stop_);
  if (!read) return tl::unexpected(read.error());
  for (const std::int64_t id : gone) objects.drop(id);
  return {};
}

Result<void> NetboxLook::interfaces_of(const std::vector<std::int64_t>& devices) {
  version_ = memory_.version;
  const NetboxKind& kind = *find_netbox_kind(netbox::kInterface);
  std::vector<std::string> ids;
  for (const std::int64_t id : devices) ids.push_back(std::to_string(id));
  const NetboxNameOf names = name_of();
  return api_.pages_of(
      std::string(kind.path), "device_id", ids, columns(kind),
      [&](std::string& body) {
        return read_netbox_page(kind, version_, body, names, [&](NetboxSeen&& one) {
          memory_.of(kind.kind).put(std::move(one));
        });
      },
      stop_);
}

Result<void> NetboxLook::look_up(const NetboxNames& wanted) {
  version_ = memory_.version;
  for (const NetboxKind& kind : netbox_kinds()) {
    if (wanted.empty()) break;
    // Those were read as a whole.
    if (kind.kind == netbox::kCustomField || listed_whole(kind)) continue;
    NetboxObjects& objects = memory_.of(kind.kind);
    objects.drop_others();
    const auto names = wanted.find(kind.kind);
    if (names == wanted.end()) continue;
    std::vector<std::string> missing;
    for (const std::string& name : names->second) {
      const NetboxSeen* seen = objects.find(name);
      if (seen == nullptr || !seen->tagged) missing.push_back(name);
    }
    if (Result<void> looked = look_up(kind, std::move(missing)); !looked) return looked;
    choose_among_namesakes(kind);
  }
  return {};
}

Result<void> NetboxLook::look_up(const NetboxKind& kind, std::vector<std::string> names) {
  if (names.empty()) return {};
  const std::set<std::string, std::less<>> set(names.begin(), names.end());
  if (kind.kind == netbox::kInterface) {
    // Interfaces of a device that is not there are not there.
    std::set<std::string> devices;
    for (const std::string& name : names) {
      const NetboxSeen* device =
          memory_.of(netbox::kDevice).find(std::string_view(name).substr(0, name.find('/')));
      if (device != nullptr) devices.insert(std::to_string(device->id));
    }
    names.assign(devices.begin(), devices.end());
  }
  if (names.size() > kManyNames) {
    const Result<std::size_t> all = count(kind, "");
    if (!all) return tl::unexpected(all.error());
    if (*all <= memory_.of(kind.kind).tagged()) return {};  // there are no others
    if (*all / kPage < names.size() / kNamesARequest) {
      NetboxObjects& objects = memory_.of(kind.kind);
      const Result<NetboxApi::Listed> listed = read(kind, "", [&](NetboxSeen&& one) {
        if (is_of_namesake(one)) return;
        if (one.tagged || set.contains(one.name)) objects.put(std::move(one));
      });
      if (!listed) return tl::unexpected(listed.error());
      return {};
    }
  }
  return look_up_values(kind, std::string(kind.filter), names, set);
}

Result<void> NetboxLook::look_up_values(const NetboxKind& kind, const std::string& filter,
                                        const std::vector<std::string>& values,
                                        const std::set<std::string, std::less<>>& names) {
  NetboxObjects& objects = memory_.of(kind.kind);
  const NetboxNameOf names_of = name_of();
  return api_.pages_of(
      std::string(kind.path), filter, values, columns(kind),
      [&](std::string& body) {
        return read_netbox_page(kind, version_, body, names_of, [&](NetboxSeen&& one) {
          if (names.contains(one.name)) objects.put(std::move(one));
        });
      },
      stop_);
}

}  // namespace metalwright::reconciler
