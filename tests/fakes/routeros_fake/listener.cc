#include "tests/fakes/routeros_fake/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace metalwright::fakes {
namespace {

constexpr std::size_t kLongestRequest = std::size_t{4} << 20U;

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, SslFree>;

Owned<SSL_CTX> make_context(const ListenerOptions& options) {
  if (options.certificate.empty()) return nullptr;
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  Owned<BIO> certificate_text(BIO_new_mem_buf(options.certificate.data(), -1));
  Owned<BIO> key_text(BIO_new_mem_buf(options.key.data(), -1));
  Owned<X509> certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!certificate || !key || SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    throw std::runtime_error("this is no certificate with its key");
  }
  return context;
}

/// One connection, with TLS or without.
class Stream {
 public:
  Stream(int descriptor, SSL_CTX* context) : descriptor_(descriptor) {
    const int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), descriptor);
    good_ = SSL_accept(ssl_.get()) == 1;
  }
  ~Stream() { ERR_clear_error(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  /// More bytes behind `into`; false at the end.
  bool read(std::string& into) {
    char bytes[65536];
    const auto got = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes)
                          : static_cast<int>(recv(descriptor_, bytes, sizeof bytes, 0));
    if (got <= 0) return false;
    into.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto put =
          ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
               : static_cast<int>(send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  void goodbye() {
    if (ssl_) SSL_shutdown(ssl_.get());
  }

 private:
  int descriptor_;
  Owned<SSL> ssl_;
  bool good_ = true;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The next request; false where the connection ends or is none.
bool read_call(Stream& stream, std::string& buffer, HttpCall& call) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (buffer.size() > kLongestRequest || !stream.read(buffer)) return false;
  }
  const std::string head = buffer.substr(0, end);
  buffer.erase(0, end + 4);
  const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return false;
  call.method = head.substr(0, first);
  call.target = head.substr(first + 1, second - first - 1);
  call.headers.clear();
  for (std::size_t at = head.find("\r\n"); at != std::string::npos;) {
    const std::size_t next = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      call.headers[lower(line.substr(0, colon))] =
          value == std::string::npos ? std::string() : line.substr(value);
    }
    at = next;
  }
  const auto expects = call.headers.find("expect");
  if (expects != call.headers.end()) stream.write("HTTP/1.1 100 Continue\r\n\r\n");
  const auto length = call.headers.find("content-length");
  const std::size_t wanted = length == call.headers.end() ? 0 : std::stoul(length->second);
  if (wanted > kLongestRequest) return false;
  while (buffer.size() < wanted) {
    if (!stream.read(buffer)) return false;
  }
  call.body = buffer.substr(0, wanted);
  buffer.erase(0, wanted);
  return true;
}

std::string response_text(const HttpAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " x\r\n";
  text += answer.extra_headers;
  if (answer.status != 204) {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(answer.body.size()) +
        "\r\n";
  }
  text += answer.close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  if (answer.status != 204) text += answer.body;
  return text;
}

}  // namespace

struct Listener::Parts {
  Handler handler;
  Owned<SSL_CTX> context;
  int listening = -1;
  std::uint16_t port = 0;
  std::atomic<bool> down{false}, ending{false};
  std::mutex mutex;
  std::set<int> open;  // descriptors of connections, under the mutex
  std::vector<std::thread> threads;
  std::thread acceptor;
  std::uint64_t count = 0;

  void accept_all() {
    while (!ending) {
      const int descriptor = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) {
        if (ending) return;
        continue;
      }
      const std::lock_guard lock(mutex);
      if (down || ending) {
        reset(descriptor);
        close(descriptor);
        continue;
      }
      open.insert(descriptor);
      threads.emplace_back([this, descriptor, number = ++count] { serve(descriptor, number); });
    }
  }

  /// The peer sees a reset, as when a device loses its power.
  static void reset(int descriptor) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  void serve(int descriptor, std::uint64_t number) {
    {
      Stream stream(descriptor, context.get());
      std::string buffer;
      HttpCall call;
      call.connection = number;
      while (stream.good() && !ending && read_call(stream, buffer, call)) {
        const HttpAnswer answer = handler(call);
        if (answer.cut) {
          reset(descriptor);
          break;
        }
        if (!stream.write(response_text(answer))) break;
        if (answer.close || answer.hang_up) {
          stream.goodbye();
          break;
        }
      }
    }
    const std::lock_guard lock(mutex);
    open.erase(descriptor);
    close(descriptor);
  }

  void cut_all() {
    const std::lock_guard lock(mutex);
    for (const int descriptor : open) {
      reset(descriptor);
      shutdown(descriptor, SHUT_RDWR);
    }
  }
};

Listener::Listener(const ListenerOptions& options, Handler handler)
    : parts_(std::make_unique<Parts>()) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  parts_->handler = std::move(handler);
  parts_->context = make_context(options);
  parts_->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(parts_->listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(parts_->listening, generic, size) != 0 || listen(parts_->listening, 128) != 0 ||
      getsockname(parts_->listening, generic, &size) != 0) {
    throw std::runtime_error("cannot listen at " + options.host + ": " + std::strerror(errno));
  }
  parts_->port = ntohs(address.sin_port);
  parts_->acceptor = std::thread([parts = parts_.get()] { parts->accept_all(); });
}

Listener::~Listener() {
  parts_->ending = true;
  shutdown(parts_->listening, SHUT_RDWR);
  parts_->acceptor.join();
  close(parts_->listening);
  parts_->cut_all();
  for (std::thread& thread : parts_->threads) thread.join();
}

std::uint16_t Listener::port() const { return parts_->port; }

void Listener::set_down(bool down) {
  parts_->down = down;
  if (down) parts_->cut_all();
}

SelfSigned make_certificate() {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30L * 86400);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("router"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
  for (const auto& [id, text] : {std::pair{NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost"},
                                 std::pair{NID_basic_constraints, "CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, text);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  SelfSigned made;
  const auto text_of = [](BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
  };
  Owned<BIO> certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  made.certificate = text_of(certificate_text.get());
  made.key = text_of(key_text.get());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(certificate.get(), EVP_sha256(), digest, &size);
  for (unsigned int i = 0; i < size; ++i) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    made.sha256 += kDigits[digest[i] >> 4U];
    made.sha256 += kDigits[digest[i] & 15U];
  }
  return made;
}

}  // namespace metalwright::fakes
