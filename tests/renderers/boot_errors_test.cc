#include <gtest/gtest.h>

#include "renderers/boot_site.h"
#include "tests/renderers/fleet.h"

// What the boot formats refuse, word for word.

namespace metalwright::renderers {
namespace {

using Lines = std::vector<std::string>;

struct Lab : Fleet {
  Server* orion = nullptr;
  explicit Lab(std::initializer_list<const char*> params = {}) {
    profile("p", params);
    orion = &server("orion");
    orion->profile = text("p");
    interfaces(*orion, {interface("eth0", "52:54:00:00:00:01")});
  }

  /// The same lines from all three formats, and no file for the server.
  Lines refused_by_all() {
    const Lines lines = errors(Format::ipxe);
    EXPECT_EQ(errors(Format::grub), lines);
    EXPECT_EQ(errors(Format::pxelinux), lines);
    for (const Format format : {Format::ipxe, Format::grub, Format::pxelinux}) {
      for (const auto& [path, content] : render(format).files) {
        EXPECT_EQ(path.find("52-54-00-00-00-01"), std::string::npos) << path;
      }
    }
    return lines;
  }
};

TEST(BootErrors, OfAProfileComeOnceForAllItsServers) {
  Lab lab({"a\nb", "b=${nothing}"});
  lab.server("vega").profile = lab.text("p");
  EXPECT_EQ(
      lab.refused_by_all(),
      (Lines{"profiles/p.yaml:5:5: error: profiles.p.params: a kernel parameter cannot hold a "
             "line end, tab or other control character [param-text]",
             "profiles/p.yaml:6:5: error: profiles.p.params: '${nothing}' is none of ${mac}, "
             "${uuid}, ${hostname} and ${ip} [profile-variable]"}));
}

TEST(BootErrors, OfAServersOwnParametersStandAtTheServer) {
  Lab lab;
  lab.boot(*lab.orion, {"a=\"b"}, "ttyS0\n");
  EXPECT_EQ(lab.refused_by_all(),
            (Lines{"inventory.yaml:15:13: error: servers.orion.boot.console: a kernel parameter "
                   "cannot hold a line end, tab or other control character [param-text]",
                   "inventory.yaml:15:13: error: servers.orion.boot.params: 'a=\"b' has an open "
                   "double quote [param-text]"}));
}

TEST(BootErrors, OfAssets) {
  Lab lab;
  lab.model.profiles[0].initrd = {{.path = "a/initrd.img", .origin = {"profiles/p.yaml", 3, 9}},
                                  {.path = "b/initrd.img", .origin = {"profiles/p.yaml", 4, 9}},
                                  {.path = "my initrd", .origin = {"profiles/p.yaml", 5, 9}}};
  EXPECT_EQ(
      lab.refused_by_all(),
      (Lines{"profiles/p.yaml:4:9: error: profiles.p.initrd: 'b/initrd.img' has the file name "
             "of 'a/initrd.img', and the boot tree keeps a profile's files in one folder "
             "[asset-name]",
             "profiles/p.yaml:5:9: error: profiles.p.initrd: the file name in 'my initrd' can "
             "hold letters, digits and '._+~@-' only, 1 to 200 of them [asset-name]"}));
}

TEST(BootErrors, OfTitles) {
  Lab lab;
  Profile& profile = lab.model.profiles[0];
  profile.title = "a\nb";
  EXPECT_EQ(lab.refused_by_all(),
            Lines{"profiles/p.yaml:1:1: error: profiles.p.title: a menu line cannot hold a control "
                  "character [menu-text]"});
  profile.title = std::string(201, 'x');
  EXPECT_EQ(lab.refused_by_all(),
            Lines{"profiles/p.yaml:1:1: error: profiles.p.title: has 201 bytes, and a menu line "
                  "holds 200 [menu-text]"});
  profile.title = "--default x";
  EXPECT_EQ(lab.refused_by_all(),
            Lines{"profiles/p.yaml:1:1: error: profiles.p.title: '--default x' begins with '-', "
                  "which menus take for an option [menu-text]"});
  profile.title = "a ^b";
  EXPECT_EQ(lab.errors(Format::pxelinux),
            Lines{"profiles/p.yaml:1:1: error: profiles.p.title: 'a ^b' holds a '^', which marks a "
                  "key in PXELINUX's menu [menu-text]"});
  EXPECT_TRUE(lab.errors(Format::grub).empty());
  profile.title = "a || b";
  EXPECT_EQ(lab.errors(Format::ipxe),
            Lines{"profiles/p.yaml:1:1: error: profiles.p.title: an iPXE script cannot hold 'a || "
                  "b': no word may begin with '#' or be '||', '&&' or ';', and it has no way to "
                  "write '${', two blanks in a row or a backslash at the end [menu-text]"});
}

TEST(BootErrors, OfWhatOneFormatCannotHold) {
  EXPECT_EQ(Lab({"#a"}).errors(Format::ipxe),
            Lines{"profiles/p.yaml:5:5: error: profiles.p.params: an iPXE script cannot hold '#a': "
                  "no word may begin with '#' or be '||', '&&' or ';', and it has no way to write "
                  "'${', two blanks in a row or a backslash at the end [param-text]"});
  EXPECT_FALSE(Lab({"a=\"b  c\""}).errors(Format::ipxe).empty());
  EXPECT_FALSE(Lab({"a\\"}).errors(Format::ipxe).empty());
  EXPECT_TRUE(Lab({"a=\"b  c\""}).errors(Format::pxelinux).empty());
  EXPECT_EQ(Lab({"x='${mac}'"}).errors(Format::grub),
            Lines{"profiles/p.yaml:5:5: error: profiles.p.params: GRUB would add a backslash to a "
                  "quote or backslash in 'x='${mac}''; double quotes can stand around a value or a "
                  "whole parameter only [param-text]"});
  EXPECT_EQ(Lab({"-"}).errors(Format::pxelinux),
            Lines{"profiles/p.yaml:5:5: error: profiles.p.params: PXELINUX takes '-' alone for no "
                  "parameters at all [param-text]"});
  Lab own;
  own.boot(*own.orion, {"a", ";"});
  EXPECT_EQ(own.errors(Format::ipxe).size(), 1U);
  EXPECT_EQ(own.errors(Format::ipxe)[0].substr(0, 55),
            "inventory.yaml:15:13: error: servers.orion.boot.params:");
}

TEST(BootErrors, OfACommandLineThatAKernelWouldCut) {
  // BOOT_IMAGE=assets/p/vmlinuz, initrd=assets/p/initrd.img and BOOTIF=… with their blanks.
  constexpr std::size_t kAdded = 27 + 1 + 27 + 28;
  const std::string longest(2047 - kAdded, 'x');
  for (const Format format : {Format::ipxe, Format::grub, Format::pxelinux}) {
    EXPECT_TRUE(Lab({longest.c_str()}).errors(format).empty());
  }
  const std::string over = longest + 'x';
  EXPECT_EQ(
      Lab({over.c_str()}).refused_by_all(),
      Lines{"profiles/p.yaml:5:5: error: profiles.p.params: the kernel command line of "
            "profile 'p' would have 2048 bytes, and a kernel keeps 2047 [command-line-length]"});
  Lab own({longest.c_str()});
  own.boot(*own.orion, {"y"});
  EXPECT_EQ(own.refused_by_all(),
            Lines{"inventory.yaml:15:13: error: servers.orion: the kernel command line of profile "
                  "'p' would have 2049 bytes, and a kernel keeps 2047 [command-line-length]"});
}

TEST(BootErrors, OfNames) {
  Lab lab;
  lab.orion->hostname = lab.text("orion example");
  lab.orion->hostname_mark = {1, 15};
  EXPECT_EQ(lab.refused_by_all(),
            Lines{"inventory.yaml:11:15: error: servers.orion.hostname: 'orion example' is not a "
                  "host name [hostname-format]"});
  Lab escape;
  escape.orion->name = escape.text("../orion");
  for (const Format format : kFormats) {
    EXPECT_EQ(escape.errors(format),
              Lines{"inventory.yaml:10:3: error: '../orion' is not a name for a server "
                    "[name-format]"});
  }
  Lab url;
  url.settings.service_url = "http://10.0.0.1 x";
  EXPECT_EQ(url.errors(Format::ipxe),
            Lines{"error: service.url: 'http://10.0.0.1 x' is not a URL [url-format]"});
}

}  // namespace
}  // namespace metalwright::renderers
