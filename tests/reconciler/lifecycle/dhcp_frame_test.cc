#include "reconciler/lifecycle/dhcp_frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/reconciler/lifecycle/captures.h"

namespace metalwright::lifecycle {
namespace {
MacAddress mac(const char* text) { return *parse_mac_address(text); }
Ipv4Address ip(const char* text) { return *parse_ipv4(text); }

/// Where things are in an untagged frame over Ethernet without IP options.
constexpr std::size_t kType = 12, kIp = 14, kUdp = 34, kMessage = 42, kOptions = kMessage + 240;

void set16(Frame& frame, std::size_t at, std::size_t value) {
  frame[at] = static_cast<std::uint8_t>(value >> 8U);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}

/// The frame with other options, and with lengths that fit.
Frame with_options(Frame frame, const std::vector<std::uint8_t>& options) {
  frame.resize(kOptions);
  frame.insert(frame.end(), options.begin(), options.end());
  set16(frame, kIp + 2, frame.size() - kIp);
  set16(frame, kUdp + 4, frame.size() - kUdp);
  return frame;
}

Frame with_tags(Frame frame, const std::vector<std::array<std::uint8_t, 4>>& tags) {
  std::size_t at = kType;
  for (const auto& tag : tags) {
    frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), tag.begin(), tag.end());
    at += tag.size();
  }
  return frame;
}

NoLease why_not(const Frame& frame) {
  const FrameReading reading = read_lease(frame, Link::ethernet);
  EXPECT_FALSE(reading.lease);
  return reading.why;
}

TEST(DhcpFrame, ReadsWhatDnsmasqGaveToRealClients) {
  const std::vector<Lease> leases = leases_in(captured("plain"));
  // udhcpc, dhclient (a fixed address and a name of the server's), a stranger, the first again.
  ASSERT_EQ(leases.size(), 4U);
  EXPECT_EQ(leases[0].mac, mac("3c:a8:2a:00:00:01"));
  EXPECT_EQ(leases[0].ip, ip("192.0.2.149"));
  EXPECT_EQ(leases[0].hostname, "ilo-1");
  EXPECT_EQ(leases[0].relay.value, 0U);
  EXPECT_TRUE(leases[0].vlans.empty());
  EXPECT_EQ(leases[1].mac, mac("d0:94:66:00:00:02"));
  EXPECT_EQ(leases[1].ip, ip("192.0.2.42"));
  EXPECT_EQ(leases[1].hostname, "idrac-7");
  EXPECT_EQ(leases[2].mac, mac("52:54:00:00:00:03"));
  EXPECT_EQ(leases[3], leases[0]);
}

TEST(DhcpFrame, ReadsWhatGoesThroughARelay) {
  const std::vector<Lease> leases = leases_in(captured("relayed"));
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0].mac, mac("3c:a8:2a:00:00:01"));
  EXPECT_EQ(leases[0].relay, ip("192.0.2.1"));
  EXPECT_EQ(leases[0].circuit, "73727630");  // dhcrelay: srv0
  EXPECT_EQ(leases[0].remote, "");
}

TEST(DhcpFrame, ReadsOptionsThatGoOnInTheHeadersFields) {
  const std::vector<Lease> leases = leases_in(captured("overloaded"));
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0].hostname, "ilo-1");
  // The message type itself may stand there.
  Frame frame = with_options(lease_frame("plain"), {52, 1, 3, 255});
  const std::vector<std::uint8_t> in_file{53, 1, 5, 12, 2, 'a', 'b', 255}, in_sname{0, 12, 1, 'c'};
  std::copy(in_file.begin(), in_file.end(), frame.begin() + kMessage + 108);
  std::fill_n(frame.begin() + kMessage + 44, 64, 0);
  std::copy(in_sname.begin(), in_sname.end(), frame.begin() + kMessage + 44);
  const auto lease = read_lease(frame, Link::ethernet).lease;
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->hostname, "abc");
  // Without option 52 the fields are a file's and a server's name.
  frame = with_options(frame, {52, 1, 2, 255});
  EXPECT_EQ(why_not(frame), NoLease::not_ack);
}

TEST(DhcpFrame, PutsSplitOptionsTogether) {
  const Frame frame = with_options(
      lease_frame("plain"), {12, 3,   'i', 'l', 'o', 82,   3, 1, 2,    0xab, 53,  1,  5, 12,
                             2,  '-', '9', 82,  5,   0xcd, 2, 2, 0x01, 0xff, 255, 12, 1, 'x'});
  const auto lease = read_lease(frame, Link::ethernet).lease;
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->hostname, "ilo-9") << "nothing counts after the end";
  EXPECT_EQ(lease->circuit, "abcd");
  EXPECT_EQ(lease->remote, "01ff");
}

