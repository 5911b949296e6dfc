#include "inventory/signature.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/source/git_lab.h"

/// Commits that the real `git commit -S` signed with keys of the real ssh-keygen.
namespace metalwright::inventory {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;

constexpr sys_seconds kNow = sys_days(year(2026) / 6 / 1);

class Signed : public ::testing::Test {
 protected:
  Signed() {
    for (const char* key : {"ada", "mallory"}) make_key(key, "ed25519");
    list("ada@example.net " + public_key("ada"));
  }

  void make_key(const std::string& name, const std::string& type) {
    run(folder_.path(), "ssh-keygen -q -t " + type + " -N '' -C x -f " + name);
  }

  [[nodiscard]] std::string public_key(const std::string& name) const {
    return read_file(folder_ / (name + ".pub"));
  }

  void list(const std::string& text) { write_file(folder_ / "allowed", text); }

  /// Commits with git's own signing; `date` is the committer's.
  std::string commit(const std::string& key, const std::string& date = "2026-01-05T10:00:00Z") {
    return run(checkout_.path(),
               "GIT_AUTHOR_DATE=" + date + " GIT_COMMITTER_DATE=" + date +
                   " git -c gpg.format=ssh -c user.signingkey=" + (folder_ / key) +
                   " commit -q --allow-empty -m signed -S && git rev-parse HEAD");
  }

  Result<Signer> check(sys_seconds now = kNow) {
    auto source = open_source(checkout_.path(), {.reading = Reading::commits});
    auto revision = (*source)->resolve("");
    EXPECT_TRUE(revision) << (revision ? "" : revision.error().text());
    auto signature = (*source)->signature(*revision);
    EXPECT_TRUE(signature) << (signature ? "" : signature.error().text());
    return check_signature(*revision, *signature, folder_ / "allowed", now);
  }

  std::string refusal(sys_seconds now = kNow) {
    const auto signer = check(now);
    if (signer) return "accepted: " + signer->principal;
    EXPECT_EQ(signer.error().kind, ErrorKind::refused);
    return signer.error().check + ": " + signer.error().message;
  }

