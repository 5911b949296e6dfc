#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/object_fields.h"

/// What a saved `show running-config` of an FS switch says.
///
/// It is read as people have it: a file of the switch, or what a terminal showed, with prompts,
/// `--More--` and whatever was asked behind `end`. Beside the S5860's way of writing (RGOS) that of
/// the S3900 is understood: `vlan database`, and the type in front of a hardware address.
namespace metalwright::renderers {

struct FsObject {
  std::string kind, name;  ///< as fs_switch.h has them
  /// Commands and their arguments, canonical; `yes` for one that is not known. Where a command may
  /// be given several times, such as `ip helper-address`: a line each.
  ObjectFields fields;
  friend bool operator==(const FsObject&, const FsObject&) = default;
};

/// Commands that nothing here knows. What they say is not kept: it may be a secret.
struct FsOther {
  std::string command;  ///< its first word, with `no` two; `what is no command`
  std::size_t lines = 0;
  friend bool operator==(const FsOther&, const FsOther&) = default;
};

struct FsConfig {
  std::string version;            ///< as its header says; may be empty
  std::vector<FsObject> objects;  ///< sorted by kind and name
  std::vector<FsOther> other;     ///< in the order of the first of each
};
/// Never fails: what is not known stands in `other`.
[[nodiscard]] FsConfig read_fs_config(std::string_view text);

struct FsSeen {
  std::vector<FsObject> objects;   ///< those of `desired` that the switch has, by their names there
  std::vector<std::string> notes;  ///< what stands in the way of them
};
/// What a switch has of what is desired: of several values the desired one counts, excluded ranges
/// may be split and wider, and a pool that says the same may be called otherwise.
[[nodiscard]] FsSeen see_fs_objects(const FsConfig& config, const std::vector<FsObject>& desired);

}  // namespace metalwright::renderers
