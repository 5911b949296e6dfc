#include "reconciler/targets/netbox/netbox_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "reconciler/document_file.h"
#include "reconciler/netbox/netbox_api.h"
#include "reconciler/object_diff.h"
#include "reconciler/targets/netbox/netbox_look.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "reconciler/targets/netbox/netbox_write.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostMemory = 1u << 30;
/// Up to so many objects are read one by one before they are written; more, by what changed.
constexpr std::size_t kFewIds = 400;
/// So many contents are asked for singly; for more, all are made at once.
constexpr std::size_t kFewContents = 200;

using Key = std::pair<std::string, std::string>;

void add_names(NetboxNames& names, const ResourceTable& table, const ResourceTable* unless_in) {
  std::string_view kind;
  std::set<std::string, std::less<>>* of_kind = nullptr;
  for (const ResourceRow& row : table.rows) {
    if (unless_in != nullptr) {
      const ResourceRow* other = unless_in->find(row.kind, row.name);
      if (other != nullptr && other->digest == row.digest) continue;
    }
    if (of_kind == nullptr || row.kind.view() != kind) {
      kind = row.kind;
      of_kind = &names[std::string(kind)];
    }
    of_kind->emplace_hint(of_kind->end(), row.name.view());
  }
}

/// Everything stated is so, our marks aside.
bool is_as_stated(const ObjectFields& found, const ObjectFields& desired) {
  return std::all_of(desired.begin(), desired.end(), [&](const ObjectField& field) {
    if (field.name == netbox::kSourceField || field.name == netbox::kOwnerTagField) return true;
    const std::string* now = find_field(found, field.name);
    return now != nullptr && *now == field.value;
  });
}

}  // namespace

struct NetboxTarget::Parts {
  explicit Parts(NetboxTargetSettings given) : settings(std::move(given)) {}

  NetboxTargetSettings settings;
  std::optional<NetboxApi> api;
  NetboxMemory memory;
  bool loaded = false;
  bool dirty = false;
  bool looked = false;  ///< and the devices' states were not told yet

  Result<void> connect() {
    if (api) return {};
    const Result<std::string> token = settings.token();
    if (!token) return tl::unexpected(token.error());
    HttpOptions http = settings.http;
    http.authorization = netbox_authorization(*token);
    Result<std::unique_ptr<HttpClient>> client = make_http_client(std::move(http), settings.on_try);
    if (!client) return tl::unexpected(client.error());
    api.emplace(std::move(*client));
    return {};
  }

  void load() {
    if (loaded) return;
    loaded = true;
    const Result<std::string> bytes = read_document(settings.memory_file, kMostMemory);
    if (!bytes) return;
    std::optional<NetboxMemory> kept = decode_netbox_memory(*bytes);
    if (kept && kept->url == settings.http.url) memory = std::move(*kept);
  }

