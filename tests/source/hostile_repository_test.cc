#include <gtest/gtest.h>

#include <filesystem>

#include "inventory/source.h"
#include "tests/source/git_lab.h"

/// Repositories that were made to do harm: trees that no git would write, and configuration that
/// would run a program or lead elsewhere.
namespace metalwright::inventory {
namespace {

using Texts = std::vector<std::string>;

Texts refused(const std::string& path, SourceLimits limits = {}) {
  auto source = open_source(path, {.reading = Reading::commits, .limits = limits});
  if (!source) return {"not opened: " + source.error().text()};
  const auto revision = (*source)->resolve("");
  if (!revision) return {"not resolved: " + revision.error().text()};
  const auto files = (*source)->files(*revision);
  if (files) return {"accepted"};
  Texts texts;
  for (const Error& error : files.error()) texts.push_back(error.text());
  return texts;
}

/// Makes a commit of a tree that is written byte by byte, and points main at it.
void commit_tree(const Checkout& checkout, const std::string& make_tree) {
  run(checkout.path(), "tree=$(" + make_tree + ") && " +
                           "git update-ref refs/heads/main $(git commit-tree -m x $tree)");
}

/// A shell pipeline that writes a tree object from entries `mode name id`.
std::string raw_tree(const std::vector<std::array<std::string, 3>>& entries) {
  std::string script = "python3 -c \"import sys\nfor e in [";
  for (const auto& [mode, name, id] : entries) {
    script += "('" + mode + "', '" + name + "', '" + id + "'), ";
  }
  return script +
         "]: sys.stdout.buffer.write(e[0].encode() + b' ' + e[1].encode() + b'\\\\0' + "
         "bytes.fromhex(e[2]))\" | git hash-object -t tree -w --stdin --literally";
}

TEST(HostileRepository, HasLinksAndSubmodulesWhereFilesAreExpected) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  std::filesystem::create_symlink("/etc/passwd", checkout.path() + "/inventory.yaml");
  std::filesystem::create_symlink("../../etc", checkout.path() + "/templates");
  const std::string commit = checkout.commit("links");
  checkout.git("update-index --add --cacheinfo 160000," + commit + ",clusters");
  checkout.git("update-index --add --cacheinfo 160000," + commit + ",profiles/sub.yaml");
  checkout.git("commit -q -m submodules");
  EXPECT_EQ(refused(checkout.path()),
            (Texts{"clusters: error: a submodule is not followed: put the folder itself here "
                   "[path-submodule]",
                   "inventory.yaml: error: a symbolic link is not followed: put the file itself "
                   "here [path-symlink]",
                   "profiles/sub.yaml: error: a submodule is not followed: put the file itself "
                   "here [path-submodule]",
                   "templates: error: a symbolic link is not followed: put the folder itself here "
                   "[path-symlink]"}));
}

TEST(HostileRepository, HasNamesThatLeaveIt) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  checkout.write("blob", "servers: {}\n");
  const std::string blob = checkout.git("hash-object -w blob");
  commit_tree(checkout, raw_tree({{"100644", "../inventory.yaml", blob},
                                  {"100644", "..", blob},
                                  {"100644", "inventory.yaml", blob},
                                  {"100644", "inventory.yaml", blob}}));
  EXPECT_EQ(refused(checkout.path()),
            (Texts{"error: the name '..' would leave its folder [path-name]\n  reading " +
                       checkout.path(),
                   "error: the name '../inventory.yaml' would leave its folder [path-name]\n"
                   "  reading " +
                       checkout.path(),
                   "inventory.yaml: error: the name stands twice in its folder "
                   "[path-duplicate]"}));
}

TEST(HostileRepository, HasAFolderThatIsABlobAndAFileThatIsATree) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  checkout.write("blob", "x");
  const std::string blob = checkout.git("hash-object -w blob");
  const std::string tree = run(checkout.path(), "git mktree </dev/null");
  commit_tree(checkout,
              raw_tree({{"40000", "clusters", blob}, {"100644", "inventory.yaml", tree}}));
  const Texts texts = refused(checkout.path());
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("[git-corrupt]"), std::string::npos) << texts[0];
  commit_tree(checkout, raw_tree({{"100644", "inventory.yaml", tree}}));
  EXPECT_EQ(refused(checkout.path()),
            Texts{"inventory.yaml: error: object " + tree +
                  " is not a blob [git-corrupt]\n  reading " + checkout.path() +
                  "\n  'git fsck' in it names all that is damaged"});
}

