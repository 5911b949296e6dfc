#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "reconciler/resource.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"
#include "schemas/object_fields.h"

/// What a revision wants of one router or switch, as objects with fields: for plans against what a
/// person saved of it, and for imports, which ask whether they said the same.
namespace metalwright::pipeline {

struct DesiredObject {
  ObjectFields fields;
  std::string content;
  Origin origin;
  std::string server;
};

struct DesiredObjects {
  std::map<std::pair<std::string, std::string>, DesiredObject> objects;  ///< by kind and name
  std::shared_ptr<reconciler::ResourceTable> table;

  /// Null where there is none.
  [[nodiscard]] const DesiredObject* find(std::string_view kind, std::string_view name) const;
};

/// Whether a network of the model is served by this router, or served or relayed by this switch.
[[nodiscard]] bool is_router(const Model& model, const std::string& name);
[[nodiscard]] bool is_switch(const Model& model, const std::string& name);

/// Errors are appended: those of the renderers.
[[nodiscard]] DesiredObjects desired_objects(const Model& model,
                                             const renderers::RenderSettings& settings,
                                             const std::string& name, Errors& errors);

}  // namespace metalwright::pipeline
