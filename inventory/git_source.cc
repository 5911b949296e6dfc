#include "inventory/git_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "inventory/git_cache.h"
#include "inventory/git_reference_file.h"
#include "inventory/git_repository.h"
#include "inventory/message_text.h"
#include "schemas/checks.h"
#include "schemas/field_table.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

Revision as_revision(GitRepository::Commit commit, std::string_view name) {
  return {.id = std::move(commit.id),
          .name = std::string(name),
          .author = std::move(commit.author),
          .summary = std::move(commit.summary),
          .time = commit.time};
}

std::string reference_of(std::string_view branch) {
  return branch.empty() ? "HEAD" : "refs/heads/" + std::string(branch);
}

// Names in a message about one that is missing.
constexpr std::size_t kShown = 8;

std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

class GitSource final : public Source {
 public:
  GitSource(std::string text, GitFolder folder, SourceLimits limits)
      : text_(std::move(text)), folder_(std::move(folder)), limits_(limits) {}

  GitSource(const SourceLocation& location, const SourceOptions& options)
      : text_(location.text()),
        cache_(GitCache(location, options)),
        folder_(cache_->folder()),
        limits_(options.limits) {}

  [[nodiscard]] std::string text() const override { return text_; }

  [[nodiscard]] Result<void> refresh(std::stop_token stop) override {
    if (!cache_) return {};
    auto updated = cache_->update(stop);
    // Opened anew: another process may have cloned it again under the same name.
    repository_.reset();
    if (!updated) {
      return tl::unexpected(with_context(std::move(updated.error()), "fetching " + text_));
    }
    return {};
  }

  [[nodiscard]] Result<Revision> resolve(std::string_view name) override {
    return find(name.empty() ? "HEAD" : name, [&](const std::string& expression) {
      return repository_->commit_of_expression(expression);
    });
  }

  [[nodiscard]] Result<std::string> tip_id(std::string_view branch) override {
    if (auto id = read_reference(folder_, reference_of(branch))) return std::move(*id);
    return branch_tip(branch).map([](Revision revision) { return std::move(revision.id); });
  }

  [[nodiscard]] Result<Revision> branch_tip(std::string_view branch) override {
    const std::string reference = reference_of(branch);
    return find(branch.empty() ? "HEAD" : branch,
                [&](const std::string&) { return repository_->commit_of_reference(reference); });
  }

  [[nodiscard]] Result<Revision> merge_base(const Revision& a, const Revision& b) override {
    if (auto opened = open(); !opened) return tl::unexpected(opened.error());
    auto base = repository_->merge_base(a.id, b.id);
    if (!base) return tl::unexpected(named(std::move(base.error())));
    if (!*base) {
      return invalid(checks::kRevisionUnrelated.id,
                     fmt::format("{} and {} have no commit in common{}", shown_name(a),
                                 shown_name(b), shallow_hint()));
    }
    return repository_->commit(**base).map([](GitRepository::Commit commit) {
      const std::string id = commit.id;
      return as_revision(std::move(commit), id);
    });
  }

  [[nodiscard]] Result<void> check_descends(std::string_view before,
                                            const Revision& after) override {
    if (before == after.id) return {};
    if (auto opened = open(); !opened) return opened;
    auto descends = repository_->descends(before, after.id);
    if (!descends) return tl::unexpected(named(std::move(descends.error())));
    if (*descends) return {};
    return fail(ErrorKind::refused, checks::kRewrittenHistory.id,
                fmt::format("the history of {} was rewritten: {} ({}, by {}) does not descend from "
                            "{}, which was accepted last; set allow-force-push if this is meant{}",
                            quoted_path(text_), shown_name(after), short_id(after.id), after.author,
                            short_id(before), shallow_hint()));
  }

  [[nodiscard]] tl::expected<RepositoryListing, Errors> list(const Revision& revision) override {
    auto commit = open().and_then([&] { return repository_->commit(revision.id); });
    if (!commit) return tl::unexpected(Errors{named(std::move(commit.error()))});
    auto listing = list_repository(
        [this](const std::string&, const Digest& tree) { return repository_->entries(tree); },
        commit->tree, limits_);
    if (!listing) return tl::unexpected(named_all(std::move(listing.error())));
    return listing;
  }

  [[nodiscard]] tl::expected<RepositoryFiles, Errors> files_but(const Revision& revision,
                                                                const KnownFile& known) override {
    auto listing = list(revision);
    if (!listing) return tl::unexpected(std::move(listing.error()));
    std::map<Digest, std::weak_ptr<const std::string>> held;
    RepositoryFiles files;
    Errors errors;
    std::uint64_t left = limits_.total_bytes;
    for (ListedFile& listed : *listing) {
      const std::uint64_t most_bytes = std::min(left, limits_.file_bytes);
      const auto size = known ? known(listed.path, listed.id) : std::nullopt;
      if (size && *size <= most_bytes) {
        left -= *size;
        files.push_back({std::move(listed.path), nullptr, listed.id});
        continue;
      }
      auto bytes = read(listed.id, most_bytes);
      if (!bytes) {
        bytes.error().origin.file = listed.path;
        errors.push_back(std::move(bytes.error()));
        continue;
      }
      left -= (*bytes)->size();
      held.emplace(listed.id, *bytes);
      files.push_back({std::move(listed.path), std::move(*bytes), listed.id});
    }
    if (!errors.empty()) return tl::unexpected(named_all(std::move(errors)));
    held_ = std::move(held);
    return files;
  }

