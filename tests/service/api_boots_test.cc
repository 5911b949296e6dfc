#include "pipeline/service/api_boots.h"

#include <gtest/gtest.h>

#include "pipeline/service/access.h"

namespace metalwright::service {
namespace {

using Words = std::vector<std::string>;

Words overridden(const std::string& json) {
  const auto made = override_params({"console=tty0", "quiet", "console=ttyS1", "ip=dhcp"}, json);
  return made ? *made : Words{made.error().message};
}

TEST(Overrides, ReplaceArgumentsOfTheirName) {
  EXPECT_EQ(overridden(R"({"console":"ttyS0"})"), (Words{"console=ttyS0", "quiet", "ip=dhcp"}));
  EXPECT_EQ(overridden(R"({"console":null,"quiet":false})"), Words{"ip=dhcp"});
  EXPECT_EQ(
      overridden(R"({"n":5,"debug":true,"q":"a b"})"),
      (Words{"console=tty0", "quiet", "console=ttyS1", "ip=dhcp", "debug", "n=5", "q=\"a b\""}));
  EXPECT_EQ(overridden("").size(), 4U);
  EXPECT_EQ(overridden("null").size(), 4U);
}

TEST(Overrides, RefuseWhatIsNoObjectOfPlainValues) {
  for (const char* json : {"[]", "5", "{", R"({"a b":"x"})", R"({"":"x"})", R"({"a":{}})",
                           R"({"a":["x"]})", R"({"a\n":"x"})"}) {
    EXPECT_FALSE(override_params({}, json)) << json;
  }
}

store::ApiProfile profile() {
  return {"talos-cp",
          "id",
          "talos",
          "talos/vmlinuz",
          "talos/initramfs.xz",
          "talos.platform=metal",
          "machine:\n  hostname: {{nodeName}}\n",
          {}};
}

TEST(ApiProfiles, BecomeProfilesOfTheModel) {
  const Result<Profile> made = profile_of_api(profile());
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->kernel.path, "talos/vmlinuz");
  EXPECT_EQ(made->params, Words{"talos.platform=metal"});
  EXPECT_FALSE(made->install);
}

TEST(ApiProfiles, RefuseWhatNoBootScriptHolds) {
  const auto refused = [](auto change) {
    store::ApiProfile made = profile();
    change(made);
    return !profile_of_api(made);
  };
  EXPECT_TRUE(refused([](auto& p) { p.name = "a b"; }));
  EXPECT_TRUE(refused([](auto& p) { p.name = "../x"; }));
  EXPECT_TRUE(refused([](auto& p) { p.name = "x\ny"; }));
  EXPECT_TRUE(refused([](auto& p) { p.kernel_path = "/etc/passwd"; }));
  EXPECT_TRUE(refused([](auto& p) { p.kernel_path = "a/../b"; }));
  EXPECT_TRUE(refused([](auto& p) { p.kernel_path = "a/b c"; }));
  EXPECT_TRUE(refused([](auto& p) { p.initrd_path = "a/b,/c"; }));
  EXPECT_TRUE(refused([](auto& p) { p.boot_params = "a || reboot"; }));
  EXPECT_TRUE(refused([](auto& p) { p.boot_params = "x=${nonsense}"; }));
  EXPECT_TRUE(refused([](auto& p) { p.boot_params = std::string(3000, 'x'); }));
  EXPECT_TRUE(refused([](auto& p) { p.config_template = "{{#open}}"; }));
}

TEST(ApiAssignments, BootTheirProfileWithTheirArguments) {
  const auto made = make_assigned_machine(
      *profile_of_api(profile()), {"52:54:00:00:0b:01", "cp-1", "id", R"({"console":"ttyS0"})", {}},
      {{"api/talos-cp", template_of_api(profile().config_template)}});
  ASSERT_NE(made, nullptr);
  const Result<std::string> script = assigned_script(*made, "http://192.0.2.10:8080");
  ASSERT_TRUE(script) << script.error().text();
  EXPECT_NE(script->find("kernel http://192.0.2.10:8080/boot/assets/talos-cp/vmlinuz "
                         "initrd=initramfs.xz talos.platform=metal console=ttyS0"),
            std::string::npos)
      << *script;
  std::string config;
  const Errors errors = assigned_config(
      *made, "", [&](const renderers::Artifact& artifact) { config = artifact.content; });
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(config, "machine:\n  hostname: cp-1\n");
}

}  // namespace
}  // namespace metalwright::service
