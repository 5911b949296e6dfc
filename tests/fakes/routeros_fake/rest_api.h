#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tests/fakes/routeros_fake/device.h"

namespace metalwright::fakes {

struct RestRequest {
  std::string method, target, body;  ///< target: `/rest/ip/pool?.proplist=.id,name`
};

struct RestReply {
  int status = 200;
  std::string body;
};

/// What commands need beyond the configuration.
struct RestHost {
  std::function<Outcome<void>(std::string_view script)> run_script;
  std::function<std::string(std::string_view script)> execute;  ///< its output, or its error
  std::function<void()> reboot;
  std::function<Outcome<std::string>(const std::string& url)> fetch;
  /// Told after a row was added or changed, with its id.
  std::function<void(const Menu& menu, std::uint32_t id)> changed;
};

/// RouterOS's REST over a device: verbs, queries, replies and errors. Credentials are checked
/// before.
class RestApi {
 public:
  RestApi(Device& device, RestHost host) : device_(device), host_(std::move(host)) {}
  [[nodiscard]] RestReply answer(const RestRequest& request);

 private:
  struct Place;
  [[nodiscard]] RestReply get(const Place& place, std::string_view query);
  [[nodiscard]] RestReply put(const Place& place, std::string_view body);
  [[nodiscard]] RestReply patch(const Place& place, std::string_view body);
  [[nodiscard]] RestReply remove(const Place& place);
  [[nodiscard]] RestReply post(const Place& place, std::string_view body);
  [[nodiscard]] RestReply command(const Menu& menu, std::string_view name,
                                  const Properties& arguments);
  [[nodiscard]] RestReply fetch(const Properties& arguments);
  [[nodiscard]] RestReply make_static(const Menu& menu, std::uint32_t id);

  Device& device_;
  RestHost host_;
};

/// `{"detail":…,"error":400,"message":"Bad Request"}`.
[[nodiscard]] RestReply error_reply(int status, std::string_view detail);

}  // namespace metalwright::fakes
