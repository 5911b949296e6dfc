#include "reconciler/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <deque>
#include <random>

#include "schemas/digest.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kSliceMs = 100;
constexpr std::size_t kHeaderBytes = 256u << 10;

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CloseMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CloseList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CloseUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

bool always_repeatable(const HttpRequest& request) {
  if (request.repeat == HttpRepeat::by_method) return request.method != HttpMethod::post;
  return request.repeat == HttpRepeat::always;
}

/// Whether the server may be able to answer the same request later.
bool busy(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// OpenSSL's whole verification, replaced: the certificate that the server shows is the pinned one.
int verify_fingerprint(X509_STORE_CTX* context, void* pinned) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509* certificate = X509_STORE_CTX_get0_cert(context);
  const auto& wanted = static_cast<const Digest*>(pinned)->bytes;
  const bool same =
      certificate != nullptr && X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1 &&
      size == wanted.size() && std::equal(wanted.begin(), wanted.end(), digest.begin());
  X509_STORE_CTX_set_error(context, same ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
  return same ? 1 : 0;
}

CURLcode on_ssl_context(CURL*, void* context, void* pinned) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), &verify_fingerprint, pinned);
  return CURLE_OK;
}

/// While one lives, writing to a connection that the server closed is an error of this thread and
/// not the end of the process: OpenSSL writes without MSG_NOSIGNAL, and curl's own protection
/// changes the disposition for all threads.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipe() {
    const timespec now{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

/// One request on its way, in whichever of its tries.
struct Transfer {
  const HttpRequest* request = nullptr;
  std::size_t index = 0;
  unsigned attempt = 0;
  Clock::time_point not_before, started, last_byte;
  std::unique_ptr<CURL, CloseEasy> easy;
  std::unique_ptr<curl_slist, CloseList> headers;
  std::string url;
  std::size_t sent = 0, header_bytes = 0, body_bytes = 0;
  bool too_big = false;
  HttpResponse response;
  std::array<char, CURL_ERROR_SIZE> said{};
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_byte = Clock::now();
  if (count > transfer.body_bytes - transfer.response.body.size()) {
    transfer.too_big = true;
    return 0;
  }
  transfer.response.body.append(bytes, count);
  return count;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_byte = Clock::now();
  transfer.header_bytes += count;
  if (transfer.header_bytes > kHeaderBytes) {
    transfer.too_big = true;
    return 0;
  }
  const std::string_view line(bytes, count);
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();
    return count;
  }
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                           trimmed(line.substr(colon + 1)));
  }
  return count;
}

std::size_t on_send(char* buffer, std::size_t, std::size_t room, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string& body = transfer.request->body;
  const std::size_t count = std::min(room, body.size() - transfer.sent);
  std::memcpy(buffer, body.data() + transfer.sent, count);
  transfer.sent += count;
  transfer.last_byte = Clock::now();
  return count;
}

