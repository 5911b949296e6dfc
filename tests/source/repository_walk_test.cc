#include "inventory/repository_walk.h"

#include <gtest/gtest.h>

#include <map>

namespace metalwright::inventory {
namespace {

using Tree = std::map<std::string, std::vector<FolderEntry>>;

ReadFolder from(const Tree& tree) {
  return [&tree](const std::string& path, const Digest&) -> Result<std::vector<FolderEntry>> {
    const auto found = tree.find(path);
    return found == tree.end() ? std::vector<FolderEntry>() : found->second;
  };
}

std::vector<std::string> listed(const Tree& tree, SourceLimits limits = {}) {
  const auto listing = list_repository(from(tree), {}, limits);
  std::vector<std::string> paths;
  if (!listing) return {"refused: " + listing.error().front().text()};
  for (const ListedFile& file : *listing) paths.push_back(file.path);
  return paths;
}

std::vector<std::string> refused(const Tree& tree, SourceLimits limits = {}) {
  const auto listing = list_repository(from(tree), {}, limits);
  std::vector<std::string> texts;
  if (listing) return {"accepted"};
  for (const Error& error : listing.error()) texts.push_back(error.text());
  return texts;
}

FolderEntry file(std::string name) { return {.name = std::move(name)}; }
FolderEntry entry(std::string name, EntryType type) {
  return {.name = std::move(name), .type = type};
}
FolderEntry folder(std::string name) { return entry(std::move(name), EntryType::folder); }

using Paths = std::vector<std::string>;

TEST(RepositoryWalk, ReadsTheFilesThatAModelIsMadeOfAndNoOthers) {
  const Tree tree = {
      {"",
       {file("README.md"), file("networks.yaml"), file("inventory.yaml"), folder("templates"),
        folder("clusters"), folder("inventory"), folder("profiles"), folder("src")}},
      {"clusters", {file("lab.yaml"), file("notes.txt"), folder("old")}},
      {"clusters/old", {file("README.md")}},
      {"inventory", {file("rack-2.yaml"), file("rack-1.yaml"), file(".keep")}},
      {"profiles", {file("talos.yaml")}},
      {"src", {file("inventory.yaml")}},
      {"templates", {file("motd.mustache"), folder("deep")}},
      {"templates/deep", {file("er")}},
  };
  EXPECT_EQ(listed(tree), (Paths{"clusters/lab.yaml", "inventory.yaml", "inventory/rack-1.yaml",
                                 "inventory/rack-2.yaml", "networks.yaml", "profiles/talos.yaml",
                                 "templates/deep/er", "templates/motd.mustache"}));
}

TEST(RepositoryWalk, ReadsTheMisspeltTwinsSoThatTheyCanBePointedOut) {
  const Tree tree = {{"", {file("inventory.yml"), file("networks.yml"), folder("clusters")}},
                     {"clusters", {file("lab.yml")}}};
  EXPECT_EQ(listed(tree), (Paths{"clusters/lab.yml", "inventory.yml", "networks.yml"}));
}

TEST(RepositoryWalk, ReadsMisplacedYamlSoThatItCanBePointedOut) {
  const Tree tree = {
      {"", {folder("clusters"), folder("docs")}},
      {"clusters", {folder("old"), entry("link", EntryType::symlink), file("lab.yaml")}},
      {"clusters/old", {file("lab.yaml"), file("notes"), entry("x.yaml", EntryType::symlink)}},
      {"docs", {file("lab.yaml")}}};
  EXPECT_EQ(listed(tree), (Paths{"clusters/lab.yaml", "clusters/old/lab.yaml"}))
      << "links that nothing reads are nobody's business";
}

TEST(RepositoryWalk, RefusesLinksAndSubmodulesWhereSomethingWouldBeRead) {
  const Tree tree = {
      {"",
       {entry("inventory.yaml", EntryType::symlink), entry("clusters", EntryType::submodule),
        folder("templates"), entry("README.md", EntryType::symlink),
        entry("vendor", EntryType::submodule)}},
      {"templates", {entry("motd", EntryType::symlink)}}};
  EXPECT_EQ(refused(tree),
            (Paths{"clusters: error: a submodule is not followed: put the folder itself here "
                   "[path-submodule]",
                   "inventory.yaml: error: a symbolic link is not followed: put the file itself "
                   "here [path-symlink]",
                   "templates/motd: error: a symbolic link is not followed: put the file itself "
                   "here [path-symlink]"}));
}

TEST(RepositoryWalk, RefusesWhatIsNotAFile) {
  const Tree tree = {{"", {folder("inventory.yaml"), entry("networks.yaml", EntryType::other)}}};
  EXPECT_EQ(refused(tree),
            (Paths{"inventory.yaml: error: this is a folder and not a file [path-type]",
                   "networks.yaml: error: this is a device, pipe or socket and not a file "
                   "[path-type]"}));
}

TEST(RepositoryWalk, LeavesAFileAloneThatIsCalledAsAFolderWouldBe) {
  EXPECT_EQ(listed({{"", {file("inventory"), file("inventory.yaml")}}}), Paths{"inventory.yaml"});
}

TEST(RepositoryWalk, RefusesNamesThatLeaveTheirFolder) {
  for (const char* name : {"..", ".", "", "../inventory.yaml", "clusters/lab.yaml"}) {
    const auto texts = refused({{"", {file(name), file("inventory.yaml")}}});
    ASSERT_EQ(texts.size(), 1U) << name;
    EXPECT_EQ(texts[0],
              "error: the name '" + std::string(name) + "' would leave its folder [path-name]");
  }
  EXPECT_EQ(refused({{"", {folder("templates")}}, {"templates", {folder("..")}}}),
            Paths{"templates: error: the name '..' would leave its folder [path-name]"});
}

TEST(RepositoryWalk, RefusesANameThatStandsTwice) {
  EXPECT_EQ(refused({{"", {file("inventory.yaml"), file("inventory.yaml")}}}),
            Paths{"inventory.yaml: error: the name stands twice in its folder [path-duplicate]"});
}

TEST(RepositoryWalk, RefusesNamesThatWouldDisturbATerminal) {
  const auto texts = refused({{"", {folder("templates")}}, {"templates", {file("a\x1b[2Jb")}}});
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0].find('\x1b'), std::string::npos) << texts[0];
  EXPECT_NE(texts[0].find("[path-name]"), std::string::npos) << texts[0];
}

