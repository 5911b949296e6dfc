#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/target.h"

namespace metalwright::reconciler {

using Contents = std::map<std::string, std::string>;  // name -> content; all are files

inline ResourceTable table_of(const Contents& contents, std::uint16_t mode = 0644) {
  ResourceTable table;
  auto arena = std::make_shared<Arena>();
  for (const auto& [name, content] : contents) {
    table.rows.push_back({arena->intern("file"), arena->copy(name), file_digest(mode, content)});
  }
  table.arenas.push_back(std::move(arena));
  return table;
}

/// A target in memory: files, of which some are ours.
class MemoryTarget : public Target {
 public:
  struct File {
    std::string content;
    bool ours = true;
    std::uint16_t mode = 0644;
  };
  std::map<std::string, File> files;
  Errors unread;
  std::size_t most_changes = 1000;  ///< of one apply: then it is stopped
  std::optional<Error> broken;

  [[nodiscard]] const std::string& name() const override { return name_; }

  Result<Observation> observe(const LookRequest& request, std::stop_token /*stop*/) override {
    const ResourceTable& desired = request.desired;
    const ResourceTable& last_applied = request.last_applied;
    if (broken) return tl::unexpected<Error>(*broken);
    Observation observation;
    observation.unread = unread;
    std::map<std::string, Digest> named;
    for (const ResourceRow& row : desired.rows) named[std::string(row.name.view())];
    for (const ResourceRow& row : last_applied.rows)
      named[std::string(row.name.view())] = row.digest;
    auto arena = std::make_shared<Arena>();
    const Text kind = arena->copy("file");
    for (const auto& [name, applied] : named) {
      ObservedRow row{.row = {kind, arena->copy(name), {}}};
      if (const auto at = files.find(name); at != files.end()) {
        row.row.digest = file_digest(at->second.mode, at->second.content);
        row.presence = at->second.ours ? Presence::ours : Presence::foreign;
      }
      const bool at_rest = row.presence == Presence::ours && row.row.digest == applied;
      if (!at_rest) observation.rows.push_back(row);
    }
    for (const auto& [name, file] : files) {
      if (!file.ours || named.contains(name)) continue;
      observation.unrecorded.push_back(
          {kind, arena->copy(name), file_digest(file.mode, file.content)});
    }
    observation.arenas.push_back(std::move(arena));
    return observation;
  }

  Result<Content> read(std::string_view /*kind*/, std::string_view name) override {
    const auto at = files.find(std::string(name));
    if (at == files.end()) return Content{};
    return Content{.bytes = at->second.content, .copy_from = {}, .mode = at->second.mode};
  }
  Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                     const ApplyEvents& events, std::stop_token /*stop*/) override {
    std::size_t left = most_changes;
    for (const Change& change : changes) {
      if (left-- == 0) return {};
      const Change* const one = &change;
      if (Result<void> begun = events.begin({&one, 1}); !begun) return begun;
      if (change.action == Action::remove) files.erase(change.name);
      if (change.action == Action::create || change.action == Action::update) {
        const Result<Content> made = content(change.kind, change.name);
        if (!made) return tl::unexpected(made.error());
        files[change.name] = {made->bytes, true, made->mode};
      }
      events.end(change, nullptr);
    }
    return {};
  }
  std::vector<Check> check() override { return {}; }

 private:
  std::string name_ = "tftp";
};

}  // namespace metalwright::reconciler
