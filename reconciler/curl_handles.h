#pragma once

#include <curl/curl.h>

#include <memory>

/// libcurl's handles as owners of themselves, and its words for a failure.
namespace metalwright {

// A deleter each: libcurl's easy and multi handles are the same type to a C++ compiler, void.
struct CloseCurlEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CloseCurlMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CloseCurlList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CloseCurlUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

using CurlEasy = std::unique_ptr<CURL, CloseCurlEasy>;
using CurlMulti = std::unique_ptr<CURLM, CloseCurlMulti>;
using CurlList = std::unique_ptr<curl_slist, CloseCurlList>;
using CurlUrl = std::unique_ptr<CURLU, CloseCurlUrl>;

/// Why a transfer failed: what its CURLOPT_ERRORBUFFER says, or where that tells how long it took,
/// the code's own words, so that the same failure twice is told in the same words.
[[nodiscard]] inline const char* curl_words(CURLcode code, const char* buffer) {
  const bool timed = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
  return timed || buffer[0] == '\0' ? curl_easy_strerror(code) : buffer;
}

}  // namespace metalwright
