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

// A table, because tables of 60,000 digests are read at a start: branches cost 0.3 µs a digest.
constexpr std::uint8_t kNoDigit = 0xff;
constexpr std::array<std::uint8_t, 256> kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = 10 + i;
  return values;
}();

std::uint8_t hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }
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
  std::uint8_t bad = 0;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const std::uint8_t high = hex_value(hex[2 * i]);
    const std::uint8_t low = hex_value(hex[2 * i + 1]);
    bad |= (high | low) & 0xf0U;
    digest.bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  if (bad != 0) return {};
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
