// What is no repository of git, may not be read, or is damaged.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/source/git_fleet.h"

namespace metalwright::inventory {
namespace {

TEST(GitSource, SaysWhatIsNoRepository) {
  const TempFolder folder;
  write_file(folder / "plain/inventory.yaml", "");
  write_file(folder / "file", "");
  EXPECT_EQ(open_error(folder / "plain"),
            "error: '" + folder.path() +
                "/plain' is a folder without a git repository [source-not-a-repository]");
  EXPECT_EQ(open_error(folder / "file"),
            "error: '" + folder.path() +
                "/file' is a file; a repository is a folder [source-not-a-repository]");
  EXPECT_EQ(open_error(folder / "none"),
            "error: '" + folder.path() + "/none' does not exist [source-not-found]");
  std::filesystem::create_directories(folder / "broken/.git");
  EXPECT_EQ(open_error(folder / "broken"),
            "error: '" + folder.path() +
                "/broken/.git' is no git repository: HEAD, objects and refs are not all there "
                "[source-not-a-repository]");
  const Checkout checkout(folder / "checkout");
  std::filesystem::create_directories(folder / "checkout/site");
  EXPECT_EQ(open_error(folder / "checkout/site"),
            "error: '" + folder.path() +
                "/checkout/site' is a folder without a git repository; it is inside of the one at "
                "'" +
                std::filesystem::canonical(checkout.path()).string() +
                "' [source-not-a-repository]");
}

TEST(GitSource, SaysThatAFormatIsNotRead) {
  const TempFolder folder;
  run(folder.path(), "git init -q --object-format=sha256 new");
  EXPECT_EQ(open_error(folder / "new"),
            "error: '" + folder.path() +
                "/new/.git' has the format 'objectformat=sha256', which is not read: only "
                "repositories with SHA-1 ids and references in files are [source-unsupported]");
}

TEST(GitSource, SaysWhatMayNotBeRead) {
  const Fleet fleet;
  chmod(fleet.folder.path().c_str(), 0755);
  chmod(fleet.checkout.path().c_str(), 0700);
  const AsNobody nobody;
  EXPECT_EQ(open_error(fleet.checkout.path()), "error: cannot look into '" + fleet.checkout.path() +
                                                   "': Permission denied [source-permission]");
}

TEST(GitSource, ReadsTheRepositoryOfAnotherUser) {
  const Fleet fleet;
  run(fleet.folder.path(), "chmod -R a+rX . && chmod 755 .");
  const AsNobody nobody;
  EXPECT_EQ(*files_of(*opened(fleet.checkout.path()), "")[0].bytes, "two\n");
}

TEST(GitSource, FindsDamage) {
  const Fleet fleet;
  const std::string blob = fleet.checkout.git("rev-parse HEAD:inventory.yaml");
  const std::string object =
      fleet.checkout.path() + "/.git/objects/" + blob.substr(0, 2) + '/' + blob.substr(2);
  std::filesystem::permissions(object, std::filesystem::perms::owner_all);
  // Another blob's bytes in this one's place: readable, but not what the id says.
  fleet.checkout.write("other", "forged\n");
  const std::string forged = fleet.checkout.git("hash-object -w other");
  std::filesystem::copy_file(
      fleet.checkout.path() + "/.git/objects/" + forged.substr(0, 2) + '/' + forged.substr(2),
      object, std::filesystem::copy_options::overwrite_existing);
  auto source = opened(fleet.checkout.path());
  auto files = source->files(resolved(*source, "main"));
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().front().check, "git-corrupt");
  EXPECT_EQ(files.error().front().kind, ErrorKind::unavailable);
  EXPECT_EQ(files.error().front().origin.file, "inventory.yaml");

  write_file(object, "garbage");
  files = source->files(resolved(*source, "main"));
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().front().check, "git-corrupt");

  std::filesystem::remove(object);
  files = source->files(resolved(*source, "main"));
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().front().text().find("blob " + blob + " cannot be read"),
            std::string::npos)
      << files.error().front().text();
  EXPECT_EQ(*files_of(*source, fleet.first)[0].bytes, "one\n") << "the rest is as it was";
}

/// Where an object's place in a pack stands in the pack's index (of version 2).
std::size_t offset_in_index(const std::string& index, const std::string& id) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(index[at]); };
  const std::size_t names = 8 + 256 * 4;
  const std::size_t count = byte(names - 2) * 256U + byte(names - 1);
  for (std::size_t i = 0; i < count; ++i) {
    std::string hex;
    for (std::size_t b = 0; b < 20; ++b) hex += fmt::format("{:02x}", byte(names + i * 20 + b));
    if (hex == id) return names + count * (20 + 4) + i * 4;
  }
  ADD_FAILURE() << id << " is not in the index";
  return 0;
}

TEST(GitSource, FindsDamageInAPack) {
  const Fleet fleet;
  fleet.checkout.write("other", "forged\n");
  (void)fleet.checkout.commit("other");
  const std::string blob = fleet.checkout.git("rev-parse HEAD:inventory.yaml");
  const std::string forged = fleet.checkout.git("rev-parse HEAD:other");
  fleet.checkout.git("repack -adq");
  fleet.checkout.git("prune-packed");
  EXPECT_EQ(files_of(*opened(fleet.checkout.path()), "main")[0].bytes->empty(), false);
  // Under the one's name lies the other's place: readable, but not what the id says.
  const std::string path = run(fleet.checkout.path(), "echo .git/objects/pack/*.idx");
  const std::string file = fleet.checkout.path() + '/' + path;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::ifstream in(file, std::ios::binary);
  std::string index{std::istreambuf_iterator<char>(in), {}};
  const std::size_t one = offset_in_index(index, blob);
  const std::size_t other = offset_in_index(index, forged);
  ASSERT_TRUE(one != 0 && other != 0);
  index.replace(one, 4, index.substr(other, 4));
  write_file(file, index);
  auto source = opened(fleet.checkout.path());
  const auto files = source->files(resolved(*source, "main"));
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().front().check, "git-corrupt") << files.error().front().text();
  EXPECT_EQ(files.error().front().origin.file, "inventory.yaml");
}

TEST(GitSource, FindsADamagedReference) {
  const Fleet fleet;
  write_file(fleet.checkout.path() + "/.git/refs/heads/main", "garbage\n");
  auto source = opened(fleet.checkout.path());
  const auto tip = source->branch_tip("main");
  ASSERT_FALSE(tip);
  EXPECT_EQ(tip.error().check, "git-corrupt") << tip.error().text();
  EXPECT_EQ(source->tip_id("main").error().check, "git-corrupt");
  // A reference that is a link, to a file whose content nobody but us may see.
  std::filesystem::remove(fleet.checkout.path() + "/.git/refs/heads/main");
  write_file(fleet.folder / "secret", "s3cret\n");
  std::filesystem::create_symlink(fleet.folder / "secret",
                                  fleet.checkout.path() + "/.git/refs/heads/main");
  EXPECT_EQ(source->tip_id("main").error().text().find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace metalwright::inventory
