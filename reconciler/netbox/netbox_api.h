#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/http_client.h"
#include "reconciler/netbox/netbox_bulk.h"
#include "reconciler/netbox/netbox_version.h"
#include "schemas/error.h"

/// NetBox's REST API as it is spoken by 3.7 to the newest 4.x, for all who speak to one: the
/// target, the servers' lives, the import. It knows no model of NetBox: paths and JSON go in, JSON
/// and errors come out. What the refusals mean is in netbox_answer.h. Source: NetBox's
/// documentation, integrations/rest-api, and the OpenAPI document of 4.2.
namespace metalwright::reconciler {

/// The value of the `Authorization` header: a token of the second form (`nbt_…`) is a bearer's, one
/// of the first is not. Blanks around it, such as a line end in a secret's file, are dropped.
[[nodiscard]] std::string netbox_authorization(std::string_view token);

/// Not for concurrent use.
class NetboxApi {
 public:
  struct Limits {
    std::size_t page = 1000;           ///< objects a page; NetBox gives fewer where it is told to
    std::size_t address_bytes = 3900;  ///< longest request line that gunicorn takes, and some room
    std::chrono::milliseconds write_silence{300'000};  ///< a bulk write answers at its end
  };

  explicit NetboxApi(std::unique_ptr<HttpClient> http);
  NetboxApi(std::unique_ptr<HttpClient> http, Limits limits);
  ~NetboxApi();
  NetboxApi(NetboxApi&&) noexcept;
  NetboxApi& operator=(NetboxApi&&) noexcept;

  [[nodiscard]] const Limits& limits() const;

  /// Asks `/api/status/`, once.
  /// Error: `invalid` [netbox-version] where what answers is no NetBox, or older than 3.7.
  [[nodiscard]] Result<NetboxVersion> version(std::stop_token stop);
  /// The version is asked for again next time: NetBox may be upgraded while we run.
  void forget_version();

  /// The answer to a request, whatever its status. Errors: the client's.
  [[nodiscard]] Result<HttpResponse> ask(const HttpRequest& request, std::stop_token stop);
  /// The JSON of a good answer; null for one without a body.
  /// Errors: the client's, and those of `netbox_error`.
  [[nodiscard]] Result<nlohmann::json> send(const HttpRequest& request, std::stop_token stop);
  /// The same for a GET of one object, or of anything that is not a list.
  [[nodiscard]] Result<nlohmann::json> get(const std::string& path, std::stop_token stop);
  /// The same for a write of one object.
  [[nodiscard]] Result<nlohmann::json> write(HttpMethod method, const std::string& path,
                                             const nlohmann::json& body, std::stop_token stop);
  /// The choices of a field, as the token's owner may write it; `OPTIONS` of a list.
  [[nodiscard]] Result<nlohmann::json> options(const std::string& path, std::stop_token stop);

  /// Takes one page of a list: the JSON as it came, which may be taken apart in place.
  /// Returns how many results it holds and the count that it tells.
  struct Page {
    std::size_t results = 0, count = 0;
  };
  using OnPage = std::function<Result<Page>(std::string& body)>;
  struct Listed {
    std::size_t results = 0;
    /// False where objects came or went between two pages, so that some may have been missed.
    bool whole = true;
  };
  /// Reads all pages of `path` (`/api/dcim/sites/`) with `query` (`tag=a&status=active`, without a
  /// leading `?`), ordered by id. Pages come in any order.
  [[nodiscard]] Result<Listed> pages(const std::string& path, const std::string& query,
                                     const OnPage& on_page, std::stop_token stop);
  /// How many objects a list has. `address` is its path and query.
  [[nodiscard]] Result<std::size_t> count(const std::string& address, std::stop_token stop);
  /// The same for many values of one filter, such as `name`: as many requests as the length of an
  /// address asks for. `query` is added to each and may be empty.
  [[nodiscard]] Result<void> pages_of(const std::string& path, const std::string& filter,
                                      std::span<const std::string> values, const std::string& query,
                                      const OnPage& on_page, std::stop_token stop);

  /// Visits the results of all pages, in any order, each once unless they moved meanwhile.
  using OnObject = std::function<void(const nlohmann::json& object)>;
  [[nodiscard]] Result<void> each(const std::string& path, const std::string& query,
                                  const OnObject& visit, std::stop_token stop);
  [[nodiscard]] Result<void> each_of(const std::string& path, const std::string& filter,
                                     std::span<const std::string> values, const std::string& query,
                                     const OnObject& visit, std::stop_token stop);
  /// The results of all pages by id, for lists that are short.
  [[nodiscard]] Result<std::vector<nlohmann::json>> list(const std::string& path,
                                                         const std::string& query,
                                                         std::stop_token stop);
  [[nodiscard]] Result<std::vector<nlohmann::json>> list_of(const std::string& path,
                                                            const std::string& filter,
                                                            std::span<const std::string> values,
                                                            const std::string& query,
                                                            std::stop_token stop);

  /// Creates objects, at most `most` in a request, and returns an outcome for each in the same
  /// order; see `NetboxBulk`.
  [[nodiscard]] std::vector<NetboxOutcome> create(const std::string& path,
                                                  std::span<const nlohmann::json> objects,
                                                  std::size_t most, std::stop_token stop);
  /// Changes objects, each with its `id`. An id that is not there any more is `conflict`
  /// [netbox-gone].
  [[nodiscard]] std::vector<NetboxOutcome> update(const std::string& path,
                                                  std::span<const nlohmann::json> objects,
                                                  std::size_t most, std::stop_token stop);
  /// Deletes objects. One that is not there any more is deleted.
  [[nodiscard]] std::vector<NetboxOutcome> remove(const std::string& path,
                                                  std::span<const std::int64_t> ids,
                                                  std::size_t most, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace metalwright::reconciler