TEST(HostileRepository, HasATreeOfAstronomicalSize) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  run(checkout.path(),
      "tree=$(git mktree </dev/null)\n"
      "for level in 1 2 3 4 5 6 7 8 9 10 11 12; do\n"
      "  tree=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\\t%s\\n' $tree $n; done |"
      " git mktree)\n"
      "done\n"
      "tree=$(printf '040000 tree %s\\ttemplates\\n' $tree | git mktree)\n"
      "git update-ref refs/heads/main $(git commit-tree -m bomb $tree)");
  const Texts texts = refused(checkout.path());
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("there are more than 100000 files and folders to read [path-count]"),
            std::string::npos)
      << texts[0];
}

TEST(HostileRepository, IsNestedTooDeeply) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  std::string path = "templates/";
  for (int i = 0; i < 40; ++i) path += "d/";
  checkout.write(path + "file", "");
  checkout.commit("deep");
  const Texts texts = refused(checkout.path());
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("error: folders are nested deeper than 16 [path-depth]"),
            std::string::npos);
}

// 300 MiB of zeros are 300 KiB in the object database.
TEST(HostileRepository, HasAHugeBlob) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  checkout.write("inventory.yaml", "");
  std::filesystem::resize_file(checkout.path() + "/inventory.yaml", 300ULL << 20);
  checkout.commit("huge");
  std::filesystem::remove(checkout.path() + "/inventory.yaml");
  EXPECT_EQ(refused(checkout.path()),
            Texts{"inventory.yaml: error: the file has 314572800 bytes; at most 268435456 are read "
                  "[path-size]"});
}

TEST(HostileRepository, HasACommitThatIsCutOff) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  run(checkout.path(),
      "id=$(printf 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\\n' | "
      "git hash-object -t commit -w --stdin --literally) && "
      "echo $id >.git/refs/heads/main");
  const Texts texts = refused(checkout.path());
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("[git-corrupt]"), std::string::npos) << texts[0];
}

TEST(HostileRepository, HasControlCharactersInItsAuthorAndMessage) {
  const TempFolder folder;
  const Checkout checkout(folder / "fleet");
  run(checkout.path(),
      "GIT_AUTHOR_NAME=\"$(printf 'A\\033[2Jda')\" git commit -q --allow-empty "
      "-m \"$(printf 'one\\033]0;x\\007two')\"");
  auto source = open_source(checkout.path(), {.reading = Reading::commits});
  const auto revision = (*source)->resolve("");
  ASSERT_TRUE(revision);
  EXPECT_EQ(revision->author, "A [2Jda <ada@example.net>");
  EXPECT_EQ(revision->summary, "one ]0;x two");
}