  [[nodiscard]] bool is_old() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return now - memory.compared >= settings.compare_all || now < memory.compared;
  }

  Result<NetboxLookResult> look(const LookRequest& request, const NetboxNames& names,
                                const std::stop_token& stop) {
    memory.url = settings.http.url;
    dirty = looked = true;
    NetboxLook look(*api, memory, stop,
                    {.is_stated =
                         [&](std::string_view kind, std::string_view name) {
                           return request.desired.find(kind, name) != nullptr;
                         },
                     .fields =
                         [&](const std::string& kind, const std::string& name) {
                           // What cannot be read is told where it is compared.
                           const Result<Content> content = request.objects.desired(kind, name);
                           const Result<ObjectFields> fields =
                               decode_fields(content ? content->bytes : "");
                           return fields ? *fields : ObjectFields();
                         }});
    if (request.look == Look::full || memory.empty()) return look.full(names);
    if (request.look == Look::named) return look.cheap(names, true);
    return is_old() ? look.full(names) : look.cheap(names, false);
  }

  /// What the repository states for some objects.
  Result<std::map<Key, ObjectFields>> desired_of(const LookRequest& request,
                                                 const std::set<Key>& keys) {
    std::map<Key, ObjectFields> desired;
    std::optional<Error> error;
    const auto take = [&](const Key& key, std::string_view content) {
      Result<ObjectFields> fields = decode_fields(content);
      if (fields) {
        desired[key] = std::move(*fields);
      } else if (!error) {
        error = fields.error();
      }
    };
    if (keys.size() > kFewContents && request.objects.all_desired) {
      const Result<void> all = request.objects.all_desired(
          [&](std::string_view kind, std::string_view name, std::string_view content) {
            const Key key{kind, name};
            if (keys.contains(key)) take(key, content);
          });
      if (!all) return tl::unexpected(all.error());
    } else {
      for (const Key& key : keys) {
        const Result<Content> content = request.objects.desired(key.first, key.second);
        if (!content) return tl::unexpected(content.error());
        take(key, content->bytes);
      }
    }
    if (error) return tl::unexpected(*error);
    return desired;
  }

  /// Ours, or on a device of ours: NetBox makes interfaces of itself, after the device's type.
  [[nodiscard]] bool is_ours(const NetboxKind& kind, const NetboxSeen& seen, bool applied) const {
    if (seen.ours() || (applied && (seen.tagged || seen.sourced))) return true;
    if (kind.kind != netbox::kInterface) return false;
    const NetboxSeen* device =
        memory.of(netbox::kDevice).find(std::string_view(seen.name).substr(0, seen.name.find('/')));
    return device != nullptr && device->ours();
  }

  /// What belongs on a device that is somebody else's is not made: it is a conflict, as the device
  /// is.
  Result<void> add_blocked(const LookRequest& request,
                           const std::set<std::string, std::less<>>& devices,
                           TargetObjects& objects) {
    if (devices.empty() || !request.objects.all_desired) return {};
    const auto on_blocked = [&](std::string_view interface) {
      return devices.contains(interface.substr(0, interface.find('/')));
    };
    const Result<void> all = request.objects.all_desired(
        [&](std::string_view kind, std::string_view name, std::string_view content) {
          std::string interface;
          if (kind == netbox::kInterface) interface = name;
          if (kind == netbox::kIpAddress) {
            const Result<ObjectFields> fields = decode_fields(content);
            const std::string* on = fields ? find_field(*fields, "interface") : nullptr;
            if (on != nullptr) interface = *on;
          }
          if (interface.empty() || !on_blocked(interface)) return;
          const NetboxSeen* seen = memory.of(kind).find(name);
          if (seen != nullptr && seen->ours()) return;
          objects.add(kind, name, seen == nullptr ? std::string_view() : seen->fields,
                      Presence::foreign);
        });
    return all;
  }

  Result<TargetObjects> objects(const LookRequest& request) {
    TargetObjects objects;
    std::set<std::string, std::less<>> blocked;
    struct Other {
      const NetboxKind* kind;
      const NetboxSeen* seen;
    };
    std::vector<Other> others;
    std::set<Key> wanted;
    for (const NetboxKind& kind : netbox_kinds()) {
      const NetboxObjects& known = memory.of(kind.kind);
      known.for_each([&](const NetboxSeen& seen) {
        // Another one of that name is ours.
        if (!known.unique() && known.find(seen.name) != &seen) return;
        if (seen.ours()) return objects.add(kind.kind, seen.name, seen.fields, Presence::ours);
        const bool applied = request.last_applied.find(kind.kind, seen.name) != nullptr;
        const bool desired = request.desired.find(kind.kind, seen.name) != nullptr;
        if (!applied && !desired) return;
        if (is_ours(kind, seen, applied)) {
          return objects.add(kind.kind, seen.name, seen.fields, Presence::ours);
        }
        if (!desired) return objects.add(kind.kind, seen.name, seen.fields, Presence::foreign);
        others.push_back({&kind, &seen});
        wanted.emplace(kind.kind, seen.name);
      });
    }
    Result<std::map<Key, ObjectFields>> desired = desired_of(request, wanted);
    if (!desired) return tl::unexpected(desired.error());
    for (const Other& other : others) {
      const ObjectFields& stated = (*desired)[{std::string(other.kind->kind), other.seen->name}];
      if (other.kind->shared) {
        // In place, as far as we are concerned.
        objects.add(other.kind->kind, other.seen->name, encode_fields(stated), Presence::ours);
        continue;
      }
      Result<ObjectFields> found = decode_fields(other.seen->fields);
      if (!found) return tl::unexpected(found.error());
      const bool as_stated = is_as_stated(*found, stated);
      if (!as_stated && !settings.adopt && other.kind->kind == netbox::kDevice) {
        blocked.insert(other.seen->name);
      }
      if (as_stated) {
        for (const std::string_view mark : {netbox::kSourceField, netbox::kOwnerTagField}) {
          if (const std::string* value = find_field(stated, mark)) set_field(*found, mark, *value);
        }
      }
      objects.add(other.kind->kind, other.seen->name, encode_fields(*found), Presence::foreign);
    }
    if (auto added = add_blocked(request, blocked, objects); !added) {
      return tl::unexpected(added.error());
    }
    objects.sort();
    return objects;
  }

  /// Reads again what is about to be changed: NetBox has no preconditions for bulk writes.
  Result<void> read_again(std::span<const Change> changes, const std::stop_token& stop) {
    std::map<std::string, std::vector<std::int64_t>, std::less<>> ids;
    for (const Change& change : changes) {
      if (find_netbox_kind(change.kind) == nullptr || change.action == Action::create) continue;
      const std::string& name = change.moved_from.empty() ? change.name : change.moved_from;
      const NetboxSeen* seen = memory.of(change.kind).find(name);
      if (seen != nullptr) ids[change.kind].push_back(seen->id);
    }
    NetboxLook look(*api, memory, stop);
    NetboxNames many;
    for (const auto& [kind, of_kind] : ids) {
      if (of_kind.size() > kFewIds) {
        many[kind].insert(memory.of(kind).find(of_kind.front())->name);
      } else if (auto read = look.again(*find_netbox_kind(kind), of_kind); !read) {
        return read;
      }
    }
    if (many.empty()) return {};
    const Result<NetboxLookResult> looked = look.cheap(many, true);
    if (!looked) return tl::unexpected(looked.error());
    return {};
  }
};

