#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/diff.h"
#include "reconciler/resource.h"
#include "reconciler/target.h"

namespace metalwright::reconciler {

/// What the engine does with one target, in little: plan, apply, remember.
class Rounds {
 public:
  using Key = std::pair<std::string, std::string>;  // kind and name
  using Contents = std::map<Key, std::string>;

  struct Outcome {
    Result<void> whole;
    std::map<std::string, Error> errors;  // by name
    std::vector<Change> changes;

    [[nodiscard]] bool good() const { return whole && errors.empty(); }
    [[nodiscard]] std::string text() const {
      std::string text = whole ? "" : whole.error().text();
      for (const auto& [name, error] : errors) text += "\n" + name + ": " + error.text();
      return text;
    }
  };

  [[nodiscard]] TargetDiff plan(Target& target, const Contents& desired, Look look = Look::cheap) {
    desired_ = desired;
    const ResourceTable wanted = table(desired), last = applied_table();
    const auto seen = target.observe({wanted, last, look}, {});
    if (!seen) throw std::runtime_error(seen.error().text());
    TargetDiff planned = diff({.target = target.name(),
                               .desired = wanted,
                               .last_applied = last,
                               .observation = *seen,
                               .moves = {},
                               .adopt_foreign = false,
                               .corrects = {},
                               .contended = {}});
    for (const ResourceRow& row : planned.record) {
      applied_[{std::string(row.kind.view()), std::string(row.name.view())}] = row.digest;
    }
    std::uint32_t line = 0;
    for (Change& change : planned.changes) change.origin = {"inventory.yaml", ++line, 3};
    return planned;
  }

  Outcome apply(Target& target, std::vector<Change> changes) {
    Outcome outcome;
    const ApplyEvents events{
        .begin = [](std::span<const Change* const>) -> Result<void> { return {}; },
        .end =
            [&](const Change& change, const Error* error) {
              if (error != nullptr) {
                outcome.errors.emplace(change.name, *error);
              } else if (change.desired.empty()) {
                applied_.erase({change.kind, change.name});
              } else {
                applied_[{change.kind, change.name}] = change.desired;
              }
            }};
    const ContentReader reader = [&](std::string_view kind,
                                     std::string_view name) -> Result<Content> {
      Content content;
      content.bytes = desired_.at({std::string(kind), std::string(name)});
      return content;
    };
    outcome.whole = target.apply(changes, reader, events, {});
    outcome.changes = std::move(changes);
    return outcome;
  }

  Outcome round(Target& target, const Contents& desired) {
    return apply(target, plan(target, desired).changes);
  }

  [[nodiscard]] std::map<Key, Digest>& applied() { return applied_; }

 private:
  static ResourceTable table(const Contents& contents) {
    ResourceTable out;
    auto arena = std::make_shared<Arena>();
    for (const auto& [key, bytes] : contents) {
      out.rows.push_back(
          {arena->copy(key.first), arena->copy(key.second), file_digest(0644, bytes)});
    }
    out.arenas.push_back(std::move(arena));
    return out;
  }
  [[nodiscard]] ResourceTable applied_table() const {
    ResourceTable out;
    auto arena = std::make_shared<Arena>();
    for (const auto& [key, digest] : applied_) {
      out.rows.push_back({arena->copy(key.first), arena->copy(key.second), digest});
    }
    out.arenas.push_back(std::move(arena));
    return out;
  }

  std::map<Key, Digest> applied_;
  Contents desired_;
};

}  // namespace metalwright::reconciler
