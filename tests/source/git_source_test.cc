#include "inventory/git_source.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

#include "tests/source/git_fleet.h"

namespace metalwright::inventory {
namespace {

TEST(GitSource, ReadsCommitsAndNotTheFilesThatLieThere) {
  const Fleet fleet;
  fleet.checkout.write("inventory.yaml", "uncommitted\n");
  auto source = opened(fleet.checkout.path());
  const RepositoryFiles files = files_of(*source, "");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "inventory.yaml");
  EXPECT_EQ(*files[0].bytes, "two\n");
  EXPECT_EQ(files[0].id.hex().substr(0, 40), fleet.checkout.git("rev-parse HEAD:inventory.yaml"));

  auto as_it_lies = opened(fleet.checkout.path(), {});
  EXPECT_EQ(*files_of(*as_it_lies, "")[0].bytes, "uncommitted\n");
}

TEST(GitSource, ReadsABareRepositoryWhateverIsAsked) {
  const Fleet fleet;
  run(fleet.folder.path(), "git clone -q --bare fleet bare.git && git -C bare.git gc -q");
  for (const Reading reading : {Reading::files, Reading::commits}) {
    auto source = opened(fleet.folder / "bare.git", {.reading = reading});
    EXPECT_EQ(resolved(*source, "").id, fleet.second);
    EXPECT_EQ(*files_of(*source, "main")[0].bytes, "two\n");
    EXPECT_EQ(*files_of(*source, fleet.first)[0].bytes, "one\n");
  }
}

TEST(GitSource, DescribesARevision) {
  const Fleet fleet;
  auto source = opened(fleet.checkout.path());
  const Revision revision = resolved(*source, "main");
  EXPECT_EQ(revision.id, fleet.second);
  EXPECT_EQ(revision.name, "main");
  EXPECT_EQ(revision.author, "Ada <ada@example.net>");
  EXPECT_EQ(revision.summary, "go on");
  EXPECT_EQ(revision.time, std::chrono::sys_days(std::chrono::year(2026) / 1 / 5) +
                               std::chrono::hours(10) + std::chrono::minutes(11));
}

TEST(GitSource, ResolvesWhatPeopleCallARevision) {
  const Fleet fleet;
  fleet.checkout.git("tag light " + fleet.first);
  fleet.checkout.git("tag -a -m 'a tag' heavy " + fleet.first);
  fleet.checkout.git("tag -a -m 'of a tag' heavier heavy");
  fleet.checkout.git("branch feature/x " + fleet.first);
  fleet.checkout.git("pack-refs --all");
  auto source = opened(fleet.checkout.path());
  for (const std::string& name :
       {std::string("light"), std::string("heavy"), std::string("heavier"),
        std::string("feature/x"), std::string("HEAD~1"), std::string("main^"),
        std::string("refs/tags/heavy"), fleet.first, fleet.first.substr(0, 10)}) {
    EXPECT_EQ(resolved(*source, name).id, fleet.first) << name;
  }
  EXPECT_EQ(resolved(*source, "").id, fleet.second);
}

TEST(GitSource, TakesABranchAndNotATagOfTheSameName) {
  const Fleet fleet;
  fleet.checkout.git("tag main " + fleet.first);
  auto source = opened(fleet.checkout.path());
  EXPECT_EQ(source->branch_tip("main")->id, fleet.second);
  EXPECT_EQ(source->branch_tip("")->id, fleet.second);
  EXPECT_EQ(source->branch_tip("light").error().check, "revision-not-found");
}

TEST(GitSource, TellsTheIdOfATipHoweverItIsStored) {
  const Fleet fleet;
  fleet.checkout.git("branch fix/one " + fleet.first);
  fleet.checkout.git("tag -a -m x heavy");
  fleet.checkout.git("worktree add -q -b review ../review " + fleet.first);
  const auto ids = [&](const std::string& path) {
    auto source = opened(path);
    std::vector<std::string> ids;
    for (const char* branch : {"", "main", "fix/one", "review"}) {
      EXPECT_EQ(source->tip_id(branch), source->branch_tip(branch)->id) << branch;
      ids.push_back(*source->tip_id(branch));
    }
    for (const char* branch : {"fix", "heavy", "none", "../HEAD", "../../HEAD", "a b", "-"}) {
      EXPECT_EQ(source->tip_id(branch).error().check, "revision-not-found") << branch;
    }
    return ids;
  };
  const std::vector<std::string> main = {fleet.second, fleet.second, fleet.first, fleet.first};
  const std::vector<std::string> review = {fleet.first, fleet.second, fleet.first, fleet.first};
  EXPECT_EQ(ids(fleet.checkout.path()), main);
  EXPECT_EQ(ids(fleet.folder / "review"), review);
  fleet.checkout.git("pack-refs --all");
  EXPECT_EQ(ids(fleet.checkout.path()), main);
  EXPECT_EQ(ids(fleet.folder / "review"), review);
  fleet.checkout.commit("a loose one above a packed one");
  EXPECT_EQ(*opened(fleet.checkout.path())->tip_id("main"), fleet.checkout.git("rev-parse main"));
  fleet.checkout.git("checkout -q --detach " + fleet.first);
  EXPECT_EQ(*opened(fleet.checkout.path())->tip_id(""), fleet.first);
}

TEST(GitSource, NamesWhatThereIsInsteadOfAMissingRevision) {
  const Fleet fleet;
  fleet.checkout.git("branch feature/rack-7");
  auto source = opened(fleet.checkout.path());
  const auto refusal = [&](const Result<Revision>& revision) {
    return revision ? "found" : revision.error().message;
  };
  const std::string at = "'" + fleet.checkout.path() + "' has no revision ";
  EXPECT_EQ(refusal(source->resolve("mian")), at + "'mian'; there are: feature/rack-7, main");
  EXPECT_EQ(refusal(source->branch_tip("rack-8")),
            at + "'rack-8'; there are: feature/rack-7, main");
  EXPECT_EQ(refusal(source->resolve("HEAD~7")),
            at + "'HEAD~7': the history of 'HEAD' does not go back that far");
  for (int i = 0; i < 9; ++i) fleet.checkout.git("branch b" + std::to_string(i));
  EXPECT_EQ(
      refusal(source->branch_tip("feature/rack-8")),
      at + "'feature/rack-8'; did you mean 'feature/rack-7'? There are b0, b1, b2, b3, b4, b5, "
           "b6, b7 and 3 more");
  for (const char* name : {"main:inventory.yaml", ":/begin", "main@{1}", "main..main", "-x", "\x1b",
                           "0000000000000000000000000000000000000000"}) {
    const auto revision = source->resolve(name);
    ASSERT_FALSE(revision) << name;
    EXPECT_EQ(revision.error().check, "revision-not-found") << revision.error().text();
    EXPECT_EQ(revision.error().message.find('\x1b'), std::string::npos);
  }
  const std::string blob = fleet.checkout.git("rev-parse HEAD:inventory.yaml");
  EXPECT_EQ(source->resolve(blob).error().check, "revision-not-found");
}

TEST(GitSource, SaysThatThereIsNoCommitYet) {
  const TempFolder folder;
  const Checkout empty(folder / "empty");
  auto source = opened(empty.path());
  EXPECT_EQ(source->resolve("").error().text(),
            "error: '" + empty.path() + "' has no commit yet [source-empty]");
  EXPECT_EQ(source->branch_tip("main").error().text(),
            "error: '" + empty.path() +
                "' has no revision 'main'; it has no commit yet "
                "[revision-not-found]");
}

TEST(GitSource, SaysThatHeadNamesNoBranch) {
  const Fleet fleet;
  fleet.checkout.git("symbolic-ref HEAD refs/heads/gone");
  EXPECT_EQ(opened(fleet.checkout.path())->resolve("").error().text(),
            "error: '" + fleet.checkout.path() +
                "' has no revision 'HEAD': HEAD names a branch that does not exist; name one that "
                "does: main [revision-not-found]");
}

TEST(GitSource, SharesTheBytesOfWhatDidNotChange) {
  const Fleet fleet;
  auto source = opened(fleet.checkout.path());
  const RepositoryFiles before = files_of(*source, fleet.first);
  const RepositoryFiles after = files_of(*source, fleet.second);
  EXPECT_NE(before[0].bytes, after[0].bytes);
  EXPECT_EQ(before[1].bytes.get(), after[1].bytes.get()) << "read again";
  EXPECT_EQ(changed_paths(*source->list(resolved(*source, fleet.first)),
                          *source->list(resolved(*source, fleet.second))),
            std::vector<std::string>{"inventory.yaml"});
}

TEST(GitSource, SeesAPushWithoutBeingOpenedAnew) {
  const Fleet fleet;
  run(fleet.folder.path(), "git clone -q --bare fleet bare.git");
  auto source = opened(fleet.folder / "bare.git");
  EXPECT_EQ(source->branch_tip("main")->id, fleet.second);
  for (int i = 0; i < 3; ++i) {
    fleet.checkout.write("inventory.yaml", "push " + std::to_string(i) + "\n");
    const std::string pushed = fleet.checkout.commit("push");
    fleet.checkout.git("push -q ../bare.git main");
    if (i == 1) run(fleet.folder / "bare.git", "git gc -q --prune=now");
    ASSERT_TRUE(source->refresh());
    EXPECT_EQ(source->branch_tip("main")->id, pushed);
    EXPECT_EQ(*files_of(*source, "main")[0].bytes, "push " + std::to_string(i) + "\n");
  }
}

// `git gc` puts every object into a new pack and removes those that we have open.
TEST(GitSource, ReadsOnAfterAGarbageCollection) {
  const Fleet fleet;
  auto source = opened(fleet.checkout.path());
  EXPECT_EQ(files_of(*source, fleet.first).size(), 2U);
  for (int i = 0; i < 3; ++i) {
    fleet.checkout.git("gc -q --prune=now");
    fleet.checkout.write("inventory.yaml", std::to_string(i));
    const std::string id = fleet.checkout.commit("more");
    fleet.checkout.git("repack -q -a -d");
    EXPECT_EQ(*files_of(*source, id)[0].bytes, std::to_string(i));
    EXPECT_EQ(*files_of(*source, fleet.first)[0].bytes, "one\n");
  }
}

TEST(GitSource, PollsATipInLessThanFiveMilliseconds) {
  const Fleet fleet;
  auto source = opened(fleet.checkout.path());
  // Of this process's own work: how long it waits for its turn is the machine's business.
  const std::clock_t begin = std::clock();
  constexpr int kPolls = 200;
  for (int i = 0; i < kPolls; ++i) ASSERT_TRUE(source->branch_tip("main"));
  for (int i = 0; i < kPolls; ++i) ASSERT_TRUE(source->tip_id("main"));
  const double each = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / kPolls;
  EXPECT_LT(each, 0.005);  // two orders of magnitude above what it takes
}

TEST(GitSource, RefusesRewrittenHistory) {
  const Fleet fleet;
  auto source = opened(fleet.checkout.path());
  EXPECT_TRUE(source->check_descends(fleet.first, resolved(*source, "main")));
  EXPECT_TRUE(source->check_descends(fleet.second, resolved(*source, "main")));
  fleet.checkout.git("reset -q --hard " + fleet.first);
  fleet.checkout.write("inventory.yaml", "other\n");
  const std::string other = fleet.checkout.commit("other");
  const auto refused = source->check_descends(fleet.second, resolved(*source, "main"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_EQ(refused.error().text(),
            "error: the history of '" + fleet.checkout.path() + "' was rewritten: 'main' (" +
                other.substr(0, 12) + ", by Ada <ada@example.net>) does not descend from " +
                fleet.second.substr(0, 12) +
                ", which was accepted last; set allow-force-push if this is meant "
                "[rewritten-history]");
  EXPECT_EQ(source->check_descends(fleet.second, resolved(*source, fleet.first)).error().check,
            "rewritten-history")
      << "a branch that was put back";
  EXPECT_EQ(source->check_descends(std::string(40, '1'), resolved(*source, "main")).error().check,
            "rewritten-history")
      << "a commit that is nowhere";
}

TEST(GitSource, ResolvesRanges) {
  const Fleet fleet;
  fleet.checkout.git("checkout -q -b feature " + fleet.first);
  fleet.checkout.write("networks.yaml", "mine\n");
  const std::string mine = fleet.checkout.commit("mine");
  auto source = opened(fleet.checkout.path());
  const auto range = [&](std::string_view text) {
    const auto ends = parse_revision_range(text).and_then(
        [&](const RevisionRange& parsed) { return resolve_range(*source, parsed); });
    EXPECT_TRUE(ends) << (ends ? "" : ends.error().text());
    return ends ? std::pair(ends->first.id, ends->second.id)
                : std::pair<std::string, std::string>();
  };
  EXPECT_EQ(range("main..feature"), std::pair(fleet.second, mine));
  EXPECT_EQ(range("main...feature"), std::pair(fleet.first, mine));
  EXPECT_EQ(range("main.."), std::pair(fleet.second, mine));
  EXPECT_EQ(range("..main"), std::pair(mine, fleet.second));
  EXPECT_EQ(range("main~1..main"), std::pair(fleet.first, fleet.second));
  for (const char* text : {"", "main", "..", "...", "a..b..c", "a....b"}) {
    const auto parsed = parse_revision_range(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().text(), "error: '" + std::string(text) +
                                         "' is not a range of revisions: write 'A..B' "
                                         "[revision-range]");
  }
  fleet.checkout.git("checkout -q --orphan alone");
  fleet.checkout.commit("alone");
  EXPECT_EQ(resolve_range(*source, *parse_revision_range("alone...main")).error().check,
            "revision-unrelated");
}

TEST(GitSource, SaysThatAShallowCloneEndsTooEarly) {
  const Fleet fleet;
  run(fleet.folder.path(), "git clone -q --depth 1 \"file://$PWD/fleet\" shallow");
  auto source = opened(fleet.folder / "shallow");
  EXPECT_EQ(files_of(*source, "HEAD").size(), 2U);
  const auto missing = source->resolve("HEAD~1");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("the clone is shallow: fetch all of it"), std::string::npos)
      << missing.error().text();
}

TEST(GitSource, ReadsALinkedWorkTree) {
  const Fleet fleet;
  fleet.checkout.git("worktree add -q -b review ../review " + fleet.first);
  auto source = opened(fleet.folder / "review");
  EXPECT_EQ(resolved(*source, "").id, fleet.first) << "HEAD is the work tree's own";
  EXPECT_EQ(resolved(*source, "main").id, fleet.second);
  EXPECT_EQ(*files_of(*source, "")[0].bytes, "one\n");
}

}  // namespace
}  // namespace metalwright::inventory
