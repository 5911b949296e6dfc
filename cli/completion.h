#pragma once

#include <CLI/App.hpp>
#include <string>

namespace metalwright::cli {

/// A completion script for `bash`, `zsh` or `fish`, made of the program's own commands and options.
[[nodiscard]] std::string completion(const CLI::App& program, const std::string& shell);

}  // namespace metalwright::cli
