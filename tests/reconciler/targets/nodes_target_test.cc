#include "reconciler/targets/nodes/nodes_target.h"

#include <gtest/gtest.h>

#include "schemas/text.h"

namespace metalwright::reconciler {
namespace {

Time second(int count) { return Time(std::chrono::seconds(1'700'000'000 + count)); }
const std::string kConfigHash(64, 'c');
const std::string kLines = "0644 " + kConfigHash + " cluster-config.json\n";

/// Nodes that are as the test says, and a table of what they are to have.
class Nodes : public testing::Test {
 protected:
  Nodes() : arena_(std::make_shared<Arena>()) { desired_.arenas.push_back(arena_); }

  void want(std::string_view kind, std::string_view name) {
    desired_.rows.push_back({arena_->copy(kind), arena_->copy(name), file_digest(0644, kLines)});
  }
  store::Node& node(const std::string& name) {
    store::Node& made = nodes_.emplace_back();
    made.name = name;
    made.state = "Active";
    made.last_seen = second(0);
    return made;
  }
  store::Node& reporting(const std::string& name, const std::string& hash) {
    store::Node& made = node(name);
    made.reported = second(0);
    made.applied_hash = hash;
    return made;
  }
  NodesTarget target() {
    return NodesTarget({.name = "fleet",
                        .patience = std::chrono::milliseconds(200),
                        .silent_after = std::chrono::seconds(60),
                        .nodes = [this]() -> Result<std::vector<store::Node>> { return nodes_; },
                        .clock = [this] { return now_; }});
  }
  Observation look() {
    ObjectReaders readers;
    readers.desired = [](std::string_view, std::string_view) -> Result<Content> {
      return Content{.bytes = kLines};
    };
    auto seen = target().observe({desired_, applied_, Look::cheap, readers}, {});
    if (!seen) {
      ADD_FAILURE() << seen.error().text();
      return {};
    }
    return std::move(*seen);
  }

  std::shared_ptr<Arena> arena_;
  ResourceTable desired_, applied_;
  std::vector<store::Node> nodes_;
  Time now_ = second(10);
};

TEST_F(Nodes, OneThatReportedTheHashHasIt) {
  want("node", "alpha");
  reporting("alpha", desired_.rows[0].digest.hex());
  const Observation seen = look();
  ASSERT_EQ(seen.rows.size(), 1U);
  EXPECT_EQ(seen.rows[0].row.digest, desired_.rows[0].digest);
  EXPECT_EQ(seen.rows[0].presence, Presence::ours);
  EXPECT_TRUE(seen.unread.empty());
}

TEST_F(Nodes, OneThatReportedAnythingElseIsBehind) {
  want("node", "alpha");
  for (const std::string& said : {std::string(64, '0'), std::string("none"), std::string("'\n")}) {
    nodes_.clear();
    reporting("alpha", said);
    const Observation seen = look();
    ASSERT_EQ(seen.rows.size(), 1U);
    EXPECT_NE(seen.rows[0].row.digest, desired_.rows[0].digest) << said;
    EXPECT_FALSE(seen.rows[0].row.digest.empty());
    EXPECT_TRUE(seen.unread.empty());
  }
}

TEST_F(Nodes, OneThatOnlyPhonesHomeIsJudgedByItsConfiguration) {
  want("node", "alpha");
  node("alpha").config_hash = kConfigHash;
  EXPECT_EQ(look().rows[0].row.digest, desired_.rows[0].digest);
  nodes_[0].config_hash = std::string(64, '0');
  EXPECT_NE(look().rows[0].row.digest, desired_.rows[0].digest);
  nodes_[0].config_hash.clear();
  EXPECT_EQ(look().rows[0].presence, Presence::absent);
}

TEST_F(Nodes, SilenceAndFailureLeaveTheTargetIncomplete) {
  want("node", "alpha");
  want("node", "beta");
  want("node", "gamma");
  reporting("alpha", desired_.rows[0].digest.hex());
  reporting("beta", desired_.rows[0].digest.hex()).last_seen = second(100);
  nodes_[1].report = R"({"health":"failed","message":"no disk\n"})";
  now_ = second(61);
  const Observation seen = look();
  ASSERT_EQ(seen.unread.size(), 3U);
  EXPECT_EQ(seen.unread[0].message,
            "alpha is silent for 1m1s, heard of last at 2023-11-14T22:13:20Z");
  EXPECT_EQ(seen.unread[1].message, "beta is failed: no disk\\x0a");
  EXPECT_EQ(seen.unread[2].message, "gamma was never heard of");
}

TEST_F(Nodes, WhoIsNoLongerWantedIsGone) {
  want("node", "alpha");
  applied_ = desired_;
  desired_.rows.clear();
  const Observation seen = look();
  ASSERT_EQ(seen.rows.size(), 1U);
  EXPECT_EQ(seen.rows[0].presence, Presence::absent);
}

TEST_F(Nodes, ServersTakePartOnceTheyReport) {
  want("bundle", "beta");
  want("bundle", "delta");
  want("node", "alpha");
  reporting("beta", "x");
  node("delta");
  const ResourceTable taking = nodes_that_take_part(desired_, nodes_);
  ASSERT_EQ(taking.rows.size(), 2U);
  EXPECT_EQ(taking.rows[0].name.view(), "beta");
  EXPECT_EQ(taking.rows[1].name.view(), "alpha");
}

TEST_F(Nodes, AnApplyWaitsForThoseThatListen) {
  want("node", "alpha");
  reporting("alpha", "old");
  std::vector<Change> changes(2);
  for (Change& change : changes) change.desired = desired_.rows[0].digest;
  changes[0].name = "alpha";
  changes[1].name = "none";
  std::map<std::string, std::string> ends;
  int looks = 0;
  NodesTarget target({.name = "fleet",
                      .patience = std::chrono::seconds(30),
                      .silent_after = std::chrono::seconds(60),
                      .nodes = [&]() -> Result<std::vector<store::Node>> {
                        if (++looks == 3) nodes_[0].applied_hash = desired_.rows[0].digest.hex();
                        return nodes_;
                      },
                      .clock = [this] { return now_; }});
  const auto applied =
      target.apply(changes, {},
                   {.begin = [](std::span<const Change* const>) { return Result<void>(); },
                    .end =
                        [&](const Change& change, const Error* error) {
                          ends[change.name] = error == nullptr ? "" : error->message;
                        }},
                   {});
  ASSERT_TRUE(applied);
  EXPECT_EQ(ends["alpha"], "");
  EXPECT_EQ(ends["none"], "none did not fetch it yet: it was never heard of");
  EXPECT_EQ(looks, 3);
}

}  // namespace
}  // namespace metalwright::reconciler
