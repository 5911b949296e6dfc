#include "renderers/ipxe.h"

#include <gtest/gtest.h>

#include "renderers/ipxe_text.h"
#include "tests/renderers/fleet.h"
#include "tests/renderers/ipxe_machine.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

using Trace = std::vector<std::string>;

const std::string kNasty =
    "a b 1 _ _ _ ' \" \\ \\ $ ${x} ${ } ` ; ; & && && | || || < > { # # ! * -- -x = : é ü [ ]";

TEST(IpxeText, IsExactlyWhatComesBackFromAScript) {
  RandomText random(31);
  int accepted = 0;
  for (int i = 0; i < 50000; ++i) {
    const std::string text = random.of(kNasty, 8);
    IpxeMachine machine;
    machine.run("#!ipxe\necho " + text + "\necho end\n");
    const bool comes_back = machine.trace == Trace{"echo " + text, "echo end"};
    // `--x` would come back from an echo that has no options; iPXE's has some.
    const bool wanted =
        comes_back && text.substr(0, 2) != "--" && text.find("${") == std::string::npos;
    EXPECT_EQ(is_ipxe_text(text), wanted) << text;
    accepted += wanted ? 1 : 0;
  }
  EXPECT_GT(accepted, 5000);
}

TEST(IpxeText, RefusesWhatNoLineHolds) {
  for (const char* text : {"a\nb", "a\rb", "a\tb", "", " a", "a ", "a  b", "a\\", "${x}", "--x",
                           "a || b", "; a", "a #b", "#a", "\x7f"}) {
    EXPECT_FALSE(is_ipxe_text(text)) << text;
  }
  for (const char* text : {"a", "a b", "a#b", "a;b", "a||b", "-x", "a --b", "$x", "a\\b", "é"}) {
    EXPECT_TRUE(is_ipxe_text(text)) << text;
  }
}

struct Lab : Fleet {
  Lab() {
    profile("ubuntu", {"quiet", "h=${hostname}", "m=${mac}", "i=${ip}", "u=${uuid}", "x=\"a b\""})
        .title = "Ubuntu & more";
    Server& orion = server("orion");
    orion.profile = text("ubuntu");
    interfaces(orion, {interface("eth0", "52:54:00:00:00:01", "primary"),
                       interface("bmc", "52:54:00:00:00:ff", "bmc")});
    boot(orion, {"own=${ip}"}, "ttyS0,115200");
    interfaces(server("spare"), {interface("eth0", "52:54:00:00:00:02")});
  }

  Trace run(IpxeMachine& machine, const std::string& path) {
    const Output output = render(Format::ipxe);
    for (const Error& error : output.errors) ADD_FAILURE() << error.text();
    if (!output.files.contains(path)) return {"no such file: " + path};
    machine.run(output.files.at(path));
    return machine.trace;
  }
};

constexpr const char* kOrion = "ipxe/52-54-00-00-00-01.ipxe";
constexpr const char* kSpare = "ipxe/52-54-00-00-00-02.ipxe";

TEST(Ipxe, BootsAServersProfile) {
  Lab lab;
  lab.settings.service_url = "http://10.0.0.1:8000";
  IpxeMachine machine;
  machine.settings = {{"uuid", "UUID"}, {"netX/ip", "10.0.0.77"}};
  EXPECT_EQ(lab.run(machine, kOrion),
            (Trace{"echo Booting orion.example.net as ubuntu",
                   "kernel http://10.0.0.1:8000/boot/assets/ubuntu/vmlinuz initrd=initrd.img quiet "
                   "h=orion.example.net m=52:54:00:00:00:01 i=10.0.0.77 u=UUID x=\"a b\" "
                   "own=10.0.0.77 console=ttyS0,115200",
                   "initrd http://10.0.0.1:8000/boot/assets/ubuntu/initrd.img", "boot"}));
}

TEST(Ipxe, LoadsFromTheBootServerOfItsNetwork) {
  Lab lab;
  lab.settings.service_url = "http://10.0.0.1:8000/metal";
  lab.network("far", "10.9.0.0/24").boot_server = "10.9.0.2";
  lab.network("near", "10.0.0.0/24");
  Server& mover = lab.server("mover");
  mover.profile = lab.text("ubuntu");
  for (const auto& [address, base] : {std::pair{"10.9.0.5", "http://10.9.0.2:8000/metal/boot/"},
                                      {"10.0.0.5", "http://10.0.0.1:8000/metal/boot/"},
                                      {"172.16.0.5", "http://10.0.0.1:8000/metal/boot/"}}) {
    lab.interfaces(mover, {lab.interface("eth0", "52:54:00:00:00:07", "", address)});
    IpxeMachine machine;
    const Trace trace = lab.run(machine, "ipxe/52-54-00-00-00-07.ipxe");
    ASSERT_EQ(trace.size(), 4U);
    EXPECT_EQ(trace[2], "initrd " + std::string(base) + "assets/ubuntu/initrd.img");
  }
}

