#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string>
#include <vector>

#include "pipeline/secrets.h"
#include "pipeline/service/json_reply.h"
#include "pipeline/service/validation.h"
#include "reconciler/targets/netbox/netbox_hook.h"

/// Calls of the forge and of NetBox. Each is a hint to look, and nothing of its body is believed
/// that its signature does not vouch for.
namespace metalwright::service {
namespace {

std::string hmac_hex(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

/// GitHub and Gitea sign the body (`X-Hub-Signature-256: sha256=…`, `X-Gitea-Signature`), Forgejo
/// too (`X-Forgejo-Signature`); GitLab sends the secret itself (`X-Gitlab-Token`).
bool signed_by(const Request& request, const std::string& secret) {
  const std::string mac = hmac_hex(secret, request.body());
  bool good = equal_in_constant_time(request.header("X-Hub-Signature-256"), "sha256=" + mac);
  for (const char* name : {"X-Forgejo-Signature", "X-Gitea-Signature", "X-Metalwright-Signature"}) {
    good = equal_in_constant_time(request.header(name), mac) || good;
  }
  return equal_in_constant_time(request.header("X-Gitlab-Token"), secret) || good;
}

/// The secret of a hook; empty with the reply made.
std::string secret_of(Service& service, const SecretRef& ref, std::string_view key, Reply& reply) {
  if (ref.name.empty()) {
    reply_error(reply, 404, fmt::format("no secret is set for this: service.{}", key));
    return {};
  }
  const auto secret = pipeline::resolve_secret(service.config().secrets, ref.name);
  if (!secret || secret->empty()) {
    service.say(secret ? fmt::format("the secret of service.{} is empty", key)
                       : secret.error().text());
    reply_error(reply, 503, "the secret cannot be read");
    return {};
  }
  return *secret;
}

void git_hook(Service& service, Request& request, Reply& reply) {
  const std::string secret =
      secret_of(service, service.config().service.git_hook, "git-hook", reply);
  if (secret.empty()) return;
  if (!signed_by(request, secret)) {
    service.audit(request, "auth-failure", "/hooks/git", "wrong signature");
    return reply_error(reply, 401, "the signature is wrong");
  }
  // Nothing of the body is believed: the loop looks for itself.
  service.wake();
  reply_json(reply, Json{{"accepted", true}}, 202);
}

void netbox_hook(Service& service, Request& request, Reply& reply) {
  const std::string secret =
      secret_of(service, service.config().service.netbox_hook, "netbox-hook", reply);
  if (secret.empty()) return;
  const auto hook =
      reconciler::read_netbox_hook(request.body(), request.header("X-Hook-Signature"), secret);
  if (!hook) {
    if (hook.error().kind != ErrorKind::refused)
      return reply_error(reply, 400, "no webhook's body");
    service.audit(request, "auth-failure", "/hooks/netbox", "wrong signature");
    return reply_error(reply, 401, "the signature is wrong");
  }
  const std::optional<Validation> validation = read_validation_entry(request.body());
  if (validation && service.config().lifecycle_target() != nullptr) {
    if (auto kept = keep_validation(service, *validation, "", "a journal entry"); !kept) {
      return reply_error(reply, 503, "the state does not answer");
    }
  }
  if (hook->concerns_us) service.wake();
  reply_json(reply, Json{{"accepted", true}, {"concerns_us", hook->concerns_us}}, 202);
}

}  // namespace

void add_hook_routes(std::vector<Route>& routes) {
  const RouteClass hooks = RouteClass::hooks;
  routes.push_back({Method::post, "/hooks/git", hooks, git_hook,
                    "The forge says that something was pushed", Role::none, true});
  routes.push_back({Method::post, "/hooks/netbox", hooks, netbox_hook,
                    "NetBox says that something was changed", Role::none, true});
}

}  // namespace metalwright::service
