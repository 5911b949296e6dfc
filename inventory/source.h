#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/repository_files.h"
#include "inventory/repository_walk.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

/// Where revisions come from: a plain folder, a checkout, a bare repository or a remote one.
///
/// A repository is untrusted. Commits are read from the object database and never checked out;
/// files of a folder are opened beneath it. Symbolic links, submodules and paths that leave the
/// repository are refused, and nothing that a repository brings is run or believed: its
/// configuration, hooks, filters and attributes are not even read. Nor is the configuration of git
/// of the user and the host: what a fetch may use stands in `SourceOptions`.
namespace metalwright::inventory {

/// One state of a repository.
struct Revision {
  std::string id;    ///< the commit in 40 hexadecimal digits; of a plain folder the 64 of a digest
  std::string name;  ///< as it was asked for: `main`, `HEAD~2`; empty for a folder's files
  std::string author;               ///< `Ada <ada@example.net>`; empty for a folder's files
  std::string summary;              ///< first line of the message, without control characters
  std::chrono::sys_seconds time{};  ///< when it was committed, as the committer says

  friend bool operator==(const Revision&, const Revision&) = default;
};

/// `A..B`, or `A...B`, which begins where B's history left A's.
struct RevisionRange {
  std::string from, to;  ///< never empty: `..B` is `HEAD..B`
  bool from_merge_base = false;
};

/// A commit's signature and what it signs.
struct CommitSignature {
  std::string signature;  ///< armoured; empty where the commit has none
  std::string payload;    ///< the commit without its signature
  /// The time for which a key must be valid: the latest that the commit or one of its parents
  /// gives, so that who holds an expired key cannot date a commit back before its own history.
  std::chrono::sys_seconds time{};
};

/// How a local repository is read.
enum class Reading : std::uint8_t {
  files,    ///< a folder's files as they lie there; commits where it has none (bare, remote)
  commits,  ///< committed revisions only
};

struct SourceOptions {
  Reading reading = Reading::files;
  std::string cache;  ///< folder for clones of remotes, made where it is missing; needed for those

  std::string user;      ///< ssh, https; empty: the address's own, else `git`
  std::string password;  ///< https: password or token; empty: the address's own
  std::string ssh_key;   ///< the private key itself, not its path; empty: ssh's own and the agent
  std::string known_hosts;  ///< file; empty: ssh's own. A host that is not in it is refused
  std::string ca_file;      ///< https: certificates to trust instead of the system's

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds silence_timeout{30'000};  ///< how long a remote may send nothing
  std::chrono::milliseconds fetch_timeout{600'000};   ///< one fetch in all
  std::uint64_t fetch_bytes = 4ULL << 30;             ///< that one fetch may bring
  SourceLimits limits;
};

/// Options for the repository that a host's configuration names, with its secrets resolved.
/// `default_cache` is taken where the configuration names none.
[[nodiscard]] SourceOptions source_options(const SourceConfig& config, std::string password,
                                           std::string ssh_key, std::string default_cache);

/// An open source. Used by one thread at a time. Errors name the source, never a secret.
class Source {
 public:
  virtual ~Source() = default;

  /// Where it is, for messages and events.
  [[nodiscard]] virtual std::string text() const = 0;

  /// Brings a remote's branches and tags into the cache; only what is new is sent. Does nothing
  /// for a local source. What was fetched before stays readable after a failure, and commits that
  /// a remote dropped stay as well.
  /// Errors: `unavailable` [source-unreachable], [source-timeout], [source-auth],
  /// [source-not-found], [source-stopped], [source-cache]; `refused` [source-host-key],
  /// [source-tls]; `invalid` [source-too-big].
  [[nodiscard]] virtual Result<void> refresh(std::stop_token stop = {}) = 0;

  /// The revision of a branch, a tag, a commit's id or its beginning, or any of them with `~N` and
  /// `^N`. Empty: `HEAD`, which of a remote is its default branch; of a folder's files, themselves.
  /// Errors: `invalid` [revision-not-found] with the most similar names, [revision-ambiguous],
  /// [source-empty] where there is no commit at all; `unavailable` [git-corrupt].
  [[nodiscard]] virtual Result<Revision> resolve(std::string_view name) = 0;

  /// The tip of a branch, whatever tag has the same name; empty: `HEAD`. Reads one reference:
  /// cheap enough to poll.
  [[nodiscard]] virtual Result<Revision> branch_tip(std::string_view branch) = 0;

  /// The id alone of what `branch_tip` gives, by reading git's files and nothing else: what a run
  /// asks that expects no change. Needs no libgit2, which takes 6 ms to start.
  [[nodiscard]] virtual Result<std::string> tip_id(std::string_view branch) = 0;

  /// The revision at which the histories of both meet.
  /// Errors: `invalid` [revision-unrelated].
  [[nodiscard]] virtual Result<Revision> merge_base(const Revision& a, const Revision& b) = 0;

  /// Succeeds if the commit `before` is `after` or one of its ancestors.
  /// Errors: `refused` [rewritten-history].
  [[nodiscard]] virtual Result<void> check_descends(std::string_view before,
                                                    const Revision& after) = 0;

  /// The files that `files` would read, without their bytes.
  [[nodiscard]] virtual tl::expected<RepositoryListing, Errors> list(const Revision& revision) = 0;

  /// The files of a revision that a model is made of. All or nothing: where one file is refused,
  /// none is given, because what is missing would look deleted. Bytes of the latest call that
  /// somebody still holds are not read again. Errors: as `list_repository`; `invalid` [path-size];
  /// `unavailable` [git-corrupt], [source-permission], [source-changed] where a folder's file
  /// changed while it was read.
  [[nodiscard]] tl::expected<RepositoryFiles, Errors> files(const Revision& revision) {
    return files_but(revision, {});
  }
  /// The same without the bytes of what `known` knows, where leaving them out saves work.
  [[nodiscard]] virtual tl::expected<RepositoryFiles, Errors> files_but(const Revision& revision,
                                                                        const KnownFile& known) = 0;

  /// The signature of a revision; `inventory/signature.h` checks it.
  /// Errors: `refused` [unsigned-commit] for a folder's files.
  [[nodiscard]] virtual Result<CommitSignature> signature(const Revision& revision) = 0;
};

/// Opens a source by a path or an address (see `parse_source_location`). Touches no network: a
/// remote has what its cache holds until `refresh` is called.
/// Errors: `invalid` [source-address], [source-unsupported], [source-not-found],
/// [source-not-a-repository]; `unavailable` [source-permission], [git-corrupt]; `refused`
/// [git-redirect] where a repository has its objects or references elsewhere.
[[nodiscard]] Result<std::unique_ptr<Source>> open_source(std::string_view address,
                                                          const SourceOptions& options);

/// Reads `A..B` or `A...B`. Errors: `invalid` [revision-range].
[[nodiscard]] Result<RevisionRange> parse_revision_range(std::string_view text);

/// Both ends of a range.
[[nodiscard]] Result<std::pair<Revision, Revision>> resolve_range(Source& source,
                                                                  const RevisionRange& range);

}  // namespace metalwright::inventory
