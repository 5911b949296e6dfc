#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "renderers/fs_config.h"
#include "renderers/routeros/export.h"
#include "schemas/error.h"

/// Whether what was saved of a device is what it is taken for. A file of something else reads like
/// a device that has nothing yet, and a plan against it would make everything.
namespace metalwright::pipeline {

/// Nothing for an `/export`, or a router that has nothing; else `invalid` [device-file], at the
/// first place that none has. `read` is `text`, read.
[[nodiscard]] std::optional<Error> not_an_export(const routeros::Export& read,
                                                 std::string_view text, const std::string& file);

/// Nothing for a `show running-config`, which names a host at least, or an empty file; else
/// `invalid` [device-file].
[[nodiscard]] std::optional<Error> not_a_running_config(const renderers::FsConfig& read,
                                                        std::string_view text,
                                                        const std::string& file);

}  // namespace metalwright::pipeline
