#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/service/service.h"

namespace metalwright {

/// The service over a small site, in this process: a state in memory, and connections that are a
/// pair of sockets of this process. Made once; what inputs leave in the state is thrown away now
/// and then.
class ServiceSite {
 public:
  /// An administrator's, the secret of both hooks, and a file beside the assets.
  static constexpr std::string_view kToken = "token-of-an-administrator", kSecret = "hook-secret",
                                    kOutside = "nobody is to see this";

  /// With a NetBox, whose webhooks then concern it; nobody answers there.
  explicit ServiceSite(bool netbox);
  ~ServiceSite();
  ServiceSite(const ServiceSite&) = delete;
  ServiceSite& operator=(const ServiceSite&) = delete;

  /// What the service says to these bytes of a client that then says no more.
  [[nodiscard]] std::string answer(std::string_view bytes);
  [[nodiscard]] const service::RouteTable& routes() const { return service_->routes(); }

 private:
  void begin();
  bool netbox_;
  std::string root_;
  std::unique_ptr<service::Service> service_;
  std::size_t asked_ = 0;
};

/// One answer as it stood on the wire, taken apart by a reader that forgives nothing.
struct WireAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;

  /// Null where there is none; a finding where there are several.
  [[nodiscard]] const std::string* header(std::string_view name) const;
};

/// All of them; a finding where the bytes are not answers and nothing else. `head` says that the
/// last has no body.
[[nodiscard]] std::vector<WireAnswer> read_answers(std::string_view bytes, bool head);

}  // namespace metalwright