/// Every key of a repository's configuration by which git or libgit2 would run something or look
/// elsewhere, and every hook.
void arm(const std::string& git_dir, const std::string& canary, const std::string& elsewhere) {
  const std::string config =
      "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = " + canary +
      "\n\tsshCommand = " + canary + "\n\tgitProxy = " + canary + "\n\taskPass = " + canary +
      "\n\teditor = " + canary + "\n\tpager = " + canary + "\n\tattributesFile = " + elsewhere +
      "/attributes\n\thooksPath = " + elsewhere + "\n\tworktree = " + elsewhere +
      "\n\texcludesFile = " + elsewhere + "/excludes\n[filter \"evil\"]\n\tclean = " + canary +
      "\n\tsmudge = " + canary + "\n\tprocess = " + canary +
      "\n\trequired = true\n[diff]\n\texternal = " + canary +
      "\n[diff \"evil\"]\n\ttextconv = " + canary + "\n\tcommand = " + canary +
      "\n[merge \"evil\"]\n\tdriver = " + canary + "\n[credential]\n\thelper = " + canary +
      "\n[gpg]\n\tprogram = " + canary + "\n\tformat = ssh\n[gpg \"ssh\"]\n\tprogram = " + canary +
      "\n[uploadpack]\n\tpackObjectsHook = " + canary + "\n[url \"" + elsewhere +
      "/\"]\n\tinsteadOf = " + "file://" +
      "\n\tinsteadOf = /\n\tinsteadOf = http\n[http]\n\tproxy = "
      "http://127.0.0.1:1\n[include]\n\tpath = " +
      elsewhere + "/included\n[alias]\n\trev-parse = !" + canary + "\n";
  write_file(git_dir + "/config", config);
  for (const char* hook :
       {"post-checkout", "pre-commit", "post-merge", "reference-transaction", "fsmonitor-watchman",
        "pre-receive", "post-update", "update", "post-index-change", "pre-auto-gc"}) {
    std::filesystem::create_directories(git_dir + "/hooks");
    std::filesystem::copy_file(canary, git_dir + "/hooks/" + hook,
                               std::filesystem::copy_options::overwrite_existing);
  }
}

class HostileConfiguration : public ::testing::Test {
 protected:
  HostileConfiguration() : mark_(folder_ / "mark"), canary_(canary_script(folder_, mark_)) {
    checkout_.write("inventory.yaml", "honest\n");
    checkout_.write("templates/motd", "honest\n");
    checkout_.write(".gitattributes", "* filter=evil diff=evil merge=evil text eol=crlf\n");
    commit_ = checkout_.commit("honest");
    write_file(folder_ / "elsewhere/inventory.yaml", "evil\n");
    write_file(folder_ / "elsewhere/attributes", "* filter=evil\n");
    // Whoever opens this waits for a writer that never comes.
    run(folder_ / "elsewhere", "mkfifo included");
  }

  void expect_honest(const std::string& address, SourceOptions options) {
    options.cache = folder_ / "cache";
    auto source = open_source(address, options);
    ASSERT_TRUE(source) << source.error().text();
    const auto refreshed = (*source)->refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().text();
    const auto revision = (*source)->resolve("");
    ASSERT_TRUE(revision) << revision.error().text();
    const auto files = (*source)->files(*revision);
    ASSERT_TRUE(files) << files.error().front().text();
    ASSERT_EQ(files->size(), 2U);
    EXPECT_EQ(*(*files)[0].bytes, "honest\n");
    EXPECT_EQ(*(*files)[1].bytes, "honest\n");
    EXPECT_FALSE((*source)->signature(*revision) &&
                 !(*source)->signature(*revision)->signature.empty());
    EXPECT_FALSE(exists(mark_)) << read_file(mark_);
  }

  TempFolder folder_;
  std::string mark_, canary_;
  Checkout checkout_{folder_ / "fleet"};
  std::string commit_;
};

TEST_F(HostileConfiguration, OfACheckoutIsNotRead) {
  arm(checkout_.path() + "/.git", canary_, folder_ / "elsewhere");
  expect_honest(checkout_.path(), {.reading = Reading::commits});
  expect_honest(checkout_.path(), {.reading = Reading::files});
}

TEST_F(HostileConfiguration, OfABareRepositoryIsNotRead) {
  run(folder_.path(), "git clone -q --bare fleet bare.git");
  arm(folder_ / "bare.git", canary_, folder_ / "elsewhere");
  expect_honest(folder_ / "bare.git", {});
}

TEST_F(HostileConfiguration, OfAFileRemoteIsNotRead) {
  arm(checkout_.path() + "/.git", canary_, folder_ / "elsewhere");
  expect_honest("file://" + checkout_.path(), {});
}

// The canary works: the same configuration does run it, and lead elsewhere, under git itself.
TEST_F(HostileConfiguration, WouldBeReadByGit) {
  arm(checkout_.path() + "/.git", canary_, folder_ / "elsewhere");
  std::filesystem::remove(folder_ / "elsewhere/included");
  run_anyhow(checkout_.path(), "git -c core.worktree=. status; git -c core.worktree=. diff HEAD");
  EXPECT_TRUE(exists(mark_));
}

