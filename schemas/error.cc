#include "schemas/error.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace metalwright {

std::string Origin::text() const {
  if (file.empty() || line == 0) return file;
  std::string out = file + ':' + std::to_string(line);
  if (column != 0) out += ':' + std::to_string(column);
  return out;
}

std::string Error::text() const {
  std::string out = origin.text();
  if (!out.empty()) out += ": ";
  out += severity == Severity::error ? "error: " : "warning: ";
  out += message;
  out += " [" + check + ']';
  for (const std::string& line : context) out += "\n  " + line;
  return out;
}

tl::unexpected<Error> fail(ErrorKind kind, std::string_view check, std::string message,
                           Origin origin) {
  return tl::unexpected<Error>(Error{.kind = kind,
                                     .severity = Severity::error,
                                     .check = std::string(check),
                                     .message = std::move(message),
                                     .origin = std::move(origin),
                                     .context = {}});
}

tl::unexpected<Error> invalid(std::string_view check, std::string message, Origin origin) {
  return fail(ErrorKind::invalid, check, std::move(message), std::move(origin));
}

tl::unexpected<Error> unavailable(std::string_view check, std::string message, Origin origin) {
  return fail(ErrorKind::unavailable, check, std::move(message), std::move(origin));
}

tl::unexpected<Error> system_failure(std::string_view check, std::string_view doing,
                                     int errno_value) {
  return unavailable(check, std::string(doing) + ": " + std::strerror(errno_value));
}

Error with_context(Error error, std::string line) {
  error.context.push_back(std::move(line));
  return error;
}

void sort_errors(Errors& errors) {
  const auto key = [](const Error& e) {
    return std::tie(e.origin.file, e.origin.line, e.origin.column, e.check, e.message);
  };
  std::stable_sort(errors.begin(), errors.end(),
                   [&](const Error& a, const Error& b) { return key(a) < key(b); });
}

bool has_error(const Errors& errors) {
  return std::any_of(errors.begin(), errors.end(),
                     [](const Error& e) { return e.severity == Severity::error; });
}

}  // namespace metalwright
