#include "pipeline/layout.h"

#include <algorithm>
#include <set>

namespace metalwright::pipeline {
namespace {

using renderers::DnsmasqMode;
using renderers::Format;

constexpr std::uint16_t kReadable = 0644;

DnsmasqMode mode_of(DnsmasqRole role) {
  switch (role) {
    case DnsmasqRole::dhcp:
      return DnsmasqMode::dhcp;
    case DnsmasqRole::proxy:
      return DnsmasqMode::proxy;
    case DnsmasqRole::tftp:
      return DnsmasqMode::tftp;
  }
  return DnsmasqMode::dhcp;
}

bool renders_boot_files(const TargetConfig& target) {
  return std::any_of(target.render.begin(), target.render.end(), [](const std::string& word) {
    return word == "pxelinux" || word == "grub" || word == "ipxe";
  });
}

/// The boot tree that dnsmasq serves: the one it names, else the first.
std::string tftp_root_of(const HostConfig& config, const TargetConfig& dnsmasq) {
  if (!dnsmasq.tftp_root.empty()) return dnsmasq.tftp_root;
  for (const TargetConfig& target : config.targets) {
    if (target.type == TargetType::files && renders_boot_files(target)) return target.root;
  }
  return {};
}

renderers::DnsmasqSettings dnsmasq_settings(const HostConfig& config, const TargetConfig& target,
                                            const Model& model) {
  renderers::DnsmasqSettings settings;
  // Without networks there is nothing to lease: TFTP only.
  settings.mode = model.networks.empty() ? DnsmasqMode::tftp : mode_of(target.mode);
  settings.tftp_root = tftp_root_of(config, target);
  settings.hosts_folder = target.hosts;
  settings.interfaces = target.interfaces;
  settings.listen_addresses = target.listen_addresses;
  settings.pid_file = target.pid_file;
  settings.lease_file = target.lease_file;
  settings.log_file = target.log_file;
  settings.user = target.run_as;
  settings.authoritative = target.authoritative;
  return settings;
}

class AssetFiles {
 public:
  AssetFiles(const LayoutInput& input, Errors& errors) : input_(input), errors_(errors) {}

  std::vector<HostFile> files() {
    std::vector<HostFile> files;
    for (const Profile& profile : input_.model.profiles) {
      add(profile, profile.kernel, files);
      for (const Asset& initrd : profile.initrd) add(profile, initrd, files);
    }
    return files;
  }

 private:
  void add(const Profile& profile, const Asset& asset, std::vector<HostFile>& files) {
    if (asset.path.empty()) return;
    HostFile file;
    file.name = asset_path(profile, asset);
    file.copy_from = input_.config.assets + '/' + asset.path;
    file.mode = kReadable;
    file.origin = asset.origin;
    const Result<HostFileDigests> digests = input_.digest(file.copy_from, file.mode);
    if (!digests) {
      Error error = digests.error();
      error.check = "asset-missing";
      error.message = "profiles." + profile.name + ": " + error.message + "; put the file there" +
                      (asset.url.empty() ? std::string{} : ", it is to be had at " + asset.url);
      error.origin = asset.origin;
      errors_.push_back(std::move(error));
      return;
    }
    if (!asset.sha256.empty() && Digest::from_hex(asset.sha256) != digests->sha256) {
      Error error;
      error.check = "asset-sha256";
      error.message = "profiles." + profile.name + ": '" + file.copy_from + "' has the sha256 " +
                      digests->sha256.hex() + ", wanted " + asset.sha256;
      error.origin = asset.origin;
      errors_.push_back(std::move(error));
      return;
    }
    file.digest = digests->resource;
    files.push_back(std::move(file));
  }

