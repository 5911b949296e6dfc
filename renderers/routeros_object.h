#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/artifact.h"
#include "renderers/routeros/menu.h"
#include "schemas/error.h"
#include "schemas/model.h"
#include "schemas/object_fields.h"

/// Making one row of a menu: every value becomes canonical and is checked here, once.
namespace metalwright::renderers {

class RouterosObject {
 public:
  /// `kind` is that of a managed menu. States the comment, and that the row is not disabled.
  /// `version` is RouterOS's: what 6 does not have is not stated for it.
  RouterosObject(std::string_view kind, std::string name, const Origin& origin, int version = 7);

  /// An empty value states nothing.
  RouterosObject& set(std::string_view property, std::string_view value);
  /// Joined by commas; an item that holds one is an error.
  RouterosObject& set_list(std::string_view property, const std::vector<std::string>& items);

  /// To the sink, or its errors.
  void finish(const ArtifactSink& sink, Errors& errors);

 private:
  void refuse(std::string_view property, std::string message);

  const routeros::Menu& menu_;
  std::string name_;
  const Origin& origin_;
  int version_;
  ObjectFields fields_;
  Errors errors_;
};

/// The names that stand in references.
[[nodiscard]] std::string router_dhcp_server(const Network& network);
[[nodiscard]] std::string router_pool(const Network& network);  ///< `static-only` where there is none
/// The interface that serves the network, or how it is found (`interface_by_prefix`).
[[nodiscard]] std::string router_interface(const Network& network);

}  // namespace metalwright::renderers
