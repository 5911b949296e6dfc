#include "pipeline/service/notices.h"

#include <gtest/gtest.h>

#include "pipeline/service/messenger.h"

namespace metalwright::service {
namespace {

using State = RevisionStatus::State;

Time second(int count) { return Time(std::chrono::seconds(1'700'000'000 + count)); }

Error error(std::string check, std::string message) {
  return {.check = std::move(check), .message = std::move(message)};
}

/// A round of one target that did what it was to do.
pipeline::Round round_of(reconciler::TargetOutcome outcome = {.target = "tftp"}) {
  pipeline::Round round;
  round.planned.emplace();
  round.planned->plan.revision = "0123456789abcdef";
  round.planned->plan.resources = 12;
  round.planned->targets.resize(1);
  round.report.emplace();
  round.report->targets.push_back(std::move(outcome));
  round.wanted.asked = "0123456789abcdef";
  return round;
}

TEST(Notices, AGoodRoundIsNoNews) {
  EXPECT_TRUE(notices_of(round_of()).empty());
  EXPECT_EQ(status_of(round_of()), (RevisionStatus{"0123456789abcdef", State::success,
                                                   "no changes; 12 resources as they should be"}));
}

TEST(Notices, DriftIsOneMatterATarget) {
  pipeline::Round round = round_of();
  for (int i = 0; i < 7; ++i) {
    reconciler::Change change;
    change.target = "tftp";
    change.kind = "file";
    change.name = "f" + std::to_string(i);
    if (i > 0) change.observed = sha256("x");
    round.planned->plan.drift.push_back(change);
  }
  const auto notices = notices_of(round);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].concern, Concern::drift);
  EXPECT_EQ(notices[0].text,
            "drift at tftp: somebody changed file/f0 (deleted), file/f1, file/f2, file/f3, "
            "file/f4 and 2 more");
  EXPECT_EQ(notices_of(round), notices);
  round.planned->plan.drift[3].observed = sha256("y");
  EXPECT_NE(notices_of(round)[0].subject, notices[0].subject);
}

TEST(Notices, WhatFailedIsToldOnceARevision) {
  const auto notices = notices_of(
      round_of({.target = "tftp", .failed = 1, .change_errors = {error("disk", "full")}}));
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].subject, "failed-apply:tftp:0123456789abcdef:disk");
  EXPECT_EQ(notices[0].text, "applying 0123456789ab to tftp failed: full");
}

TEST(Notices, NodesFetchInTheirOwnTime) {
  const pipeline::Round round = round_of(
      {.target = "fleet", .failed = 1, .change_errors = {error("node-behind", "not yet")}});
  EXPECT_TRUE(notices_of(round).empty());
  EXPECT_EQ(status_of(round).state, State::pending);
  EXPECT_TRUE(status_of(round).description.starts_with("waiting for nodes; "));
}

TEST(Notices, RefusalsAndBadRevisionsAreTold) {
  pipeline::Round round = round_of();
  round.refusals = {error("max-deletes", "too many deletes")};
  EXPECT_EQ(notices_of(round)[0].text, "revision 0123456789ab is not applied: too many deletes");
  EXPECT_EQ(status_of(round).state, State::failure);
  pipeline::Wanted bad;
  bad.last_good = true;
  bad.asked = "fedcba9876543210";
  bad.errors = {error("yaml", std::string(400, 'x'))};
  EXPECT_EQ(status_of(bad).revision, "fedcba9876543210");
  EXPECT_EQ(status_of(bad).state, State::failure);
  EXPECT_LE(status_of(bad).description.size(), 140U);
}

TEST(Notices, NothingIsToldOfATargetThatIsLeftAloneForAWhile) {
  pipeline::Round round = round_of();
  round.planned->plan.left_out.push_back({"tftp", "suspended", "it failed 3 times; tried again"});
  EXPECT_TRUE(status_of(round).revision.empty());
}

TEST(Notices, MachinesSayWhatIsPrintable) {
  const auto notices = notices_of(std::vector<store::PendingMachine>{
      {"52:54:00:00:00:99", "192.0.2.9", "a\nb\x1b[31m" + std::string(500, 'x'), "", "boot",
       second(0), second(9)}});
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].subject, "pending-machine:52:54:00:00:00:99:2023-11-14T22:13:20Z");
  EXPECT_EQ(notices[0].text.find('\n'), std::string::npos);
  EXPECT_EQ(notices[0].text.find('\x1b'), std::string::npos);
  EXPECT_LT(notices[0].text.size(), 300U);
}

TEST(Notices, ANodeIsSilentAfterItsTimeAndThatIsOneMatter) {
  store::Node node;
  node.name = "alpha";
  node.state = "Active";
  node.last_seen = second(0);
  const auto told = [&](int now) {
    return notices_of(std::vector<store::Node>{node}, second(now), std::chrono::seconds(60));
  };
  EXPECT_TRUE(told(60).empty());
  ASSERT_EQ(told(61).size(), 1U);
  EXPECT_EQ(told(61)[0].subject, told(9000)[0].subject);
  EXPECT_EQ(told(3700)[0].text,
            "node alpha is silent for 1h1m, heard of last at 2023-11-14T22:13:20Z");
}

TEST(Messages, ManyLinesAreCounted) {
  EXPECT_EQ(message_text({"a", "b"}), "a\nb\n");
  const std::string text = message_text(std::vector<std::string>(50, "x"));
  EXPECT_TRUE(text.ends_with("x\nand 30 more\n"));
}

TEST(Messages, SlackTakesNothingForMarkup) {
  EXPECT_EQ(slack_body("<!channel> & \"x\"\n"),
            R"({"text":"&lt;!channel&gt; &amp; \"x\"\n","mrkdwn":false})");
}

TEST(Messages, EachForgeHasItsOwnRequest) {
  CommitStatusConfig config;
  config.repository = "ops/fleet";
  const RevisionStatus status{"abc", State::failure, "why"};
  config.forge = Forge::github;
  auto request = status_request(config, status, "http://h/");
  EXPECT_EQ(request.path, "/repos/ops/fleet/statuses/abc");
  EXPECT_EQ(
      request.body,
      R"({"state":"failure","context":"metalwright","description":"why","target_url":"http://h/"})");
  config.forge = Forge::gitlab;
  request = status_request(config, status, "");
  EXPECT_EQ(request.path, "/projects/ops%2Ffleet/statuses/abc");
  EXPECT_EQ(request.body, R"({"state":"failed","name":"metalwright","description":"why"})");
  config.forge = Forge::forgejo;
  EXPECT_EQ(status_request(config, status, "").path, "/repos/ops/fleet/statuses/abc");
  EXPECT_EQ(status_token_header(Forge::forgejo, "t"), "Authorization: token t");
  EXPECT_EQ(status_token_header(Forge::gitlab, "t"), "PRIVATE-TOKEN: t");
  EXPECT_EQ(status_token_header(Forge::github, "t"), "Authorization: Bearer t");
}

}  // namespace
}  // namespace metalwright::service
