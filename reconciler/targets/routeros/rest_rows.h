#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/error.h"

/// What RouterOS's REST answers. Every value in it is text, a property that is unset or empty is
/// usually not there at all, and a list comes as a whole.
namespace metalwright::reconciler {

/// One row as it was given, the properties in the router's order.
struct RestRow {
  std::string_view id;  ///< `*1A`; empty in a menu with a single row
  std::vector<std::pair<std::string_view, std::string_view>> values;
  /// What the texts lie in; the rows of an answer share its bytes. Empty: in what lives longer.
  std::shared_ptr<const void> texts;

  /// Empty where it is not there.
  [[nodiscard]] std::string_view value(std::string_view property) const;
  [[nodiscard]] bool is_true(std::string_view property) const;  ///< `true`, or `yes`
};

/// Reads a list of rows, or one row by itself. A value that is no text is taken as JSON writes it;
/// one that is an object or a list is passed over.
/// Error: `unavailable` [routeros-answer] where it is neither: it is not a router that answers.
[[nodiscard]] Result<std::vector<RestRow>> read_rest_rows(std::string body);

/// The `detail` of an error's body, else its `message`; empty where it is none.
[[nodiscard]] std::string rest_error_text(std::string_view body);

/// A JSON object of texts, in the given order.
[[nodiscard]] std::string rest_object(
    const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace metalwright::reconciler
