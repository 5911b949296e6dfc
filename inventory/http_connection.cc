#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "inventory/fetch_connection.h"
#include "inventory/message_text.h"
#include "reconciler/curl_handles.h"
#include "reconciler/curl_trust.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

constexpr int kSliceMs = 100;

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string url_part(const std::string& text, CURLUPart part) {
  const CurlUrl url(curl_url());
  char* value = nullptr;
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), part, &value, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    return {};
  }
  std::string out(value);
  curl_free(value);
  return out;
}

/// Whether credentials for one address may go to another: the same host and port, or the same host
/// once it asked for https on its usual port.
bool same_place(const std::string& from, const std::string& to) {
  if (url_part(from, CURLUPART_HOST) != url_part(to, CURLUPART_HOST)) return false;
  if (url_part(from, CURLUPART_SCHEME) == url_part(to, CURLUPART_SCHEME)) {
    return url_part(from, CURLUPART_PORT) == url_part(to, CURLUPART_PORT);
  }
  return url_part(to, CURLUPART_SCHEME) == "https" && url_part(to, CURLUPART_PORT) == "443";
}

class HttpConnection final : public FetchConnection {
 public:
  HttpConnection(const SourceLocation& location, const SourceOptions& options, FetchBounds& bounds,
                 GitService service)
      : service_(word(service)),
        references_("/info/refs?service=" + service_),
        base_(location.text()),
        options_(options),
        bounds_(bounds),
        easy_(curl_easy_init()),
        multi_(curl_multi_init()) {
    if (location.transport == Transport::https) protocols_ = "https";
    user_ = !options.user.empty() ? options.user : location.user;
    password_ = !options.password.empty() ? options.password : location.password;
    if (user_.empty() && !password_.empty()) user_ = "git";
  }

  ~HttpConnection() override { end_transfer(); }

  [[nodiscard]] bool valid() const { return easy_ != nullptr && multi_ != nullptr; }
  [[nodiscard]] bool stateless() const override { return true; }

  [[nodiscard]] Result<void> begin(Request request) override {
    end_transfer();
    request_ = request;
    body_.clear();
    buffer_.clear();
    given_ = 0;
    finished_.reset();
    refusal_.reset();
    return {};
  }

