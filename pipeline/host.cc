#include "pipeline/host.h"

#include <algorithm>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "inventory/cache_file.h"
#include "inventory/signature.h"
#include "inventory/source.h"
#include "pipeline/content_renderer.h"
#include "pipeline/host_targets.h"
#include "pipeline/moves.h"
#include "pipeline/secrets.h"
#include "pipeline/state_cache.h"
#include "pipeline/windows.h"
#include "reconciler/early_look.h"
#include "reconciler/targets/nodes/nodes_target.h"

namespace metalwright::pipeline {
namespace {

using reconciler::ResourceRow;

constexpr std::string_view kCacheFile = "desired-state.cache";
constexpr std::string_view kLoadCacheFile = "inventory.cache";

Result<std::string> secret_or_empty(const HostConfig& config, const SecretRef& ref) {
  if (ref.name.empty()) return std::string();
  Result<std::string> value = resolve_secret(config.secrets, ref.name);
  if (value) return value;
  Error error = value.error();
  error.origin = ref.origin;
  return tl::unexpected(std::move(error));
}

/// What the engine asks for of what differs: content and origins. A state from the cache file loads
/// its model at the first question; the targets' workers ask side by side.
struct Rendered {
  std::function<std::shared_ptr<const Compiled>()> load;
  std::once_flag once;
  std::shared_ptr<const Compiled> full;
  std::deque<ContentRenderer> contents;  // parallel to the targets

  /// Null where the revision cannot be read again.
  const Compiled* compiled() {
    std::call_once(once, [this] {
      full = load();
      if (full == nullptr) return;
      for (std::size_t t = 0; t < full->state.targets.size(); ++t) {
        contents.emplace_back(full->state.targets[t], *full->model, full->layouts[t]);
      }
    });
    return full.get();
  }
};

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::string bytes(static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg())), '\0');
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file ? bytes : std::string{};
}

/// Replaces a cache file; where that fails there is none, which costs time only.
void write_whole(const std::string& path, const std::string& bytes) {
  {
    std::ofstream file(path + ".new", std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) return;
  }
  std::error_code ignored;
  std::filesystem::rename(path + ".new", path, ignored);
}

Errors as_list(Error error) {
  Errors errors;
  errors.push_back(std::move(error));
  return errors;
}

}  // namespace

std::string folder_of_state(const HostConfig& config) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string& state = config.state;
  if (state.starts_with(kSqlite) && state != "sqlite::memory:") {
    return std::filesystem::path(state.substr(kSqlite.size())).parent_path().string();
  }
  return config.source.cache.empty() ? "/var/lib/metalwright" : config.source.cache;
}

struct Host::Parts {
  std::unique_ptr<HostTargets> targets;
  std::optional<KeptState> kept;  ///< what the cache file held
  /// The state before the last compiled one: whose servers may have moved.
  std::shared_ptr<const Compiled> before;
  std::shared_ptr<const Compiled> kept_in_file;
  std::shared_ptr<const inventory::LoadCache> load_in_file;
  std::shared_ptr<reconciler::EarlyLook> early;
};

Host::Host(HostConfig config, Access access)
    : config_(std::move(config)),
      access_(access),
      state_folder_(folder_of_state(config_)),
      parts_(std::make_unique<Parts>()) {}

Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::open(HostConfig config, Access access) {
  std::unique_ptr<Host> host(new Host(std::move(config), access));
  if (Result<void> ready = host->set_up(); !ready) return tl::unexpected(ready.error());
  return host;
}

void Host::expect_more() { compiler_->keep_texts(); }

