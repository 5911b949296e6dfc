#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// What the scripts that validate hardware say, read: which device, whether it passed, and the
/// evidence as text for a journal. The scripts quote carelessly, so an id may be a number, a text,
/// or carry literal quotes. Pure.
namespace metalwright::service {

struct Validation {
  std::int64_t device = 0;     ///< NetBox's id; 0: none was said, or it is no number
  std::string device_text;     ///< as it was said, without quotes; empty: none
  std::string device_name;     ///< as it was said; may be empty
  std::string event;           ///< `server_live`, …; empty for a report
  std::optional<bool> passed;  ///< empty: nothing follows from it
  std::string evidence;        ///< Markdown: what was said stands in it as code and nothing else
};

/// The body of `POST /api/event`. The overall result counts; without one, memory and disk do: one
/// that failed fails it, and one must have passed. Empty where the body is no JSON object.
[[nodiscard]] std::optional<Validation> read_validation_event(std::string_view body);

/// The body of `POST /api/v1/validation/report`, which says what the validation found and is sent
/// once it is through: so it passed, unless it says otherwise, or shows no hardware at all.
[[nodiscard]] std::optional<Validation> read_validation_report(std::string_view body);

/// A webhook of NetBox about a journal entry that closes a validation: `Validation COMPLETE` of
/// kind success, or `Validation FAILED` of kind danger. The published script's event is empty, and
/// this entry its only signal. Empty for any other webhook.
[[nodiscard]] std::optional<Validation> read_validation_entry(std::string_view webhook);

}  // namespace metalwright::service
