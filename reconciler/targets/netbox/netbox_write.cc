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
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

/// One change on its way.
struct Op {
  const Change* change = nullptr;
  const NetboxKind* kind = nullptr;
  std::int64_t id = 0;  ///< of the object that is there; 0: it is to be made
  ObjectFields before;  ///< the object as it was
  ObjectFields after;   ///< and as it is when the change is done
  std::optional<Error> error;
  bool begun = false, ended = false;

  [[nodiscard]] const std::string& old_name() const {
    return change->moved_from.empty() ? change->name : change->moved_from;
  }
};

bool is_remove(const Op& op) { return op.change->action == Action::remove; }

bool has_late(const Op& op) {
  return std::any_of(op.change->fields.begin(), op.change->fields.end(), [&](const auto& field) {
    const NetboxField* known = find_netbox_field(*op.kind, field.path);
    return known != nullptr && known->late;
  });
}

/// References of a device to its addresses, which stand in the way when these move.
bool names_address(const NetboxField& field) { return field.kind == netbox::kIpAddress; }

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

  void refuse(Op& op, Error error) const {
    if (op.error) return;
    error.message = fmt::format("{}: {}", op.change->address(), error.message);
    if (error.origin == Origin{}) error.origin = op.change->origin;
    op.error = std::move(error);
  }

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

  /// Is the object still as the change saw it?
  void check(Op& op) {
    const NetboxSeen* seen = memory.of(op.kind->kind).find(op.old_name());
    // A run that was cut off may have renamed it already.
    if (seen == nullptr) seen = memory.of(op.kind->kind).find(op.change->name);
    if (seen == nullptr) {
      if (op.change->action == Action::create || is_remove(op)) return;
      return refuse(
          op, fail(ErrorKind::conflict, "netbox-gone", "it is not in NetBox any more: plan again")
                  .value());
    }
    Result<ObjectFields> found = decode_fields(seen->fields);
    if (!found) return refuse(op, found.error());
    op.id = seen->id;
    op.before = std::move(*found);
    if (is_remove(op)) {
      if (seen->tagged) return;
      return refuse(op, fail(ErrorKind::conflict, "netbox-changed",
                             "it does not have the tag 'metalwright' any more: it is left alone")
                            .value());
    }
    if (op.change->action == Action::create) {
      // Made since the plan was: by a run that was cut off, or by somebody else.
      if (seen->tagged || op.kind->shared || op.kind->kind == netbox::kInterface) return;
      return refuse(op, fail(ErrorKind::conflict, "netbox-changed",
                             "somebody else made it meanwhile: plan again")
                            .value());
    }
    for (const FieldChange& field : op.change->fields) {
      const std::string* now = find_field(op.before, field.path);
      const std::string value = now == nullptr ? "" : *now;
      if (value == field.before || value == field.after) continue;
      return refuse(op, fail(ErrorKind::conflict, "netbox-changed",
                             fmt::format("{} is {} now, and was {} when this was planned: plan "
                                         "again",
                                         field.path, metalwright::quoted(value),
                                         metalwright::quoted(field.before)))
                            .value());
    }
  }

  /// The object as it shall be: people's fields as they are, and ours as the change says.
  static void merge(Op& op) {
    op.after = op.before;
    for (const FieldChange& field : op.change->fields) {
      const NetboxField* known = find_netbox_field(*op.kind, field.path);
      if (field.after.empty() && known != nullptr && known->needed) continue;
      set_field(op.after, field.path, field.after);
    }
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
        refuse(*op, body.error());
        continue;
      }
      sent.push_back(op);
      bodies.push_back(std::move(*body));
    }
    if (bodies.empty()) return;
    const std::vector<NetboxOutcome> outcomes = send(HttpMethod::post, kind, bodies);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (!outcomes[i]) {
        refuse(*sent[i], outcomes[i].error());
        continue;
      }
      ObjectFields made = sent[i]->after;
      std::erase_if(made, [&](const ObjectField& field) {
        const NetboxField* known = find_netbox_field(kind, field.name);
        return known != nullptr && known->late;
      });
      remember(*sent[i], *outcomes[i], made);
    }
  }

  /// What a change of fields is as a PATCH; empty where there is nothing to write.
  Result<json> update_body(const Op& op, bool late) {
    json body = json::object();
    bool tags = false;
    const std::string_view name = op.change->name;
    for (const FieldChange& field : op.change->fields) {
      if (field.path.starts_with(netbox::kTagField)) tags = !late;
      if (field.path == netbox::kSourceField && !late) {
        body["custom_fields"] = {
            {std::string(netbox::kOwnerField), field.after.empty() ? json() : json(field.after)}};
      }
      if (field.path == "objects" && !late) {
        body[version.object_types() ? "object_types" : "content_types"] = owned_types(op);
      }
      const NetboxField* known = find_netbox_field(*op.kind, field.path);
      if (known == nullptr || known->late != late) continue;
      if (known->name == "mac" && version.mac_objects()) continue;
      if (auto set = set_netbox_field(body, *op.kind, name, *known, field.after, id_of); !set) {
        return tl::unexpected(set.error());
      }
    }
    if (tags) body["tags"] = netbox_tags_body(op.after);
    if (!late && !op.change->moved_from.empty()) add_new_name(op, body);
    if (!body.empty()) body["id"] = op.id;
    return body;
  }

  /// What the custom field is for, and what people made it for as well.
  std::vector<std::string> owned_types(const Op& op) const {
    std::set<std::string> types;
    for (std::string& type : netbox_owned_types(version)) types.insert(std::move(type));
    if (const std::string* now = find_field(op.before, "objects")) {
      std::string_view rest = *now;
      while (!rest.empty() && rest != netbox::kAllObjects) {
        const std::size_t comma = rest.find(',');
        types.emplace(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
      }
    }
    return {types.begin(), types.end()};
  }

  static void add_new_name(const Op& op, json& body) {
    const std::string& name = op.change->name;
    if (op.kind->kind == netbox::kDevice || op.kind->kind == netbox::kCluster) body["name"] = name;
    if (op.kind->kind == netbox::kInterface) body["name"] = name.substr(name.find('/') + 1);
  }

  void update(const NetboxKind& kind, const Ops& some, bool late) {
    Ops sent;
    std::vector<json> bodies;
    for (Op* op : some) {
      Result<json> body = update_body(*op, late);
      if (!body) {
        refuse(*op, body.error());
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
        refuse(op, outcomes[i].error());
        continue;
      }
      remember(op, *outcomes[i], op.after);
      if (!late && kind.kind == netbox::kDevice && !op.change->moved_from.empty()) {
        rename_children(op.change->moved_from, op.change->name);
      }
    }
  }

  /// Interfaces are known by their device's name.
  void rename_children(const std::string& from, const std::string& to) {
    std::vector<NetboxSeen> moved;
    memory.of(netbox::kInterface).for_each([&](const NetboxSeen& seen) {
      if (seen.name.starts_with(from + '/')) moved.push_back(seen);
    });
    for (NetboxSeen& seen : moved) {
      seen.name = to + seen.name.substr(from.size());
      memory.of(netbox::kInterface).put(std::move(seen));
    }
    std::vector<NetboxSeen> addresses;
    memory.of(netbox::kIpAddress).for_each([&](const NetboxSeen& seen) {
      if (seen.fields.find("interface=" + from + '/') != std::string::npos)
        addresses.push_back(seen);
    });
    for (NetboxSeen& seen : addresses) {
      Result<ObjectFields> fields = decode_fields(seen.fields);
      const std::string* at = fields ? find_field(*fields, "interface") : nullptr;
      if (at == nullptr || !at->starts_with(from + '/')) continue;
      set_field(*fields, "interface", to + at->substr(from.size()));
      seen.fields = encode_fields(*fields);
      memory.of(netbox::kIpAddress).put(std::move(seen));
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
        if (known == nullptr || !names_address(*known) || field.before.empty()) continue;
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
      if (!outcomes[i]) refuse(*sent[i], outcomes[i].error());
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
        refuse(*of[i], outcomes[i].error());
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
      if (op->error || !has_late(*op)) end(*op);
    }
    return {};
  }

  void make_late(const NetboxKind& kind, const Ops& some) {
    Ops late;
    for (Op* op : good(some)) {
      if (!op->ended && op->id != 0 && has_late(*op)) late.push_back(op);
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
         {"tags", netbox_tags_body(fields)},
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
        refuse(*sent[i], outcomes[i].error());
        if (is_needed && kind.shared) hand_over(kind, *sent[i]);
      }
    }
    for (Op* op : some) end(*op);
    return {};
  }

  Result<void> write_all() {
    std::vector<Ops> makes(netbox_kinds().size()), removes(netbox_kinds().size());
    for (Op& op : ops) {
      (is_remove(op) ? removes : makes)[netbox_rank(op.kind->kind)].push_back(&op);
    }
    const std::size_t devices = netbox_rank(netbox::kDevice);
    if (auto begun = begin(makes[devices]); !begun) return begun;
    let_go_of_addresses(makes[devices]);
    for (std::size_t i = 0; i < makes.size() && !stop.stop_requested(); ++i) {
      if (makes[i].empty()) continue;
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
    parts_->check(op);
    Parts::merge(op);
    parts_->ops.push_back(std::move(op));
  }
  return parts_->write_all();
}

}  // namespace metalwright::reconciler
