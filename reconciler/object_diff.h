#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/target.h"
#include "schemas/object_fields.h"

/// Comparing objects field by field, for every target that is an API. Three sides decide each
/// field:
///
/// - what the repository states is ours, and is made so;
/// - what we set once and the repository no longer states is cleared, if it still is as we set it;
/// - everything else is other people's, and never looked at.
namespace metalwright::reconciler {

/// How one object differs. `found` names the object as it is in so far as it concerns us: the
/// desired digest where nothing is to be done, the last-applied one where nobody touched what we
/// set. The same object gives the same digest, so that it tells whether a plan is stale.
struct ObjectDelta {
  Digest found;
  std::vector<FieldChange> changes;  ///< `after` is empty where the field is to be cleared
};
/// `applied` is empty where we never set anything, `desired` where the object is to go.
[[nodiscard]] ObjectDelta compare_object(const ObjectFields& found, const ObjectFields& desired,
                                         const ObjectFields& applied);

/// One object that a target has now.
struct TargetObject {
  Text kind, name;
  Text fields;  ///< encoded; every field that could be managed, in the spelling of the renderer
  Presence presence = Presence::ours;  ///< never `absent`
};

/// A target's objects, ordered by kind and name.
class TargetObjects {
 public:
  /// In any order. The texts are copied. Of two with the same kind and name the last one counts.
  void add(std::string_view kind, std::string_view name, std::string_view encoded_fields,
           Presence presence);
  /// After the last `add`, before anything below.
  void sort();
  [[nodiscard]] const TargetObject* find(std::string_view kind, std::string_view name) const;
  [[nodiscard]] const std::vector<TargetObject>& all() const { return objects_; }
  [[nodiscard]] const std::shared_ptr<Arena>& arena() const { return arena_; }

 private:
  std::vector<TargetObject> objects_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
};

/// What the engine wants to know of a target that has these objects.
/// Errors: those of the readers.
[[nodiscard]] Result<Observation> observe_objects(const LookRequest& request,
                                                  const TargetObjects& objects);

/// A target as a document shows it (an export): it can be planned with and not changed.
class DocumentTarget : public Target {
 public:
  DocumentTarget(std::string name, TargetObjects objects)
      : name_(std::move(name)), objects_(std::move(objects)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  /// Error: `refused`, always.
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override { return {}; }

 private:
  std::string name_;
  TargetObjects objects_;
};

}  // namespace metalwright::reconciler