  [[nodiscard]] Result<CommitSignature> signature(const Revision& revision) override {
    auto signature = open().and_then([&] { return repository_->signature(revision.id); });
    if (!signature) return tl::unexpected(named(std::move(signature.error())));
    return signature;
  }

 private:
  /// Not before it is needed: a run without a change asks for `tip_id` only.
  [[nodiscard]] Result<void> open() {
    if (repository_) return {};
    if (cache_ && !cache_->exists()) {
      return unavailable(checks::kSourceUnreachable.id,
                         fmt::format("{} has not been fetched yet", quoted_path(text_)));
    }
    auto opened = GitRepository::open(folder_);
    if (!opened) return tl::unexpected(named(std::move(opened.error())));
    repository_ = std::move(*opened);
    return {};
  }

  template <class Find>
  Result<Revision> find(std::string_view name, Find find_commit) {
    if (auto opened = open(); !opened) return tl::unexpected(opened.error());
    auto commit = find_commit(std::string(name));
    if (!commit) return tl::unexpected(named(std::move(commit.error())));
    if (!*commit) return missing(name);
    return as_revision(std::move(**commit), name);
  }

  Result<std::shared_ptr<const std::string>> read(const Digest& id, std::uint64_t most_bytes) {
    const auto found = held_.find(id);
    const auto held = found == held_.end() ? nullptr : found->second.lock();
    if (held != nullptr && held->size() <= most_bytes) return held;
    return repository_->blob(id, most_bytes);
  }

  tl::unexpected<Error> missing(std::string_view name) {
    const std::vector<std::string> names = repository_->names();
    if (names.empty() && name == "HEAD") {
      return invalid(checks::kSourceEmpty.id,
                     fmt::format("{} has no commit yet", quoted_path(text_)));
    }
    std::string message = fmt::format("{} has no revision {}", quoted_path(text_), quoted(name));
    const std::vector<std::string_view> words(names.begin(), names.end());
    if (name == "HEAD") {
      message += ": HEAD names a branch that does not exist; name one that does: " + some(names);
    } else if (const std::string base = before_steps(name); !base.empty()) {
      message += fmt::format(": the history of {} does not go back that far", quoted(base));
    } else if (names.size() > kShown) {
      message += fmt::format("; did you mean {}? There are {}", quoted(nearest_word(words, name)),
                             some(names));
    } else if (!names.empty()) {
      message += "; there are: " + some(names);
    } else {
      message += "; it has no commit yet";
    }
    return invalid(checks::kRevisionNotFound.id, message + shallow_hint());
  }

  /// `HEAD` for `HEAD~3`, where there is a `HEAD`; else empty.
  std::string before_steps(std::string_view name) {
    const std::string base(name.substr(0, name.find_first_of("~^")));
    if (base.empty() || base.size() == name.size()) return {};
    const auto commit = repository_->commit_of_expression(base);
    return commit && *commit ? base : std::string();
  }

  static std::string some(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : std::span(names).first(std::min(names.size(), kShown))) {
      out += (out.empty() ? "" : ", ") + shown(name);
    }
    if (names.size() > kShown) out += fmt::format(" and {} more", names.size() - kShown);
    return out;
  }

  [[nodiscard]] std::string shallow_hint() const {
    return repository_->shallow()
               ? " (the clone is shallow: fetch all of it, as with 'git fetch --unshallow')"
               : "";
  }

  static std::string shown_name(const Revision& revision) {
    return quoted(revision.name.empty() ? revision.id : revision.name);
  }

  /// Adds where it happened. What is damaged in a clone of ours is fetched again next time.
  Error named(Error error) {
    if (error.check == checks::kGitCorrupt.id && cache_) cache_->mark_damaged();
    if (!error.origin.file.empty() && error.check != checks::kGitCorrupt.id) return error;
    const bool theirs = error.check == checks::kGitCorrupt.id && !cache_;
    error = with_context(std::move(error), "reading " + text_);
    if (!theirs) return error;
    return with_context(std::move(error), "'git fsck' in it names all that is damaged");
  }

  Errors named_all(Errors errors) {
    for (Error& error : errors) error = named(std::move(error));
    return errors;
  }

  std::string text_;
  std::optional<GitCache> cache_;
  GitFolder folder_;
  SourceLimits limits_;
  std::optional<GitRepository> repository_;
  std::map<Digest, std::weak_ptr<const std::string>> held_;  // of the latest `files`
};

}  // namespace

std::unique_ptr<Source> open_local_git_source(std::string path, GitFolder folder,
                                              const SourceOptions& options) {
  return std::make_unique<GitSource>(std::move(path), std::move(folder), options.limits);
}

std::unique_ptr<Source> open_remote_git_source(SourceLocation location,
                                               const SourceOptions& options) {
  return std::make_unique<GitSource>(location, options);
}

}  // namespace metalwright::inventory
