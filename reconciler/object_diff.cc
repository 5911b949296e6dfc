#include "reconciler/object_diff.h"

#include <algorithm>
#include <utility>

#include "reconciler/row_pairs.h"

namespace metalwright::reconciler {
namespace {

int compare(const TargetObject& object, std::string_view kind, std::string_view name) {
  const int kinds = object.kind.view().compare(kind);
  return kinds != 0 ? kinds : object.name.view().compare(name);
}

/// The desired objects' contents beside the rows of their table; only those asked for.
class DesiredContents {
 public:
  explicit DesiredContents(const LookRequest& request) : request_(request) {}

  /// Reads all at once. Without it each is read when it is asked for.
  Result<void> read_all() {
    contents_.resize(request_.desired.rows.size());
    return request_.objects.all_desired(
        [&](std::string_view kind, std::string_view name, std::string_view content) {
          const ResourceRow* row = request_.desired.find(kind, name);
          if (row == nullptr) return;
          contents_[index(*row)] = arena_.copy(content);
        });
  }

  /// The desired fields, encoded: the common case is told by them, without taking anything apart.
  Result<std::string_view> text(const ResourceRow& wanted) {
    if (!contents_.empty()) return contents_[index(wanted)].view();
    Result<Content> content = request_.objects.desired(wanted.kind, wanted.name);
    if (!content) return tl::unexpected(content.error());
    last_ = std::move(content->bytes);
    return last_;
  }

 private:
  [[nodiscard]] std::size_t index(const ResourceRow& row) const {
    return static_cast<std::size_t>(&row - request_.desired.rows.data());
  }

