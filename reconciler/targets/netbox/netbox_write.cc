#include "reconciler/targets/netbox/netbox_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "reconciler/fault.h"
#include "reconciler/targets/netbox/netbox_body.h"
#include "reconciler/targets/netbox/netbox_macs.h"
#include "reconciler/targets/netbox/netbox_op.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {
using nlohmann::json;
using Op = NetboxOp;
}  // namespace

struct NetboxWriter::Parts {
  NetboxApi& api;
  NetboxMemory& memory;
  std::string target;
  const ApplyEvents& events;
  std::stop_token stop;
  NetboxVersion version;
  std::deque<Op> ops;
  NetboxIdOf id_of;

  using Ops = std::vector<Op*>;
  Ops made_devices;

  Result<void> begin(const Ops& some) {
    std::vector<const Change*> changes;
    for (Op* op : some) {
      if (!op->begun) changes.push_back(op->change);
      op->begun = true;
    }
    if (changes.empty() || !events.begin) return {};
    return events.begin(changes);
  }

  void end(Op& op) {
    if (op.ended) return;
    op.ended = true;
    if (events.end) events.end(*op.change, op.error ? &*op.error : nullptr);
  }

  /// Notes an object as it is after a write.
  void remember(Op& op, const NetboxWritten& written, const ObjectFields& fields) {
    op.id = written.id;
    NetboxSeen seen{.id = written.id, .name = op.change->name, .fields = encode_fields(fields)};
    seen.last_updated = written.last_updated;
    if (op.kind->object_type.empty()) {
      const std::string* description = find_field(fields, "description");
      seen.tagged = seen.sourced =
          description != nullptr && *description == netbox::kOwnedDescription;
    } else {
      seen.tagged = find_field(fields, netbox::kOwnerTagField) != nullptr;
      seen.sourced = find_field(fields, netbox::kSourceField) != nullptr;
    }
    memory.of(op.kind->kind).put(std::move(seen));
  }

  std::vector<NetboxOutcome> send(HttpMethod method, const NetboxKind& kind,
                                  const std::vector<json>& bodies) {
    fault_point("netbox.write");
    const std::string path(kind.path);
    auto outcomes = method == HttpMethod::post ? api.create(path, bodies, kMostWritten, stop)
                                               : api.update(path, bodies, kMostWritten, stop);
    fault_point("netbox.written");
    return outcomes;
  }

