#include "pipeline/sim/ipxe_script.h"

#include <gtest/gtest.h>

namespace metalwright::sim {
namespace {

struct Machine {
  std::vector<std::string> asked;
  std::map<std::string, std::string> scripts;
  bool kernel_there = true;
  ScriptRun run(std::string_view script, std::map<std::string, std::string> settings = {}) {
    ScriptActions actions;
    actions.kernel = [this](const std::string& url) {
      asked.push_back("kernel " + url);
      return kernel_there;
    };
    actions.initrd = [this](const std::string& url) {
      asked.push_back("initrd " + url);
      return true;
    };
    actions.chain = [this](const std::string& url) -> std::optional<std::string> {
      asked.push_back("chain " + url);
      const auto at = scripts.find(url);
      if (at == scripts.end()) return {};
      return at->second;
    };
    return run_script(script, "http://192.0.2.1:8000/boot/menu.ipxe?mac=x", std::move(settings),
                      actions);
  }
};

TEST(IpxeScript, TakesAMenusDefaultAndBootsIt) {
  Machine machine;
  const ScriptRun run = machine.run(
      "#!ipxe\nmenu m\nitem _boot rescue\nitem _local disk\n"
      "choose --default _boot --timeout 3000 target && goto ${target} || goto _local\n"
      ":_local\nsanboot --drive 0x80 ||\nexit 1\n"
      ":_boot\necho alpha boots rescue\n"
      "kernel assets/vmlinuz initrd=initrd mac=${netX/mac:hexhyp} || goto _failed\n"
      "initrd /boot/initrd || goto _failed\nboot || goto _failed\n:_failed\nexit 1\n",
      {{"netX/mac", "52:54:00:00:00:11"}});
  EXPECT_EQ(run.end, ScriptEnd::boot);
  EXPECT_EQ(run.arguments, "initrd=initrd mac=52-54-00-00-00-11");
  EXPECT_EQ(run.said, std::vector<std::string>{"alpha boots rescue"});
  EXPECT_EQ(machine.asked,
            (std::vector<std::string>{"kernel http://192.0.2.1:8000/boot/assets/vmlinuz",
                                      "initrd http://192.0.2.1:8000/boot/initrd"}));
}

TEST(IpxeScript, GoesOnWhereAScriptSaysThatItDoesNotCare) {
  Machine machine;
  machine.scripts["http://192.0.2.1:8000/boot/b.ipxe"] = "#!ipxe\nkernel k\nboot\n";
  EXPECT_EQ(machine.run("#!ipxe\nchain --replace a.ipxe ||\nchain b.ipxe ||\nexit\n").end,
            ScriptEnd::boot);
  EXPECT_EQ(machine.asked.front(), "chain http://192.0.2.1:8000/boot/a.ipxe");
}

TEST(IpxeScript, EndsAtAFailureThatNobodyAskedFor) {
  Machine machine;
  machine.kernel_there = false;
  const ScriptRun run = machine.run("#!ipxe\nkernel k\nboot\n");
  EXPECT_EQ(run.end, ScriptEnd::failed);
  EXPECT_EQ(run.reason, "failed: kernel k");
}

TEST(IpxeScript, ComparesSettings) {
  Machine machine;
  const std::string script =
      "#!ipxe\niseq ${platform} efi && goto efi ||\nsanboot ||\nexit\n:efi\nkernel k\nboot\n";
  EXPECT_EQ(machine.run(script, {{"platform", "efi"}}).end, ScriptEnd::boot);
  EXPECT_EQ(machine.run(script, {{"platform", "pcbios"}}).end, ScriptEnd::local);
}

TEST(IpxeScript, IsEndedWhereItGoesInCircles) {
  Machine machine;
  EXPECT_EQ(machine.run("#!ipxe\n:a\ngoto a\n").end, ScriptEnd::failed);
  machine.scripts["http://192.0.2.1:8000/boot/a"] = "#!ipxe\nchain a\n";
  EXPECT_EQ(machine.run("#!ipxe\nchain a\n").end, ScriptEnd::failed);
  EXPECT_EQ(machine.run("<html>").reason, "that is no iPXE script");
  EXPECT_EQ(machine.run("#!ipxe\nnone\n").end, ScriptEnd::failed);
}

TEST(IpxeScript, ResolvesNames) {
  EXPECT_EQ(resolve_address("tftp://10.9.0.1/ipxe/menu.ipxe", "a.ipxe"),
            "tftp://10.9.0.1/ipxe/a.ipxe");
  EXPECT_EQ(resolve_address("http://h:1/a/b?x=/y", "/c"), "http://h:1/c");
  EXPECT_EQ(resolve_address("http://h:1", "c"), "http://h:1/c");
  EXPECT_EQ(resolve_address("http://h", "/c"), "http://h/c");
  EXPECT_EQ(resolve_address("http://h/x", "http://i/y"), "http://i/y");
}

}  // namespace
}  // namespace metalwright::sim
