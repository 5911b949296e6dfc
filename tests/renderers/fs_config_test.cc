#include "renderers/fs_config.h"

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <iterator>

namespace metalwright::renderers {
namespace {

std::string sample(const std::string& name) {
  std::ifstream in(METALWRIGHT_SOURCE_DIR "/tests/data/fs/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

FsConfig read_sample(const std::string& name) { return read_fs_config(sample(name)); }

std::string field(const FsConfig& from, std::string_view kind, std::string_view name,
                  std::string_view which) {
  for (const FsObject& object : from.objects) {
    if (object.kind != kind || object.name != name) continue;
    const std::string* const value = find_field(object.fields, which);
    return value == nullptr ? std::string("(not there)") : *value;
  }
  return "(no object)";
}

std::string names(const FsConfig& from, std::string_view kind) {
  std::string out;
  for (const FsObject& object : from.objects) {
    if (object.kind == kind) out += object.name + ';';
  }
  return out;
}

TEST(FsConfig, ReadsWhatASwitchSaved) {
  const FsConfig read = read_sample("s5860-running-config.txt");
  EXPECT_EQ(read.version, "S5860_FSOS 12.4(1)B0101P1");
  EXPECT_EQ(field(read, "fs-vlan", "10", "name"), "servers");
  EXPECT_EQ(field(read, "fs-interface", "VLAN 10", "ip address"), "10.1.10.1 255.255.255.0");
  EXPECT_EQ(field(read, "fs-interface", "VLAN 20", "ip helper-address"), "10.1.10.5");
  EXPECT_EQ(field(read, "fs-service", "dhcp", "enabled"), "yes");
  EXPECT_EQ(field(read, "fs-pool", "servers", "lease"), "0 12 0");
  EXPECT_EQ(field(read, "fs-pool", "servers", "option 43 hex"), "060108ff");
  EXPECT_EQ(field(read, "fs-pool", "node-1", "hardware-address"), "aabb.cc00.0011");
  EXPECT_EQ(field(read, "fs-interface", "TenGigabitEthernet 0/1", "switchport mode trunk"), "yes");
  EXPECT_EQ(read.other,
            (std::vector<FsOther>{{"hostname", 1}, {"enable", 1}, {"ip", 1}, {"line", 1}}));
}

TEST(FsConfig, ReadsWhatATerminalShowed) {
  const FsConfig read = read_sample("s5860-terminal.txt");
  EXPECT_EQ(read.version, "S5860_FSOS 12.4(1)B0101P1");
  // Nothing of the other commands' answers, nor of the banner.
  EXPECT_EQ(names(read, "fs-vlan"), "1;10;20;21;22;");
  EXPECT_EQ(names(read, "fs-pool"), "old-name;");
  EXPECT_EQ(field(read, "fs-vlan", "10", "name"), "servers");
  EXPECT_EQ(names(read, "fs-excluded"), "10.1.10.1;10.1.10.2 10.1.10.60;10.1.10.61 10.1.10.120;");
  EXPECT_EQ(field(read, "fs-pool", "old-name", "dns-server"), "10.1.10.1 198.51.100.53");
  EXPECT_EQ(field(read, "fs-pool", "old-name", "option 66 ascii"), "192.0.2.10");
  EXPECT_EQ(field(read, "fs-pool", "old-name", "lease"), "1 0 0");  // by default
  EXPECT_EQ(field(read, "fs-interface", "VLAN 20", "ip helper-address"), "10.1.10.5\n192.0.2.10");
}

// Accounts, keys and communities stand among what nothing here knows.
TEST(FsConfig, KeepsNothingOfWhatItDoesNotKnow) {
  for (const FsOther& other : read_sample("s5860-terminal.txt").other) {
    EXPECT_EQ(other.command.find(' '), std::string::npos) << other.command;
  }
  EXPECT_EQ(read_fs_config("no username x secret 0 hush\nno username y\n").other,
            (std::vector<FsOther>{{"no username", 2}}));
}

TEST(FsConfig, ReadsTheOtherSeriesAndTextWithoutIndent) {
  const FsConfig read = read_sample("s3900-running-config.txt");
  EXPECT_EQ(names(read, "fs-vlan"), "1;10;20;");
  EXPECT_EQ(field(read, "fs-vlan", "1", "name"), "DefaultVlan");
  EXPECT_EQ(field(read, "fs-vlan", "20", "name"), "bmc");
  EXPECT_EQ(field(read, "fs-pool", "node-1", "hardware-address"), "aabb.cc00.0011");
  EXPECT_EQ(field(read, "fs-pool", "node-2", "network"), "10.1.30.0 255.255.255.0");
  EXPECT_EQ(field(read, "fs-pool", "node-2", "lease"), "0 12 0");
  EXPECT_EQ(field(read, "fs-interface", "VLAN 10", "ip address"), "10.1.10.2 255.255.255.0");
  EXPECT_EQ(read.other, (std::vector<FsOther>{{"hostname", 1}}));
}

FsObject pool(std::string name, ObjectFields fields) {
  return {.kind = "fs-pool", .name = std::move(name), .fields = std::move(fields)};
}

TEST(FsConfig, SeesWhatIsDesiredInOtherWords) {
  const FsConfig read = read_sample("s5860-terminal.txt");
  const std::vector<FsObject> desired{
      {.kind = "fs-excluded", .name = "10.1.10.1 10.1.10.99", .fields = {}},
      {.kind = "fs-interface", .name = "VLAN 20", .fields = {{"ip helper-address", "192.0.2.10"}}},
      pool("lab", {{"default-router", "10.1.10.1"},
                   {"lease", "1 0 0"},
                   {"network", "10.1.10.0 255.255.255.0"}}),
  };
  const FsSeen seen = see_fs_objects(read, desired);
  ASSERT_EQ(seen.objects.size(), 3U);
  EXPECT_EQ(seen.objects[0], desired[0]);
  EXPECT_EQ(*find_field(seen.objects[1].fields, "ip helper-address"), "192.0.2.10");
  EXPECT_EQ(seen.objects[2], desired[2]);
  EXPECT_EQ(seen.notes, (std::vector<std::string>{
                            "'ip dhcp excluded-address' keeps back 10.1.10.100 to 10.1.10.120, "
                            "which the pool 'lab' is to hand out"}));
}

TEST(FsConfig, SaysWhatStandsInTheWay) {
  const FsConfig read = read_sample("s5860-terminal.txt");
  const FsSeen seen = see_fs_objects(
      read, {{.kind = "fs-excluded", .name = "10.1.10.1 10.1.10.121", .fields = {}},
             {.kind = "fs-interface", .name = "VLAN 20", .fields = {{"ip helper-address", "x"}}},
             pool("lab", {{"lease", "0 1 0"}, {"network", "10.1.10.0 255.255.255.0"}}),
             pool("lab-orion", {{"host", "10.1.10.7 255.255.255.0"}})});
  ASSERT_EQ(seen.objects.size(), 1U);
  EXPECT_EQ(*find_field(seen.objects[0].fields, "ip helper-address"), "10.1.10.5 192.0.2.10");
  EXPECT_EQ(seen.notes,
            (std::vector<std::string>{"the pool 'old-name' has the network, address or machine of "
                                      "'lab': remove it first ('no ip dhcp pool old-name')"}));
}

TEST(FsConfig, SaysWhatAPoolCannotHandOut) {
  const FsConfig read = read_fs_config(
      "ip dhcp excluded-address 192.0.2.1 192.0.2.99\nip dhcp excluded-address 192.0.2.120\n"
      "ip dhcp excluded-address 192.0.2.200 192.0.3.9\n");
  const auto notes = [&](const std::string& first, const std::string& second) {
    return see_fs_objects(read, {{.kind = "fs-excluded", .name = first, .fields = {}},
                                 {.kind = "fs-excluded", .name = second, .fields = {}},
                                 pool("lab", {{"network", "192.0.2.0 255.255.255.0"}})})
        .notes;
  };
  EXPECT_EQ(notes("192.0.2.1 192.0.2.120", "192.0.2.190 192.0.2.254"), std::vector<std::string>());
  EXPECT_EQ(notes("192.0.2.1 192.0.2.49", "192.0.2.211 192.0.2.254"),
            (std::vector<std::string>{"'ip dhcp excluded-address' keeps back 192.0.2.50 to "
                                      "192.0.2.99, which the pool 'lab' is to hand out",
                                      "'ip dhcp excluded-address' keeps back 192.0.2.120 to "
                                      "192.0.2.120, which the pool 'lab' is to hand out",
                                      "'ip dhcp excluded-address' keeps back 192.0.2.200 to "
                                      "192.0.2.210, which the pool 'lab' is to hand out"}));
}

// What a file of 64 MiB can hold at most must not take minutes.
TEST(FsConfig, TakesTimeInProportionToTheFile) {
  for (const std::string line : {"vlan 1-4094\n", "vlan 1\n # ip helper-address 192.0.2.1\n",
                                 " ip helper-address 192.0.2.1\n", "--More--\b\b\n"}) {
    std::string text = "interface VLAN 1\n";
    for (int i = 0; i < 30000; ++i) text += line;
    for (int i = 0; i < 30000; ++i) text += "word" + std::to_string(i) + "\n";
    text += "interface VLAN 2\n";
    for (int i = 0; i < 30000; ++i) text += " word" + std::to_string(i) + "\n";
    const std::clock_t begin = std::clock();
    (void)read_fs_config(text);
    EXPECT_LT(std::clock() - begin, 20 * CLOCKS_PER_SEC) << line;
  }
}

}  // namespace
}  // namespace metalwright::renderers