/// curl sends a request again by itself where a kept connection turns out to be closed. It has to
/// ask here once some of the body has gone out, and then the server may have done it already.
int on_rewind(void* self, curl_off_t offset, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.sent > 0 && !always_repeatable(*transfer.request)) return CURL_SEEKFUNC_FAIL;
  transfer.sent = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(HttpOptions options, std::function<void(const HttpTry&)> on_try)
      : options_(std::move(options)),
        on_try_(std::move(on_try)),
        multi_(curl_multi_init()),
        random_(std::random_device{}()) {
    fingerprint_ = pinned_fingerprint(options_.pin);
    if (multi_ != nullptr) {
      const auto most = static_cast<long>(options_.connections);
      curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
      curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, most);
    }
  }

  ~CurlHttpClient() override {
    const NoBrokenPipe guard;  // closing says goodbye to the servers
    idle_.clear();
    multi_.reset();
  }
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  [[nodiscard]] bool valid() const { return multi_ != nullptr; }

  /// The fingerprint that `pin` is, without its colons; empty where it is none.
  static Digest pinned_fingerprint(std::string pin) {
    std::erase(pin, ':');
    return Digest::from_hex(pin);
  }

  void send_all(std::span<const HttpRequest> requests, const OnAnswer& on_answer,
                std::stop_token stop) override {
    const NoBrokenPipe guard;
    std::deque<std::unique_ptr<Transfer>> waiting;
    std::vector<std::unique_ptr<Transfer>> running;
    std::size_t next = 0;
    while (next < requests.size() || !waiting.empty() || !running.empty()) {
      const Clock::time_point now = Clock::now();
      if (stop.stop_requested()) waiting_stopped(waiting, requests, next, on_answer);
      while (running.size() < options_.connections) {
        auto transfer = next_due(waiting, requests, next, now);
        if (transfer == nullptr) break;
        if (auto begun = begin(*transfer); !begun) {
          on_answer(transfer->index, tl::unexpected(begun.error()));
          continue;
        }
        running.push_back(std::move(transfer));
      }
      work(running, waiting, on_answer, stop);
    }
  }

 private:
  template <class Value>
  static void set(const Transfer& transfer, CURLoption option, Value value) {
    curl_easy_setopt(transfer.easy.get(), option, value);
  }

  void waiting_stopped(std::deque<std::unique_ptr<Transfer>>& waiting,
                       std::span<const HttpRequest> requests, std::size_t& next,
                       const OnAnswer& on_answer) {
    while (!waiting.empty()) {
      on_answer(waiting.front()->index, unavailable("http-stopped", "asked to stop"));
      waiting.pop_front();
    }
    for (; next < requests.size(); ++next) {
      on_answer(next, unavailable("http-stopped", "asked to stop"));
    }
  }

  /// A request whose time has come: one to be tried again before one that is new.
  static std::unique_ptr<Transfer> next_due(std::deque<std::unique_ptr<Transfer>>& waiting,
                                            std::span<const HttpRequest> requests,
                                            std::size_t& next, Clock::time_point now) {
    const auto due = std::find_if(waiting.begin(), waiting.end(),
                                  [&](const auto& one) { return one->not_before <= now; });
    if (due != waiting.end()) {
      auto transfer = std::move(*due);
      waiting.erase(due);
      return transfer;
    }
    if (next == requests.size()) return nullptr;
    auto transfer = std::make_unique<Transfer>();
    transfer->request = &requests[next];
    transfer->index = next++;
    return transfer;
  }

  Result<void> begin(Transfer& transfer) {
    if (!idle_.empty()) {
      transfer.easy = std::move(idle_.back());
      idle_.pop_back();
      curl_easy_reset(transfer.easy.get());
    } else {
      transfer.easy.reset(curl_easy_init());
    }
    if (transfer.easy == nullptr)
      return fail(ErrorKind::bug, "http-options", "curl does not start");
    ++transfer.attempt;
    transfer.response = {};
    transfer.sent = transfer.header_bytes = 0;
    transfer.too_big = false;
    transfer.said[0] = '\0';
    transfer.body_bytes = options_.body_bytes;
    transfer.url = options_.url + transfer.request->path;
    set_connection(transfer);
    set_request(transfer);
    transfer.started = transfer.last_byte = Clock::now();
    if (curl_multi_add_handle(multi_.get(), transfer.easy.get()) != CURLM_OK) {
      return fail(ErrorKind::bug, "http-options", "curl does not start");
    }
    return {};
  }

  void set_connection(Transfer& transfer) {
    set(transfer, CURLOPT_URL, transfer.url.c_str());
    set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    set(transfer, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer holds nobody up
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(transfer, CURLOPT_ERRORBUFFER, transfer.said.data());
    set(transfer, CURLOPT_PRIVATE, &transfer);
    set(transfer, CURLOPT_WRITEFUNCTION, &on_body);
    set(transfer, CURLOPT_WRITEDATA, &transfer);
    set(transfer, CURLOPT_HEADERFUNCTION, &on_header);
    set(transfer, CURLOPT_HEADERDATA, &transfer);
    set(transfer, CURLOPT_ACCEPT_ENCODING, "");  // all that curl can unpack
    set(transfer, CURLOPT_USERAGENT, "metalwright");
    if (!options_.ca_file.empty()) {
      set(transfer, CURLOPT_CAINFO, options_.ca_file.c_str());
      set(transfer, CURLOPT_CAPATH, nullptr);
    }
    if (!options_.pin.empty()) {
      set(transfer, CURLOPT_SSL_VERIFYHOST, 0L);
      if (fingerprint_.empty()) {
        set(transfer, CURLOPT_SSL_VERIFYPEER, 0L);
        set(transfer, CURLOPT_PINNEDPUBLICKEY, options_.pin.c_str());
      } else {
        set(transfer, CURLOPT_SSL_CTX_FUNCTION, &on_ssl_context);
        set(transfer, CURLOPT_SSL_CTX_DATA, &fingerprint_);
      }
    }
    if (!options_.user.empty()) {
      set(transfer, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(transfer, CURLOPT_USERNAME, options_.user.c_str());
      set(transfer, CURLOPT_PASSWORD, options_.password.c_str());
    }
  }

  void set_request(Transfer& transfer) {
    const HttpRequest& request = *transfer.request;
    transfer.headers.reset();
    const auto add_header = [&](const std::string& header) {
      transfer.headers.reset(curl_slist_append(transfer.headers.release(), header.c_str()));
    };
    if (!options_.authorization.empty()) add_header("Authorization: " + options_.authorization);
    for (const std::string& header : request.headers) add_header(header);
    add_header("Expect:");
    const bool with_body = !request.body.empty() || request.method == HttpMethod::post ||
                           request.method == HttpMethod::put || request.method == HttpMethod::patch;
    if (with_body) {
      set(transfer, CURLOPT_POST, 1L);
      set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(transfer, CURLOPT_READFUNCTION, &on_send);
      set(transfer, CURLOPT_READDATA, &transfer);
      set(transfer, CURLOPT_SEEKFUNCTION, &on_rewind);
      set(transfer, CURLOPT_SEEKDATA, &transfer);
      add_header(request.body.empty() ? "Content-Type:" : "Content-Type: " + request.content_type);
      // Without a body curl has nothing to rewind, and would not ask before it sends again.
      if (request.body.empty() && !always_repeatable(request)) {
        set(transfer, CURLOPT_FRESH_CONNECT, 1L);
      }
    }
    if (request.method == HttpMethod::head) set(transfer, CURLOPT_NOBODY, 1L);
    if (with_body || request.method == HttpMethod::del || request.method == HttpMethod::options) {
      set(transfer, CURLOPT_CUSTOMREQUEST, word(request.method).data());
    }
    set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
  }

  /// Lets curl work, waits for something to do where there is nothing, and takes what is done.
  void work(std::vector<std::unique_ptr<Transfer>>& running,
            std::deque<std::unique_ptr<Transfer>>& waiting, const OnAnswer& on_answer,
            const std::stop_token& stop) {
    int active = 0;
    curl_multi_perform(multi_.get(), &active);
    std::vector<std::pair<Transfer*, CURLcode>> done;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      done.emplace_back(transfer, message->data.result);
    }
    for (const auto& [transfer, code] : done) finish(*transfer, code, running, waiting, on_answer);
    if (!done.empty()) return;
    give_up_overdue(running, waiting, on_answer, stop);
    if (running.empty() && waiting.empty()) return;
    curl_multi_poll(multi_.get(), nullptr, 0, kSliceMs, nullptr);
  }

  void give_up_overdue(std::vector<std::unique_ptr<Transfer>>& running,
                       std::deque<std::unique_ptr<Transfer>>& waiting, const OnAnswer& on_answer,
                       const std::stop_token& stop) {
    const Clock::time_point now = Clock::now();
    std::vector<Transfer*> overdue;
    for (const auto& transfer : running) {
      const milliseconds silence =
          transfer->request->silence.count() > 0 ? transfer->request->silence : options_.silence;
      // What was begun is given its time although asked to stop, unless it changes nothing.
      const bool dropped = stop.stop_requested() && transfer->request->method == HttpMethod::get;
      if (dropped || now - transfer->last_byte > silence ||
          now - transfer->started > options_.total) {
        overdue.push_back(transfer.get());
      }
    }
    for (Transfer* transfer : overdue) {
      finish(*transfer, CURLE_OPERATION_TIMEDOUT, running, waiting, on_answer);
    }
  }

  void finish(Transfer& transfer, CURLcode code, std::vector<std::unique_ptr<Transfer>>& running,
              std::deque<std::unique_ptr<Transfer>>& waiting, const OnAnswer& on_answer) {
    const auto at = std::find_if(running.begin(), running.end(),
                                 [&](const auto& one) { return one.get() == &transfer; });
    std::unique_ptr<Transfer> owned = std::move(*at);
    running.erase(at);
    long status = 0;
    curl_easy_getinfo(owned->easy.get(), CURLINFO_RESPONSE_CODE, &status);
    long request_bytes = 0;
    curl_easy_getinfo(owned->easy.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
    const bool unsent = request_bytes == 0 && owned->sent == 0;
    curl_multi_remove_handle(multi_.get(), owned->easy.get());
    idle_.push_back(std::move(owned->easy));
    owned->response.status = code == CURLE_OK ? static_cast<int>(status) : 0;
    if (on_try_) {
      on_try_(
          {owned->request->method, owned->request->path, owned->response.status, owned->attempt});
    }
    if (code == CURLE_OK && !busy(owned->response.status)) {
      on_answer(owned->index, std::move(owned->response));
      return;
    }
    if (const auto wait = wait_before_repeat(*owned, code, unsent)) {
      owned->not_before = Clock::now() + *wait;
      waiting.push_back(std::move(owned));
      return;
    }
    // A 500 tells what went wrong; it is an answer where it came to something that is not repeated.
    if (code == CURLE_OK && owned->response.status == 500) {
      on_answer(owned->index, std::move(owned->response));
      return;
    }
    on_answer(owned->index, tl::unexpected(failure(*owned, code)));
  }

  /// Empty where the request is not to be sent again.
  std::optional<milliseconds> wait_before_repeat(const Transfer& transfer, CURLcode code,
                                                 bool unsent) {
    if (transfer.attempt >= options_.tries || transfer.too_big ||
        transfer.request->repeat == HttpRepeat::never) {
      return std::nullopt;
    }
    const bool not_done = code == CURLE_OK ? transfer.response.status == 429
                                           : unsent && code != CURLE_OPERATION_TIMEDOUT;
    if (!not_done && !always_repeatable(*transfer.request)) return std::nullopt;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_SSL_PINNEDPUBKEYNOTMATCH || code == CURLE_SSL_ISSUER_ERROR) {
      return std::nullopt;
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (const auto asked = retry_after(transfer.response.header("retry-after"), now)) {
      if (*asked > options_.longest_wait) return std::nullopt;
      return std::chrono::duration_cast<milliseconds>(*asked) + milliseconds(jitter(100));
    }
    const auto doubled = options_.first_wait * (1u << std::min(transfer.attempt - 1, 16u));
    const milliseconds most = std::min<milliseconds>(doubled, options_.longest_wait);
    return most / 2 + milliseconds(jitter(most.count() / 2));
  }

  std::int64_t jitter(std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, std::max<std::int64_t>(most, 0))(random_);
  }

  Error failure(const Transfer& transfer, CURLcode code) const {
    const HttpRequest& request = *transfer.request;
    const std::string what =
        fmt::format("{} {}", word(request.method), shown(request.path.substr(0, 200)));
    const auto error = [&](ErrorKind kind, std::string_view check, std::string message) {
      return with_context(fail(kind, check, std::move(message)).value(), what);
    };
    if (code == CURLE_OK) {
      return error(
          ErrorKind::unavailable, "http-busy",
          fmt::format(
              "{} answers HTTP {}{}", shown(options_.url), transfer.response.status,
              transfer.attempt > 1 ? fmt::format(" to each of {} tries", transfer.attempt) : ""));
    }
    if (transfer.too_big) {
      return error(ErrorKind::unavailable, "http-too-big",
                   fmt::format("the answer of {} is longer than {} bytes", shown(options_.url),
                               options_.body_bytes));
    }
    const std::string said = shown(transfer.said[0] != '\0' ? std::string_view(transfer.said.data())
                                                            : curl_easy_strerror(code));
    switch (code) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
      case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return error(ErrorKind::refused, "http-tls",
                     fmt::format("the certificate of {} is not {} ({})", shown(options_.url),
                                 options_.pin.empty() ? "trusted" : "the pinned one", said));
      case CURLE_OPERATION_TIMEDOUT:
        return error(ErrorKind::unavailable, "http-timeout",
                     fmt::format("{} does not answer in time", shown(options_.url)));
      default:
        return error(ErrorKind::unavailable, "http-unreachable",
                     fmt::format("{} cannot be reached ({})", shown(options_.url), said));
    }
  }

  HttpOptions options_;
  std::function<void(const HttpTry&)> on_try_;
  Digest fingerprint_;
  std::unique_ptr<CURLM, CloseMulti> multi_;
  std::vector<std::unique_ptr<CURL, CloseEasy>> idle_;
  std::minstd_rand random_;
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* value = nullptr;
  if (curl_url_get(url, part, &value, 0) != CURLUE_OK) return {};
  std::string out(value);
  curl_free(value);
  return out;
}

