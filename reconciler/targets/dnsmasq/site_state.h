#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// What stands on disk where dnsmasq's files belong.
namespace metalwright::reconciler {

/// The configuration file.
struct ConfigState {
  bool present = false;
  bool ours = false;     ///< it begins with our mark
  bool is_file = false;  ///< false: a folder, a link or a device stands there
  Digest digest;         ///< as a file resource; of what is no file: no file's
  std::string bytes;
  std::uint16_t mode = 0644;
};
/// Errors: as `file_failure`. A missing folder is a missing file.
[[nodiscard]] Result<ConfigState> look_at_config(const std::string& path);

/// Opens a folder; empty where there is none. Errors: as `file_failure`.
[[nodiscard]] Result<std::optional<FileTree>> open_folder_if_there(const std::string& path);

/// The networks that have a hosts file in the folder, sorted.
[[nodiscard]] Result<std::vector<std::string>> networks_in(const FileTree& folder);

/// Makes a folder and what is missing above it, durably. Errors: as `file_failure`.
[[nodiscard]] Result<void> make_absolute_folder(const std::string& path);

}  // namespace metalwright::reconciler
