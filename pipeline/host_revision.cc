#include <chrono>
#include <utility>

#include "inventory/signature.h"
#include "inventory/source.h"
#include "pipeline/host.h"
#include "pipeline/host_parts.h"
#include "pipeline/secrets.h"

namespace metalwright::pipeline {
namespace {

Errors as_list(Error error) {
  Errors errors;
  errors.push_back(std::move(error));
  return errors;
}

}  // namespace

/// The kept state, if it is of that revision and the host still is as it was then.
std::shared_ptr<const Compiled> Host::from_cache(const std::string& revision) {
  if (!parts_->kept || parts_->kept->compiled->revision != revision) return nullptr;
  const KeptState& kept = *parts_->kept;
  for (const auto& [name, hash] : kept.secrets) {
    const Result<std::string> value = resolve_secret(config_.secrets, name);
    if (!value || store_->secret_hash(*value) != hash) return nullptr;
  }
  for (const TargetLayout& layout : kept.compiled->layouts) {
    for (const HostFile& file : layout.host_files) {
      if (file.copy_from.empty()) continue;
      const Result<HostFileDigests> digests = parts_->targets->digest(file.copy_from, file.mode);
      if (!digests || digests->resource != file.digest) return nullptr;
    }
  }
  return kept.compiled;
}

/// The revision that shall be enforced: pinned, or the branch's tip by the source's rules. `asked`
/// is that tip as soon as it is known, accepted or not.
Result<std::string> Host::accept(std::string& asked, std::stop_token stop) {
  const auto pinned = store_->revisions().pinned();
  if (!pinned) return tl::unexpected(pinned.error());
  if (*pinned) return (*pinned)->revision;

  const Result<inventory::Source*> source = this->source();
  if (!source) return tl::unexpected(source.error());
  if (Result<void> fresh = (*source)->refresh(stop); !fresh) return tl::unexpected(fresh.error());
  const auto accepted = store_->revisions().last_accepted();
  if (!accepted) return tl::unexpected(accepted.error());
  const Result<std::string> id = (*source)->tip_id(config_.source.branch);
  if (!id) return tl::unexpected(id.error());
  asked = *id;
  if (*accepted && (*accepted)->revision == *id) return *id;
  const Result<inventory::Revision> tip = (*source)->branch_tip(config_.source.branch);
  if (!tip) return tl::unexpected(tip.error());
  if (*accepted && !config_.source.allow_force_push) {
    const Result<void> descends = (*source)->check_descends((*accepted)->revision, *tip);
    if (!descends) return tl::unexpected(descends.error());
  }
  if (config_.source.verify == Verify::signed_) {
    const auto signature = (*source)->signature(*tip);
    if (!signature) return tl::unexpected(signature.error());
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto signer =
        inventory::check_signature(*tip, *signature, config_.source.allowed_signers, now, stop);
    if (!signer) return tl::unexpected(signer.error());
  }
  if (access_ == Access::write) {
    const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    if (auto kept = store_->revisions().set_last_accepted(tip->id, now); !kept) {
      return tl::unexpected(kept.error());
    }
  }
  return tip->id;
}

CompileResult Host::compile(const std::string& name, std::stop_token stop) {
  const Result<inventory::Source*> source = this->source();
  if (!source) return {nullptr, as_list(source.error())};
  const Result<inventory::Revision> revision = (*source)->resolve(name);
  if (!revision) return {nullptr, as_list(revision.error())};
  return compile_asked(revision->id, stop);
}

/// What this process compiled before, where the revision cannot be read again: a repository that is
/// away must not keep drift from being corrected.
CompileResult Host::unread(const std::string& revision, Errors errors) const {
  const std::shared_ptr<const Compiled>& last = compiler_->last();
  const bool known = last != nullptr && last->revision == revision && last->model != nullptr;
  return {known ? last : nullptr, std::move(errors)};
}

CompileResult Host::compile_asked(const std::string& asked, std::stop_token) {
  if (compiler_->last() != nullptr && compiler_->last()->revision == asked) {
    const bool from_file = compiler_->last()->model == nullptr;
    if (std::shared_ptr<const Compiled> kept = from_file ? from_cache(asked) : nullptr) {
      return {std::move(kept), {}};
    }
  }
  if (std::exchange(look_early_, false)) begin_early_look();
  const Result<inventory::Source*> source = this->source();
  if (!source) return unread(asked, as_list(source.error()));
  const Result<inventory::Revision> revision = (*source)->resolve(asked);
  if (!revision) return unread(asked, as_list(revision.error()));
  resume_load();
  auto files = (*source)->files_but(*revision, inventory::known_files(compiler_->load_cache()));
  if (!files) return unread(asked, std::move(files.error()));
  const auto active = store_->machines().in_state("active");
  if (!active) return {nullptr, as_list(active.error())};
  std::shared_ptr<const Compiled> before = compiler_->last();
  CompileResult result = compiler_->compile(asked, *files, *active);
  if (result.compiled != nullptr && (before == nullptr || before->revision != asked)) {
    parts_->before = std::move(before);
  }
  return result;
}

CompileResult Host::with_model(std::shared_ptr<const Compiled> compiled, std::stop_token) {
  if (compiled->model != nullptr) return {std::move(compiled), {}};
  const Result<inventory::Source*> source = this->source();
  if (!source) return unread(compiled->revision, as_list(source.error()));
  const Result<inventory::Revision> revision = (*source)->resolve(compiled->revision);
  if (!revision) return unread(compiled->revision, as_list(revision.error()));
  resume_load();
  auto files = (*source)->files_but(*revision, inventory::known_files(compiler_->load_cache()));
  if (!files) return unread(compiled->revision, std::move(files.error()));
  return compiler_->compile(compiled->revision, *files, {});
}

/// A process that begins with what an earlier one knew has most of its work before it: the look at
/// the targets is as long as the compile.
void Host::begin_early_look() {
  if (compiler_->last() == nullptr || compiler_->last()->model != nullptr) return;
  std::vector<reconciler::EarlyLook::Place> places;
  for (const auto& target : parts_->targets->all()) {
    const TargetType type = config_.find_target(target->name())->type;
    if (type != TargetType::files && type != TargetType::dnsmasq) continue;
    const auto applied = tables_->get(target->name());
    if (!applied || (*applied)->rows.empty()) continue;
    places.push_back({target.get(), *applied});
  }
  parts_->early = std::make_shared<reconciler::EarlyLook>(std::move(places));
}

/// A process that loads for the first time begins with what an earlier one learnt.
void Host::resume_load() {
  if (compiler_->load_cache() != nullptr) return;
  parts_->load_in_file = inventory::decode_cache(
      read_whole(state_folder_ + '/' + std::string(kLoadCacheFile)), program_identity());
  compiler_->resume_load(parts_->load_in_file);
}

/// Writes down why the revision is not enforced, for `status`; once, and not at every poll.
void Host::reject(Wanted& wanted, Time now) {
  if (access_ == Access::read) return;
  std::string reason;
  for (const Error& error : wanted.errors) reason += error.text() + '\n';
  const auto known = store_->revisions().rejected(wanted.asked);
  const auto good = store_->revisions().last_good();
  const bool said = known && *known && (*known)->reason == reason && good &&
                    (!*good || (*known)->at > (*good)->at);
  if (said) return;
  if (auto marked = store_->revisions().reject(wanted.asked, reason, now); !marked) {
    wanted.errors.push_back(marked.error());
  }
}

Wanted Host::wanted(std::stop_token stop) {
  Wanted wanted;
  const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  const Result<std::string> asked = accept(wanted.asked, stop);
  if (asked) {
    wanted.asked = *asked;
    CompileResult result = compile_asked(*asked, stop);
    wanted.errors = std::move(result.errors);
    wanted.compiled = std::move(result.compiled);
    if (wanted.compiled != nullptr) {
      if (access_ == Access::write) {
        const auto good = store_->revisions().last_good();
        if (good && (!*good || (*good)->revision != *asked)) {
          if (auto marked = store_->revisions().set_last_good(*asked, now); !marked) {
            wanted.errors.push_back(marked.error());
          }
        }
      }
      return wanted;
    }
    reject(wanted, now);
  } else {
    wanted.errors = as_list(asked.error());
    // By the source's rules, and not for want of an answer.
    const bool by_rule =
        asked.error().kind == ErrorKind::refused || asked.error().kind == ErrorKind::invalid;
    if (by_rule && !wanted.asked.empty()) reject(wanted, now);
  }
  // A bad revision changes nothing: the last good one stays in force.
  const auto good = store_->revisions().last_good();
  if (good && *good && (!asked || (*good)->revision != *asked)) {
    CompileResult result = compile_asked((*good)->revision, stop);
    wanted.compiled = std::move(result.compiled);
    wanted.last_good = wanted.compiled != nullptr;
  }
  return wanted;
}

}  // namespace metalwright::pipeline