Result<void> check_url(const std::string& text) {
  const std::unique_ptr<CURLU, CloseUrl> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return invalid("http-options", fmt::format("{} is not an address", quoted(text)));
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return invalid("http-options", fmt::format("{} is not an http or https address", quoted(text)));
  }
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD}) {
    if (!url_part(url.get(), part).empty()) {
      return invalid("http-options", "an address holds no user and no password");
    }
  }
  for (const CURLUPart part : {CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    if (!url_part(url.get(), part).empty()) {
      return invalid("http-options", fmt::format("{} holds a query or a fragment", quoted(text)));
    }
  }
  return {};
}

Result<void> check_pin(const HttpOptions& options) {
  if (options.pin.empty()) return {};
  if (!options.url.starts_with("https:") && !options.url.starts_with("HTTPS:")) {
    return invalid("http-options", "a certificate is pinned, but the address is not https");
  }
  constexpr std::size_t kPublicKeySize = 8 + 44;  // `sha256//`, and 32 octets in base64
  if (options.pin.starts_with("sha256//") && options.pin.size() == kPublicKeySize) return {};
  if (!CurlHttpClient::pinned_fingerprint(options.pin).empty()) return {};
  return invalid("http-options",
                 fmt::format("{} is not a certificate's fingerprint: 64 hexadecimal digits, or "
                             "'sha256//' and a public key's digest in base64",
                             quoted(options.pin)));
}

}  // namespace