  [[nodiscard]] Result<void> write(std::string_view bytes) override {
    body_ += bytes;
    return {};
  }

  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer) override {
    if (!running_ && !finished_) {
      if (auto started = start_transfer(); !started) return tl::unexpected(started.error());
    }
    while (given_ == buffer_.size()) {
      if (refusal_) return tl::unexpected(*refusal_);
      if (finished_) {
        if (auto ended = outcome(); !ended) return tl::unexpected(ended.error());
        return 0;
      }
      buffer_.clear();
      given_ = 0;
      if (auto stepped = step(); !stepped) return tl::unexpected(stepped.error());
    }
    const std::size_t count = std::min(buffer.size(), buffer_.size() - given_);
    std::memcpy(buffer.data(), buffer_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  Result<void> start_transfer() {
    curl_easy_reset(easy_.get());
    error_text_[0] = '\0';
    const bool post = request_ == Request::pack;
    url_ = base_ + (post ? '/' + service_ : references_);
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_PROTOCOLS_STR, protocols_);
    set(CURLOPT_REDIR_PROTOCOLS_STR, protocols_);
    // A request is answered where the references came from; only these may have moved.
    set(CURLOPT_FOLLOWLOCATION, post ? 0L : 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer holds nobody up
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(bounds_.connect_timeout().count()));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_ERRORBUFFER, error_text_);
    set(CURLOPT_WRITEFUNCTION, &HttpConnection::on_bytes);
    set(CURLOPT_WRITEDATA, this);
    // Some forges answer only what calls itself git.
    set(CURLOPT_USERAGENT, "git/2.39 (metalwright)");
    trust_authorities(easy_.get(), options_.ca_file);
    if (!password_.empty() || !user_.empty()) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(CURLOPT_USERNAME, user_.c_str());
      set(CURLOPT_PASSWORD, password_.c_str());
    }
    headers_.reset();
    if (post) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDS, body_.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
      add_header(("Content-Type: application/x-" + service_ + "-request").c_str());
      add_header(("Accept: application/x-" + service_ + "-result").c_str());
      add_header("Expect:");
    } else {
      add_header(("Accept: application/x-" + service_ + "-advertisement").c_str());
      add_header("Pragma: no-cache");
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
    if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) {
      return fail(ErrorKind::bug, checks::kSourceUnreachable.id, "curl does not start");
    }
    running_ = true;
    bounds_.sent();
    return {};
  }

  void add_header(const char* header) {
    headers_.reset(curl_slist_append(headers_.release(), header));
  }

  void end_transfer() {
    if (running_) curl_multi_remove_handle(multi_.get(), easy_.get());
    running_ = false;
  }

  /// Lets curl work, and waits for something to do where there is nothing.
  Result<void> step() {
    int active = 0;
    curl_multi_perform(multi_.get(), &active);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) finished_ = message->data.result;
    }
    if (finished_) {
      end_transfer();
      return {};
    }
    if (!buffer_.empty() || refusal_) return {};
    if (auto within = bounds_.check(); !within) return within;
    curl_multi_poll(multi_.get(), nullptr, 0, kSliceMs, nullptr);
    return {};
  }

  static std::size_t on_bytes(char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<HttpConnection*>(self)->take({bytes, count});
  }

  std::size_t take(std::string_view bytes) {
    if (auto counted = bounds_.received(bytes.size()); !counted) {
      refusal_ = counted.error();
      return 0;
    }
    // What comes with a status of failure is a page for people.
    if (status() != 200 || !is_git()) return bytes.size();
    // Now and not at the end, because libgit2 stops reading where the references end.
    if (request_ == Request::references) {
      if (auto followed = follow_redirect(); !followed) {
        refusal_ = followed.error();
        return 0;
      }
    }
    buffer_ += bytes;
    return bytes.size();
  }

  [[nodiscard]] long status() const {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  [[nodiscard]] bool is_git() const {
    char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    const std::string wanted =
        "application/x-" + service_ + (request_ == Request::pack ? "-result" : "-advertisement");
    return type != nullptr && std::string_view(type).starts_with(wanted);
  }

  /// What the end of the transfer means.
  Result<void> outcome() {
    if (*finished_ != CURLE_OK) return curl_failure(*finished_);
    const long answered = status();
    if (answered != 200) return status_failure(answered);
    if (!is_git()) {
      return unavailable(checks::kSourceNotFound.id,
                         "the server answers, but not as a git server does: check the address");
    }
    return {};
  }

  Result<void> curl_failure(CURLcode code) {
    const std::string said = one_line(curl_words(code, error_text_));
    switch (code) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
        return fail(ErrorKind::refused, checks::kSourceTls.id,
                    fmt::format("the certificate of the server is not trusted ({}): name the "
                                "certificates to trust in a CA file",
                                said));
      case CURLE_OPERATION_TIMEDOUT:
        return unavailable(checks::kSourceTimeout.id,
                           fmt::format("the server does not answer ({})", said));
      case CURLE_UNSUPPORTED_PROTOCOL:
        return fail(ErrorKind::refused, checks::kSourceTls.id,
                    "the server redirects from https to an address that is not https");
      default:
        return unavailable(checks::kSourceUnreachable.id,
                           fmt::format("the server cannot be reached ({})", said));
    }
  }

  Result<void> status_failure(long answered) {
    const bool with_password = !password_.empty();
    if (answered == 401 || answered == 403) {
      return unavailable(
          checks::kSourceAuth.id,
          fmt::format("the server refuses {} (HTTP {}): {}",
                      with_password ? "the user and password" : "access without one", answered,
                      with_password ? "check both, and whether the token has expired"
                                    : "give a user and a token"));
    }
    if (answered == 404 || answered == 410) {
      return unavailable(
          checks::kSourceNotFound.id,
          fmt::format("the server has no repository there (HTTP {}){}", answered,
                      with_password ? "" : ", or none that it shows without a token"));
    }
    return unavailable(checks::kSourceUnreachable.id,
                       fmt::format("the server answers HTTP {}", answered));
  }

  Result<void> follow_redirect() {
    char* text = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_EFFECTIVE_URL, &text);
    const std::string now = text == nullptr ? url_ : std::string(text);
    if (now == url_) return {};
    if (!now.ends_with(references_)) {
      return unavailable(checks::kSourceNotFound.id,
                         "the server redirects to an address that is not a repository's");
    }
    if (!same_place(url_, now)) {
      user_.clear();
      password_.clear();
    }
    base_ = now.substr(0, now.size() - references_.size());
    if (now.starts_with("https:")) protocols_ = "https";
    url_ = now;
    return {};
  }

  std::string service_, references_;  // the program, and where it says what it has
  std::string base_;
  const SourceOptions& options_;
  FetchBounds& bounds_;
  CurlEasy easy_;
  CurlMulti multi_;
  CurlList headers_;
  const char* protocols_ = "http,https";
  std::string user_, password_;
  Request request_ = Request::references;
  std::string url_;
  std::string body_;    // the request's
  std::string buffer_;  // what came of the answer
  std::size_t given_ = 0;
  bool running_ = false;
  std::optional<CURLcode> finished_;
  std::optional<Error> refusal_;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

Result<std::unique_ptr<FetchConnection>> connect_http(const SourceLocation& location,
                                                      const SourceOptions& options,
                                                      FetchBounds& bounds, GitService service) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const bool secret = !options.password.empty() || !location.password.empty();
  if (location.transport == Transport::http && secret && !is_this_machine(location.host)) {
    return fail(ErrorKind::refused, checks::kSourceAuth.id,
                fmt::format("a password is not sent over http:// to {}: use https://",
                            quoted(location.host)));
  }
  auto connection = std::make_unique<HttpConnection>(location, options, bounds, service);
  if (started != CURLE_OK || !connection->valid()) {
    return fail(ErrorKind::bug, checks::kSourceUnreachable.id, "curl could not be started");
  }
  return connection;
}

}  // namespace metalwright::inventory
