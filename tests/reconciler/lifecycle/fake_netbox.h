#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/http_client.h"
#include "reconciler/netbox/netbox_api.h"

/// A NetBox in memory for the lifecycle's own tests: what its registry asks for, and failures at
/// any request. These tests run whole lives some hundred times, once a request that gets lost, and
/// change servers between two requests: with the stand-in of tests/fakes, a process of its own that
/// is asked over HTTP, they would take a minute and not half a second. What NetBox takes and
/// refuses is that one's matter, which is held against NetBox's own document: the program's tests
/// (tests/cli/lifecycle_test.py) tell the same lives against it.
namespace metalwright::lifecycle {

class FakeNetbox : public reconciler::HttpClient {
 public:
  explicit FakeNetbox(bool with_choices = true);

  void send_all(std::span<const reconciler::HttpRequest> requests, const OnAnswer& on_answer,
                std::stop_token stop) override;

  /// Makes a device with one interface; returns the device's id. The interface's id is 100 more.
  std::int64_t add_server(const std::string& name, const std::string& status,
                          const std::string& mac, const std::string& interface = "bmc");
  std::int64_t add_address(const std::string& address, std::optional<std::int64_t> interface);
  void add_prefix(const std::string& prefix);
  /// Has the custom field instead of the choices.
  void use_field();
  nlohmann::json& device(std::int64_t id) { return devices_.at(id); }
  /// Changes a device as somebody else does.
  void change(std::int64_t id, const std::string& member, const nlohmann::json& value);

  [[nodiscard]] std::vector<std::string> journal(std::int64_t device) const;  ///< `kind: text`
  [[nodiscard]] std::vector<std::string> addresses(std::int64_t interface) const;

  bool etags = true;               ///< as from 4.6 on
  bool tells_choices = true;       ///< this user may create devices
  int unreachable_after = -1;      ///< after so many requests nothing is answered
  int cut_at = -1;                 ///< this request, counted from 0, is done but its answer is lost
  int status_at = -1, status = 0;  ///< this request is answered with a status instead
  std::function<void(int request)> before;  ///< called before each request, with its number
  int requests = 0;
  std::vector<std::string> writes;  ///< `PATCH /api/…`, those that were done

 private:
  using Json = nlohmann::json;
  using Table = std::map<std::int64_t, Json>;
  struct Answer {
    int status;
    Json body;
  };
  Answer answer(const reconciler::HttpRequest& request, std::string& etag);
  Answer list(const std::string& path, const std::map<std::string, std::string>& query);
  Answer read(const std::string& path, std::string& etag);
  Answer patch(const std::string& path, const Json& body, const std::string& if_match);
  Answer post(const std::string& path, const Json& body);
  Answer remove(const std::string& path);
  Table* table_of(const std::string& path);
  void touch(Json& object);
  [[nodiscard]] Json seen(const std::string& path, const Json& object) const;

  bool choices_;
  bool field_ = false;
  int ticks_ = 0;
  std::int64_t next_ = 1;
  Table devices_, interfaces_, addresses_, prefixes_, journal_;
};

/// A client of a fake that goes on living.
[[nodiscard]] reconciler::NetboxApi api_for(FakeNetbox& netbox);

}  // namespace metalwright::lifecycle
