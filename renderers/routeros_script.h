#pragma once

#include <string>
#include <string_view>

#include "renderers/artifact.h"
#include "renderers/render.h"
#include "schemas/model.h"

/// Everything that a router should have for us, as one script for `/import`: where nobody may or
/// can talk to the router (RouterOS 6 has no REST), and to look at before a first apply.
///
///   :if ([:len [/ip dhcp-server lease find comment="metalwright:…"]] = 0) do={ /ip dhcp-server
///   lease add … } else={ /ip dhcp-server lease set [find comment="metalwright:…"] … }
///
/// One line a row, in the order in which rows name each other, so that it can be imported again and
/// again and goes on after a part of it. Rows are found by our comment, in menus whose rows have
/// none in every version by our name. Nothing is removed: what left the repository is what a plan
/// against an export names. A row of somebody else that stands in the way ends the import at its
/// line.
namespace metalwright::renderers {

struct RouterosScriptOptions {
  /// 6 leaves out what only 7 has: matchers, so that every firmware gets what a BIOS gets. A router
  /// one of whose networks says `routeros: {version: 6}` has it anyway.
  int major = 7;
};

/// The script goes to the sink as the file `<router>.rsc`.
/// Errors: those of `render_routeros_site` and `render_routeros_server`; then nothing is written.
[[nodiscard]] Errors render_routeros_script(const Model& model, const RenderSettings& settings,
                                            std::string_view router,
                                            const RouterosScriptOptions& options,
                                            const ArtifactSink& sink);

}  // namespace metalwright::renderers
