#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "reconciler/file_system.h"
#include "reconciler/targets/dnsmasq/reload.h"
#include "schemas/error.h"

/// The note that an apply leaves in the state folder between writing the first file and having
/// proved that dnsmasq runs well with all of them. A run that is cut off there leaves files that
/// dnsmasq has not read; without the note the next run would find them right and do nothing.
namespace metalwright::reconciler {

struct Pending {
  ReloadKind kind = ReloadKind::none;
  std::set<std::string, std::less<>> kept;       ///< paths with previous bytes beside them
  std::set<std::string, std::less<>> made;       ///< paths where nothing was before
  std::set<std::string, std::less<>> resources;  ///< `kind/name` of what dnsmasq may not know yet

  /// True where this resource may not be what dnsmasq runs with.
  [[nodiscard]] bool covers(std::string_view kind_word, std::string_view name) const;
  friend bool operator==(const Pending&, const Pending&) = default;
};

[[nodiscard]] std::string write_pending(const Pending& pending);
/// Of a note that cannot be read nothing is known: then a restart makes everything sure.
[[nodiscard]] Pending read_pending(std::string_view text);

/// The note in a state folder. Errors: as `file_failure`.
class PendingNote {
 public:
  explicit PendingNote(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<std::optional<Pending>> load() const;
  [[nodiscard]] Result<void> save(const Pending& pending) const;
  [[nodiscard]] Result<void> remove() const;

 private:
  std::string path_;
};

}  // namespace metalwright::reconciler
