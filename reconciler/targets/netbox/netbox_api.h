#pragma once

#include <compare>
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
#include "schemas/error.h"

/// NetBox's REST API as it is spoken by 3.7 to the newest 4.x: paging, bulk writes, and what the
/// refusals mean. It knows no model of NetBox: paths and JSON go in, JSON and errors come out.
/// Source: NetBox's documentation, integrations/rest-api, and the OpenAPI document of 4.2.
namespace metalwright::reconciler {

struct NetboxVersion {
  unsigned major = 0, minor = 0, patch = 0;
  friend auto operator<=>(const NetboxVersion&, const NetboxVersion&) = default;

  /// MAC addresses are objects, and an interface names one of them.
  [[nodiscard]] bool mac_objects() const { return at_least(4, 2); }
  /// `?fields=` chooses what a list tells of each object.
  [[nodiscard]] bool chooses_fields() const { return at_least(4, 0); }
  /// Custom fields and event rules name `object_types`; before that, `content_types`.
  [[nodiscard]] bool object_types() const { return at_least(4, 0); }
  /// A prefix or a cluster has a scope; before that, a site.
  [[nodiscard]] bool scopes() const { return at_least(4, 2); }
  /// `/api/core/object-changes/`; before that, `/api/extras/object-changes/`.
  [[nodiscard]] bool changes_in_core() const { return at_least(4, 1); }
  [[nodiscard]] bool at_least(unsigned want_major, unsigned want_minor) const {
    return major != want_major ? major > want_major : minor >= want_minor;
  }
  [[nodiscard]] std::string text() const;
};
/// `4.6.8`, `4.6.8-Docker-3.1.1`, `4.2-beta1`; empty for anything else.
[[nodiscard]] std::optional<NetboxVersion> parse_netbox_version(std::string_view text);

/// The value of the `Authorization` header: a token of the second form (`nbt_…`) is a bearer's, one
/// of the first is not. Blanks around it, such as a line end in a secret's file, are dropped.
[[nodiscard]] std::string netbox_authorization(std::string_view token);

/// What an answer that is no success means: `invalid` [netbox-refused] for a 400, with each field
/// and what is said of it; `refused` [netbox-permission] for 401 and 403; `conflict`
/// [netbox-gone] for 404, [netbox-protected] for 409 and [netbox-changed] for 412; `unavailable`
/// [netbox-failure] for everything else. Bounded, on one line, without what was sent.
[[nodiscard]] Error netbox_error(const HttpResponse& answer);

/// One item of a bulk request.
struct NetboxWritten {
  std::int64_t id = 0;
  std::string last_updated;
};
using NetboxOutcome = Result<NetboxWritten>;

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

  /// The answer to a GET of one object, or of anything that is not a list.
  /// Errors: the client's, and those of `netbox_error`.
  [[nodiscard]] Result<nlohmann::json> get(const std::string& path, std::stop_token stop);
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
  /// The results of all pages, for lists that are short.
  [[nodiscard]] Result<std::vector<nlohmann::json>> list(const std::string& path,
                                                         const std::string& query,
                                                         std::stop_token stop);
  /// The same for many values of one filter, such as `name`: as many requests as the length of an
  /// address asks for. `query` is added to each and may be empty.
  [[nodiscard]] Result<void> pages_of(const std::string& path, const std::string& filter,
                                      std::span<const std::string> values, const std::string& query,
                                      const OnPage& on_page, std::stop_token stop);

  [[nodiscard]] Result<std::vector<nlohmann::json>> list_of(const std::string& path,
                                                            const std::string& filter,
                                                            std::span<const std::string> values,
                                                            const std::string& query,
                                                            std::stop_token stop);

  /// Creates objects, all of a chunk or none, and returns an outcome for each in the same order.
  /// Where NetBox refuses a chunk, the object at fault is found and the others are made. An outcome
  /// of `unavailable` does not tell whether it was done: look before it is done again.
  [[nodiscard]] std::vector<NetboxOutcome> create(const std::string& path,
                                                  std::span<const nlohmann::json> objects,
                                                  std::size_t chunk, std::stop_token stop);
  /// Changes objects, each with its `id`. An id that is not there any more is `conflict`
  /// [netbox-gone].
  [[nodiscard]] std::vector<NetboxOutcome> update(const std::string& path,
                                                  std::span<const nlohmann::json> objects,
                                                  std::size_t chunk, std::stop_token stop);
  /// Deletes objects. One that is not there any more is deleted.
  [[nodiscard]] std::vector<NetboxOutcome> remove(const std::string& path,
                                                  std::span<const std::int64_t> ids,
                                                  std::size_t chunk, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace metalwright::reconciler
