#include "pipeline/service/route_table.h"

#include <utility>

namespace metalwright::service {

bool match_pattern(std::string_view pattern, std::string_view path,
                   std::vector<std::string>& parts) {
  parts.clear();
  while (true) {
    const std::size_t open = pattern.find('{');
    if (open == std::string_view::npos) return pattern == path;
    if (path.substr(0, open) != pattern.substr(0, open)) return false;
    path.remove_prefix(open);
    pattern.remove_prefix(pattern.find('}') + 1);
    // Up to what follows the name in its segment, which for `{profile}.ipxe` is the last `.ipxe`.
    const std::string_view segment = path.substr(0, path.find('/'));
    const std::string_view after = pattern.substr(0, pattern.find('/'));
    if (!segment.ends_with(after) || segment.size() <= after.size()) return false;
    const std::size_t size = segment.size() - after.size();
    parts.emplace_back(path.substr(0, size));
    path.remove_prefix(size);
  }
}

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (std::uint32_t i = 0; i < routes_.size(); ++i) {
    if (routes_[i].pattern.find('{') == std::string_view::npos) {
      fixed_[routes_[i].pattern].push_back(i);
    } else {
      patterns_.push_back(i);
    }
  }
}

bool RouteTable::fits(const Route& route, Method method) {
  return route.method == method || (method == Method::head && route.method == Method::get);
}

RouteMatch RouteTable::match(Method method, std::string_view path) const {
  RouteMatch match;
  const auto allow = [&](const Route& route) {
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += word(route.method);
    if (route.method == Method::get) match.allowed += ", HEAD";
  };
  if (const auto at = fixed_.find(path); at != fixed_.end()) {
    for (const std::uint32_t i : at->second) {
      if (fits(routes_[i], method)) {
        match.route = &routes_[i];
        return match;
      }
      allow(routes_[i]);
    }
    return match;
  }
  for (const std::uint32_t i : patterns_) {
    if (!match_pattern(routes_[i].pattern, path, match.parts)) continue;
    if (fits(routes_[i], method)) {
      match.route = &routes_[i];
      return match;
    }
    allow(routes_[i]);
  }
  return match;
}

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  add_boot_routes(routes);
  add_provision_routes(routes);
  add_boot_profile_routes(routes);
  add_boot_assignment_routes(routes);
  add_network_config_route(routes);
  add_node_routes(routes);
  add_node_bundle_routes(routes);
  add_validation_routes(routes);
  add_operation_routes(routes);
  add_people_routes(routes);
  add_page_routes(routes);
  add_hook_routes(routes);
  return routes;
}

}  // namespace metalwright::service