NetboxTarget::NetboxTarget(NetboxTargetSettings settings)
    : parts_(std::make_unique<Parts>(std::move(settings))) {
  while (parts_->settings.http.url.ends_with('/')) parts_->settings.http.url.pop_back();
}
NetboxTarget::~NetboxTarget() = default;

const std::string& NetboxTarget::name() const { return parts_->settings.name; }

Result<Observation> NetboxTarget::observe(const LookRequest& request, std::stop_token stop) {
  if (Result<void> connected = parts_->connect(); !connected) {
    return tl::unexpected(connected.error());
  }
  parts_->load();
  NetboxNames names;
  const bool named = request.look == Look::named;
  add_names(names, request.desired, named ? &request.last_applied : nullptr);
  add_names(names, request.last_applied, named ? &request.desired : nullptr);
  const Result<NetboxLookResult> looked = parts_->look(request, names, stop);
  if (!looked) return tl::unexpected(looked.error());
  const Result<TargetObjects> objects = parts_->objects(request);
  if (!objects) return tl::unexpected(objects.error());
  Result<Observation> observation = observe_objects(request, *objects);
  if (observation && !looked->whole) {
    observation->unread.push_back(
        unavailable("netbox-moving",
                    "NetBox changed while it was read, and some of its objects "
                    "may have been missed")
            .value());
  }
  return observation;
}

Result<Content> NetboxTarget::read(std::string_view kind, std::string_view name) {
  Content content;
  content.mode = 0;
  if (find_netbox_kind(kind) == nullptr) return content;
  if (const NetboxSeen* seen = parts_->memory.of(kind).find(name)) content.bytes = seen->fields;
  return content;
}

Result<void> NetboxTarget::apply(std::span<const Change> changes, const ContentReader& content,
                                 const ApplyEvents& events, std::stop_token stop) {
  if (Result<void> connected = parts_->connect(); !connected) return connected;
  parts_->load();
  const Result<NetboxVersion> version = parts_->api->version(stop);
  if (!version) return tl::unexpected(version.error());
  parts_->memory.version = *version;
  parts_->dirty = true;
  if (Result<void> read = parts_->read_again(changes, stop); !read) return read;
  NetboxWriter writer(*parts_->api, parts_->memory, name(), events, stop);
  return writer.write(changes, content);
}

std::vector<Target::Check> NetboxTarget::check() {
  std::vector<Check> checks;
  const std::string& url = parts_->settings.http.url;
  const auto add = [&](std::string what, const std::optional<Error>& problem) {
    checks.push_back({std::move(what), problem ? Errors{*problem} : Errors{}});
    return !problem;
  };
  const Result<void> connected = parts_->connect();
  if (!add("address and token are given",
           connected ? std::nullopt : std::optional(connected.error()))) {
    return checks;
  }
  parts_->api->forget_version();
  const Result<NetboxVersion> version = parts_->api->version({});
  if (!add(version ? fmt::format("NetBox {} answers at {}", version->text(), url)
                   : fmt::format("NetBox answers at {}", url),
           version ? std::nullopt : std::optional(version.error()))) {
    return checks;
  }
  if (url.starts_with("http:") && url.find("//127.") == std::string::npos &&
      url.find("//localhost") == std::string::npos && url.find("//[::1]") == std::string::npos) {
    Error clear =
        invalid("netbox-clear-text", "the token crosses the network in clear text: use https")
            .value();
    clear.severity = Severity::warning;
    add("the token is kept secret on its way", clear);
  }
  std::vector<std::string> missing;
  for (const NetboxKind& kind : netbox_kinds()) {
    const Result<nlohmann::json> options = parts_->api->options(std::string(kind.path), {});
    const bool may =
        options && options->contains("actions") && (*options)["actions"].contains("POST");
    if (!may) missing.emplace_back(kind.kind);
  }
  std::optional<Error> problem;
  if (!missing.empty()) {
    problem = fail(ErrorKind::refused, "netbox-permission",
                   fmt::format("the token may not add {}: give its user the permissions to view, "
                               "add, change and delete them, and the token the right to write",
                               fmt::join(missing, ", ")))
                  .value();
  }
  add("the token may write every kind of object", problem);
  return checks;
}

Result<void> NetboxTarget::flush() {
  if (parts_->looked && parts_->settings.on_states && !parts_->memory.empty()) {
    parts_->looked = false;
    std::vector<NetboxDeviceState> states;
    parts_->memory.of(netbox::kDevice).for_each([&](const NetboxSeen& seen) {
      const std::size_t end = seen.state.find('\n');
      if (end == std::string::npos) return;  // made by us, and not read yet
      states.push_back({seen.name, seen.state.substr(0, end), seen.state.substr(end + 1)});
    });
    parts_->settings.on_states(states);
  }
  if (!parts_->dirty || !parts_->settings.may_write || parts_->memory.empty()) return {};
  Result<void> written =
      write_document(parts_->settings.memory_file, encode_netbox_memory(parts_->memory));
  if (written) parts_->dirty = false;
  return written;
}

}  // namespace metalwright::reconciler
