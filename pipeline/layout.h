#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pipeline/desired_state.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// What is known of a file of the host without reading it again when it did not change.
struct HostFileDigests {
  Digest sha256;    ///< of the content
  Digest resource;  ///< reconciler::file_digest with the mode that was asked for
};
using DigestHostFile =
    std::function<Result<HostFileDigests>(const std::string& path, std::uint16_t mode)>;

struct LayoutInput {
  const HostConfig& config;
  const Model& model;
  const std::vector<HostFile>& boot_loaders;  ///< for every boot tree
  std::map<std::string, std::string, std::less<>> secrets;
  const DigestHostFile& digest;
};

struct Layouts {
  std::vector<TargetLayout> targets;  ///< in the order of the configuration
  Errors errors;  ///< kernels and initrds that are missing or not what their sha256 says
};

/// Which formats, host files and settings belong to each target of the configuration.
[[nodiscard]] Layouts make_layouts(const LayoutInput& input);

/// Does any target take boot loaders from this host.
[[nodiscard]] bool wants_boot_loaders(const HostConfig& config);

/// The path of a profile's kernel or initrd in a boot tree: `assets/<profile>/<file name>`.
[[nodiscard]] std::string asset_path(const Profile& profile, const Asset& asset);

/// A digest of all that a layout brings into rendering.
[[nodiscard]] Digest layouts_digest(const std::vector<TargetLayout>& layouts,
                                    const std::function<Digest(std::string_view)>& secret_hash);

}  // namespace metalwright::pipeline