TEST(DhcpFrame, PassesOverVlanTags) {
  const Frame plain = lease_frame("plain");
  const Lease untagged = *read_lease(plain, Link::ethernet).lease;
  struct Case {
    std::vector<std::array<std::uint8_t, 4>> tags;
    std::vector<std::uint16_t> vlans;
  };
  const std::vector<Case> cases{
      {{{0x81, 0x00, 0x00, 0x2a}}, {42}},
      {{{0x81, 0x00, 0xef, 0xff}}, {4095}},  // priority bits are no part of it
      {{{0x88, 0xa8, 0x00, 0x64}, {0x81, 0x00, 0x00, 0x2a}}, {100, 42}},
      {{{0x81, 0x00, 0x00, 0x64}, {0x81, 0x00, 0x00, 0x2a}}, {100, 42}},
      {{{0x91, 0x00, 0x00, 0x64}, {0x81, 0x00, 0x00, 0x2a}}, {100, 42}},
  };
  for (const Case& tagged : cases) {
    const auto lease = read_lease(with_tags(plain, tagged.tags), Link::ethernet).lease;
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->vlans, tagged.vlans);
    Lease same = *lease;
    same.vlans.clear();
    EXPECT_EQ(same, untagged);
  }
  const std::array<std::uint8_t, 4> tag{0x81, 0x00, 0x00, 0x01};
  EXPECT_EQ(why_not(with_tags(plain, {tag, tag, tag})), NoLease::not_dhcp);
}

TEST(DhcpFrame, ReadsOtherLinks) {
  const Frame plain = lease_frame("plain");
  const Frame packet(plain.begin() + kIp, plain.end());
  EXPECT_TRUE(read_lease(packet, Link::raw_ip).lease);
  Frame sll(14, 0);
  sll.insert(sll.end(), {0x08, 0x00});
  sll.insert(sll.end(), packet.begin(), packet.end());
  EXPECT_TRUE(read_lease(sll, Link::linux_sll).lease);
  Frame sll2{0x08, 0x00};
  sll2.resize(20, 0);
  sll2.insert(sll2.end(), packet.begin(), packet.end());
  EXPECT_TRUE(read_lease(sll2, Link::linux_sll2).lease);
}

TEST(DhcpFrame, ReadsPacketsWithIpOptionsAndPadding) {
  Frame frame = lease_frame("plain");
  frame[kIp] = 0x46;
  set16(frame, kIp + 2, static_cast<std::size_t>(frame[kIp + 2] << 8U | frame[kIp + 3]) + 4);
  frame.insert(frame.begin() + kUdp, {0x94, 0x04, 0x00, 0x00});  // router alert
  EXPECT_TRUE(read_lease(frame, Link::ethernet).lease);
  frame.resize(frame.size() + 30, 0x12);  // at 53 and 12 nothing is read into
  EXPECT_TRUE(read_lease(frame, Link::ethernet).lease);
}

TEST(DhcpFrame, SaysWhyAFrameIsNoLease) {
  const Frame good = lease_frame("plain");
  ASSERT_FALSE(good.empty());
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Frame frame = good;
    frame[at] = value;
    return why_not(frame);
  };
  EXPECT_EQ(changed(kType, 0x86), NoLease::not_dhcp);
  EXPECT_EQ(changed(kIp, 0x65), NoLease::not_dhcp);
  EXPECT_EQ(changed(kIp, 0x44), NoLease::not_dhcp) << "a header of 16 bytes";
  EXPECT_EQ(changed(kIp + 9, 6), NoLease::not_dhcp);
  EXPECT_EQ(changed(kUdp + 1, 68), NoLease::not_dhcp) << "from a client";
  EXPECT_EQ(changed(kUdp + 3, 53), NoLease::not_dhcp);
  EXPECT_EQ(changed(kIp + 6, 0x20), NoLease::fragment) << "the first";
  EXPECT_EQ(changed(kIp + 7, 0x10), NoLease::fragment) << "a later one";
  EXPECT_EQ(changed(kIp + 3, 0xff), NoLease::cut_off);
  EXPECT_EQ(changed(kUdp + 5, 0xff), NoLease::cut_off);
  EXPECT_EQ(changed(kMessage, 1), NoLease::not_reply) << "a request";
  EXPECT_EQ(changed(kMessage + 1, 6), NoLease::not_reply);
  EXPECT_EQ(changed(kMessage + 2, 16), NoLease::not_reply);
  EXPECT_EQ(changed(kMessage + 236, 0), NoLease::not_reply) << "BOOTP without DHCP";
  for (const std::uint8_t type : {1, 2, 3, 4, 6, 7, 8, 13}) {
    EXPECT_EQ(why_not(with_options(good, {53, 1, type, 255})), NoLease::not_ack);
  }
  EXPECT_EQ(why_not(with_options(good, {255})), NoLease::not_ack);
  EXPECT_EQ(why_not(with_options(good, {53, 2, 5, 5, 255})), NoLease::not_ack);
  EXPECT_EQ(why_not(with_options(good, {53, 1, 5, 12, 9, 'a'})), NoLease::options);
  EXPECT_EQ(why_not(with_options(good, {53})), NoLease::options);
  Frame inform = good;
  std::fill_n(inform.begin() + kMessage + 16, 4, 0);
  EXPECT_EQ(why_not(inform), NoLease::no_address);
}

TEST(DhcpFrame, ReadsNothingPastAnEndWhereverAFrameIsCut) {
  for (const Frame& frame : captured("overloaded")) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      // A copy of its own: a read past the end is one past an allocation.
      const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(read_lease(cut, Link::ethernet).lease);
    }
  }
}

TEST(DhcpFrame, ShowsOnlyPlainCharactersOfAHostName) {
  EXPECT_EQ(shown_hostname("iLO_1.example-net"), "iLO_1.example-net");
  EXPECT_EQ(shown_hostname(std::string("ilo\0", 4)), "ilo");
  EXPECT_EQ(shown_hostname("a\x1b[31m<b>`\n"), "a??31m?b???");
  EXPECT_EQ(shown_hostname(std::string(300, 'a')).size(), 253U);
}
}  // namespace
}  // namespace metalwright::lifecycle
