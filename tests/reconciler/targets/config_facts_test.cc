#include "reconciler/targets/dnsmasq/config_facts.h"

#include <gtest/gtest.h>

#include "reconciler/targets/dnsmasq/pending.h"
#include "reconciler/targets/dnsmasq/syntax_check.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

TEST(ConfigFacts, AreReadFromWhatIsRendered) {
  const ConfigFacts facts = read_config_facts(
      "# Generated\nport=0\ninterface=eth1\nlisten-address=10.0.0.1\nlisten-address=2001:db8::1\n"
      "enable-tftp\ntftp-root=\"/srv/my \\\"boot\\\", #1\"\n"
      "dhcp-hostsfile=/etc/metalwright/dhcp-hosts/lab.hosts\n"
      "dhcp-range=set:net-lab,10.0.1.100,10.0.1.199,255.255.255.0,10.0.1.255,3600\n"
      "dhcp-range=tag:eth1,set:net-s,10.1.0.0,static,255.255.0.0,10.1.255.255,infinite\n"
      "dhcp-range=set:net-p,10.0.2.0,proxy,255.255.255.0\n"
      "dhcp-range=set:net-lab,2001:db8::,ra-only,64,3600\n");
  EXPECT_TRUE(facts.tftp);
  EXPECT_EQ(facts.tftp_root, "/srv/my \"boot\", #1");
  EXPECT_EQ(facts.interfaces, std::vector<std::string>{"eth1"});
  ASSERT_EQ(facts.listen_addresses.size(), 1u);
  EXPECT_EQ(facts.hosts_files, std::vector<std::string>{"/etc/metalwright/dhcp-hosts/lab.hosts"});
  ASSERT_EQ(facts.ranges.size(), 3u);
  EXPECT_EQ(facts.ranges[0].prefix.text(), "10.0.1.0/24");
  EXPECT_EQ(facts.ranges[1].prefix.text(), "10.1.0.0/16");
  EXPECT_FALSE(facts.ranges[1].proxy);
  EXPECT_TRUE(facts.ranges[2].proxy);
}

TEST(ConfigFacts, AreNoneWhereNothingIsUnderstood) {
  const ConfigFacts facts = read_config_facts(
      "dhcp-range=\ndhcp-range=x,y,z\ndhcp-range=10.0.0.0,static,255.0.255.0\ntftp-root=\"open\n=");
  EXPECT_TRUE(facts.ranges.empty());
  EXPECT_FALSE(facts.tftp);
}

TEST(SyntaxCheck, FindsTheLineOfACompaintAboutOneFile) {
  const auto complaint = read_complaint(
      "Nov 21 04:16:08 dnsmasq[26400]: bad DHCP host name at line 3 of /h/a b.hosts\n",
      "/h/a b.hosts");
  ASSERT_TRUE(complaint);
  EXPECT_EQ(complaint->line, 3u);
  EXPECT_EQ(complaint->words, "Nov 21 04:16:08 dnsmasq[26400]: bad DHCP host name");
  EXPECT_FALSE(read_complaint("bad thing at line 3 of /h/lab.hosts2", "/h/lab.hosts"));
  EXPECT_FALSE(read_complaint("read /h/lab.hosts", "/h/lab.hosts"));
  EXPECT_FALSE(read_complaint("at line x of /h/lab.hosts", "/h/lab.hosts"));
}

TEST(Pending, ReadsBackWhatItWrites) {
  const Pending pending{.kind = ReloadKind::restart,
                        .kept = {"/etc/dnsmasq.d/a b.conf"},
                        .made = {"/h/lab.hosts"},
                        .resources = {"file/metalwright.conf", "host/lab/52:54:00:00:00:01"}};
  EXPECT_EQ(read_pending(write_pending(pending)), pending);
  EXPECT_TRUE(pending.covers("host", "lab/52:54:00:00:00:01"));
  EXPECT_FALSE(pending.covers("host", "lab/52:54:00:00:00:02"));
}

TEST(Pending, DoubtsEverythingWhereItCannotBeRead) {
  const std::string whole = write_pending(
      {.kind = ReloadKind::hosts, .kept = {}, .made = {}, .resources = {"host/lab/x"}});
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    const Pending torn = read_pending(whole.substr(0, size));
    EXPECT_EQ(torn.kind, ReloadKind::restart) << size;
    EXPECT_TRUE(torn.covers("host", "anything")) << size;
  }
}

TEST(PendingNote, IsThereUntilItIsRemoved) {
  const TempFolder folder;
  const PendingNote note(folder / "note");
  EXPECT_FALSE(note.load()->has_value());
  const Pending pending{.kind = ReloadKind::hosts, .kept = {"/a"}, .made = {}, .resources = {"b"}};
  ASSERT_TRUE(note.save(pending));
  EXPECT_EQ(note.load()->value(), pending);
  ASSERT_TRUE(note.remove());
  EXPECT_FALSE(note.load()->has_value());
  ASSERT_TRUE(note.remove());
}

}  // namespace
}  // namespace metalwright::reconciler