Result<void> Host::set_up() {
  if (access_ == Access::write) {
    std::error_code failure;
    std::filesystem::create_directories(state_folder_, failure);
    if (failure) {
      return system_failure("state-folder", "cannot make the state folder '" + state_folder_ + "'",
                            failure.value());
    }
  }
  store::StoreOptions options;
  options.state = config_.state;
  options.read_only = access_ == Access::read;
  Result<std::unique_ptr<store::Store>> store = store::Store::open(options);
  if (!store) return tl::unexpected(store.error());
  store_ = std::move(*store);
  tables_.emplace(*store_);

  Result<std::unique_ptr<HostTargets>> made =
      HostTargets::make(config_, state_folder_, *store_, access_ == Access::write,
                        [this](const ServerStates& states) { learn_states(states); });
  if (!made) return tl::unexpected(made.error());
  parts_->targets = std::move(*made);
  compiler_ = std::make_unique<Compiler>(CompileHost{
      .config = config_,
      .boot_loaders = [this] { return parts_->targets->boot_loaders(); },
      .digest = [this](const std::string& path,
                       std::uint16_t mode) { return parts_->targets->digest(path, mode); },
      .secret_hash = [this](std::string_view value) { return store_->secret_hash(value); }});
  parts_->kept = read_state_cache(read_whole(state_folder_ + '/' + std::string(kCacheFile)));
  if (parts_->kept && parts_->kept->key != state_key()) parts_->kept.reset();
  if (parts_->kept) {
    compiler_->resume(parts_->kept->compiled);
    parts_->before = parts_->kept->compiled;
    parts_->kept_in_file = parts_->kept->compiled;
    const auto& state = parts_->kept->compiled->state;
    for (const auto& [name, stamp] : parts_->kept->stamps) {
      const TargetState* target = state.find_target(name);
      if (target == nullptr) continue;
      tables_->offer(name, stamp, reconciler::TablePtr(parts_->kept->compiled, &target->table));
    }
  }
  return {};
}

/// Opened when it is first asked for, and tried again where that failed: what the targets have and
/// had can be told, and the last good revision kept in force, while the repository is away.
Result<inventory::Source*> Host::source() {
  if (source_ != nullptr) return source_.get();
  Result<std::string> password = secret_or_empty(config_, config_.source.password);
  if (!password) return tl::unexpected(password.error());
  Result<std::string> ssh_key = secret_or_empty(config_, config_.source.ssh_key);
  if (!ssh_key) return tl::unexpected(ssh_key.error());
  inventory::SourceOptions source_options = inventory::source_options(
      config_.source, std::move(*password), std::move(*ssh_key), state_folder_ + "/sources");
  source_options.reading = inventory::Reading::commits;
  auto source = inventory::open_source(config_.source.git, source_options);
  if (!source) {
    Error error = source.error();
    error.origin = config_.source.git_origin;
    return tl::unexpected(std::move(error));
  }
  source_ = std::move(*source);
  return source_.get();
}

const std::vector<std::unique_ptr<reconciler::Target>>& Host::targets() const {
  return parts_->targets->all();
}

/// Of all that makes a kept state another one's: configuration and program.
Digest Host::state_key() const {
  Digester digester;
  digester.add(program_identity()).add(config_.file).add(config_.state).add(config_.service.url);
  digester.add(config_.source.git).add(config_.assets).add(config_.secrets);
  for (const TargetConfig& target : config_.targets) {
    digester.add(target.name).add(word(target.type)).add(target.root).add(target.config);
    digester.add(target.hosts).add(target.tftp_root).add(target.pid_file).add(target.lease_file);
    digester.add(target.log_file).add(target.run_as).add(word(target.mode));
    digester.add(target.authoritative ? "a" : "")
        .add(target.boot_loaders.value_or(true) ? "b" : "");
    digester.add(target.assets.value_or(true) ? "c" : "");
    for (const std::string& format : target.render) digester.add(format);
    digester.add(std::to_string(target.render.size()));
    for (const std::string& interface : target.interfaces) digester.add(interface);
    digester.add(std::to_string(target.interfaces.size()));
    for (const std::string& address : target.listen_addresses) digester.add(address);
  }
  return digester.finish();
}

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

