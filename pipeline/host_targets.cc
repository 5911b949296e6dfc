#include "pipeline/host_targets.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "pipeline/secrets.h"
#include "reconciler/boot_loaders.h"
#include "reconciler/host_files.h"
#include "reconciler/lifecycle/registry.h"
#include "reconciler/store/store.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/files/files_target.h"
#include "reconciler/targets/netbox/netbox_target.h"
#include "reconciler/targets/nodes/nodes_target.h"
#include "reconciler/targets/routeros/routeros_target.h"

namespace metalwright::pipeline {
namespace {

constexpr std::uint16_t kReadable = 0644;

bool renders(const HostConfig& config, std::string_view format) {
  for (const TargetConfig& target : config.targets) {
    for (const std::string& word : target.render) {
      if (word == format) return true;
    }
  }
  return false;
}

/// Names this installation in the trees that it keeps: the state, without what an address may hold
/// of a user's name and password.
std::string owner_of(const std::string& state) {
  const std::size_t scheme = state.find("://");
  if (scheme == std::string::npos) return state;
  const std::size_t host = scheme + 3;
  const std::string authority = state.substr(host, state.find('/', host) - host);
  const std::size_t user = authority.rfind('@');
  const std::size_t skip = user == std::string::npos ? 0 : user + 1;
  const std::string rest = state.substr(host + skip);
  return state.substr(0, host) + rest.substr(0, rest.find('?'));
}

}  // namespace

reconciler::RouterosTargetSettings router_settings(const HostConfig& config,
                                                   const TargetConfig& target,
                                                   const std::string& state_folder) {
  constexpr std::size_t kOwnerDigits = 12;
  reconciler::RouterosTargetSettings settings;
  settings.name = target.name;
  settings.http.url = target.url;
  settings.http.user = target.user;
  settings.http.ca_file = target.ca_file;
  settings.http.pin = target.pin;
  settings.http.connect_timeout =
      std::min<std::chrono::milliseconds>(settings.http.connect_timeout, target.timeout);
  settings.http.silence = target.timeout;
  settings.http.tries = 2;
  settings.http.first_wait = std::chrono::milliseconds{300};
  settings.password = [folder = config.secrets, secret = target.password]() -> Result<std::string> {
    Result<std::string> value = resolve_secret(folder, secret.name);
    if (value) return value;
    Error error = value.error();
    error.origin = secret.origin;
    return tl::unexpected(std::move(error));
  };
  settings.confirm = target.confirm;
  settings.owner = sha256(owner_of(config.state) + ' ' + target.name).hex().substr(0, kOwnerDigits);
  settings.note_file = state_folder + '/' + target.name + ".attempt";
  settings.adopt = target.adopt;
  // Over plain HTTP: a router fetches from https:// by its own store of certificates.
  if (config.service.url.starts_with("http://")) settings.loaders = config.service.url + "/boot";
  return settings;
}

namespace {

reconciler::NetboxTargetSettings netbox_settings(const HostConfig& config,
                                                 const TargetConfig& target,
                                                 const std::string& state_folder, bool may_write,
                                                 HostTargets::OnStates on_states, Pulse* pulse) {
  reconciler::NetboxTargetSettings settings{.name = target.name};
  if (pulse != nullptr) settings.on_try = [pulse](const reconciler::HttpTry&) { pulse->beat(); };
  settings.http.url = target.url;
  settings.http.ca_file = target.ca_file;
  settings.http.pin = target.pin;
  settings.http.silence = target.timeout;
  settings.memory_file = state_folder + '/' + target.name + ".netbox";
  settings.may_write = may_write;
  settings.adopt = target.adopt;
  settings.compare_all = target.compare_all;
  settings.token = [folder = config.secrets, name = target.token.name]() -> Result<std::string> {
    return resolve_secret(folder, name);
  };
  if (on_states) {
    settings.on_states = [on_states = std::move(on_states)](
                             const std::vector<reconciler::NetboxDeviceState>& told) {
      ServerStates states;
      for (const reconciler::NetboxDeviceState& each : told) {
        states.emplace_back(each.device, lifecycle::state_word(each.status, each.lifecycle_field));
      }
      on_states(states);
    };
  }
  return settings;
}

reconciler::NodesTargetSettings nodes_settings(const HostConfig& config, const TargetConfig& target,
                                               store::Store& store) {
  reconciler::NodesTargetSettings settings{.name = target.name};
  settings.patience = target.timeout;
  settings.silent_after = config.service.silent_after;
  settings.nodes = [&store] { return store.provisioning().nodes(); };
  settings.clock = [] {
    return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  };
  return settings;
}

}  // namespace

struct HostTargets::Parts {
  explicit Parts(const std::string& index_file) : host_files(index_file) {}

