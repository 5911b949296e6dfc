#include "reconciler/targets/netbox/netbox_hook.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "reconciler/targets/netbox/netbox_kinds.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

constexpr std::size_t kDigest = 64;  // octets of SHA-512

std::optional<std::array<unsigned char, kDigest>> from_hex(std::string_view text) {
  if (text.size() != 2 * kDigest) return std::nullopt;
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::array<unsigned char, kDigest> out{};
  for (std::size_t i = 0; i < kDigest; ++i) {
    const int high = value(text[2 * i]), low = value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return out;
}

bool is_signed(std::string_view body, std::string_view signature, std::string_view secret) {
  std::array<unsigned char, kDigest> wanted{};
  unsigned size = 0;
  const bool made = HMAC(EVP_sha512(), secret.data(), static_cast<int>(secret.size()),
                         reinterpret_cast<const unsigned char*>(body.data()), body.size(),
                         wanted.data(), &size) != nullptr &&
                    size == kDigest;
  const auto given = from_hex(signature);
  return made && given && CRYPTO_memcmp(wanted.data(), given->data(), kDigest) == 0;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Of a kind that we keep; by its whole name, or by the part behind the dot alone.
bool concerns_us(std::string_view type) {
  if (type == "dcim.macaddress" || type == "macaddress" || type == "extras.tag" || type == "tag" ||
      type == "extras.customfield" || type == "customfield") {
    return true;
  }
  const auto kinds = netbox_kinds();
  return std::any_of(kinds.begin(), kinds.end(), [&](const NetboxKind& kind) {
    if (kind.object_type.empty()) return false;
    return kind.object_type == type ||
           kind.object_type.substr(kind.object_type.find('.') + 1) == type;
  });
}

}  // namespace

Result<NetboxHook> read_netbox_hook(std::string_view body, std::string_view signature,
                                    std::string_view secret) {
  if (secret.empty()) {
    return fail(ErrorKind::refused, "hook-signature", "webhooks of NetBox need a secret");
  }
  if (!is_signed(body, signature, secret)) {
    return fail(ErrorKind::refused, "hook-signature",
                "the webhook is not signed with the secret that is configured");
  }
  const json said = json::parse(body, nullptr, false);
  NetboxHook hook;
  if (said.is_object()) {
    hook.event = text_of(said, "event");
    hook.object_type = text_of(said, "object_type");
    if (hook.object_type.empty()) hook.object_type = text_of(said, "model");
    hook.user = text_of(said, "username");
    hook.request_id = text_of(said, "request_id");
    if (const auto request = said.find("request"); request != said.end() && request->is_object()) {
      if (hook.user.empty()) hook.user = text_of(*request, "user");
      if (hook.request_id.empty()) hook.request_id = text_of(*request, "id");
    }
    const auto data = said.find("data");
    if (data != said.end() && data->is_object() && data->contains("id") &&
        (*data)["id"].is_number_integer()) {
      hook.id = (*data)["id"].get<std::int64_t>();
    }
  }
  if (hook.event.empty() || hook.object_type.empty()) {
    return invalid("hook-body", "the body is not that of a webhook of NetBox");
  }
  hook.concerns_us = concerns_us(hook.object_type);
  return hook;
}

}  // namespace metalwright::reconciler
