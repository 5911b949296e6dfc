#include "pipeline/switch_diff.h"

#include "pipeline/device_objects.h"
#include "reconciler/object_diff.h"

namespace metalwright::pipeline {

reconciler::TargetDiff diff_switch(const Model& before, const Model& after,
                                   const renderers::RenderSettings& settings_before,
                                   const renderers::RenderSettings& settings_after,
                                   const std::string& name, Errors& errors) {
  Errors ignored;  // what could not be rendered before is nobody's problem any more
  const DesiredObjects was = desired_objects(before, settings_before, name, ignored);
  const DesiredObjects is = desired_objects(after, settings_after, name, errors);
  reconciler::TargetDiff diff = reconciler::diff({.target = name,
                                                  .desired = *is.table,
                                                  .last_applied = *was.table,
                                                  .observation = {},
                                                  .moves = {},
                                                  .adopt_foreign = false,
                                                  .corrects = {},
                                                  .contended = {}});
  for (reconciler::Change& change : diff.changes) {
    const DesiredObject* const from = was.find(change.kind, change.name);
    const DesiredObject* const to = is.find(change.kind, change.name);
    const ObjectFields old_fields = from == nullptr ? ObjectFields{} : from->fields;
    const ObjectFields new_fields = to == nullptr ? ObjectFields{} : to->fields;
    change.fields = reconciler::compare_object(old_fields, new_fields, old_fields).changes;
    if (const DesiredObject* const one = to != nullptr ? to : from) {
      change.origin = one->origin;
      change.server = one->server;
    }
  }
  return diff;
}

}  // namespace metalwright::pipeline
