#include "schemas/digest.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>

namespace metalwright {
namespace {
// Fetched once: OpenSSL 3 looks an algorithm up by name each time otherwise, which costs more than
// hashing a boot file.
const EVP_MD* algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kDigits[bytes[i] >> 4U];
    out[2 * i + 1] = kDigits[bytes[i] & 15U];
  }
  return out;
}

Digest Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != digest.bytes.size() * 2) return {};
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

struct Digester::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr) std::abort();  // out of memory
    EVP_DigestInit_ex2(context, algorithm(), nullptr);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Digester::Digester() : state_(std::make_unique<State>()) {}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

Digester& Digester::add(std::string_view part) {
  const std::uint64_t size = part.size();
  char length[sizeof size];
  for (std::size_t i = 0; i < sizeof size; ++i) length[i] = static_cast<char>(size >> (8 * i));
  EVP_DigestUpdate(state_->context, length, sizeof length);
  return raw(part);
}

Digester& Digester::raw(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
  return *this;
}

Digest Digester::finish() {
  Digest digest;
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, digest.bytes.data(), &size);
  EVP_DigestInit_ex2(state_->context, algorithm(), nullptr);
  return digest;
}

Digest sha256(std::string_view bytes) {
  thread_local Digester digester;
  return digester.raw(bytes).finish();
}

}  // namespace metalwright