TEST(Ipxe, SaysWhenTheKernelDoesNotComeAndGoesOn) {
  for (const char* missing : {"/assets/ubuntu/vmlinuz", "/assets/ubuntu/initrd.img"}) {
    Lab lab;
    IpxeMachine machine;
    machine.has = [&](const std::string& uri) { return uri != missing; };
    const Trace trace = lab.run(machine, kOrion);
    ASSERT_GE(trace.size(), 3U);
    EXPECT_EQ(trace[trace.size() - 3],
              "echo orion.example.net: the kernel of profile ubuntu did not start. The next boot "
              "device follows in 10 seconds.");
    EXPECT_EQ(trace.back(), "exit 1");
    EXPECT_EQ(machine.status, 1);
  }
}

TEST(Ipxe, WithoutAProfileBootsTheLocalDisk) {
  Lab lab;
  IpxeMachine bios;
  bios.settings["platform"] = "pcbios";
  EXPECT_EQ(lab.run(bios, kSpare), Trace{"sanboot --no-describe --drive 0x80"});
  IpxeMachine bare;
  bare.settings["platform"] = "pcbios";
  bare.has = [](const std::string&) { return false; };
  EXPECT_EQ(lab.run(bare, kSpare), (Trace{"sanboot --no-describe --drive 0x80", "exit 1"}));
  IpxeMachine uefi;
  uefi.settings["platform"] = "efi";
  EXPECT_EQ(lab.run(uefi, kSpare), Trace{"exit 1"});
}

TEST(Ipxe, TheMenuGoesToTheMachinesOwnScript) {
  Lab lab;
  IpxeMachine machine;
  machine.settings["netX/mac"] = "52:54:00:00:00:01";
  EXPECT_EQ(lab.run(machine, "ipxe/menu.ipxe"), Trace{"chain --replace 52-54-00-00-00-01.ipxe"});
  IpxeMachine old;  // a build that does not know netX
  old.settings["net0/mac"] = "52:54:00:00:00:02";
  old.has = [](const std::string& uri) { return uri == "52-54-00-00-00-02.ipxe"; };
  EXPECT_EQ(lab.run(old, "ipxe/menu.ipxe"), Trace{"chain --replace 52-54-00-00-00-02.ipxe"});
}

TEST(Ipxe, TheMenuBootsTheDiskWhereNobodyChooses) {
  Lab lab;
  IpxeMachine machine;
  machine.settings = {{"netX/mac", "52:54:00:00:00:09"}, {"platform", "efi"}};
  machine.has = [](const std::string& uri) { return uri.find(".ipxe") == std::string::npos; };
  EXPECT_EQ(lab.run(machine, "ipxe/menu.ipxe"),
            (Trace{"menu This machine (52:54:00:00:00:09) is not in the inventory",
                   "item local: Boot the local disk", "item ubuntu: Ubuntu & more",
                   "choose --default local --timeout 10000 target", "exit 1"}));
}

TEST(Ipxe, TheMenuBootsWhatIsChosen) {
  Lab lab;
  IpxeMachine machine;
  machine.settings = {
      {"netX/mac", "52:54:00:00:00:09"}, {"netX/ip", "10.0.0.9"}, {"uuid", "U"}, {"hostname", "h"}};
  machine.has = [](const std::string& uri) { return uri.find(".ipxe") == std::string::npos; };
  machine.chosen = "ubuntu";
  const Trace trace = lab.run(machine, "ipxe/menu.ipxe");
  ASSERT_EQ(trace.size(), 7U);
  EXPECT_EQ(trace[4],
            "kernel /assets/ubuntu/vmlinuz initrd=initrd.img quiet h=h m=52:54:00:00:00:09 "
            "i=10.0.0.9 u=U x=\"a b\"");
  EXPECT_EQ(trace[6], "boot");
}

TEST(Ipxe, TheMenusDefaultIsTheProfileThatSaysSo) {
  Lab lab;
  lab.model.profiles[0].is_default = true;
  IpxeMachine machine;
  machine.has = [](const std::string& uri) { return uri.find(".ipxe") == std::string::npos; };
  const Trace trace = lab.run(machine, "ipxe/menu.ipxe");
  EXPECT_EQ(trace.back(), "boot");
}

TEST(Ipxe, AFailureInTheMenuComesBackToIt) {
  Lab lab;
  IpxeMachine machine;
  machine.settings["platform"] = "efi";
  machine.has = [](const std::string&) { return false; };
  machine.chosen = "ubuntu";
  const Trace trace = lab.run(machine, "ipxe/menu.ipxe");
  ASSERT_EQ(trace.size(), 12U);
  EXPECT_EQ(trace[5], "echo The kernel of ubuntu did not start. The menu follows in 10 seconds.");
  EXPECT_EQ(trace[7].substr(0, 5), "menu ");
  EXPECT_EQ(trace.back(), "exit 1");
}

TEST(Ipxe, AProfileMayHaveTheNameOfTheLocalDisk) {
  Fleet fleet;
  fleet.profile("local");
  fleet.profile("local-disk");
  const Fleet::Output output = fleet.render(Format::ipxe);
  const std::string& menu = output.files.at("ipxe/menu.ipxe");
  EXPECT_NE(menu.find("item local-disk-disk Boot the local disk\nitem local local\n"),
            std::string::npos)
      << menu;
  EXPECT_NE(menu.find("|| goto local-disk-disk\n:local-disk-disk\n"), std::string::npos) << menu;
}

}  // namespace
}  // namespace metalwright::renderers