  void create(const NetboxKind& kind, const Ops& some) {
    Ops sent;
    std::vector<json> bodies;
    for (Op* op : some) {
      Result<json> body = netbox_create_body(kind, op->change->name, op->after, version, id_of);
      if (!body) {
        op->refuse(body.error());
        continue;
      }
      sent.push_back(op);
      bodies.push_back(std::move(*body));
    }
    if (bodies.empty()) return;
    const std::vector<NetboxOutcome> outcomes = send(HttpMethod::post, kind, bodies);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (!outcomes[i]) {
        sent[i]->refuse(outcomes[i].error());
        continue;
      }
      ObjectFields made = sent[i]->after;
      std::erase_if(made, [&](const ObjectField& field) {
        const NetboxField* known = find_netbox_field(kind, field.name);
        return known != nullptr && known->late;
      });
      remember(*sent[i], *outcomes[i], made);
      if (kind.kind == netbox::kDevice) made_devices.push_back(sent[i]);
    }
  }

  void update(const NetboxKind& kind, const Ops& some, bool late) {
    Ops sent;
    std::vector<json> bodies;
    for (Op* op : some) {
      Result<json> body = netbox_update_body(*op, late, version, id_of);
      if (!body) {
        op->refuse(body.error());
      } else if (!body->empty()) {
        sent.push_back(op);
        bodies.push_back(std::move(*body));
      }
    }
    if (bodies.empty()) return;
    const std::vector<NetboxOutcome> outcomes = send(HttpMethod::patch, kind, bodies);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      Op& op = *sent[i];
      if (!outcomes[i]) {
        op.refuse(outcomes[i].error());
        continue;
      }
      remember(op, *outcomes[i], op.after);
      if (!late && kind.kind == netbox::kDevice && !op.change->moved_from.empty()) {
        rename_netbox_children(memory, op.change->moved_from, op.change->name);
      }
    }
  }

  /// An address that is a device's primary one cannot be moved to another device: the device lets
  /// go of it first.
  void let_go_of_addresses(const Ops& devices) {
    Ops sent;
    std::vector<json> bodies;
    for (Op* op : devices) {
      if (op->id == 0 || op->error) continue;
      json body = json::object();
      for (const FieldChange& field : op->change->fields) {
        const NetboxField* known = find_netbox_field(*op->kind, field.path);
        if (known == nullptr || known->kind != netbox::kIpAddress || field.before.empty()) continue;
        body[std::string(known->key)] = nullptr;
      }
      if (body.empty()) continue;
      body["id"] = op->id;
      sent.push_back(op);
      bodies.push_back(std::move(body));
    }
    if (bodies.empty()) return;
    const NetboxKind& kind = *find_netbox_kind(netbox::kDevice);
    const std::vector<NetboxOutcome> outcomes = send(HttpMethod::patch, kind, bodies);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (!outcomes[i]) sent[i]->refuse(outcomes[i].error());
    }
  }

  void set_macs(const Ops& interfaces) {
    std::vector<NetboxMacChange> macs;
    Ops of;
    for (Op* op : interfaces) {
      for (const FieldChange& field : op->change->fields) {
        if (field.path != "mac") continue;
        const std::string* source = find_field(op->after, netbox::kSourceField);
        macs.push_back({.interface = op->id,
                        .made_now = op->change->action == Action::create && op->before.empty(),
                        .before = field.before,
                        .after = field.after,
                        .source = source == nullptr ? "" : *source});
        of.push_back(op);
      }
    }
    if (macs.empty()) return;
    fault_point("netbox.write");
    const std::vector<NetboxOutcome> outcomes = set_netbox_macs(api, macs, kMostWritten, stop);
    fault_point("netbox.written");
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (outcomes[i]) {
        remember(*of[i], *outcomes[i], of[i]->after);
      } else {
        of[i]->refuse(outcomes[i].error());
      }
    }
  }

  static Ops good(const Ops& some) {
    Ops out;
    for (Op* op : some) {
      if (!op->error) out.push_back(op);
    }
    return out;
  }

  /// NetBox gives a new device the interfaces of its type: those are changed, and not made again.
  Result<void> take_given(const Ops& interfaces) {
    if (made_devices.empty() || interfaces.empty()) return {};
    std::set<std::string> types;
    std::vector<std::int64_t> devices;
    for (const Op* op : made_devices) {
      const std::string* type = find_field(op->after, "device-type");
      if (type != nullptr) types.insert(std::to_string(id_of(netbox::kDeviceType, *type)));
      devices.push_back(op->id);
    }
    // The type of those that the repository says none of is ours, and has none.
    const std::string filter = version.at_least(4, 1) ? "device_type_id" : "devicetype_id";
    const std::vector<std::string> ids(types.begin(), types.end());
    bool has_some = false;
    const Result<void> listed = api.each_of(
        "/api/dcim/interface-templates/", filter, ids, "", [&](const json&) { has_some = true; },
        stop);
    // Who may not see the types' interfaces looks at those of the devices.
    if (!listed && listed.error().check != "netbox-permission") return listed;
    if (listed && !has_some) return {};
    if (auto read = NetboxLook(api, memory, stop).interfaces_of(devices); !read) return read;
    for (Op* op : interfaces) {
      if (op->id == 0) check_netbox_op(*op, memory);
    }
    return {};
  }

  Result<void> make(const NetboxKind& kind, const Ops& some) {
    if (auto begun = begin(some); !begun) return begun;
    Ops creates, updates;
    for (Op* op : good(some)) (op->id == 0 ? creates : updates).push_back(op);
    // A foreign one of what is shared is used as it is.
    std::erase_if(updates, [&](const Op* op) {
      return kind.shared && op->change->action == Action::create &&
             find_field(op->before, netbox::kOwnerTagField) == nullptr && !kind.object_type.empty();
    });
    update(kind, updates, false);
    create(kind, creates);
    for (Op* op : some) {
      if (op->error || !op->has_late()) end(*op);
    }
    return {};
  }

  void make_late(const NetboxKind& kind, const Ops& some) {
    Ops late;
    for (Op* op : good(some)) {
      if (!op->ended && op->id != 0 && op->has_late()) late.push_back(op);
    }
    update(kind, late, true);
    if (kind.kind == netbox::kInterface && version.mac_objects()) set_macs(good(late));
    for (Op* op : late) end(*op);
  }

  /// Something of other people's still refers to it: it is theirs from now on.
  void hand_over(const NetboxKind& kind, Op& op) {
    if (kind.object_type.empty()) return;
    ObjectFields fields = op.before;
    set_field(fields, netbox::kOwnerTagField, "");
    const std::vector<json> body = {
        {{"id", op.id},
         {"tags", netbox_tags_body(fields, id_of)},
         {"custom_fields", {{std::string(netbox::kOwnerField), nullptr}}}}};
    const std::vector<NetboxOutcome> outcomes = send(HttpMethod::patch, kind, body);
    if (!outcomes[0]) return;
    op.error.reset();
    memory.of(kind.kind).drop(op.id);
  }

  Result<void> remove(const NetboxKind& kind, const Ops& some) {
    if (auto begun = begin(some); !begun) return begun;
    Ops sent;
    std::vector<std::int64_t> ids;
    for (Op* op : good(some)) {
      if (op->id == 0) continue;
      sent.push_back(op);
      ids.push_back(op->id);
    }
    if (!ids.empty()) {
      fault_point("netbox.write");
      const std::vector<NetboxOutcome> outcomes =
          api.remove(std::string(kind.path), ids, kMostWritten, stop);
      fault_point("netbox.written");
      for (std::size_t i = 0; i < sent.size(); ++i) {
        if (outcomes[i]) {
          memory.of(kind.kind).drop(sent[i]->id);
          continue;
        }
        const bool is_needed = outcomes[i].error().check == "netbox-protected";
        sent[i]->refuse(outcomes[i].error());
        if (is_needed && kind.shared) hand_over(kind, *sent[i]);
      }
    }
    for (Op* op : some) end(*op);
    return {};
  }

  Result<void> write_all() {
    std::vector<Ops> makes(netbox_kinds().size()), removes(netbox_kinds().size());
    for (Op& op : ops) {
      (op.is_remove() ? removes : makes)[netbox_rank(op.kind->kind)].push_back(&op);
    }
    const std::size_t devices = netbox_rank(netbox::kDevice);
    if (auto begun = begin(makes[devices]); !begun) return begun;
    let_go_of_addresses(makes[devices]);
    for (std::size_t i = 0; i < makes.size() && !stop.stop_requested(); ++i) {
      if (makes[i].empty()) continue;
      if (netbox_kinds()[i].kind == netbox::kInterface) {
        if (auto taken = take_given(makes[i]); !taken) return taken;
      }
      if (auto made = make(netbox_kinds()[i], makes[i]); !made) return made;
    }
    for (const std::string_view kind : {netbox::kInterface, netbox::kDevice}) {
      make_late(*find_netbox_kind(kind), makes[netbox_rank(kind)]);
    }
    for (std::size_t i = removes.size(); i-- > 0 && !stop.stop_requested();) {
      if (removes[i].empty()) continue;
      if (auto removed = remove(netbox_kinds()[i], removes[i]); !removed) return removed;
    }
    return {};
  }
};

NetboxWriter::NetboxWriter(NetboxApi& api, NetboxMemory& memory, std::string target,
                           const ApplyEvents& events, std::stop_token stop)
    : parts_(new Parts{.api = api,
                       .memory = memory,
                       .target = std::move(target),
                       .events = events,
                       .stop = std::move(stop)}) {
  parts_->version = memory.version;
  parts_->id_of = [this](std::string_view kind, std::string_view name) -> std::int64_t {
    const NetboxSeen* seen = parts_->memory.of(kind).find(name);
    return seen == nullptr ? 0 : seen->id;
  };
}
NetboxWriter::~NetboxWriter() = default;

Result<void> NetboxWriter::write(std::span<const Change> changes, const ContentReader&) {
  for (const Change& change : changes) {
    Op op{.change = &change, .kind = find_netbox_kind(change.kind)};
    if (op.kind == nullptr) continue;
    if (change.action == Action::forget) {
      if (auto begun = parts_->begin({&op}); !begun) return begun;
      parts_->end(op);
      continue;
    }
    check_netbox_op(op, parts_->memory);
    parts_->ops.push_back(std::move(op));
  }
  return parts_->write_all();
}

}  // namespace metalwright::reconciler
