#include "reconciler/http_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "reconciler/curl_handles.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

std::string url_part(CURLU* url, CURLUPart part) {
  char* value = nullptr;
  if (curl_url_get(url, part, &value, 0) != CURLUE_OK) return {};
  std::string out(value);
  curl_free(value);
  return out;
}

Result<void> check_url(const std::string& text) {
  const CurlUrl url(curl_url());
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
  if (!pinned_fingerprint(options.pin).empty()) return {};
  return invalid("http-options",
                 fmt::format("{} is not a certificate's fingerprint: 64 hexadecimal digits, or "
                             "'sha256//' and a public key's digest in base64",
                             quoted(options.pin)));
}

}  // namespace

Digest pinned_fingerprint(std::string pin) {
  std::erase(pin, ':');
  return Digest::from_hex(pin);
}

Result<void> check_http_options(const HttpOptions& options) {
  if (auto good = check_url(options.url); !good) return good;
  if (auto good = check_pin(options); !good) return good;
  if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0) {
    return invalid("http-options",
                   fmt::format("the CA file {} cannot be read", quoted(options.ca_file)));
  }
  return {};
}

}  // namespace metalwright::reconciler