  const LookRequest& request_;
  Arena arena_;
  std::vector<Text> contents_;
  std::string last_;
};

/// The digest of an object as it concerns us; empty where it is absent.
Result<Digest> found_digest(const LookRequest& request, const TargetObject& object,
                            const ObjectFields& desired, const ResourceRow* applied_row,
                            bool same_digest) {
  const Result<ObjectFields> found = decode_fields(object.fields);
  if (!found) return tl::unexpected(found.error());
  ObjectFields applied;
  if (applied_row != nullptr && same_digest) {
    applied = desired;
  } else if (applied_row != nullptr) {
    Result<ObjectFields> fields = request.objects.applied(applied_row->kind, applied_row->name);
    if (!fields) return tl::unexpected(fields.error());
    applied = std::move(*fields);
  }
  return compare_object(*found, desired, applied).found;
}

}  // namespace

ObjectDelta compare_object(const ObjectFields& found, const ObjectFields& desired,
                           const ObjectFields& applied) {
  ObjectDelta delta;
  ObjectFields ours;   // the object as it concerns us
  bool as_set = true;  // everything that we set is as we set it
  for (const ObjectField& field : applied) {
    const std::string* now = find_field(found, field.name);
    const bool kept = now != nullptr && *now == field.value;
    as_set = as_set && kept;
    if (!kept || find_field(desired, field.name) != nullptr) continue;
    ours.push_back(field);
    delta.changes.push_back({field.name, field.value, ""});
  }
  for (const ObjectField& field : desired) {
    const std::string* now = find_field(found, field.name);
    if (now != nullptr) set_field(ours, field.name, *now);
    if (now == nullptr || *now != field.value) {
      delta.changes.push_back({field.name, now == nullptr ? "" : *now, field.value});
    }
  }
  std::sort(delta.changes.begin(), delta.changes.end(),
            [](const FieldChange& a, const FieldChange& b) { return a.path < b.path; });
  const bool done = delta.changes.empty();
  delta.found = object_digest(encode_fields(done && !desired.empty()     ? desired
                                            : as_set && !applied.empty() ? applied
                                                                         : ours));
  return delta;
}

void TargetObjects::add(std::string_view kind, std::string_view name,
                        std::string_view encoded_fields, Presence presence) {
  objects_.push_back(
      {arena_->intern(kind), arena_->copy(name), arena_->copy(encoded_fields), presence});
}

void TargetObjects::sort() {
  std::stable_sort(
      objects_.begin(), objects_.end(),
      [](const TargetObject& a, const TargetObject& b) { return compare(a, b.kind, b.name) < 0; });
  // Of equals the last one: unique keeps the first, so it is done from behind.
  const auto kept = std::unique(
      objects_.rbegin(), objects_.rend(),
      [](const TargetObject& a, const TargetObject& b) { return compare(a, b.kind, b.name) == 0; });
  objects_.erase(objects_.begin(), kept.base());
}

const TargetObject* TargetObjects::find(std::string_view kind, std::string_view name) const {
  const auto at = std::partition_point(
      objects_.begin(), objects_.end(),
      [&](const TargetObject& object) { return compare(object, kind, name) < 0; });
  return at == objects_.end() || compare(*at, kind, name) != 0 ? nullptr : &*at;
}

Result<Observation> observe_objects(const LookRequest& request, const TargetObjects& objects) {
  Observation observation;
  DesiredContents contents(request);
  const bool named = request.look == Look::named;
  if (!named && request.objects.all_desired) {
    if (const Result<void> read = contents.read_all(); !read) return tl::unexpected(read.error());
  }
  const auto& all = objects.all();
  std::size_t o = 0;
  for (const RowPair& pair : RowPairs(request.desired.rows, request.last_applied.rows)) {
    const auto [wanted, before] = pair;
    const ResourceRow& row = pair.row();
    if (named && pair.unchanged()) continue;
    while (o < all.size() && compare(all[o], row.kind, row.name) < 0) {
      const TargetObject& other = all[o++];
      if (!named && other.presence == Presence::ours) {
        observation.unrecorded.push_back({other.kind, other.name, object_digest(other.fields)});
      }
    }
    ObservedRow seen{.row = {row.kind, row.name, {}}, .presence = Presence::absent};
    if (o < all.size() && compare(all[o], row.kind, row.name) == 0) {
      const TargetObject& object = all[o++];
      seen.presence = object.presence;
      Result<std::string_view> text;
      if (wanted != nullptr) text = contents.text(*wanted);
      if (!text) return tl::unexpected(text.error());
      // As we applied it and want it: whatever else the target shows is nobody's business.
      const bool settled = pair.unchanged() && holds_fields(object.fields.view(), *text);
      if (settled || (wanted != nullptr && *text == object.fields.view())) {
        seen.row.digest = wanted->digest;
      } else {
        ObjectFields fields;
        if (wanted != nullptr) {
          Result<ObjectFields> read = decode_fields(*text);
          if (!read) return tl::unexpected(read.error());
          fields = std::move(*read);
        }
        const Result<Digest> digest =
            found_digest(request, object, fields, before, pair.unchanged());
        if (!digest) return tl::unexpected(digest.error());
        seen.row.digest = *digest;
      }
    }
    const bool as_applied =
        before != nullptr && seen.presence == Presence::ours && seen.row.digest == before->digest;
    if (!as_applied) observation.rows.push_back(seen);
  }
  for (; o < all.size() && !named; ++o) {
    if (all[o].presence != Presence::ours) continue;
    observation.unrecorded.push_back({all[o].kind, all[o].name, object_digest(all[o].fields)});
  }
  observation.arenas.push_back(objects.arena());
  for (const ResourceTable* const table : {&request.desired, &request.last_applied}) {
    observation.arenas.insert(observation.arenas.end(), table->arenas.begin(), table->arenas.end());
  }
  return observation;
}

Result<Observation> DocumentTarget::observe(const LookRequest& request, std::stop_token /*stop*/) {
  return observe_objects(request, objects_);
}

Result<Content> DocumentTarget::read(std::string_view kind, std::string_view name) {
  Content content;
  if (const TargetObject* object = objects_.find(kind, name)) {
    content.bytes = object->fields.view();
    content.mode = 0;
  }
  return content;
}

Result<void> DocumentTarget::apply(std::span<const Change> /*changes*/,
                                   const ContentReader& /*content*/, const ApplyEvents& /*events*/,
                                   std::stop_token /*stop*/) {
  return fail(ErrorKind::refused, "document-target",
              "'" + name_ + "' is a document here, which cannot be changed: plan only");
}

}  // namespace metalwright::reconciler
