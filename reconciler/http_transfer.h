#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "reconciler/curl_handles.h"
#include "reconciler/http_client.h"
#include "schemas/digest.h"

/// One request as libcurl does it. Only for the client's own sources.
namespace metalwright::reconciler {

/// One request on its way, in whichever of its tries.
struct Transfer {
  const HttpRequest* request = nullptr;
  std::size_t index = 0;
  unsigned attempt = 0;
  std::chrono::steady_clock::time_point not_before, started, last_byte;
  CurlEasy easy;
  CurlList headers;
  std::string url;
  std::size_t sent = 0, header_bytes = 0, body_bytes = 0;
  unsigned begun = 0;  ///< how often libcurl began to send this try
  bool too_big = false;
  HttpResponse response;
  std::array<char, CURL_ERROR_SIZE> said{};
};

/// Sets everything that libcurl is to know of the transfer's next try. `transfer`, its request and
/// `fingerprint` must stay where they are until it ends.
void prepare(Transfer& transfer, const HttpOptions& options, const Digest& fingerprint);

/// Whether a second time does no harm, whatever became of the first.
[[nodiscard]] bool always_repeatable(const HttpRequest& request);

/// Without blanks around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace metalwright::reconciler
