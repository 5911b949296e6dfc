#include "reconciler/plan_json.h"

#include <array>
#include <nlohmann/json.hpp>

#include "reconciler/json_document.h"

namespace metalwright::reconciler {
namespace {
using nlohmann::json;

constexpr std::string_view kCheck = "plan-format";
constexpr std::array<std::string_view, 5> kErrorKinds{"invalid", "unavailable", "conflict",
                                                      "refused", "bug"};
constexpr std::array<std::string_view, 2> kSeverities{"error", "warning"};
constexpr std::uint64_t kMostCount = std::uint64_t{1} << 53U;  // what every JSON reader can hold

json json_of_change(const Change& change) {
  json fields = json::array();
  for (const FieldChange& field : change.fields) {
    fields.push_back({{"path", field.path}, {"before", field.before}, {"after", field.after}});
  }
  return {{"target", change.target},
          {"kind", change.kind},
          {"name", change.name},
          {"action", word(change.action)},
          {"reason", word(change.reason)},
          {"observed", json_of(change.observed)},
          {"desired", json_of(change.desired)},
          {"fields", std::move(fields)},
          {"origin", json_of(change.origin)},
          {"server", change.server},
          {"moved_from", change.moved_from}};
}

json json_of_conflict(const Conflict& conflict) {
  return {{"target", conflict.target},
          {"kind", conflict.kind},
          {"name", conflict.name},
          {"message", conflict.message},
          {"origin", json_of(conflict.origin)}};
}

json json_of_left_out(const LeftOut& out) {
  return {{"target", out.target}, {"reason", out.reason}, {"message", out.message}};
}

json json_of_warning(const Error& error) {
  return {{"kind", kErrorKinds[static_cast<std::size_t>(error.kind)]},
          {"severity", kSeverities[static_cast<std::size_t>(error.severity)]},
          {"check", error.check},
          {"message", error.message},
          {"origin", json_of(error.origin)},
          {"context", error.context}};
}

json json_of_summary(const Plan& plan) {
  const PlanSummary summary = summarize(plan);
  return {{"create", summary.create},       {"update", summary.update},
          {"delete", summary.remove},       {"adopt", summary.adopt},
          {"forget", summary.forget},       {"drift", summary.drift},
          {"conflicts", summary.conflicts}, {"left_out", plan.left_out.size()},
          {"resources", plan.resources}};
}

/// `  "changes": [` and a line for each element. Element by element, because the document of a
/// large plan as one value would take gigabytes.
template <class T>
void add_list(std::string& out, std::string_view member, const std::vector<T>& elements,
              json (*to_json)(const T&)) {
  out.append("  \"").append(member).append("\": [");
  const char* separator = "\n    ";
  for (const T& element : elements) {
    out.append(separator).append(json_line(to_json(element)));
    separator = ",\n    ";
  }
  out.append(elements.empty() ? "],\n" : "\n  ],\n");
}

void add_member(std::string& out, std::string_view member, const json& value) {
  out.append("  \"").append(member).append("\": ").append(json_line(value)).append(",\n");
}

/// The document in two parts, between which the digest of both goes.
struct Parts {
  std::string before, after;
  [[nodiscard]] Digest digest() const { return Digester().raw(before).raw(after).finish(); }
};

/// What is derived from the plan comes in apart: a reader writes anew what it read.
struct Derived {
  Digest deletes;
  json summary;
};

Parts write_parts(const Plan& plan, const Derived& derived) {
  Parts parts;
  parts.before = "{\n";
  add_list(parts.before, "changes", plan.changes, json_of_change);
  add_list(parts.before, "conflicts", plan.conflicts, json_of_conflict);
  add_member(parts.before, "deletes_digest", json_of(derived.deletes));
  std::string& after = parts.after;
  add_list(after, "drift", plan.drift, json_of_change);
  add_member(after, "format_version", kPlanFormatVersion);
  add_list(after, "left_out", plan.left_out, json_of_left_out);
  add_member(after, "observed_digest", json_of(plan.observed_digest));
  add_member(after, "revision", plan.revision);
  add_member(after, "summary", derived.summary);
  add_list(after, "warnings", plan.warnings, json_of_warning);
  after.replace(after.size() - 2, 2, "\n}\n");  // no comma after the last
  return parts;
}

/// Reads the members of the top object as they come.
class PlanReader {
 public:
  explicit PlanReader(std::string name) : name_(std::move(name)) {}

  Result<void> member(const std::string& member, std::size_t index, const json& value) {
    if (const auto at = std::find(kMembers.begin(), kMembers.end(), member); at != kMembers.end()) {
      seen_[static_cast<std::size_t>(at - kMembers.begin())] = true;
    }
    const JsonPath path = index == kNoIndex ? member : member + '[' + std::to_string(index) + ']';
    // An array without elements comes as one value.
    const bool list = index != kNoIndex || (value.is_array() && value.empty());
    const bool element = index != kNoIndex;
    if (member == "changes" && list) return element ? change(value, path, plan_.changes) : ok();
    if (member == "drift" && list) return element ? change(value, path, plan_.drift) : ok();
    if (member == "conflicts" && list) return element ? conflict(value, path) : ok();
    if (member == "left_out" && list) return element ? left_out(value, path) : ok();
    if (member == "warnings" && list) return element ? warning(value, path) : ok();
    return top(member, value);
  }