  TempFolder folder_;
  Checkout checkout_{folder_ / "fleet"};
};

#define EXPECT_REFUSED(check, part, text)                              \
  do {                                                                 \
    const std::string refused = (text);                                \
    EXPECT_EQ(refused.substr(0, refused.find(':')), check) << refused; \
    EXPECT_NE(refused.find(part), std::string::npos) << refused;       \
  } while (false)

TEST_F(Signed, ByAListedSignerIsAccepted) {
  commit("ada");
  const auto signer = check();
  ASSERT_TRUE(signer) << signer.error().text();
  EXPECT_EQ(signer->principal, "ada@example.net");
  const std::string fingerprint = run(folder_.path(), "ssh-keygen -lf ada.pub | cut -d' ' -f2");
  EXPECT_EQ(signer->key, "ED25519 " + fingerprint);
}

TEST_F(Signed, WithAnyKindOfKeyIsAccepted) {
  for (const char* type : {"rsa -b 2048", "ecdsa"}) {
    const std::string name = std::string(type).substr(0, 3);
    make_key(name, type);
    list("# the team\n\nbob@example.net,ada@example.net " + public_key(name));
    commit(name);
    EXPECT_TRUE(check()) << type << check().error().text();
    EXPECT_EQ(check()->principal, "bob@example.net");
  }
}

TEST_F(Signed, NotAtAllIsRefusedWithItsAuthor) {
  const std::string id = checkout_.commit("plain");
  const auto signer = check();
  ASSERT_FALSE(signer);
  EXPECT_EQ(signer.error().text(),
            "error: commit " + id.substr(0, 12) +
                " by Ada <ada@example.net> is not signed, and only signed commits are accepted "
                "[unsigned-commit]");
  EXPECT_EQ(signer.error().kind, ErrorKind::refused);
}

TEST_F(Signed, ByAnotherIsRefusedWithItsKey) {
  commit("mallory");
  const std::string fingerprint = run(folder_.path(), "ssh-keygen -lf mallory.pub | cut -d' ' -f2");
  EXPECT_REFUSED("unknown-signer", fingerprint, refusal());
  list("");
  EXPECT_REFUSED("unknown-signer", fingerprint, refusal());
}

TEST_F(Signed, ThenChangedIsRefused) {
  commit("ada");
  // The same signature on a commit with another message.
  run(checkout_.path(),
      "id=$(git cat-file commit HEAD | sed 's/^signed$/forged/' | "
      "git hash-object -t commit -w --stdin) && git update-ref refs/heads/main $id");
  EXPECT_REFUSED("bad-signature", "is not one of this commit", refusal());
}

TEST_F(Signed, WithGarbageIsRefused) {
  commit("ada");
  run(checkout_.path(),
      "id=$(git cat-file commit HEAD | sed '/BEGIN SSH/,/END SSH/{/SSH/!s/[A-Z]/a/g}' | "
      "git hash-object -t commit -w --stdin) && git update-ref refs/heads/main $id");
  EXPECT_REFUSED("bad-signature", "", refusal());
}

TEST_F(Signed, WithOpenPgpIsRefusedWithTheReason) {
  checkout_.commit("x");
  run(checkout_.path(),
      "id=$(git cat-file commit HEAD | sed '/^committer/a gpgsig -----BEGIN PGP SIGNATURE-----\\n "
      "-----END PGP SIGNATURE-----' | git hash-object -t commit -w --stdin) && "
      "git update-ref refs/heads/main $id");
  EXPECT_REFUSED("signature-format", "not with an ssh key", refusal());
}

// The signature of something else by the same key: a file, an e-mail, a tag of a release.
TEST_F(Signed, ForAnotherPurposeIsRefused) {
  checkout_.commit("x");
  run(checkout_.path(),
      "git cat-file commit HEAD >../payload && ssh-keygen -q -Y sign -n file -f ../ada ../payload "
      "&& id=$({ sed '/^$/q' ../payload | sed '$d'; sed '1s/^/gpgsig /;2,$s/^/ /' "
      "../payload.sig; sed -n '/^$/,$p' ../payload; } | git hash-object -t commit -w --stdin) && "
      "git update-ref refs/heads/main $id");
  EXPECT_REFUSED("bad-signature", "namespace", refusal());

  commit("ada");
  list("ada@example.net namespaces=\"file\" " + public_key("ada"));
  EXPECT_REFUSED("unknown-signer", "", refusal());
  list("ada@example.net namespaces=\"file,git\" " + public_key("ada"));
  EXPECT_EQ(refusal(), "accepted: ada@example.net");
}

TEST_F(Signed, OutsideOfTheTimesOfAKeyIsRefused) {
  commit("ada", "2026-01-05T10:00:00Z");
  list("ada@example.net valid-before=\"20260101Z\" " + public_key("ada"));
  EXPECT_REFUSED("unknown-signer", "for that time", refusal());
  list("ada@example.net valid-after=\"20260201Z\" " + public_key("ada"));
  EXPECT_REFUSED("unknown-signer", "for that time", refusal());
  // A key that has expired since was good then.
  list("ada@example.net valid-before=\"20260201Z\" " + public_key("ada"));
  EXPECT_EQ(refusal(), "accepted: ada@example.net");
}

TEST_F(Signed, WithAnExpiredKeyAndDatedBackBeforeItsParentIsRefused) {
  list("ada@example.net valid-before=\"20260201Z\" " + public_key("ada"));
  run(checkout_.path(),
      "GIT_COMMITTER_DATE=2026-03-01T10:00:00Z git commit -q --allow-empty -m after");
  commit("ada", "2026-01-05T10:00:00Z");
  EXPECT_REFUSED("unknown-signer", "for that time", refusal());
}

TEST_F(Signed, InTheFutureIsCheckedForNow) {
  list("ada@example.net valid-after=\"20270101Z\" " + public_key("ada"));
  commit("ada", "2027-06-01T10:00:00Z");
  EXPECT_REFUSED("unknown-signer", "for that time", refusal());
  EXPECT_EQ(refusal(sys_days(year(2027) / 7 / 1)), "accepted: ada@example.net");
}

TEST_F(Signed, ByACertificateOfAListedAuthorityIsAccepted) {
  make_key("authority", "ed25519");
  run(folder_.path(),
      "ssh-keygen -q -s authority -I id -n ada@example.net -V 20250101:20300101 ada.pub");
  std::filesystem::rename(folder_ / "ada-cert.pub", folder_ / "cert.pub");
  std::filesystem::copy_file(folder_ / "ada", folder_ / "cert");
  run(checkout_.path(),
      "eval $(ssh-agent) >/dev/null; cp ../cert.pub ../ada-cert.pub; ssh-add -q ../ada; "
      "GIT_COMMITTER_DATE=2026-01-05T10:00:00Z git -c gpg.format=ssh -c "
      "user.signingkey=../cert.pub commit -q --allow-empty -m x -S; code=$?; ssh-agent -k "
      ">/dev/null; exit $code");
  list("*@example.net cert-authority " + public_key("authority"));
  EXPECT_EQ(refusal(), "accepted: ada@example.net");
  list("*@example.com cert-authority " + public_key("authority"));
  EXPECT_REFUSED("unknown-signer", "", refusal());
  list("*@example.net cert-authority " + public_key("mallory"));
  EXPECT_REFUSED("unknown-signer", "", refusal());
}

TEST_F(Signed, WithoutAListThatCanBeReadIsTriedAgain) {
  commit("ada");
  std::filesystem::remove(folder_ / "allowed");
  const auto signer = check();
  ASSERT_FALSE(signer);
  EXPECT_EQ(signer.error().text(), "error: the allowed signers file '" + (folder_ / "allowed") +
                                       "' cannot be read: No such file or directory "
                                       "[allowed-signers]");
  EXPECT_EQ(signer.error().kind, ErrorKind::unavailable);
}

TEST_F(Signed, WithABrokenListIsRefused) {
  commit("ada");
  list("ada@example.net ssh-ed25519 AAAA\n");
  EXPECT_REFUSED("unknown-signer", "", refusal());
  list(std::string(2'000'000, '#'));
  EXPECT_EQ(check().error().check, "allowed-signers");
}

TEST_F(Signed, IsCheckedInBoundedTimeAndStops) {
  commit("ada");
  auto source = open_source(checkout_.path(), {.reading = Reading::commits});
  const auto revision = (*source)->resolve("");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(check_signature(*revision, *(*source)->signature(*revision), folder_ / "allowed", kNow,
                            stop.get_token())
                .error()
                .check,
            "program-stopped");
}

TEST_F(Signed, HasATimeThatIsNotBeforeItsParents) {
  run(checkout_.path(),
      "GIT_COMMITTER_DATE=2026-03-01T10:00:00Z git commit -q --allow-empty -m later");
  commit("ada", "2026-01-05T10:00:00Z");
  auto source = open_source(checkout_.path(), {.reading = Reading::commits});
  const auto signature = (*source)->signature(*(*source)->resolve(""));
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->time, sys_days(year(2026) / 3 / 1) + std::chrono::hours(10));
  EXPECT_TRUE(signature->signature.starts_with("-----BEGIN SSH SIGNATURE-----"));
  EXPECT_EQ(signature->payload.find("gpgsig"), std::string::npos);
}

}  // namespace
}  // namespace metalwright::inventory