/// The model of the revision that was in force before, if it had servers that this one has not.
std::shared_ptr<const Model> Host::model_before(const Compiled& compiled) {
  const std::shared_ptr<const Compiled>& before = parts_->before;
  if (before == nullptr || before->revision == compiled.revision) return nullptr;
  const auto& now = compiled.state.servers;
  const auto& old = before->state.servers;
  const bool all_there =
      std::includes(now.begin(), now.end(), old.begin(), old.end(),
                    [](const DesiredServer& a, const DesiredServer& b) { return a.name < b.name; });
  if (all_there) return nullptr;
  if (before->model != nullptr) return before->model;
  const Result<inventory::Source*> source = this->source();
  if (!source) return nullptr;
  const Result<inventory::Revision> revision = (*source)->resolve(before->revision);
  if (!revision) return nullptr;
  const auto files = (*source)->files(*revision);
  return files ? inventory::load(*files).model : nullptr;
}

Result<reconciler::PlanRequest> Host::request(std::shared_ptr<const Compiled> compiled,
                                              reconciler::Look look, bool fields, Time now) {
  reconciler::PlanRequest request;
  request.revision = compiled->revision;
  request.look = look;
  request.early = std::exchange(parts_->early, nullptr);
  request.fields = fields;
  request.now = now;
  std::vector<ServerMove> moves;
  if (compiled->model != nullptr) {
    moves = server_moves(*compiled->model, model_before(*compiled).get());
  }
  const auto rendered = std::make_shared<Rendered>();
  rendered->load = [this, compiled] { return with_model(compiled, {}).compiled; };
  for (std::size_t t = 0; t < compiled->state.targets.size(); ++t) {
    const TargetState& state = compiled->state.targets[t];
    const TargetConfig& config = *config_.find_target(state.name);
    reconciler::Subject subject;
    subject.target = parts_->targets->find(state.name);
    subject.desired = reconciler::TablePtr(compiled, &state.table);
    if (config.type == TargetType::nodes) {
      const auto nodes = store_->provisioning().nodes();
      if (!nodes) return tl::unexpected(nodes.error());
      subject.desired = std::make_shared<const reconciler::ResourceTable>(
          reconciler::nodes_that_take_part(state.table, *nodes));
    }
    subject.adopt_foreign = config.adopt;
    subject.suspended = config.suspend_until && *config.suspend_until <= now ? "" : config.suspend;
    if (config.type == TargetType::dnsmasq) {
      for (const TargetConfig& other : config_.targets) {
        if (other.type == TargetType::files &&
            other.root == compiled->layouts[t].settings.dnsmasq.tftp_root) {
          subject.after.push_back(other.name);
        }
      }
    }
    if (!moves.empty()) {
      Result<reconciler::TablePtr> applied = tables_->get(state.name);
      if (!applied) return tl::unexpected(applied.error());
      subject.moves = resource_moves(moves, compiled->state, state, **applied);
    }
    subject.content = [rendered, t](std::string_view kind,
                                    std::string_view name) -> Result<reconciler::Content> {
      if (rendered->compiled() == nullptr) {
        return fail(ErrorKind::unavailable, "revision-gone", "the revision cannot be read again");
      }
      return rendered->contents[t].content(kind, name);
    };
    subject.objects.desired = subject.content;
    subject.objects.all_desired = [rendered,
                                   t](const reconciler::ContentSink& sink) -> Result<void> {
      if (rendered->compiled() == nullptr) {
        return fail(ErrorKind::unavailable, "revision-gone", "the revision cannot be read again");
      }
      return rendered->contents[t].objects(sink);
    };
    subject.objects.applied = [this, target = state.name](
                                  std::string_view kind,
                                  std::string_view name) -> Result<ObjectFields> {
      auto record = store_->applied().find(target, kind, name);
      if (!record) return tl::unexpected(record.error());
      return *record ? std::move((*record)->fields) : ObjectFields{};
    };
    const bool report = config.drift == DriftMode::report;
    subject.corrects = [rendered, t, report](const ResourceRow& row) {
      const Compiled* with = rendered->compiled();
      if (with == nullptr) return !report;
      return corrects_drift(with->state, *with->model, with->state.targets[t], row, !report);
    };
    subject.describe = [this, rendered, t](reconciler::Change& change) {
      if (!change.desired.empty()) {
        if (const Compiled* with = rendered->compiled(); with != nullptr) {
          describe_change(*with->model, with->layouts[t], with->state.targets[t], change);
          return;
        }
      }
      const auto record = store_->applied().find(change.target, change.kind, change.name);
      if (record && *record) {
        change.server = (*record)->server;
        change.origin = (*record)->origin;
      }
    };
    request.subjects.push_back(std::move(subject));
  }
  return request;
}

