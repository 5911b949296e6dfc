#pragma once

#include <CLI/App.hpp>
#include <string>

namespace metalwright::cli {

/// metalwright(1) in roff, made of the same commands, options and words as `--help`.
/// Source of the format: man(7).
[[nodiscard]] std::string man_page(const CLI::App& program);

}  // namespace metalwright::cli
