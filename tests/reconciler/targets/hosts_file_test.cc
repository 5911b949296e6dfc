#include "reconciler/targets/dnsmasq/hosts_file.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "reconciler/targets/dnsmasq/hosts_index.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kOne = "52:54:00:00:00:01,10.0.0.1,one,3600";
constexpr std::string_view kTwo = "52:54:00:00:00:02,10.0.0.2,two,3600";

std::string text_of(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const std::string_view line : lines) text += std::string(line) + "\n";
  return text;
}

TEST(HostsFile, ReadsBackWhatItWrites) {
  const MacAddress one{{0x52, 0x54, 0, 0, 0, 1}}, two{{0x52, 0x54, 0, 0, 0, 2}};
  const std::string text = compose_hosts_file({{one, kOne}, {two, kTwo}}, {"id:x,10.0.0.3"});
  EXPECT_EQ(text, std::string(kHostsHeader) + text_of({kOne, kTwo, "id:x,10.0.0.3"}));
  const HostsFile file = parse_hosts_file(text);
  EXPECT_TRUE(file.ours);
  ASSERT_EQ(file.lines.size(), 2u);
  EXPECT_EQ(file.lines[0].mac, one);
  EXPECT_EQ(file.lines[1].text, kTwo);
  EXPECT_EQ(file.odd, std::vector<std::string_view>{"id:x,10.0.0.3"});
}

TEST(HostsFile, KnowsItsOwnByTheFirstLine) {
  EXPECT_TRUE(parse_hosts_file("").ours);
  EXPECT_TRUE(parse_hosts_file(kHostsHeader).ours);
  EXPECT_FALSE(parse_hosts_file(text_of({kOne})).ours);
  EXPECT_FALSE(parse_hosts_file(text_of({"# mine", kHostsHeader})).ours);
}

TEST(HostsFile, OrdersLinesAndKeepsTheFirstOfAMac) {
  const std::string again = "52:54:00:00:00:01,10.0.0.9,again,60";
  const std::string text = text_of({kTwo, kOne, again});
  const HostsFile file = parse_hosts_file(text);
  ASSERT_EQ(file.lines.size(), 2u);
  EXPECT_EQ(file.lines[0].text, kOne);
  EXPECT_EQ(file.lines[1].text, kTwo);
  EXPECT_EQ(file.odd, std::vector<std::string_view>{again});
}

TEST(HostsFile, CallsOddWhatIsNotWrittenAsWeDo) {
  for (const std::string line :
       {"52:54:00:00:00:0A,10.0.0.1,one", "52-54-00-00-00-01,10.0.0.1", "525400000001,10.0.0.1",
        "52:54:00:00:00:01", "id:01:52:54,10.0.0.1", " 52:54:00:00:00:01,10.0.0.1", "x"}) {
    const std::string text = line + "\n";
    const HostsFile file = parse_hosts_file(text);
    EXPECT_TRUE(file.lines.empty()) << line;
    EXPECT_EQ(file.odd.size(), 1u) << line;
  }
}

TEST(HostsFile, TakesAnyBytesApartWithoutLosingALine) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    std::size_t wanted = 0;
    for (unsigned i = random() % 6; i > 0; --i) {
      std::string line = random() % 2 == 0 ? "52:54:00:00:00:0" + std::to_string(random() % 4) + ","
                                           : std::string();
      for (unsigned n = random() % 20; n > 0; --n) line += static_cast<char>(11 + random() % 245);
      if (line.find('\n') != std::string::npos) continue;
      if (!line.empty() && line[0] != '#') ++wanted;
      text += line + "\n";
    }
    const HostsFile file = parse_hosts_file(text);
    EXPECT_EQ(file.lines.size() + file.odd.size(), wanted);
    const std::string again = compose_hosts_file(file.lines, file.odd);
    const HostsFile back = parse_hosts_file(again);
    EXPECT_EQ(back.lines.size(), file.lines.size());
    EXPECT_EQ(back.odd.size(), file.odd.size());
  }
}

TEST(HostsFile, NamesLinesAndFindsTheirParts) {
  EXPECT_EQ(host_name_of("lab", MacAddress{{0x52, 0x54, 0, 0, 0, 1}}), "lab/52:54:00:00:00:01");
  EXPECT_EQ(split_host_name("a.b/52:54:00:00:00:01").network, "a.b");
  EXPECT_EQ(split_host_name("a.b/52:54:00:00:00:01").rest, "52:54:00:00:00:01");
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(addresses_in(kOne), Words{"10.0.0.1"});
  EXPECT_EQ(addresses_in("52:54:00:00:00:01,10.0.0.1,[2001:db8::1],one,60"),
            (Words{"10.0.0.1", "[2001:db8::1]"}));
  EXPECT_EQ(host_name_in(kOne), "one");
  EXPECT_EQ(host_name_in("52:54:00:00:00:01,10.0.0.1,3600"), "");
  EXPECT_EQ(host_name_in("52:54:00:00:00:01,[2001:db8::1],six,3600"), "six");
}

TEST(HostsIndex, IsNotFooledByAChangeThatKeepsSizeAndTime) {
  const TempFolder folder;
  write_plainly(folder / "lab.hosts", text_of({kOne}));
  const auto tree = FileTree::open(folder.path());
  ASSERT_TRUE(tree);
  HostsIndex index(folder / "index");
  const Digest before = (*index.look(*tree, "lab", false))->lines.at(0).digest;
  std::string other(kOne);
  other[other.size() - 1] = '1';
  // In the same tick of the clock, for all that is known.
  write_plainly(folder / "lab.hosts", other + "\n");
  EXPECT_NE((*index.look(*tree, "lab", false))->lines.at(0).digest, before);
  std::filesystem::remove(folder / "lab.hosts");
  EXPECT_EQ(*index.look(*tree, "lab", false), nullptr);
}

}  // namespace
}  // namespace metalwright::reconciler