TEST(RepositoryWalk, BoundsTheNumberOfFiles) {
  Tree tree = {{"", {folder("inventory")}}, {"inventory", {}}};
  for (int i = 0; i < 11; ++i) {
    tree["inventory"].push_back(file("rack-" + std::to_string(i) + ".yaml"));
  }
  EXPECT_EQ(refused(tree, {.files = 11}).size(), 1U) << "the folder counts too";
  EXPECT_EQ(listed(tree, {.files = 12}).size(), 11U);
}

// The tree of a "git bomb": every level holds the next one ten times.
TEST(RepositoryWalk, EndsOnATreeOfAstronomicalSizeThatHoldsNoFile) {
  std::size_t asked = 0;
  const ReadFolder bomb = [&](const std::string& path, const Digest&) {
    ++asked;
    std::vector<FolderEntry> entries;
    if (path.empty()) return Result<std::vector<FolderEntry>>(std::vector{folder("templates")});
    for (char name = 'a'; name < 'k'; ++name) entries.push_back(folder(std::string(1, name)));
    return Result<std::vector<FolderEntry>>(std::move(entries));
  };
  const SourceLimits limits{.files = 5000, .depth = 40};
  const auto listing = list_repository(bomb, {}, limits);
  ASSERT_FALSE(listing);
  EXPECT_LE(asked, limits.files + 1);
}

TEST(RepositoryWalk, BoundsTheDepthAndTheNumberOfComplaints) {
  const ReadFolder endless = [](const std::string& path, const Digest&) {
    return Result<std::vector<FolderEntry>>(
        std::vector{path.empty() ? folder("templates") : folder("d")});
  };
  const auto deep = list_repository(endless, {}, {.depth = 3});
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().front().text(),
            "templates/d/d/d: error: folders are nested deeper than 3 [path-depth]");

  Tree links = {{"", {folder("templates")}}, {"templates", {}}};
  for (int i = 0; i < 5000; ++i) {
    links["templates"].push_back(entry(std::to_string(i), EntryType::symlink));
  }
  EXPECT_EQ(refused(links).size(), 1000U);
}

TEST(RepositoryWalk, GivesTheErrorOfAFolderThatCannotBeRead) {
  const ReadFolder broken = [](const std::string&, const Digest&) {
    return Result<std::vector<FolderEntry>>(unavailable("git-corrupt", "tree 1234 is gone"));
  };
  const auto listing = list_repository(broken, {}, {});
  ASSERT_FALSE(listing);
  EXPECT_EQ(listing.error().front().text(), "error: tree 1234 is gone [git-corrupt]");
}

TEST(RepositoryWalk, FindsWhatChangedBetweenTwoListings) {
  const Digest one = sha256("one");
  const Digest two = sha256("two");
  EXPECT_EQ(
      changed_paths({{"a", one}, {"b", one}, {"c", one}}, {{"b", two}, {"c", one}, {"d", one}}),
      (Paths{"a", "b", "d"}));
  EXPECT_EQ(changed_paths({{"a", one}}, {{"a", one}}), Paths{});
  EXPECT_EQ(changed_paths({}, {{"a", one}}), Paths{"a"});
}

}  // namespace
}  // namespace metalwright::inventory