Result<reconciler::GateFacts> Host::gate_facts(const reconciler::Planned& planned,
                                               const Compiled& compiled, Time now) {
  reconciler::GateFacts facts;
  for (std::size_t i = 0; i < planned.targets.size(); ++i) {
    facts.owned.insert(planned.targets[i].owned.begin(), planned.targets[i].owned.end());
  }
  facts.limit = {config_.policy.max_deletes.count, config_.policy.max_deletes.percent};
  for (const TargetConfig& target : config_.targets) {
    if (target.max_deletes) {
      facts.target_limits[target.name] = {target.max_deletes->count, target.max_deletes->percent};
    }
  }
  facts.servers = compiled.state.servers.size();
  facts.servers_before = facts.servers;
  if (facts.servers == 0) {
    // Any server's resource that we own says that there were servers before.
    for (const auto& [owned_class, count] : facts.owned) facts.servers_before += count;
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&seconds, &local);
  facts.window_open = window_open(config_.policy.windows, local);
  facts.windows = windows_text(config_.policy.windows);
  return facts;
}

void Host::learn_states(const ServerStates& states) {
  const auto known = store_->machines().all();
  if (!known) return;  // told again after the next look
  std::map<std::string_view, std::string_view> before;
  for (const store::MachineState& machine : *known) before[machine.server] = machine.state;
  const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  (void)store_->transaction([&]() -> Result<void> {
    for (const auto& [server, state] : states) {
      const auto at = before.find(server);
      if (at != before.end() && at->second == state) continue;
      if (auto set = store_->machines().set(server, state, now); !set) return set;
    }
    return {};
  });
}

void Host::keep(const std::shared_ptr<const Compiled>& compiled) {
  parts_->targets->flush();
  KeptState kept;
  kept.compiled = compiled;
  kept.key = state_key();
  for (const TargetState& target : compiled->state.targets) {
    const auto applied = tables_->get(target.name);
    if (applied && (*applied)->rows == target.table.rows) {
      kept.stamps[target.name] = tables_->stamp(target.name);
    }
  }
  const bool same =
      parts_->kept_in_file == compiled && parts_->kept && parts_->kept->stamps == kept.stamps;
  if (same) return;
  if (!compiled->layouts.empty()) {
    for (const auto& [name, value] : compiled->layouts.front().settings.secrets) {
      kept.secrets[name] = store_->secret_hash(value);
    }
  }
  if (parts_->kept && kept.secrets.empty() && compiled->model == nullptr) {
    kept.secrets = parts_->kept->secrets;
  }
  write_whole(state_folder_ + '/' + std::string(kCacheFile), write_state_cache(kept));
  if (compiler_->load_cache() != nullptr && compiler_->load_cache() != parts_->load_in_file) {
    write_whole(state_folder_ + '/' + std::string(kLoadCacheFile),
                inventory::encode_cache(*compiler_->load_cache(), program_identity()));
    parts_->load_in_file = compiler_->load_cache();
  }
  parts_->kept_in_file = compiled;
  kept.compiled = compiled;
  parts_->kept = std::move(kept);
}

}  // namespace metalwright::pipeline
