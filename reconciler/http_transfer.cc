#include "reconciler/http_transfer.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "reconciler/curl_trust.h"

namespace metalwright::reconciler {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeaderBytes = 256u << 10;
// A short body goes out together with the head: the server is woken up once and not twice.
constexpr std::size_t kShortBody = 16u << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
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

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_byte = Clock::now();
  std::string& body = transfer.response.body;
  if (count > transfer.body_bytes - body.size()) {
    transfer.too_big = true;
    return 0;
  }
  curl_off_t said = 0;
  if (body.empty() && curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                                        &said) == CURLE_OK) {
    body.reserve(
        std::min(static_cast<std::size_t>(std::max<curl_off_t>(said, 0)), transfer.body_bytes));
  }
  body.append(bytes, count);
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

/// Before a body is sent again; whether it may be, `on_begin` has said.
int on_rewind(void* self, curl_off_t offset, int) {
  static_cast<Transfer*>(self)->sent = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// curl sends a request again by itself where a kept connection turns out to be closed. The server
/// may have done it already.
int on_begin(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  const bool again = transfer.begun++ > 0;
  return again && !always_repeatable(*transfer.request) ? CURL_PREREQFUNC_ABORT
                                                        : CURL_PREREQFUNC_OK;
}

template <class Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
  curl_easy_setopt(transfer.easy.get(), option, value);
}

void set_connection(Transfer& transfer, const HttpOptions& options, const Digest& fingerprint) {
  set(transfer, CURLOPT_URL, transfer.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer holds nobody up
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(transfer, CURLOPT_ERRORBUFFER, transfer.said.data());
  set(transfer, CURLOPT_PRIVATE, &transfer);
  set(transfer, CURLOPT_WRITEFUNCTION, &on_body);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_HEADERFUNCTION, &on_header);
  set(transfer, CURLOPT_HEADERDATA, &transfer);
  set(transfer, CURLOPT_PREREQFUNCTION, &on_begin);
  set(transfer, CURLOPT_PREREQDATA, &transfer);
  set(transfer, CURLOPT_ACCEPT_ENCODING, "");  // all that curl can unpack
  set(transfer, CURLOPT_USERAGENT, "metalwright");
  if (options.pin.empty()) {
    trust_authorities(transfer.easy.get(), options.ca_file);
  } else {
    trust_no_authority(transfer.easy.get());
    set(transfer, CURLOPT_SSL_VERIFYHOST, 0L);
    if (fingerprint.empty()) {
      set(transfer, CURLOPT_SSL_VERIFYPEER, 0L);
      set(transfer, CURLOPT_PINNEDPUBLICKEY, options.pin.c_str());
    } else {
      set(transfer, CURLOPT_SSL_CTX_FUNCTION, &on_ssl_context);
      set(transfer, CURLOPT_SSL_CTX_DATA, &fingerprint);
    }
  }
  if (!options.user.empty()) {
    set(transfer, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(transfer, CURLOPT_USERNAME, options.user.c_str());
    set(transfer, CURLOPT_PASSWORD, options.password.c_str());
  }
}

void set_request(Transfer& transfer, const HttpOptions& options) {
  const HttpRequest& request = *transfer.request;
  transfer.headers.reset();
  const auto add_header = [&](const std::string& header) {
    transfer.headers.reset(curl_slist_append(transfer.headers.release(), header.c_str()));
  };
  if (!options.authorization.empty()) add_header("Authorization: " + options.authorization);
  for (const std::string& header : request.headers) add_header(header);
  add_header("Expect:");
  const bool with_body = !request.body.empty() || request.method == HttpMethod::post ||
                         request.method == HttpMethod::put || request.method == HttpMethod::patch;
  if (with_body) {
    set(transfer, CURLOPT_POST, 1L);
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    if (request.body.size() <= kShortBody) {
      set(transfer, CURLOPT_POSTFIELDS, request.body.data());
    } else {
      set(transfer, CURLOPT_READFUNCTION, &on_send);
      set(transfer, CURLOPT_READDATA, &transfer);
      set(transfer, CURLOPT_SEEKFUNCTION, &on_rewind);
      set(transfer, CURLOPT_SEEKDATA, &transfer);
    }
    add_header(request.body.empty() ? "Content-Type:" : "Content-Type: " + request.content_type);
  }
  if (request.method == HttpMethod::head) set(transfer, CURLOPT_NOBODY, 1L);
  if (with_body || request.method == HttpMethod::del || request.method == HttpMethod::options) {
    set(transfer, CURLOPT_CUSTOMREQUEST, word(request.method).data());
  }
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
}

}  // namespace

bool always_repeatable(const HttpRequest& request) {
  if (request.repeat == HttpRepeat::by_method) return request.method != HttpMethod::post;
  return request.repeat == HttpRepeat::always;
}

void prepare(Transfer& transfer, const HttpOptions& options, const Digest& fingerprint) {
  ++transfer.attempt;
  transfer.response = {};
  transfer.sent = transfer.header_bytes = 0;
  transfer.begun = 0;
  transfer.too_big = false;
  transfer.said[0] = '\0';
  transfer.body_bytes = options.body_bytes;
  transfer.url = options.url + transfer.request->path;
  set_connection(transfer, options, fingerprint);
  set_request(transfer, options);
  transfer.started = transfer.last_byte = Clock::now();
}

}  // namespace metalwright::reconciler
