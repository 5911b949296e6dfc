#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

/// What went wrong, where, and what to do about it. Every fallible function of metalwright returns
/// a `Result`; a check of a whole document collects `Error`s into `Errors` and reports all of them.
namespace metalwright {

/// A place in a file of the repository (or of the host's configuration).
/// `line` and `column` count from 1, `column` in bytes of UTF-8; 0 means "no such place".
struct Origin {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend auto operator<=>(const Origin&, const Origin&) = default;
  /// `inventory.yaml:12:7`, `inventory.yaml` without a line, or empty.
  [[nodiscard]] std::string text() const;
};

/// What the caller should do next.
enum class ErrorKind : std::uint8_t {
  invalid,      ///< the input is wrong: wait for another revision or other arguments
  unavailable,  ///< something outside did not answer or failed: back off and try again
  conflict,     ///< the world changed under us: observe and plan again
  refused,      ///< a gate or policy said no: a person decides
  bug,          ///< our own mistake: stop this target and report
};

enum class Severity : std::uint8_t { error, warning };

struct Error {
  ErrorKind kind = ErrorKind::invalid;
  Severity severity = Severity::error;
  std::string check;    ///< the check's id, such as `ipv4-format`; never empty
  std::string message;  ///< what was found and what was wanted; lower case, no full stop, no secret
  Origin origin;        ///< where the offending value stands; may be empty
  std::vector<std::string> context;  ///< what was being done, innermost first

  friend bool operator==(const Error&, const Error&) = default;
  /// The compiler's form, without a line end:
  ///   `inventory.yaml:12:7: error: servers.orion.ipv4: '…' is not an IPv4 address [ipv4-format]`
  [[nodiscard]] std::string text() const;
};

using Errors = std::vector<Error>;

template <class T>
using Result = tl::expected<T, Error>;

/// Makers, so that a failing return is one line.
[[nodiscard]] tl::unexpected<Error> fail(ErrorKind kind, std::string_view check,
                                         std::string message, Origin origin = {});
[[nodiscard]] tl::unexpected<Error> invalid(std::string_view check, std::string message,
                                            Origin origin = {});
[[nodiscard]] tl::unexpected<Error> unavailable(std::string_view check, std::string message,
                                                Origin origin = {});
/// `unavailable` for a failed system call: appends `strerror(errno_value)`.
[[nodiscard]] tl::unexpected<Error> system_failure(std::string_view check, std::string_view doing,
                                                   int errno_value);
/// The same error, with one more line of what was being done.
[[nodiscard]] Error with_context(Error error, std::string line);

/// File order (file, line, column, then check and message): the order in which errors are reported.
void sort_errors(Errors& errors);
/// True if one of them is an error and not a warning.
[[nodiscard]] bool has_error(const Errors& errors);

}  // namespace metalwright
