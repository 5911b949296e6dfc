#include "inventory/git_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "inventory/git_fetch.h"
#include "inventory/git_repository.h"
#include "inventory/libgit2.h"
#include "inventory/message_text.h"
#include "inventory/owned_fd.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

namespace fs = std::filesystem;

// Every fetch that brings something adds a pack, and each is looked at for each object.
constexpr std::size_t kMostPacks = 64;

tl::unexpected<Error> cannot(std::string_view doing, const std::string& path, int error) {
  return system_failure(checks::kSourceCache.id,
                        fmt::format("cannot {} {}", doing, quoted_path(path)), error);
}

/// Takes turns with other processes, for as long as the descriptor is open.
Result<OwnedFd> lock(const std::string& path, std::chrono::milliseconds patience,
                     const std::stop_token& stop) {
  OwnedFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return cannot("open", path, errno);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return cannot("lock", path, errno);
    if (stop.stop_requested()) {
      return unavailable(checks::kSourceStopped.id, "fetching was stopped on request");
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return unavailable(checks::kSourceTimeout.id,
                         fmt::format("another process is fetching the same repository ({} is "
                                     "locked)",
                                     quoted_path(path)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return file;
}

/// Makes the folder of the caches, for us alone. One that another user may write to is refused:
/// what lies in it would be believed to be the remote's.
Result<void> make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return cannot("make", path, error.value());
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return cannot("make", path, errno);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return cannot("look at", path, errno);
  if (!S_ISDIR(status.st_mode)) return cannot("use", path, ENOTDIR);
  if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & S_IWOTH) != 0) {
    return fail(ErrorKind::refused, checks::kSourceCache.id,
                fmt::format("other users may write to {}: name a folder of our own for the clones "
                            "of remotes",
                            quoted_path(path)));
  }
  return {};
}

std::vector<fs::path> packs(const std::string& repository) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(repository + "/objects/pack", error)) {
    if (entry.path().extension() == ".pack") found.push_back(entry.path());
  }
  return found;
}

}  // namespace

GitCache::GitCache(SourceLocation location, SourceOptions options)
    : location_(std::move(location)),
      options_(std::move(options)),
      path_(options_.cache + '/' + location_.cache_name()) {}

GitFolder GitCache::folder() const { return {.git_dir = path_, .common_dir = path_, .bare = true}; }

bool GitCache::exists() const {
  struct stat status {};
  return stat((path_ + "/HEAD").c_str(), &status) == 0;
}

Result<void> GitCache::update(const std::stop_token& stop) {
  if (options_.cache.empty()) {
    return fail(ErrorKind::bug, checks::kSourceCache.id,
                "no folder is named for the clones of remotes");
  }
  if (auto made = make_folder(options_.cache); !made) return made;
  auto locked = lock(path_ + ".lock", options_.fetch_timeout, stop);
  if (!locked) return tl::unexpected(locked.error());
  std::error_code error;
  if (!exists() || fs::exists(path_ + "/damaged", error)) return clone(stop);
  remove_leftovers();
  bool damaged = false;
  auto fetched = fetch_new(damaged, stop);
  // What cannot be read or written here can be had from the remote again.
  if (!fetched && damaged && !stop.stop_requested()) return clone(stop);
  // Where the packs cannot be joined (the disk is full, say), reading takes longer and no more.
  if (fetched && packs(path_).size() > kMostPacks) join_packs();
  return fetched;
}

/// `damaged` is set where the clone is to blame, and not the way to the remote.
Result<void> GitCache::fetch_new(bool& damaged, const std::stop_token& stop) const {
  auto repository = GitRepository::open(folder());
  damaged = !repository;
  if (!repository) return tl::unexpected(repository.error());
  auto fetched = fetch(*repository, location_, options_, stop);
  damaged = !fetched && (fetched.error().check == checks::kGitCorrupt.id ||
                         fetched.error().check == checks::kSourceCache.id);
  return fetched;
}

Result<void> GitCache::clone(const std::stop_token& stop) const {
  if (auto started = start_libgit2(); !started) return started;
  const std::string fresh = path_ + ".new";
  std::error_code error;
  fs::remove_all(fresh, error);
  git_repository_init_options init = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  init.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT | GIT_REPOSITORY_INIT_MKDIR;
  init.mode = 0700;
  RepositoryPointer made;
  if (git_make(made, git_repository_init_ext, fresh.c_str(), &init) < 0) {
    return git_failure(checks::kSourceCache.id, fmt::format("cannot make {}", quoted_path(fresh)));
  }
  made.reset();
  std::ofstream(fresh + "/description")
      << "clone of " << location_.text() << ", kept by metalwright; may be removed\n";
  {
    auto repository = GitRepository::open({.git_dir = fresh, .common_dir = fresh, .bare = true});
    if (!repository) return tl::unexpected(repository.error());
    if (auto fetched = fetch(*repository, location_, options_, stop); !fetched) {
      fs::remove_all(fresh, error);
      return fetched;
    }
  }
  fs::remove_all(path_, error);
  fs::rename(fresh, path_, error);
  if (error) return cannot("rename", fresh, error.value());
  return {};
}

/// What a process that was killed left behind. Whoever holds the lock is alone.
void GitCache::remove_leftovers() const {
  std::error_code error;
  fs::remove_all(path_ + ".new", error);
  for (const auto& entry : fs::directory_iterator(path_ + "/objects/pack", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("pack_") || name.ends_with(".lock")) fs::remove(entry.path(), error);
  }
}

/// One pack of all objects in place of many, those that no reference leads to included: an earlier
/// revision may be pinned, and the remote may have forgotten it.
void GitCache::join_packs() const {
  auto repository = GitRepository::open(folder());
  if (!repository) return;
  const std::vector<fs::path> old = packs(path_);
  PackBuilderPointer builder;
  git_odb* borrowed = nullptr;
  if (git_repository_odb(&borrowed, repository->handle()) < 0 ||
      git_make(builder, git_packbuilder_new, repository->handle()) < 0) {
    return;
  }
  const OdbPointer odb(borrowed);
  const auto add = [](const git_oid* id, void* to) {
    return git_packbuilder_insert(static_cast<git_packbuilder*>(to), id, nullptr);
  };
  if (git_odb_foreach(odb.get(), add, builder.get()) < 0 ||
      git_packbuilder_write(builder.get(), nullptr, 0, nullptr, nullptr) < 0) {
    return;
  }
  const std::string joined = fmt::format("pack-{}", git_packbuilder_name(builder.get()));
  std::error_code error;
  for (const fs::path& pack : old) {
    if (pack.stem() == joined) continue;
    // The index first: a pack without one is no longer looked at, the other way round is an error.
    fs::remove(fs::path(pack).replace_extension(".idx"), error);
    fs::remove(pack, error);
  }
}

void GitCache::mark_damaged() const { std::ofstream(path_ + "/damaged") << "\n"; }

}  // namespace metalwright::inventory