  const LayoutInput& input_;
  Errors& errors_;
};

bool publishes_boot_loaders(const TargetConfig& target) {
  return target.type == TargetType::files &&
         target.boot_loaders.value_or(renders_boot_files(target));
}

bool publishes_assets(const TargetConfig& target) {
  return target.type == TargetType::files && target.assets.value_or(renders_boot_files(target));
}

/// Only a target that publishes kernels and initrds needs them to be there.
std::vector<HostFile> asset_files(const LayoutInput& input, Errors& errors) {
  const std::vector<TargetConfig>& targets = input.config.targets;
  if (!std::any_of(targets.begin(), targets.end(), publishes_assets)) return {};
  return AssetFiles(input, errors).files();
}

}  // namespace

bool wants_boot_loaders(const HostConfig& config) {
  return std::any_of(config.targets.begin(), config.targets.end(), publishes_boot_loaders);
}

std::string asset_path(const Profile& profile, const Asset& asset) {
  const std::size_t slash = asset.path.rfind('/');
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return "assets/" + profile.name + '/' + asset.path.substr(begin);
}

Layouts make_layouts(const LayoutInput& input) {
  Layouts layouts;
  const std::vector<HostFile> assets = asset_files(input, layouts.errors);
  for (const TargetConfig& target : input.config.targets) {
    TargetLayout layout;
    layout.name = target.name;
    layout.settings.target = target.name;
    layout.settings.service_url = input.config.service.url;
    layout.settings.secrets = input.secrets;
    for (const HostFile& loader : input.boot_loaders) {
      layout.settings.boot_loaders.push_back(loader.name);
    }
    std::sort(layout.settings.boot_loaders.begin(), layout.settings.boot_loaders.end());
    if (target.type == TargetType::files) {
      std::set<Format> formats;
      for (const std::string& word : target.render) {
        if (const auto format = renderers::parse_format(word)) formats.insert(*format);
      }
      layout.formats.assign(formats.begin(), formats.end());
      if (publishes_boot_loaders(target)) {
        layout.host_files = input.boot_loaders;
      }
      if (publishes_assets(target)) {
        layout.host_files.insert(layout.host_files.end(), assets.begin(), assets.end());
      }
    } else if (target.type == TargetType::dnsmasq) {
      layout.formats = {Format::dnsmasq};
      layout.settings.dnsmasq = dnsmasq_settings(input.config, target, input.model);
    } else if (target.type == TargetType::netbox) {
      layout.formats = {Format::netbox};
    } else if (target.type == TargetType::routeros) {
      layout.formats = {Format::routeros};
      layout.settings.loaders_url = target.loaders;
      for (const HostFile& loader : input.boot_loaders) {
        if (target.loaders.empty() || loader.size == 0) continue;
        layout.settings.loader_files[loader.name] = {loader.size, loader.digest.hex()};
      }
    } else if (target.type == TargetType::nodes) {
      layout.formats = {Format::bundle};
    }
    layouts.targets.push_back(std::move(layout));
  }
  sort_errors(layouts.errors);
  return layouts;
}

Digest layouts_digest(const std::vector<TargetLayout>& layouts,
                      const std::function<Digest(std::string_view)>& secret_hash) {
  Digester digester;
  const auto add_digest = [&](const Digest& digest) {
    digester.add({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
  };
  const auto add_list = [&](const std::vector<std::string>& list) {
    digester.add(std::to_string(list.size()));
    for (const std::string& item : list) digester.add(item);
  };
  for (const TargetLayout& layout : layouts) {
    digester.add(layout.name);
    for (const Format format : layout.formats) digester.add(renderers::word(format));
    const renderers::RenderSettings& settings = layout.settings;
    digester.add(settings.service_url);
    const renderers::DnsmasqSettings& dnsmasq = settings.dnsmasq;
    digester.add(std::to_string(static_cast<int>(dnsmasq.mode)))
        .add(dnsmasq.tftp_root)
        .add(dnsmasq.hosts_folder)
        .add(dnsmasq.pid_file)
        .add(dnsmasq.lease_file)
        .add(dnsmasq.log_file)
        .add(dnsmasq.user)
        .add(dnsmasq.authoritative ? "authoritative" : "");
    add_list(dnsmasq.interfaces);
    add_list(dnsmasq.listen_addresses);
    add_list(settings.boot_loaders);
    digester.add(settings.loaders_url);
    for (const auto& [name, file] : settings.loader_files) {
      digester.add(name).add(std::to_string(file.size)).add(file.digest);
    }
    for (const auto& [name, value] : settings.secrets) {
      digester.add(name);
      add_digest(secret_hash(value));
    }
    for (const HostFile& file : layout.host_files) {
      digester.add(file.name).add(file.copy_from).add(std::to_string(file.mode));
      add_digest(file.digest);
    }
  }
  return digester.finish();
}

}  // namespace metalwright::pipeline
