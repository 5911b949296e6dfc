#include "inventory/signature.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/child_process.h"
#include "inventory/message_text.h"
#include "inventory/owned_fd.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

constexpr const char* kSshKeygen = "/usr/bin/ssh-keygen";
constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMostSignersBytes = 1 << 20;
// A key that is listed for more names than these is listed for the first of them.
constexpr std::size_t kMostPrincipals = 16;

constexpr std::string_view kSshSignature = "-----BEGIN SSH SIGNATURE-----";

std::string about(const Revision& revision) {
  return fmt::format("commit {} by {}", revision.id.substr(0, 12),
                     revision.author.empty() ? "nobody" : revision.author);
}

tl::unexpected<Error> refused(std::string_view check, std::string message) {
  return fail(ErrorKind::refused, check, std::move(message));
}

Result<std::string> read_signers(const std::string& path) {
  const auto failed = [&](int error) {
    return system_failure(
        checks::kAllowedSigners.id,
        fmt::format("the allowed signers file {} cannot be read", quoted_path(path)), error);
  };
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failed(errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return failed(errno);
  if (!S_ISREG(status.st_mode) || status.st_size > static_cast<off_t>(kMostSignersBytes)) {
    return unavailable(checks::kAllowedSigners.id,
                       fmt::format("the allowed signers file {} is no file of at most {} bytes",
                                   quoted_path(path), kMostSignersBytes));
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = read(file.get(), bytes.data(), bytes.size());
  if (got < 0) return failed(errno);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

/// `20260105101112Z`: without the Z, ssh-keygen takes the host's time zone.
std::string verify_time(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("-Overify-time={:04}{:02}{:02}{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

class Checker {
 public:
  Checker(const CommitSignature& signature, std::string signers, const std::stop_token& stop)
      : signature_(signature),
        signers_(std::move(signers)),
        stop_(stop),
        deadline_(std::chrono::steady_clock::now() + kPatience) {}

  Result<ProgramOutput> run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {kSshKeygen, "-Y"});
    auto output = run_to_end(arguments, signature_.payload, {signature_.signature, signers_},
                             deadline_, stop_);
    if (!output && output.error().check == "program-missing") {
      return tl::unexpected(with_context(std::move(output.error()),
                                         "checking signatures needs the package openssh-client"));
    }
    return output;
  }

 private:
  const CommitSignature& signature_;
  std::string signers_;
  const std::stop_token& stop_;
  Deadline deadline_;
};

// The descriptors of the signature and of the list in the child.
constexpr const char* kSignatureFile = "/dev/fd/3";
constexpr const char* kSignersFile = "/dev/fd/4";

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < kMostPrincipals) {
    const auto end = text.find('\n');
    if (end != 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

/// The key in `Good "git" signature with ED25519 key SHA256:…`, as `ED25519 SHA256:…`.
std::string key_of(std::string_view words) {
  constexpr std::string_view kWith = "signature with ";
  const auto begin = words.find(kWith);
  if (begin == std::string_view::npos) return "an unknown key";
  std::string key = one_line(words.substr(begin + kWith.size()), 120);
  if (const auto word = key.find(" key "); word != std::string::npos) key.erase(word, 4);
  return key;
}

}  // namespace

Result<Signer> check_signature(const Revision& revision, const CommitSignature& signature,
                               const std::string& allowed_signers, std::chrono::sys_seconds now,
                               const std::stop_token& stop) {
  if (signature.signature.empty()) {
    return refused(
        checks::kUnsignedCommit.id,
        fmt::format("{} is not signed, and only signed commits are accepted", about(revision)));
  }
  if (!std::string_view(signature.signature).starts_with(kSshSignature)) {
    return refused(checks::kSignatureFormat.id,
                   fmt::format("{} is signed, but not with an ssh key (git config gpg.format ssh)",
                               about(revision)));
  }
  auto signers = read_signers(allowed_signers);
  if (!signers) return tl::unexpected(signers.error());
  Checker checker(signature, std::move(*signers), stop);

  auto genuine = checker.run({"check-novalidate", "-n", "git", "-s", kSignatureFile});
  if (!genuine) return tl::unexpected(genuine.error());
  if (genuine->exit_code != 0) {
    return refused(checks::kBadSignature.id,
                   fmt::format("the signature of {} is not one of this commit ({})",
                               about(revision), one_line(genuine->err + ' ' + genuine->out)));
  }
  const std::string key = key_of(genuine->out);

  const std::string time = verify_time(std::min(signature.time, now));
  auto found = checker.run({"find-principals", time, "-s", kSignatureFile, "-f", kSignersFile});
  if (!found) return tl::unexpected(found.error());
  const std::vector<std::string> principals = lines(found->out);
  if (found->exit_code != 0 || principals.empty()) {
    return refused(
        checks::kUnknownSigner.id,
        fmt::format("{} is signed with {}, which {} does not list for that time ({})",
                    about(revision), key, quoted_path(allowed_signers), one_line(found->err)));
  }
  std::string why;
  for (const std::string& principal : principals) {
    auto verified = checker.run(
        {"verify", time, "-n", "git", "-I", principal, "-s", kSignatureFile, "-f", kSignersFile});
    if (!verified) return tl::unexpected(verified.error());
    if (verified->exit_code == 0) {
      return Signer{.principal = one_line(principal, 120), .key = key};
    }
    why = one_line(verified->err + ' ' + verified->out);
  }
  return refused(checks::kUnknownSigner.id,
                 fmt::format("{} is signed with {}, which {} does not allow to sign commits ({})",
                             about(revision), key, quoted_path(allowed_signers), why));
}

}  // namespace metalwright::inventory
