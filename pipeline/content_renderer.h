#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/desired_state.h"
#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::pipeline {

/// Renders again what the rows of one target hold: a state keeps digests only. What all answers
/// share is worked out when it is made, so one is made for many questions; what is rendered of the
/// site, all of it together, is kept once something of it was asked for. What it is made of must
/// outlive it. Any thread may ask.
class ContentRenderer {
 public:
  ContentRenderer(const TargetState& target, const Model& model, const TargetLayout& layout)
      : target_(target), model_(model), layout_(layout), rendering_(model, layout.settings) {}

  /// The content of the row `kind`/`name`. Errors: `bug` where there is no such row.
  [[nodiscard]] Result<reconciler::Content> content(std::string_view kind,
                                                    std::string_view name) const;
  /// Every object (see `by_fields`) of the target, rendered once.
  [[nodiscard]] Result<void> objects(const reconciler::ContentSink& sink) const;
  /// Fills in the origin and the server of a change to a desired resource.
  void describe(reconciler::Change& change) const;

 private:
  const TargetState& target_;
  const Model& model_;
  const TargetLayout& layout_;
  struct SitePart {
    std::string content;  // of objects; files may be large, and are rendered again
    Origin origin;
  };
  struct Site {
    std::map<std::pair<std::string, std::string>, SitePart> parts;
    Errors errors;
  };
  [[nodiscard]] const Site& site(renderers::Format format) const;
  [[nodiscard]] Result<reconciler::Content> site_object(renderers::Format format,
                                                        std::string_view kind,
                                                        std::string_view name) const;

  renderers::Rendering rendering_;
  mutable std::mutex mutex_;
  mutable std::map<renderers::Format, Site> sites_;
};

}  // namespace metalwright::pipeline
