#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// How diagnostics are printed. Pure: the caller decides where to, and whether in colour.
namespace metalwright {

enum class DiagnosticFormat : std::uint8_t {
  text,    ///< the compiler's form, a line each; context lines indented below
  json,    ///< one document: format_version, errors, warnings, diagnostics
  github,  ///< workflow commands, which a forge shows beside the line of the change
};

/// The word of `--format`; empty for any other.
[[nodiscard]] std::optional<DiagnosticFormat> parse_diagnostic_format(std::string_view word);

/// All of `errors`, in their order, each ended by a line end; JSON is printed for no errors too.
/// `colour` is for `text` only: bold place, red or magenta severity, as compilers do.
[[nodiscard]] std::string format_diagnostics(const Errors& errors, DiagnosticFormat format,
                                             bool colour = false);

}  // namespace metalwright
