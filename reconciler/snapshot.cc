#include "reconciler/snapshot.h"

#include <algorithm>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {
bool is_plain_text(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes.substr(at));
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if (length == 0 || (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r')) return false;
    at += length;
  }
  return true;
}

/// Everything known of one resource.
struct Sides {
  const ResourceRow* desired = nullptr;
  const ResourceRow* applied = nullptr;
  const ObservedRow* observed = nullptr;
  const ResourceRow* unrecorded = nullptr;
};

/// Walks four ordered lists at once, in their common order.
class Merge {
 public:
  Merge(const ResourceTable& desired, const ResourceTable& applied, const Observation& observation)
      : desired_(desired), applied_(applied), observation_(observation) {}

  /// Null where all are through; else the row that names the resource.
  const ResourceRow* next(Sides& sides) {
    const ResourceRow* least = nullptr;
    const auto offer = [&](const ResourceRow* row) {
      if (row != nullptr && (least == nullptr || ResourceRow::compare(*row, *least) < 0)) {
        least = row;
      }
    };
    const ResourceRow* const desired = at(desired_.rows, d_);
    const ResourceRow* const applied = at(applied_.rows, a_);
    const ObservedRow* const observed = at(observation_.rows, o_);
    const ResourceRow* const unrecorded = at(observation_.unrecorded, u_);
    offer(desired);
    offer(applied);
    offer(observed == nullptr ? nullptr : &observed->row);
    offer(unrecorded);
    if (least == nullptr) return nullptr;
    const auto same = [&](const ResourceRow* row) {
      return row != nullptr && ResourceRow::compare(*row, *least) == 0;
    };
    sides = {};
    if (same(desired)) sides.desired = desired, ++d_;
    if (same(applied)) sides.applied = applied, ++a_;
    if (observed != nullptr && same(&observed->row)) sides.observed = observed, ++o_;
    if (same(unrecorded)) sides.unrecorded = unrecorded, ++u_;
    return least;
  }

 private:
  template <class Row>
  static const Row* at(const std::vector<Row>& rows, std::size_t index) {
    return index < rows.size() ? &rows[index] : nullptr;
  }
  const ResourceTable& desired_;
  const ResourceTable& applied_;
  const Observation& observation_;
  std::size_t d_ = 0, a_ = 0, o_ = 0, u_ = 0;
};

class Taker {
 public:
  Taker(const SnapshotSource& source, const SnapshotLimits& limits)
      : source_(source), limits_(limits), content_left_(limits.all_content_bytes) {}

  TargetSnapshot take(std::stop_token stop) {
    TargetSnapshot snapshot;
    snapshot.target = source_.target.name();
    const Result<Observation> observation = source_.target.observe(
        {source_.desired, source_.last_applied, Look::full, source_.objects}, stop);
    if (!observation) {
      snapshot.complete = false;
      snapshot.error = observation.error().text();
      return snapshot;
    }
    if (!observation->unread.empty()) {
      snapshot.complete = false;
      snapshot.error = observation->unread.front().text();
    }
    Merge merge(source_.desired, source_.last_applied, *observation);
    Sides sides;
    while (const ResourceRow* const row = merge.next(sides)) {
      if (stop.stop_requested()) {
        snapshot.complete = false;
        snapshot.error = "stopped before everything was read";
        snapshot.rows.clear();
        return snapshot;
      }
      add(snapshot, *row, sides);
    }
    return snapshot;
  }

 private:
  void add(TargetSnapshot& snapshot, const ResourceRow& named, const Sides& sides) {
    SnapshotRow row;
    row.kind = named.kind.view();
    row.name = named.name.view();
    Digest observed;
    if (sides.observed != nullptr) {
      row.presence = sides.observed->presence;
      if (row.presence != Presence::absent) observed = sides.observed->row.digest;
    } else if (sides.unrecorded != nullptr || sides.applied != nullptr) {
      row.presence = Presence::ours;
      observed = sides.unrecorded != nullptr ? sides.unrecorded->digest : sides.applied->digest;
    }
    const Digest applied = sides.applied != nullptr ? sides.applied->digest : Digest{};
    if (observed.empty() && applied.empty()) return;

    const ResourceRow* const redacted = source_.redacted.find(row.kind, row.name);
    const bool known = sides.desired != nullptr && redacted != nullptr;
    row.secret = known && redacted->digest != sides.desired->digest;
    const bool open = !row.secret && !observed.empty() && read(row, known, sides, observed);
    const auto shown = [&](const Digest& digest) {
      if (digest.empty()) return digest;
      if (known && digest == sides.desired->digest) return redacted->digest;
      return open && digest == observed ? digest : source_.keyed(digest);
    };
    row.observed = shown(observed);
    row.applied = shown(applied);
    snapshot.rows.push_back(std::move(row));
  }

  /// Reads the content where it may be shown, and says whether its digest may: everybody on that
  /// host can read it, or the revision asks for exactly this and names no secret in it.
  bool read(SnapshotRow& row, bool known, const Sides& sides, const Digest& observed) {
    const bool as_desired = known && observed == sides.desired->digest;
    if (as_desired && content_left_ == 0) return true;
    const Result<Content> content = source_.target.read(row.kind, row.name);
    if (!content || content->secret || !content->copy_from.empty()) return as_desired;
    const bool readable_by_all = (content->mode & 0004U) != 0;
    const bool open = as_desired || readable_by_all;
    const std::size_t size = content->bytes.size();
    const bool ours = row.presence == Presence::ours;  // nobody else's words go anywhere
    if (open && ours && readable_by_all && size <= std::min(limits_.content_bytes, content_left_) &&
        is_plain_text(content->bytes)) {
      content_left_ -= size;
      row.mode = content->mode;
      row.content = content->bytes;
    }
    return open;
  }

  const SnapshotSource& source_;
  const SnapshotLimits& limits_;
  std::size_t content_left_;
};
}  // namespace

TargetSnapshot take_snapshot(const SnapshotSource& source, const SnapshotLimits& limits,
                             std::stop_token stop) {
  return Taker(source, limits).take(std::move(stop));
}

}  // namespace metalwright::reconciler