std::string_view word(HttpMethod method) {
  switch (method) {
    case HttpMethod::get:
      return "GET";
    case HttpMethod::head:
      return "HEAD";
    case HttpMethod::options:
      return "OPTIONS";
    case HttpMethod::post:
      return "POST";
    case HttpMethod::put:
      return "PUT";
    case HttpMethod::patch:
      return "PATCH";
    case HttpMethod::del:
      return "DELETE";
  }
  return {};
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  std::optional<Result<HttpResponse>> answered;
  send_all(
      std::span(&request, 1),
      [&](std::size_t, Result<HttpResponse> answer) { answered = std::move(answer); },
      std::move(stop));
  return std::move(*answered);
}

Result<std::unique_ptr<HttpClient>> make_http_client(HttpOptions options,
                                                     std::function<void(const HttpTry&)> on_try) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) return fail(ErrorKind::bug, "http-options", "curl does not start");
  if (auto good = check_url(options.url); !good) return tl::unexpected(good.error());
  if (auto good = check_pin(options); !good) return tl::unexpected(good.error());
  if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0) {
    return invalid("http-options",
                   fmt::format("the CA file {} cannot be read", quoted(options.ca_file)));
  }
  while (options.url.ends_with('/')) options.url.pop_back();
  options.connections = std::max(options.connections, 1u);
  auto client = std::make_unique<CurlHttpClient>(std::move(options), std::move(on_try));
  if (!client->valid()) return fail(ErrorKind::bug, "http-options", "curl does not start");
  return client;
}

std::string url_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || std::strchr("-._~", c) != nullptr) && c != 0) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::optional<std::chrono::seconds> retry_after(std::string_view value,
                                                std::chrono::sys_seconds now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc{} && end == value.data() + value.size()) {
    return std::chrono::seconds(seconds);
  }
  const std::time_t at = curl_getdate(std::string(value).c_str(), nullptr);
  if (at == -1) return std::nullopt;
  const std::chrono::sys_seconds when{std::chrono::seconds(at)};
  return std::max(when - now, std::chrono::seconds(0));
}

}  // namespace metalwright::reconciler
