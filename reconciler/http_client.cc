#include "reconciler/http_client.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <deque>
#include <random>

#include "reconciler/http_options.h"
#include "reconciler/http_transfer.h"
#include "schemas/digest.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kSliceMs = 100;

/// For a message: that the server wants to be left alone.
std::string asked_to_wait(std::string_view header) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto asked = retry_after(header, now);
  return asked ? fmt::format(", and asks to wait for {} s", asked->count()) : std::string();
}

/// Whether the server may be able to answer the same request later.
bool busy(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
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
    prepare(transfer, options_, fingerprint_);
    if (curl_multi_add_handle(multi_.get(), transfer.easy.get()) != CURLM_OK) {
      return fail(ErrorKind::bug, "http-options", "curl does not start");
    }
    return {};
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
      const std::string_view wait = transfer.response.header("retry-after");
      return error(
          ErrorKind::unavailable, "http-busy",
          fmt::format(
              "{} answers HTTP {}{}{}", shown(options_.url), transfer.response.status,
              transfer.attempt > 1 ? fmt::format(" to each of {} tries", transfer.attempt) : "",
              asked_to_wait(wait)));
    }
    if (transfer.too_big) {
      return error(ErrorKind::unavailable, "http-too-big",
                   fmt::format("the answer of {} is longer than {} bytes", shown(options_.url),
                               options_.body_bytes));
    }
    const std::string said = shown(curl_words(code, transfer.said.data()));
    switch (code) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
      case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return error(ErrorKind::refused, "http-tls",
                     fmt::format("the certificate of {} is not {} ({})", shown(options_.url),
                                 options_.pin.empty() ? "trusted" : "the pinned one", said));
      case CURLE_ABORTED_BY_CALLBACK:
        return error(ErrorKind::unavailable, "http-unreachable",
                     fmt::format("{} cannot be reached (the connection broke, and what was asked "
                                 "for may have been done)",
                                 shown(options_.url)));
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
  CurlMulti multi_;
  std::vector<CurlEasy> idle_;
  std::minstd_rand random_;
};

}  // namespace

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
  if (auto good = check_http_options(options); !good) return tl::unexpected(good.error());
  while (options.url.ends_with('/')) options.url.pop_back();
  options.connections = std::max(options.connections, 1u);
  auto client = std::make_unique<CurlHttpClient>(std::move(options), std::move(on_try));
  if (!client->valid()) return fail(ErrorKind::bug, "http-options", "curl does not start");
  return client;
}

}  // namespace metalwright::reconciler
