#include "pipeline/service/round_book.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace metalwright::service {
namespace {

/// A round over the targets `tree` and `nodes`, and what it found to change: target and server.
pipeline::Round round_of(const std::vector<std::pair<std::string, std::string>>& changes,
                         const std::string& failing = "") {
  pipeline::Round round;
  round.planned.emplace();
  round.report.emplace();
  for (const std::string target : {"tree", "nodes"}) {
    round.planned->targets.emplace_back();
    reconciler::TargetOutcome outcome;
    outcome.target = target;
    outcome.failed = target == failing ? 1 : 0;
    round.report->targets.push_back(std::move(outcome));
  }
  for (const auto& [target, server] : changes) {
    reconciler::Change change;
    change.target = target;
    change.kind = "file";
    change.name = server;
    change.server = server;
    round.planned->plan.changes.push_back(std::move(change));
  }
  return round;
}

std::string servers_of(const RoundBook& book) {
  std::string text;
  for (const auto& [server, states] : book.last()->servers) {
    for (const auto& state : states) text += server + ':' + state.target + ' ';
  }
  return text;
}

TEST(RoundBook, SaysWhichServersAreNotAsTheyShouldBe) {
  RoundBook book;
  EXPECT_EQ(book.last(), nullptr);
  book.note(round_of({{"tree", "alpha"}, {"nodes", "beta"}}, "nodes"));
  EXPECT_EQ(servers_of(book), "beta:nodes ");
  book.note(round_of({}));
  EXPECT_EQ(servers_of(book), "");
}

TEST(RoundBook, ATargetThatWasNotLookedAtIsAsItWas) {
  RoundBook book;
  book.note(round_of({{"tree", "alpha"}, {"nodes", "beta"}}, "nodes"));
  pipeline::Round suspended = round_of({});
  suspended.planned->plan.left_out.push_back({"nodes", "suspended", "it failed 1 times"});
  book.note(suspended);
  EXPECT_EQ(servers_of(book), "beta:nodes ");
  pipeline::Round unreadable = round_of({});
  unreadable.planned->targets[1].error = unavailable("nodes", "gone").value();
  book.note(unreadable);
  EXPECT_EQ(servers_of(book), "beta:nodes ");
  EXPECT_EQ(book.last()->targets[1].state, "failed");
  // One that was looked at is told anew, also where something else there failed.
  book.note(round_of({}, "nodes"));
  EXPECT_EQ(servers_of(book), "");
}

TEST(RoundBook, KnowsNothingOfATargetThatWasNeverLookedAt) {
  RoundBook book;
  const auto known = [&] { return book.last()->targets[1].known; };
  pipeline::Round unreadable = round_of({});
  unreadable.planned->targets[1].error = unavailable("nodes", "gone").value();
  book.note(unreadable);
  EXPECT_FALSE(known());
  EXPECT_TRUE(book.last()->targets[0].known);
  book.note(unreadable);
  EXPECT_FALSE(known());
  book.note(round_of({}));
  EXPECT_TRUE(known());
  book.note(unreadable);
  EXPECT_TRUE(known());
}

}  // namespace
}  // namespace metalwright::service
