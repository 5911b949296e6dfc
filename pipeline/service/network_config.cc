#include "renderers/network_config.h"

#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/compiler.h"
#include "pipeline/service/boot_api_reply.h"

/// The networks' DHCP for routers and switches that answer it themselves.
namespace metalwright::service {
namespace {

using renderers::NetworkVendor;

std::string url_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.rfind(':')));
}

/// A line a network, for people who want to see what matters, or have all else already.
std::string in_short(const Model& model, const std::string& url) {
  std::string out = "\n# In short, for networks that the router serves already:\n";
  for (const Network& network : model.networks) {
    const std::string server =
        network.boot_server.empty() ? url_host(url) : std::string(network.boot_server);
    out += "# /ip dhcp-server network add address=" + network.prefix.text();
    if (network.gateway) out += " gateway=" + network.gateway->text();
    out += " boot-file-name=\"undionly.kpxe\"";
    if (!server.empty()) out += " next-server=" + server;
    out += '\n';
  }
  return out;
}

/// Those of the router's own target; where there is none, what any device is made with.
renderers::RenderSettings settings_for(const pipeline::Compiled& compiled,
                                       const std::string& device, const std::string& url) {
  renderers::RenderSettings settings;
  settings.service_url = url;
  const auto& layouts = compiled.layouts;
  const auto at = std::find_if(layouts.begin(), layouts.end(), [&](const auto& layout) {
    return device.empty() ? layout.formats == std::vector{renderers::Format::routeros}
                          : layout.name == device;
  });
  if (at != layouts.end()) return at->settings;
  if (!layouts.empty()) settings.secrets = layouts.front().settings.secrets;
  return settings;
}

void network_config(Service& service, Request& request, Reply& reply) {
  const auto view = view_of(service, reply);
  if (view == nullptr) return;
  const std::string* const word = request.query("vendor");
  const auto vendor = renderers::parse_network_vendor(word == nullptr ? "" : *word);
  if (!vendor) return reply_validation(reply, "vendor is 'mikrotik' or 'fs'");
  const std::string* const named = request.query("device");
  const std::string device = named == nullptr ? std::string() : *named;
  const std::string& url = service.config().service.url;
  Result<std::string> text = renderers::render_network_config(
      view->model(), settings_for(*view->compiled(), device, url), *vendor, device);
  if (!text) return reply_validation(reply, text.error().message);
  reply.body = std::move(*text);
  if (*vendor == NetworkVendor::mikrotik) reply.body += in_short(view->model(), url);
}

}  // namespace

void add_network_config_route(std::vector<Route>& routes) {
  routes.push_back({Method::get, "/api/v1/boot/network-config", RouteClass::api, network_config,
                    "The networks' DHCP for a router that answers it itself", Role::viewer});
}

}  // namespace metalwright::service
