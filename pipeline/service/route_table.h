#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/service/access.h"
#include "pipeline/service/exchange.h"

/// Every route as data: what answers it, who may ask, and what the API's description says of it.
namespace metalwright::service {

class Service;

using Handler = void (*)(Service& service, Request& request, Reply& reply);

struct Route {
  Method method = Method::get;  ///< `get` answers HEAD too
  std::string_view pattern;     ///< `/boot/{profile}.ipxe`: `{name}` stands for part of a segment
  RouteClass kind = RouteClass::open;
  Handler handler = nullptr;
  std::string_view summary;  ///< one line for the API's description
  Role role = Role::none;    ///< the token must have it, or a higher one
  bool body = false;         ///< the body is read before the handler is called
};

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string> parts;  ///< what the pattern's names stand for
  std::string allowed;             ///< the path is known, but not by this method: for `Allow`
};

class RouteTable {
 public:
  explicit RouteTable(std::vector<Route> routes);
  [[nodiscard]] RouteMatch match(Method method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  [[nodiscard]] static bool fits(const Route& route, Method method);
  std::vector<Route> routes_;
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> fixed_;  // by path
  std::vector<std::uint32_t> patterns_;
};

/// The parts of `path` that the names of `pattern` stand for. False: it does not match. A name
/// stands for at least one character and no `/`.
[[nodiscard]] bool match_pattern(std::string_view pattern, std::string_view path,
                                 std::vector<std::string>& parts);

/// All of them, in the order of the API's description.
[[nodiscard]] std::vector<Route> all_routes();

// Each group stands in a file of its own.
void add_boot_routes(std::vector<Route>& routes);
void add_provision_routes(std::vector<Route>& routes);
void add_boot_profile_routes(std::vector<Route>& routes);
void add_boot_assignment_routes(std::vector<Route>& routes);
void add_network_config_route(std::vector<Route>& routes);
void add_node_routes(std::vector<Route>& routes);
void add_node_bundle_routes(std::vector<Route>& routes);
void add_validation_routes(std::vector<Route>& routes);
void add_operation_routes(std::vector<Route>& routes);
void add_people_routes(std::vector<Route>& routes);
void add_page_routes(std::vector<Route>& routes);
void add_hook_routes(std::vector<Route>& routes);

}  // namespace metalwright::service