  reconciler::BootLoaderRequest loaders;
  bool may_write = false;
  std::vector<std::unique_ptr<reconciler::Target>> targets;
  reconciler::HostFiles host_files;
};

HostTargets::HostTargets() = default;
HostTargets::~HostTargets() = default;

Result<std::unique_ptr<HostTargets>> HostTargets::make(const HostConfig& config,
                                                       const std::string& state_folder,
                                                       store::Store& store, bool may_write,
                                                       OnStates on_states, Pulse* pulse) {
  std::unique_ptr<HostTargets> host(new HostTargets());
  host->parts_ = std::make_unique<Parts>(state_folder + "/host-files.index");
  Parts& parts = *host->parts_;
  parts.may_write = may_write;
  parts.loaders.pxelinux = renders(config, "pxelinux");
  parts.loaders.grub = renders(config, "grub");
  parts.loaders.ipxe = renders(config, "ipxe");
  parts.loaders.cache = state_folder + "/boot-loaders";
  for (const TargetConfig& target : config.targets) {
    const std::string index_file = state_folder + '/' + target.name + ".index";
    switch (target.type) {
      case TargetType::files:
        parts.targets.push_back(std::make_unique<reconciler::FilesTarget>(
            reconciler::FilesTargetSettings{.name = target.name,
                                            .root = target.root,
                                            .index_file = index_file,
                                            .owner = owner_of(config.state) + ' ' + target.name,
                                            .may_write = may_write}));
        break;
      case TargetType::dnsmasq: {
        auto settings = reconciler::dnsmasq_target_settings(target, state_folder);
        if (!settings) return tl::unexpected(settings.error());
        settings->may_write = may_write;
        parts.targets.push_back(std::make_unique<reconciler::DnsmasqTarget>(std::move(*settings)));
        break;
      }
      case TargetType::netbox:
        parts.targets.push_back(std::make_unique<reconciler::NetboxTarget>(
            netbox_settings(config, target, state_folder, may_write,
                            &target == config.lifecycle_target() ? on_states : OnStates(), pulse)));
        break;
      case TargetType::routeros:
        parts.targets.push_back(std::make_unique<reconciler::RouterosTarget>(
            router_settings(config, target, state_folder)));
        break;
      case TargetType::nodes:
        parts.targets.push_back(
            std::make_unique<reconciler::NodesTarget>(nodes_settings(config, target, store)));
        break;
    }
  }
  return host;
}

const std::vector<std::unique_ptr<reconciler::Target>>& HostTargets::all() const {
  return parts_->targets;
}

reconciler::Target* HostTargets::find(std::string_view name) const {
  for (const auto& target : parts_->targets) {
    if (target->name() == name) return target.get();
  }
  return nullptr;
}

Result<std::vector<HostFile>> HostTargets::boot_loaders() {
  const reconciler::BootLoaders found = reconciler::find_boot_loaders(parts_->loaders);
  if (has_error(found.errors)) return tl::unexpected(found.errors.front());
  std::vector<HostFile> files;
  for (const reconciler::BootLoader& loader : found.files) {
    HostFile file;
    file.name = loader.path;
    file.copy_from = loader.source.string();
    file.mode = kReadable;
    const Result<HostFileDigests> digests = digest(file.copy_from, file.mode);
    if (!digests) return tl::unexpected(digests.error());
    file.digest = digests->resource;
    std::error_code failure;
    file.size = std::filesystem::file_size(loader.source, failure);
    if (failure) file.size = 0;
    files.push_back(std::move(file));
  }
  return files;
}

Result<HostFileDigests> HostTargets::digest(const std::string& path, std::uint16_t mode) {
  const auto digests = parts_->host_files.digests(path, mode);
  if (!digests) return tl::unexpected(digests.error());
  return HostFileDigests{.sha256 = digests->sha256, .resource = digests->resource};
}

void HostTargets::flush() {
  if (!parts_->may_write) return;
  // Indexes only: what is not kept is read again.
  (void)parts_->host_files.save();
  for (const auto& target : parts_->targets) (void)target->flush();
}

}  // namespace metalwright::pipeline
