// What forges and NetBox call: the first byte says who calls, and with which signature; the rest is
// the body.
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/service_site.h"

namespace {

using namespace metalwright;  // NOLINT: a program of its own

std::string signature(const EVP_MD* with, std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  HMAC(with, ServiceSite::kSecret.data(), static_cast<int>(ServiceSite::kSecret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), bytes.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4U];
    text += "0123456789abcdef"[bytes[i] & 15U];
  }
  return text;
}

struct Caller {
  std::string_view header, before;
};
constexpr std::array<Caller, 5> kForges{{{"X-Hub-Signature-256", "sha256="},
                                         {"X-Gitlab-Token", ""},
                                         {"X-Forgejo-Signature", ""},
                                         {"X-Gitea-Signature", ""},
                                         {"X-Metalwright-Signature", ""}}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static ServiceSite site(true);
  if (size == 0 || size > 64 * 1024) return 0;
  const std::string_view body = as_text(bytes + 1, size - 1);
  const std::size_t who = bytes[0] % 6, how = bytes[0] / 6 % 3;
  const bool netbox = who == kForges.size();
  std::string header = "X-Hook-Signature: ";
  std::string value = signature(EVP_sha512(), body);
  if (!netbox) {
    const Caller& forge = kForges.at(who);
    header = std::string(forge.header) + ": " + std::string(forge.before);
    value = who == 1 ? std::string(ServiceSite::kSecret) : signature(EVP_sha256(), body);
  }
  if (how == 1) value.back() = value.back() == '0' ? '1' : '0';
  std::string question = std::string("POST /hooks/") + (netbox ? "netbox" : "git") +
                         " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  if (how != 2) question += header + value + "\r\n";
  question += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  const auto answers = read_answers(site.answer(question), false);
  require(answers.size() == 1, "a call has one answer");
  const int status = answers[0].status;
  if (how != 0) {
    require(status == 401, "without the signature nothing is believed");
  } else if (netbox) {
    require(status == 202 || status == 400, "a webhook is one, or is none");
  } else {
    require(status == 202, "whatever a forge says is a hint");
  }
  return 0;
}
