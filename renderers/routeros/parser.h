#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/routeros/syntax.h"
#include "schemas/error.h"

/// Reads RouterOS's script language. Everything that can stand in an export is read, and of scripts
/// what configures a router: commands with arguments, `find` and `where`, strings with what is
/// filled into them, blocks, `:`-commands, expressions.
///
/// Bounds: 64 MiB of text, 32 levels of brackets, 256 operators in a chain, trees
/// of 1,000 levels. CRLF counts as LF.
///
/// Error: `invalid` [routeros-syntax] with the line and column.
/// Source: MikroTik, "Scripting"; `/export` of 6.49 and 7.x.
namespace metalwright::routeros {

inline constexpr std::size_t kLongestScript = std::size_t{64} << 20U;
inline constexpr std::size_t kDeepestBracket = 32;
inline constexpr std::size_t kLongestChain = 256;    ///< of operators of one strength
inline constexpr std::uint32_t kDeepestTree = 1000;  ///< of what a statement's values are made of

/// A whole script; its first error ends it, as RouterOS would not run it either.
[[nodiscard]] Result<std::vector<Statement>> parse_script(std::string_view source,
                                                          const std::string& file = {});

struct Lines {
  std::vector<Statement> statements;
  Errors errors;                      ///< of lines that could not be read
  std::vector<std::string> comments;  ///< those before the first statement, without `#` and blanks
};
/// An export, or a script that was written by hand: a line that cannot be read is reported and
/// skipped, and so is code that cannot be, with all its blocks. What a terminal shows around an
/// export (prompts, colours) is passed over, and UTF-16 with a mark is read too. Up to 100 errors.
[[nodiscard]] Lines parse_lines(std::string_view source, const std::string& file = {});

}  // namespace metalwright::routeros
