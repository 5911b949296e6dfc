#include <string>
#include <vector>

#include "pipeline/service/boot_api_reply.h"

/// The networks' DHCP for routers and switches that answer it themselves.
namespace metalwright::service {
namespace {

std::string url_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.rfind(':')));
}

void network_config(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const std::string* const vendor = request.query("vendor");
  const bool mikrotik = vendor != nullptr && *vendor == "mikrotik";
  if (!mikrotik && (vendor == nullptr || *vendor != "fs")) {
    return reply_validation(reply, "vendor is 'mikrotik' or 'fs'");
  }
  std::string& out = reply.body;
  for (const Network& network : view->model().networks) {
    const std::string server =
        network.boot_server.empty() ? url_host(service.config().service.url) : network.boot_server;
    const std::string gateway = network.gateway ? network.gateway->text() : "";
    if (mikrotik) {
      out += "/ip dhcp-server network add address=" + network.prefix.text();
      if (!gateway.empty()) out += " gateway=" + gateway;
      out += " boot-file-name=\"undionly.kpxe\"";
      if (!server.empty()) out += " next-server=" + server;
      out += '\n';
      continue;
    }
    out += "ip dhcp pool " + network.name + "\n network " + network.prefix.address.text() + ' ' +
           network.prefix.netmask().text() + '\n';
    if (!gateway.empty()) out += " default-router " + gateway + '\n';
    if (!server.empty()) out += " next-server " + server + '\n';
    out += " bootfile undionly.kpxe\n exit\n";
  }
}

}  // namespace

void add_network_config_route(std::vector<Route>& routes) {
  routes.push_back({Method::get, "/api/v1/boot/network-config", RouteClass::api, network_config,
                    "The networks' DHCP for a router that answers it itself", Role::viewer});
}

}  // namespace metalwright::service
