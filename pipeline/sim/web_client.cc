#include "pipeline/sim/web_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

namespace metalwright::sim {
namespace {

constexpr long kConnectSeconds = 30, kStallSeconds = 60;

struct Receiving {
  WebClient::Answer* answer;
  const WebClient::Ask* ask;
  std::uint64_t bytes_a_second;
};

std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* to) {
  auto& receiving = *static_cast<Receiving*>(to);
  WebClient::Answer& answer = *receiving.answer;
  const std::size_t room = receiving.ask->keep - std::min(receiving.ask->keep, answer.body.size());
  answer.body.append(bytes, std::min(room, size));
  answer.bytes += size;
  // libcurl's own limit lets the first seconds through as they come.
  if (receiving.bytes_a_second > 0) {
    std::this_thread::sleep_for(
        std::chrono::microseconds(size * 1'000'000 / receiving.bytes_a_second));
  }
  const std::uint64_t cut = receiving.ask->cut_after;
  return cut > 0 && answer.bytes >= cut ? 0 : size;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* to) {
  constexpr std::string_view kTag = "etag:";
  if (size > kTag.size() && strncasecmp(bytes, kTag.data(), kTag.size()) == 0) {
    std::string_view value(bytes + kTag.size(), size - kTag.size());
    const std::size_t begin = std::min(value.find_first_not_of(" \t"), value.size());
    value.remove_prefix(begin);
    value = value.substr(0, value.find_last_not_of(" \t\r\n") + 1);
    static_cast<Receiving*>(to)->answer->etag = value;
  }
  return size;
}

}  // namespace

struct WebClient::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

WebClient::WebClient(std::string source, std::uint64_t bytes_a_second)
    : handle_(std::make_unique<Handle>()),
      source_(std::move(source)),
      bytes_a_second_(bytes_a_second) {}

WebClient::~WebClient() = default;

Result<WebClient::Answer> WebClient::ask(const Ask& ask) {
  CURL* const curl = handle_->curl;
  if (curl == nullptr) return unavailable("sim-http", "libcurl cannot be set up");
  Answer answer;
  Receiving receiving{&answer, &ask, bytes_a_second_};
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, ask.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "iPXE/1.21.1");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiving);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiving);
  if (bytes_a_second_ > 0) curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 16384L);
  const std::string source = "host!" + source_;
  if (!source_.empty()) curl_easy_setopt(curl, CURLOPT_INTERFACE, source.c_str());
  curl_slist* headers = nullptr;
  if (ask.post) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(ask.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask.body.c_str());
    headers = curl_slist_append(headers, "Content-Type: application/json");
  }
  if (!ask.token.empty()) {
    headers = curl_slist_append(headers, ("Authorization: Bearer " + ask.token).c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    // Without its parameters: they may be what lets a machine in.
    return unavailable("sim-http", fmt::format("{}: {}", ask.url.substr(0, ask.url.find('?')),
                                               curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace metalwright::sim
