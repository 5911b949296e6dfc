#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pipeline/desired_state.h"

/// Which units of a revision have to be rendered, and the rows that they give: the first half of
/// `build_desired`, whose other half puts them among those that stay.
namespace metalwright::pipeline {

/// A row and what made it.
struct UnitRow {
  reconciler::ResourceRow row;
  UnitRef unit;

  /// The order of the tables.
  [[nodiscard]] static bool before(const UnitRow& a, const UnitRow& b) {
    return reconciler::ResourceRow::compare(a.row, b.row) < 0;
  }
};

/// What of the previous state stays and what is rendered.
struct RenderDelta {
  static constexpr std::uint32_t kDropped = 0xfffffffd;

  std::vector<std::uint32_t> render;  ///< servers, as indices into the model's; ordered
  /// Where each server of the previous state is now; kDropped: rendered anew, or gone. Empty:
  /// nothing stays.
  std::vector<std::uint32_t> moved_to;
  bool site = true;             ///< the site and the host's files are rendered too
  bool servers_changed = true;  ///< any server: added, removed, or its entry edited

  [[nodiscard]] bool renders_site(renderers::Format format) const {
    return site || (servers_changed && renderers::site_depends_on_servers(format));
  }
};

[[nodiscard]] RenderDelta compare_servers(const BuildInput& input);

struct RenderedUnits {
  /// By target, in the tables' order. What two units make is there twice.
  std::vector<std::vector<UnitRow>> rows;
  std::vector<std::shared_ptr<const Arena>> arenas;  ///< of the rows' texts
  Errors errors;                                     ///< in no order; some repeated
};

/// Renders on several threads where there is enough to do.
[[nodiscard]] RenderedUnits render_units(const BuildInput& input, const RenderDelta& delta);

}  // namespace metalwright::pipeline
