#include "reconciler/targets/netbox/netbox_hook.h"

#include <gtest/gtest.h>

namespace metalwright::reconciler {
namespace {

// As `openssl dgst -sha512 -hmac secret` signs it.
constexpr const char* kBody =
    R"({"event":"updated","timestamp":"2026-01-05T10:11:12Z","object_type":"dcim.device",)"
    R"("username":"ada","request_id":"17af32f0-852a-46ca-a7d4-33ecd0c13de6",)"
    R"("data":{"id":7,"name":"orion"},"snapshots":{"prechange":null,"postchange":null}})";
const std::string kSignature =
    "8d127dcb95d1a3ea9906b728890fd93ab4db4ef6a427201f9bc3ca06fcb99f84b207dbf421ce0db7411917b3925794"
    "be"
    "7cf6db6b438f41ef11079669db7fdcc2";

TEST(NetboxHook, ReadsASignedWebhook) {
  const Result<NetboxHook> hook = read_netbox_hook(kBody, kSignature, "secret");
  ASSERT_TRUE(hook) << hook.error().text();
  EXPECT_EQ(hook->event, "updated");
  EXPECT_EQ(hook->object_type, "dcim.device");
  EXPECT_EQ(hook->id, 7);
  EXPECT_EQ(hook->user, "ada");
  EXPECT_TRUE(hook->concerns_us);
}

TEST(NetboxHook, RefusesEverySignatureButTheRightOne) {
  std::string other = kSignature;
  other.back() = '3';
  const std::string body(kBody);
  for (const auto& [text, signature, secret] :
       {std::tuple(body, other, "secret"), std::tuple(body, kSignature, "other"),
        std::tuple(body + " ", kSignature, "secret"), std::tuple(body, std::string(), "secret"),
        std::tuple(body, kSignature.substr(1), "secret"),
        std::tuple(body, std::string(128, 'z'), "secret"), std::tuple(body, kSignature, "")}) {
    const Result<NetboxHook> hook = read_netbox_hook(text, signature, secret);
    ASSERT_FALSE(hook);
    EXPECT_EQ(hook.error().kind, ErrorKind::refused);
    EXPECT_EQ(hook.error().check, "hook-signature");
  }
}

TEST(NetboxHook, RefusesASignedBodyThatIsNone) {
  const Result<NetboxHook> hook = read_netbox_hook(
      "[1]",
      "b9687f15e5a4537559d2901c4f246f389f6a5d5c6be167afc46cb0ee53d32e31a4922617a8cd23925239de1ad67c"
      "1ab832cc52a16a02609ded3d3cfece2c6732",
      "secret");
  ASSERT_FALSE(hook);
  EXPECT_EQ(hook.error().text(), "error: the body is not that of a webhook of NetBox [hook-body]");
}

}  // namespace
}  // namespace metalwright::reconciler
