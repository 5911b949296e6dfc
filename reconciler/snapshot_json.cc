#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "reconciler/document_file.h"
#include "reconciler/json_document.h"
#include "reconciler/snapshot.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {
using nlohmann::json;

constexpr std::string_view kCheck = "snapshot-format";
constexpr std::size_t kMostBytes = std::size_t{1} << 30U;
constexpr std::array<std::string_view, 3> kPresences{"absent", "ours", "foreign"};

json json_of_row(const std::string& target, const SnapshotRow& row) {
  return {{"target", target},
          {"kind", row.kind},
          {"name", row.name},
          {"presence", kPresences[static_cast<std::size_t>(row.presence)]},
          {"observed", json_of(row.observed)},
          {"applied", json_of(row.applied)},
          {"secret", row.secret},
          {"mode", row.mode},
          {"content", row.content ? json(*row.content) : json(nullptr)}};
}

bool before(const SnapshotRow& a, const SnapshotRow& b) {
  return a.kind != b.kind ? a.kind < b.kind : a.name < b.name;
}

class SnapshotReader {
 public:
  explicit SnapshotReader(std::string name) : name_(std::move(name)) {}

  Result<void> member(const std::string& member, std::size_t index, const json& value) {
    seen_.push_back(member);
    const bool none = index == kNoIndex && value.is_array() && value.empty();
    if ((member == "rows" || member == "targets") && none) return {};
    if (member == "rows" && index != kNoIndex) return row(value, index);
    if (member == "targets" && index != kNoIndex) return target(value, index);
    const json wrapped = {{member, value}};
    JsonObject object(wrapped, "", kCheck, name_);
    if (member == "format_version") {
      const std::string version = object.text("format_version");
      if (!version.empty() && version != kSnapshotFormatVersion) {
        return wrong("format_version: the snapshot has version " + shown(version) +
                     ", and this metalwright reads " + std::string(kSnapshotFormatVersion));
      }
    } else if (member == "revision") {
      snapshot_.revision = object.text("revision");
    } else if (member == "taken") {
      snapshot_.taken = object.text("taken");
    } else if (member == "rows" || member == "targets") {
      return wrong(member + ": wanted a list");
    }
    return object.finish();
  }

  Result<Snapshot> finish() {
    for (const char* const wanted : {"format_version", "revision", "rows", "taken", "targets"}) {
      if (std::find(seen_.begin(), seen_.end(), wanted) == seen_.end()) {
        return wrong(std::string(wanted) + ": is missing");
      }
    }
    for (TargetSnapshot& target : snapshot_.targets) {
      if (const auto at = rows_.find(target.target); at != rows_.end()) {
        target.rows = std::move(at->second);
        rows_.erase(at);
      }
    }
    if (!rows_.empty()) {
      return wrong("rows: the target " + quoted_name(rows_.begin()->first) +
                   " is not among the targets");
    }
    return std::move(snapshot_);
  }

 private:
  static std::string quoted_name(const std::string& name) { return metalwright::quoted(name); }
  [[nodiscard]] tl::unexpected<Error> wrong(std::string message) const {
    return invalid(kCheck, std::move(message), Origin{name_, 0, 0});
  }

  Result<void> target(const json& value, std::size_t index) {
    JsonObject object(value, "targets[" + std::to_string(index) + ']', kCheck, name_);
    TargetSnapshot target;
    target.target = object.text("name");
    target.complete = object.boolean("complete");
    target.error = object.text("error");
    if (Result<void> ok = object.finish(); !ok) return ok;
    if (!snapshot_.targets.empty() && target.target <= snapshot_.targets.back().target) {
      return wrong("targets[" + std::to_string(index) + "]: wanted them sorted by name, each once");
    }
    snapshot_.targets.push_back(std::move(target));
    return {};
  }

  Result<void> row(const json& value, std::size_t index) {
    const std::string path = "rows[" + std::to_string(index) + ']';
    JsonObject object(value, path, kCheck, name_);
    SnapshotRow row;
    const std::string target = object.text("target");
    row.kind = object.text("kind");
    row.name = object.text("name");
    row.presence =
        static_cast<Presence>(object.word("presence", kPresences.data(), kPresences.size()));
    row.observed = object.digest("observed");
    row.applied = object.digest("applied");
    row.secret = object.boolean("secret");
    row.mode = static_cast<std::uint16_t>(object.number("mode", 07777));
    row.content = object.text_or_null("content");
    if (Result<void> ok = object.finish(); !ok) return ok;
    if ((row.presence == Presence::absent) != row.observed.empty()) {
      return wrong(path + ": what is absent has no digest, and everything else has one");
    }
    std::vector<SnapshotRow>& rows = rows_[target];
    if (!rows.empty() && !before(rows.back(), row)) {
      return wrong(path + ": wanted a target's rows sorted by kind and name, each once");
    }
    rows.push_back(std::move(row));
    return {};
  }

  std::string name_;
  Snapshot snapshot_;
  std::map<std::string, std::vector<SnapshotRow>> rows_;
  std::vector<std::string> seen_;
};
}  // namespace

std::string snapshot_json(const Snapshot& snapshot) {
  std::string out = "{\n  \"format_version\": ";
  out.append(json_line(kSnapshotFormatVersion)).append(",\n  \"revision\": ");
  out.append(json_line(snapshot.revision)).append(",\n  \"rows\": [");
  const char* separator = "\n    ";
  for (const TargetSnapshot& target : snapshot.targets) {
    for (const SnapshotRow& row : target.rows) {
      out.append(separator).append(json_line(json_of_row(target.target, row)));
      separator = ",\n    ";
    }
  }
  out.append("\n  ],\n  \"taken\": ").append(json_line(snapshot.taken));
  out.append(",\n  \"targets\": [");
  separator = "\n    ";
  for (const TargetSnapshot& target : snapshot.targets) {
    const json head = {
        {"name", target.target}, {"complete", target.complete}, {"error", target.error}};
    out.append(separator).append(json_line(head));
    separator = ",\n    ";
  }
  return out.append("\n  ]\n}\n");
}

Result<Snapshot> read_snapshot_json(std::string_view document, const std::string& name) {
  SnapshotReader reader(name);
  Result<void> read =
      read_json(document, name, kCheck, JsonBounds{.bytes = kMostBytes},
                [&](const std::string& member, std::size_t index, const json& value) {
                  return reader.member(member, index, value);
                });
  if (!read) return tl::unexpected<Error>(std::move(read).error());
  return reader.finish();
}

Result<void> write_snapshot_file(const Snapshot& snapshot, const std::string& path) {
  Result<void> written = write_document(path, snapshot_json(snapshot));
  if (!written) return tl::unexpected<Error>(with_context(written.error(), "saving the snapshot"));
  return {};
}

Result<Snapshot> read_snapshot_file(const std::string& path) {
  Result<std::string> document = read_document(path, kMostBytes);
  if (!document) return tl::unexpected<Error>(std::move(document).error());
  Result<Snapshot> read = read_snapshot_json(*document, path);
  if (!read) {
    return tl::unexpected<Error>(
        with_context(std::move(read).error(), "reading a snapshot: make it anew with 'snapshot'"));
  }
  return read;
}

}  // namespace metalwright::reconciler
