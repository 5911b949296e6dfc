#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/error.h"

/// HTTP as a client of an API speaks it: one place that knows connections, certificates, limits
/// and when a request may be sent again. What the answers mean is for the API's own client to say:
/// any status that is not retried is an answer, 404 as well as 200.
///
/// Redirects are never followed: credentials go to the address that was configured and nowhere
/// else. Neither credentials nor bodies are ever part of an error.
namespace metalwright::reconciler {

enum class HttpMethod : std::uint8_t { get, head, options, post, put, patch, del };
[[nodiscard]] std::string_view word(HttpMethod method);

/// When a request may be sent a second time.
enum class HttpRepeat : std::uint8_t {
  by_method,  ///< `always`, but `refused` for POST
  always,     ///< doing it twice is as doing it once
  /// Only where it certainly was not done: no connection was made, or the server said so with a
  /// 429. Where the connection breaks after it was sent, the caller looks whether it was done.
  refused,
  never,
};

struct HttpRequest {
  HttpMethod method = HttpMethod::get;
  std::string path;  ///< appended to the base address: `/api/dcim/sites/?limit=1000`
  std::string body;
  std::string content_type = "application/json";  ///< of the body, where there is one
  std::vector<std::string> headers;               ///< more of them, `Name: value`
  HttpRepeat repeat = HttpRepeat::by_method;
  std::chrono::milliseconds silence{0};  ///< instead of the client's `silence`; 0: that
};

struct HttpResponse {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  /// The first of that name (lower case); empty where there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool good() const { return status >= 200 && status < 300; }
};

struct HttpOptions {
  std::string url;  ///< `https://host:port/base`, http or https; a slash at the end is dropped
  /// Value of the `Authorization` header; empty: none. Not together with a user.
  std::string authorization;
  std::string user, password;  ///< basic authentication; an empty user: none
  std::string ca_file;         ///< PEM: the only certificates to trust; empty: the system's
  /// The server's own certificate, instead of a chain to an authority and of the host's name:
  /// SHA-256 of the certificate as 64 hexadecimal digits, with or without colons, or of its public
  /// key as `sha256//BASE64`. Empty: not pinned.
  std::string pin;
  unsigned connections = 3;  ///< at most so many at a time, kept open between requests
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds silence{30'000};  ///< longest wait for the next byte
  std::chrono::milliseconds total{600'000};   ///< longest time for one try
  std::size_t body_bytes = 64u << 20;         ///< longest body of an answer, unpacked
  unsigned tries = 5;                         ///< how often a request that may be repeated is sent
  std::chrono::milliseconds first_wait{500};  ///< before the second try; doubles, with jitter
  std::chrono::milliseconds longest_wait{30'000};  ///< between two tries, `Retry-After` included
};

/// What was sent and how it went, for a log or a count. Never a body or a credential.
struct HttpTry {
  HttpMethod method;
  std::string_view path;
  int status;        ///< 0: no answer
  unsigned attempt;  ///< from 1
};

/// Not for concurrent use; each thread has its own.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Called with each answer as it comes, in any order; `index` counts into the requests.
  using OnAnswer = std::function<void(std::size_t index, Result<HttpResponse> answer)>;

  /// Sends the requests, several at a time, and returns when each was answered or given up.
  /// Requests that are not begun yet are given up when `stop` is requested.
  /// Errors of an answer: `unavailable` [http-unreachable], [http-timeout], [http-busy] (the last
  /// of the tries got a 429 or a 5xx), [http-too-big], [http-stopped]; `refused` [http-tls].
  /// After `unavailable`, a request that is not repeatable may have been done all the same.
  virtual void send_all(std::span<const HttpRequest> requests, const OnAnswer& on_answer,
                        std::stop_token stop) = 0;

  /// Sends one.
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop);
};

/// Error: `invalid` [http-options] for an address that is not http or https, or that holds a user,
/// a query or a fragment; a CA file that is not there; a pin that is none; a pin without https.
[[nodiscard]] Result<std::unique_ptr<HttpClient>> make_http_client(
    HttpOptions options, std::function<void(const HttpTry&)> on_try = {});

/// `text` with everything but letters, digits and `-._~` as %XX, for a path segment or a query.
[[nodiscard]] std::string url_escape(std::string_view text);

/// Seconds to wait, from a `Retry-After` header: a number, or an HTTP date seen from `now`
/// (negative differences are 0). Empty for anything else.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(std::string_view value,
                                                              std::chrono::sys_seconds now);

}  // namespace metalwright::reconciler
