#pragma once

#include <string>

/// The reference documentation, made from the tables, so that it cannot say something else.
namespace metalwright {

/// `docs/reference/files.md`: every key of every file that a user writes.
[[nodiscard]] std::string files_reference();

/// `docs/reference/checks.md`: every check, by its id.
[[nodiscard]] std::string checks_reference();

}  // namespace metalwright
