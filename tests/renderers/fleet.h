#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/render.h"
#include "schemas/model.h"

namespace metalwright::renderers {

/// A model made by hand, and what is rendered of it as `path -> content`.
class Fleet {
 public:
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  Model model;
  RenderSettings settings;

  Fleet() {
    model.arenas.push_back(arena);
    model.files = {"inventory.yaml"};
  }

  Text text(std::string_view value) { return arena->copy(value); }

  std::span<const Text> texts(std::initializer_list<std::string_view> values) {
    std::vector<Text> list;
    for (const std::string_view value : values) list.push_back(text(value));
    return arena->copy_span(std::span<const Text>(list));
  }

  /// A server on the tenth line of its file. Its `interfaces` and the like may be set afterwards.
  Server& server(std::string_view name) {
    Server& server = storage_.emplace_back();
    server.name = text(name);
    server.hostname = text(std::string(name) + ".example.net");
    const auto at = std::find_if(model.servers.begin(), model.servers.end(),
                                 [&](const auto& e) { return e.server->name.view() > name; });
    ServerEntry entry;
    entry.server = &server;
    entry.line = 10;
    entry.column = 3;
    model.servers.insert(at, entry);
    return server;
  }

  Interface interface(std::string_view name, std::string_view mac, std::string_view role = {},
                      std::string_view ipv4 = {}, std::string_view ipv6 = {}) {
    Interface nic;
    nic.name = text(name);
    nic.role = text(role);
    if (!mac.empty()) nic.mac = parse_mac_address(mac);
    if (!ipv4.empty()) nic.ipv4 = parse_ipv4_interface(ipv4);
    if (!ipv6.empty()) nic.ipv6 = parse_ipv6_interface(ipv6);
    return nic;
  }

  void interfaces(Server& server, std::initializer_list<Interface> list) {
    server.interfaces = arena->copy_span(std::span<const Interface>(list.begin(), list.size()));
  }

  template <class T>
  std::span<const T> list(std::initializer_list<T> values) {
    return arena->copy_span(std::span<const T>(values.begin(), values.size()));
  }

  Boot& boot(Server& server, std::initializer_list<std::string_view> params,
             std::string_view console = {}) {
    Boot& boot = boots_.emplace_back();
    boot.params = texts(params);
    boot.console = text(console);
    boot.mark = {5, 13};
    server.boot = &boot;
    return boot;
  }

  NetworkConfig& network_config(Server& server) {
    NetworkConfig& config = configs_.emplace_back();
    server.network = &config;
    return config;
  }

  Network& network(const std::string& name, std::string_view prefix,
                   std::string_view gateway = {}) {
    Network network{.name = name, .prefix = *parse_ipv4_prefix(prefix)};
    if (!gateway.empty()) network.gateway = parse_ipv4(gateway);
    network.origin = {"networks.yaml", 2, 3};
    return model.networks.emplace_back(network);
  }

  Profile& profile(const std::string& name, std::initializer_list<const char*> params = {}) {
    Profile profile{.name = name, .title = {}, .type = ProfileType::custom};
    profile.origin = {"profiles/" + name + ".yaml", 1, 1};
    profile.kernel = {.path = name + "/vmlinuz", .origin = {"profiles/" + name + ".yaml", 2, 9}};
    profile.initrd = {
        {.path = name + "/initrd.img", .origin = {"profiles/" + name + ".yaml", 3, 9}}};
    std::uint32_t line = 5;
    for (const char* param : params) {
      profile.params.emplace_back(param);
      profile.param_origins.push_back({"profiles/" + name + ".yaml", line++, 5});
    }
    return model.profiles.emplace_back(profile);
  }

  struct Output {
    std::map<std::string, std::string> files;
    std::map<std::string, int> modes;
    Errors errors;
    int calls = 0;  ///< more than there are files where a file was written twice
  };

  /// All servers and the site in one format.
  Output render(Format format) {
    build_index(model);
    Output output;
    const ArtifactSink sink = [&](const Artifact& artifact) {
      ++output.calls;
      output.files[std::string(artifact.name)] = artifact.content;
      output.modes[std::string(artifact.name)] = artifact.mode;
    };
    const Rendering rendering(model, settings);
    const auto add = [&](Errors errors) {
      output.errors.insert(output.errors.end(), errors.begin(), errors.end());
    };
    add(rendering.site(format, sink));
    for (const ServerEntry& entry : model.servers) add(rendering.server(format, entry, sink));
    return output;
  }

  /// The texts of the errors, each once, in file order.
  std::vector<std::string> errors(Format format) {
    Errors errors = render(format).errors;
    sort_errors(errors);
    std::vector<std::string> texts;
    for (const Error& error : errors) {
      if (texts.empty() || texts.back() != error.text()) texts.push_back(error.text());
    }
    return texts;
  }

 private:
  std::deque<Server> storage_;
  std::deque<Boot> boots_;
  std::deque<NetworkConfig> configs_;
};

}  // namespace metalwright::renderers
