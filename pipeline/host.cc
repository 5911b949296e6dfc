#include "pipeline/host.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

#include "inventory/cache_file.h"
#include "inventory/source.h"
#include "pipeline/host_parts.h"
#include "pipeline/secrets.h"

namespace metalwright::pipeline {
namespace {

constexpr std::string_view kCacheFile = "desired-state.cache";

Result<std::string> secret_or_empty(const HostConfig& config, const SecretRef& ref) {
  if (ref.name.empty()) return std::string();
  Result<std::string> value = resolve_secret(config.secrets, ref.name);
  if (value) return value;
  Error error = value.error();
  error.origin = ref.origin;
  return tl::unexpected(std::move(error));
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

}  // namespace

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::string bytes(static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg())), '\0');
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file ? bytes : std::string{};
}

std::string folder_of_state(const HostConfig& config) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string& state = config.state;
  if (state.starts_with(kSqlite) && state != "sqlite::memory:") {
    return std::filesystem::path(state.substr(kSqlite.size())).parent_path().string();
  }
  return config.source.cache.empty() ? "/var/lib/metalwright" : config.source.cache;
}

Host::Host(HostConfig config, Access access)
    : config_(std::move(config)),
      access_(access),
      state_folder_(folder_of_state(config_)),
      parts_(std::make_unique<Parts>()) {}

Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::open(HostConfig config, Access access, Pulse* pulse) {
  std::unique_ptr<Host> host(new Host(std::move(config), access));
  host->pulse_ = pulse;
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

  Result<std::unique_ptr<HostTargets>> made = HostTargets::make(
      config_, state_folder_, *store_, access_ == Access::write,
      [this](const ServerStates& states) { learn_states(states); }, pulse_);
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
