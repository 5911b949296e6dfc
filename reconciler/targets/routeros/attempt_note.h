#pragma once

#include <optional>
#include <string>

#include "schemas/digest.h"
#include "schemas/error.h"

/// What this host knows of the last plan that it began at a router and did not bring to its end.
/// The router takes such a plan back; without the note the loop would make it again, and again lose
/// the router for as long as it waits.
namespace metalwright::reconciler {

struct Attempt {
  Digest plan;
  std::string why;  ///< one line; empty: the run was cut off
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// In one small file, replaced as a whole. Errors: as `file_failure`.
class AttemptNote {
 public:
  explicit AttemptNote(std::string path) : path_(std::move(path)) {}
  /// Empty where there is none, or none that can be understood.
  [[nodiscard]] std::optional<Attempt> load() const;
  [[nodiscard]] Result<void> save(const Attempt& attempt) const;
  [[nodiscard]] Result<void> remove() const;

 private:
  std::string path_;
};

}  // namespace metalwright::reconciler
