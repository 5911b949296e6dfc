#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/target.h"
#include "schemas/object_fields.h"
#include "schemas/text.h"

namespace metalwright::reconciler {

/// What is desired in a look, rendered once for all who ask, and taken apart when it is asked for.
class DesiredCache {
 public:
  /// `request` must live longer.
  explicit DesiredCache(const LookRequest& request)
      : request_(request), fields_(request.desired.rows.size()) {}

  /// Null where nothing is desired, or where it cannot be rendered (`failure`).
  [[nodiscard]] const ObjectFields* get(std::string_view kind, std::string_view name);
  /// The same, and of what is to go the interfaces that it was made with by their prefix: it is as
  /// it was applied where it still is on that interface.
  [[nodiscard]] const ObjectFields* stated(std::string_view kind, std::string_view name);
  /// Renders everything at once: quicker where most is asked for.
  void read_all();
  /// The request's readers, without rendering anew what was read. Not to be used beyond this.
  [[nodiscard]] ObjectReaders readers() const;
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  [[nodiscard]] const ObjectFields* get(const ResourceRow& row);
  [[nodiscard]] std::size_t index_of(const ResourceRow& row) const {
    return static_cast<std::size_t>(&row - request_.desired.rows.data());
  }

  const LookRequest& request_;
  Arena arena_;
  std::vector<Text> texts_;  // beside the rows, once all were read
  std::vector<std::optional<ObjectFields>> fields_;
  std::map<std::pair<std::string, std::string>, ObjectFields> applied_;  // of what is to go
  std::optional<Error> failure_;
};

}  // namespace metalwright::reconciler
