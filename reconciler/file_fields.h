#pragma once

#include <vector>

#include "reconciler/plan.h"
#include "reconciler/resource.h"

namespace metalwright::reconciler {

/// A file's fields that differ, for people to read: `content` and `mode`. `before` or `after` is
/// null where there is no file. Text is bounded; what is no text shows as size and digest. Values
/// behind keys such as `password:` are shown as `(secret)` on both sides, and where nothing else
/// differs the field says `(secret changed)`.
[[nodiscard]] std::vector<FieldChange> file_fields(const Content* before, const Content* after);

/// The same text with the values of secret-looking keys replaced.
[[nodiscard]] std::string redacted(std::string_view text);

}  // namespace metalwright::reconciler
