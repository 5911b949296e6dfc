#include "pipeline/service/boot_script.h"

#include <gtest/gtest.h>

#include "renderers/ipxe_text.h"

namespace metalwright::service {
namespace {

using namespace std::chrono_literals;

TEST(BootScript, WhateverIsSaidStaysText) {
  for (const std::string hostile : {"a && reboot", "${uuid}", "# x", "a\nreboot", "\\", "--help",
                                    "a || b ; c", "`id`", "\x1b[0m", "", "  two  blanks "}) {
    const std::string text = "metalwright: " + echo_text(hostile);
    EXPECT_TRUE(hostile.empty() || renderers::is_ipxe_text(text)) << text;
  }
  EXPECT_EQ(echo_text("orion (52:54:00:00:00:11), as x/y.yaml:3"),
            "orion (52:54:00:00:00:11), as x/y.yaml:3");
  EXPECT_LE(echo_text(std::string(5000, 'x')).size(), 210U);
}

TEST(BootScript, SaysBeforeItActs) {
  EXPECT_EQ(script_saying({"one", "two"}, "#!ipxe\nboot\n"),
            "#!ipxe\necho metalwright: one\necho metalwright: two\nboot\n");
}

TEST(BootScript, AMenuWaitsAndGoesOn) {
  const std::string script = script_with_menu("orion", "rescue", 3s, {"why"}, "#!ipxe\nboot x\n");
  EXPECT_TRUE(script.starts_with("#!ipxe\nmenu orion\nitem _boot rescue\n"));
  EXPECT_NE(
      script.find("choose --default _boot --timeout 3000 target && goto ${target} || goto _boot\n"
                  ":_boot\necho metalwright: why\nboot x\n:_local\n"),
      std::string::npos);
  EXPECT_EQ(script_with_menu("orion", "rescue", 0s, {"why"}, "#!ipxe\nboot x\n"),
            "#!ipxe\necho metalwright: why\nboot x\n");
}

TEST(BootScript, SignsWholeConfigurationAddressesOnly) {
  const auto sign = [](std::string_view profile, std::string_view mac) {
    return "?of=" + std::string(profile) + std::string(mac.substr(15));
  };
  const std::string base = "http://h/boot/configs/";
  EXPECT_EQ(with_signed_configs("a " + base + "u/52:54:00:00:00:11 b\n", sign),
            "a " + base + "u/52:54:00:00:00:11?of=u11 b\n");
  EXPECT_EQ(with_signed_configs("\"" + base + "u/52:54:00:00:00:11\"", sign),
            "\"" + base + "u/52:54:00:00:00:11?of=u11\"");
  for (const std::string& other : {base + "u/52:54:00:00:00:11x", base + "u/${mac}", base + "u",
                                  base, base + "u/52:54:00:00:00:11?x=1"}) {
    EXPECT_EQ(with_signed_configs(other, sign), other);
  }
}

}  // namespace
}  // namespace metalwright::service
