#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/http_client.h"
#include "reconciler/targets/routeros/rest_rows.h"
#include "schemas/error.h"

/// RouterOS's REST as we use it: one request after the other over one kept-alive connection, since
/// each login is a line in the router's log and small boards answer slowly.
namespace metalwright::reconciler {

using RestValues = std::vector<std::pair<std::string, std::string>>;

/// Whether a write is known to have had no effect. Of one that broke off nobody knows.
enum class WriteFailure : std::uint8_t {
  refused,  ///< the router said no: nothing was done
  gone,     ///< the row is not there (any more)
  unknown,  ///< the connection broke, or the router gave no proper answer: look again
};
[[nodiscard]] WriteFailure failure_of(const Error& error);

/// The property that the router says it does not know; empty where it says something else.
[[nodiscard]] std::string unknown_property(const Error& error);

class RestClient {
 public:
  /// `password` is asked for whenever a connection is made, so that a new one counts at once; its
  /// error is that of the request.
  using Password = std::function<Result<std::string>()>;
  RestClient(HttpOptions options, Password password);

  /// The rows of a menu, with these properties and `.id`. A menu with a single row gives one.
  /// Properties that this router refuses to be asked for are left out, from then on as well.
  /// Errors: `unavailable` [http-*], [routeros-login], [routeros-answer]; `invalid`
  /// [routeros-refused], [routeros-no-menu] where this router has no such menu, and
  /// [routeros-policy] where the user may not read it.
  [[nodiscard]] Result<std::vector<RestRow>> rows(std::string_view menu,
                                                  std::span<const std::string_view> properties,
                                                  std::stop_token stop);

  /// The writes. None is repeated here, because after a broken connection only looking can tell
  /// whether it was done; `failure_of` tells which errors say what.
  /// Errors: as above; `conflict` [routeros-gone] where the row is not there.
  /// `add` gives what the router tells of the new row: usually all of it, or its id, or nothing.
  [[nodiscard]] Result<RestRow> add(std::string_view menu, const RestValues& values,
                                    std::stop_token stop);
  [[nodiscard]] Result<void> set(std::string_view menu, std::string_view id,
                                 const RestValues& values, std::stop_token stop);
  [[nodiscard]] Result<void> remove(std::string_view menu, std::string_view id,
                                    std::stop_token stop);
  /// Any other command; gives what it tells, which may be nothing.
  [[nodiscard]] Result<std::vector<RestRow>> command(std::string_view menu, std::string_view name,
                                                     const RestValues& values,
                                                     std::stop_token stop);

  /// The next request goes over a connection of its own.
  void reconnect();
  [[nodiscard]] const std::string& url() const { return options_.url; }

 private:
  [[nodiscard]] Result<HttpResponse> send(HttpRequest request, std::stop_token stop);
  void note(const HttpRequest& request, const Result<HttpResponse>& response);
  [[nodiscard]] Result<std::vector<RestRow>> ask(std::string_view menu,
                                                 std::span<const std::string_view> properties,
                                                 const std::stop_token& stop);

  HttpOptions options_;
  Password password_;
  std::set<std::string> unreadable_;  ///< `menu property`
  std::unique_ptr<HttpClient> http_;
  unsigned answers_ = 0;             ///< over this connection
  unsigned calm_ = 0;                ///< answers since one broke
  unsigned breaks_ = 0, alone_ = 0;  ///< requests that have a connection each
};

}  // namespace metalwright::reconciler