  Result<ReadPlan> finish() {
    for (std::size_t i = 0; i < kMembers.size(); ++i) {
      if (!seen_[i]) return wrong(std::string(kMembers[i]) + ": is missing");
    }
    if (write_parts(plan_, derived_).digest() != digest_) {
      return invalid("plan-edited",
                     "the plan is not as it was written: its digest is that of other content",
                     Origin{name_, 0, 0});
    }
    return ReadPlan{std::move(plan_), digest_};
  }

 private:
  static constexpr std::array<std::string_view, 11> kMembers{
      "changes",  "conflicts",       "deletes_digest", "digest",  "drift",   "format_version",
      "left_out", "observed_digest", "revision",       "summary", "warnings"};

  static Result<void> ok() { return {}; }
  [[nodiscard]] tl::unexpected<Error> wrong(std::string message) const {
    return invalid(kCheck, std::move(message), Origin{name_, 0, 0});
  }

  Result<void> top(const std::string& member, const json& value) {
    const json wrapped = {{member, value}};
    JsonObject object(wrapped, "", kCheck, name_);
    if (member == "format_version") {
      const std::string version = object.text("format_version");
      if (!version.empty() && version != kPlanFormatVersion) {
        return wrong("format_version: the plan has version " + version +
                     ", and this metalwright reads " + std::string(kPlanFormatVersion));
      }
    } else if (member == "revision") {
      plan_.revision = object.text("revision");
    } else if (member == "observed_digest") {
      plan_.observed_digest = object.digest("observed_digest");
    } else if (member == "digest") {
      digest_ = object.digest("digest");
      if (value.is_null()) return wrong("digest: wanted 64 lower-case hexadecimal digits");
    } else if (member == "deletes_digest") {
      derived_.deletes = object.digest("deletes_digest");
    } else if (member == "summary") {
      return summary(value);
    } else if (std::find(kMembers.begin(), kMembers.end(), member) != kMembers.end()) {
      return wrong(member + ": wanted a list");
    }
    return object.finish();
  }

  Result<void> summary(const json& value) {
    derived_.summary = value;
    JsonObject object(value, "summary", kCheck, name_);
    for (const char* const count :
         {"create", "update", "delete", "adopt", "forget", "drift", "conflicts", "left_out"}) {
      (void)object.number(count, kMostCount);
    }
    plan_.resources = object.number("resources", kMostCount);
    return object.finish();
  }

  Result<void> change(const json& value, const JsonPath& path, std::vector<Change>& changes) {
    JsonObject object(value, path, kCheck, name_);
    Change change;
    change.target = object.text("target");
    change.kind = object.text("kind");
    change.name = object.text("name");
    change.action =
        static_cast<Action>(object.word("action", kActionWords.data(), kActionWords.size()));
    change.reason =
        static_cast<Reason>(object.word("reason", kReasonWords.data(), kReasonWords.size()));
    change.observed = object.digest("observed");
    change.desired = object.digest("desired");
    object.objects("fields", [&](const json& element, const JsonPath& place) {
      JsonObject inner(element, place, kCheck, name_);
      FieldChange field;
      field.path = inner.text("path");
      field.before = inner.text("before");
      field.after = inner.text("after");
      object.add(inner.finish());
      change.fields.push_back(std::move(field));
    });
    change.origin = object.origin("origin");
    change.server = object.text("server");
    change.moved_from = object.text("moved_from");
    changes.push_back(std::move(change));
    return object.finish();
  }

  Result<void> conflict(const json& value, const JsonPath& path) {
    JsonObject object(value, path, kCheck, name_);
    Conflict conflict;
    conflict.target = object.text("target");
    conflict.kind = object.text("kind");
    conflict.name = object.text("name");
    conflict.message = object.text("message");
    conflict.origin = object.origin("origin");
    plan_.conflicts.push_back(std::move(conflict));
    return object.finish();
  }

  Result<void> left_out(const json& value, const JsonPath& path) {
    JsonObject object(value, path, kCheck, name_);
    LeftOut out;
    out.target = object.text("target");
    out.reason = object.text("reason");
    out.message = object.text("message");
    plan_.left_out.push_back(std::move(out));
    return object.finish();
  }

  Result<void> warning(const json& value, const JsonPath& path) {
    JsonObject object(value, path, kCheck, name_);
    Error error;
    error.kind =
        static_cast<ErrorKind>(object.word("kind", kErrorKinds.data(), kErrorKinds.size()));
    error.severity =
        static_cast<Severity>(object.word("severity", kSeverities.data(), kSeverities.size()));
    error.check = object.text("check");
    error.message = object.text("message");
    error.origin = object.origin("origin");
    error.context = object.texts("context");
    plan_.warnings.push_back(std::move(error));
    return object.finish();
  }

  std::string name_;
  Plan plan_;
  Digest digest_;
  Derived derived_;
  std::array<bool, kMembers.size()> seen_{};
};
}  // namespace

std::string plan_json(const Plan& plan) {
  Parts parts = write_parts(plan, {deletes_digest(plan), json_of_summary(plan)});
  const Digest digest = parts.digest();
  std::string out = std::move(parts.before);
  add_member(out, "digest", digest.hex());
  return out.append(parts.after);
}

Result<ReadPlan> read_plan_json(std::string_view document, const std::string& name) {
  PlanReader reader(name);
  Result<void> read =
      read_json(document, name, kCheck, JsonBounds{},
                [&](const std::string& member, std::size_t index, const json& value) {
                  return reader.member(member, index, value);
                });
  if (!read) return tl::unexpected<Error>(std::move(read).error());
  return reader.finish();
}

}  // namespace metalwright::reconciler