TEST_F(HostileConfiguration, OfTheUserIsNotRead) {
  write_file(folder_ / "home/.gitconfig", "[url \"" + (folder_ / "elsewhere") +
                                              "/\"]\n\tinsteadOf = file://\n[safe]\n\tdirectory = "
                                              "/nowhere\n");
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  setenv("HOME", (folder_ / "home").c_str(), 1);
  expect_honest("file://" + checkout_.path(), {});
  setenv("HOME", before.c_str(), 1);
}

TEST(RedirectedRepository, IsRefused) {
  const TempFolder folder;
  const Checkout victim(folder / "victim");
  victim.write("inventory.yaml", "of somebody else\n");
  victim.commit("x");
  const auto refusal = [&](const std::string& name) {
    const auto source = open_source(folder / name, {.reading = Reading::commits});
    return source ? std::string("opened") : source.error().text();
  };
  const std::string at = folder.path();

  std::filesystem::create_directories(folder / "link");
  std::filesystem::create_symlink(victim.path() + "/.git", folder / "link/.git");
  EXPECT_EQ(refusal("link"), "error: '" + at +
                                 "/link/.git' is a symbolic link, which is not followed: name the "
                                 "repository that it points at [git-redirect]");

  write_file(folder / "file/.git", "gitdir: " + victim.path() + "/.git\n");
  EXPECT_EQ(refusal("file"), "error: '" + at + "/file/.git' points at '" + victim.path() +
                                 "/.git', which is not followed, since that is no repository with "
                                 "a work tree here: name the repository itself [git-redirect]");

  write_file(folder / "text/.git", "hello\n");
  EXPECT_EQ(refusal("text"), "error: '" + at +
                                 "/text/.git' is a file, but not one of git's "
                                 "[source-not-a-repository]");

  // A work tree of the victim's that the victim knows, but for another folder.
  victim.git("worktree add -q ../real");
  std::filesystem::create_directories(folder / "fake");
  std::filesystem::copy_file(folder / "real/.git", folder / "fake/.git");
  EXPECT_NE(refusal("fake").find("[git-redirect]"), std::string::npos) << refusal("fake");

  // A repository with the victim's objects, made by hand to look like a work tree of its own.
  write_file(folder / "forged/.git", "gitdir: " + at + "/forged/dir/worktrees/x\n");
  write_file(folder / "forged/dir/worktrees/x/commondir", victim.path() + "/.git\n");
  write_file(folder / "forged/dir/worktrees/x/gitdir", at + "/forged/.git\n");
  write_file(folder / "forged/dir/worktrees/x/HEAD", "ref: refs/heads/main\n");
  EXPECT_NE(refusal("forged").find("[git-redirect]"), std::string::npos) << refusal("forged");

  const Checkout common(folder / "common");
  write_file(folder / "common/.git/commondir", victim.path() + "/.git\n");
  EXPECT_NE(refusal("common").find("(commondir)"), std::string::npos) << refusal("common");

  run(folder.path(), "git clone -q --shared victim shared");
  EXPECT_EQ(refusal("shared"),
            "error: '" + at +
                "/shared' borrows objects from another repository (objects/info/alternates), which "
                "is not followed: run 'git repack -a -d' in it and remove that file "
                "[git-redirect]");
  run(folder / "shared", "git repack -q -a -d && rm .git/objects/info/alternates");
  EXPECT_EQ(refusal("shared"), "opened") << "the advice works";
}

TEST(RedirectedRepository, DoesNotBorrowObjectsThatAppearLater) {
  const TempFolder folder;
  const Checkout victim(folder / "victim");
  victim.write("secret", "of somebody else\n");
  const std::string secret = victim.commit("x");
  const Checkout checkout(folder / "fleet");
  checkout.commit("y");
  auto source = open_source(checkout.path(), {.reading = Reading::commits});
  ASSERT_TRUE(source);
  write_file(checkout.path() + "/.git/objects/info/alternates", victim.path() + "/.git/objects\n");
  EXPECT_FALSE((*source)->resolve(secret));
}

}  // namespace
}  // namespace metalwright::inventory
