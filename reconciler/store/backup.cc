#include "reconciler/store/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "reconciler/store/connection.h"
#include "reconciler/store/schema.h"
#include "reconciler/store/store.h"
#include "schemas/quote.h"

namespace metalwright::store {
namespace {

namespace fs = std::filesystem;

/// A file beside `path` that is gone again unless it took its place.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), name_(fmt::format("{}.{}.new", path, ::getpid())) {}
  ~NewFile() {
    if (made_) discard();
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Result<void> make() {
    const int file =
        ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
      return system_failure("backup", "making " + metalwright::quoted(name_), errno);
    }
    ::close(file);
    made_ = true;
    return {};
  }
  /// Durable before the name is its own, and the name durable when this returns.
  Result<void> take_place() {
    const std::string folder = fs::path(path_).parent_path().string();
    if (!sync(name_, O_RDONLY)) return failed("writing");
    if (::rename(name_.c_str(), path_.c_str()) != 0) return failed("renaming");
    made_ = false;
    if (!sync(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY)) return failed("keeping");
    return {};
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  static bool sync(const std::string& path, int flags) {
    const int file = ::open(path.c_str(), flags | O_CLOEXEC);
    if (file < 0) return false;
    const bool synced = ::fsync(file) == 0;
    ::close(file);
    return synced;
  }
  Result<void> failed(std::string_view doing) const {
    return system_failure("backup", fmt::format("{} {}", doing, metalwright::quoted(path_)), errno);
  }
  void discard() const {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) ::unlink((name_ + end).c_str());
  }

  std::string path_, name_;
  bool made_ = false;
};

Result<StateAddress> sqlite_only(const std::string& state, std::string_view instead) {
  Result<StateAddress> address = parse_state(state);
  if (!address) return address;
  if (address->engine == Engine::postgresql) {
    return invalid("backup-engine",
                   fmt::format("{} is PostgreSQL's: use {}", address->place, instead));
  }
  if (address->path.empty()) {
    return invalid("backup-engine", "the state in memory is kept nowhere");
  }
  return address;
}

/// Copies a database whole into an empty file, as one reader sees it.
Result<void> copy(const std::string& from, const std::string& to) {
  auto connection = Connection::open({.state = "sqlite:" + from, .read_only = true});
  if (!connection) return tl::unexpected<Error>(std::move(connection).error());
  return (*connection)->read("copying the state", [&](soci::session& sql) {
    sql << "VACUUM INTO :f", soci::use(to);
  });
}

Result<void> check_whole(const std::string& file) {
  auto connection = Connection::open({.state = "sqlite:" + file, .read_only = true});
  if (!connection) return tl::unexpected<Error>(std::move(connection).error());
  const Result<std::size_t> version = schema_version(**connection);
  if (!version) return tl::unexpected<Error>(version.error());
  if (*version == 0) {
    return invalid("state-foreign", metalwright::quoted(file) + " holds no state of metalwright");
  }
  return (*connection)->read("checking the backup", [&](soci::session& sql) -> Result<void> {
    std::string verdict;
    sql << "PRAGMA integrity_check(1)", soci::into(verdict);
    if (verdict == "ok") return {};
    return invalid("state-damaged",
                   fmt::format("{} is damaged: {}", metalwright::quoted(file), verdict));
  });
}

Result<void> must_be_there(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode)) return {};
  return invalid("backup-missing", "there is no file " + metalwright::quoted(file));
}

}  // namespace

Result<void> back_up(const std::string& state, const std::string& file) {
  const auto address = sqlite_only(state, "pg_dump");
  if (!address) return tl::unexpected<Error>(address.error());
  if (auto there = must_be_there(address->path); !there) return there;
  NewFile made(file);
  if (auto done = made.make(); !done) return done;
  if (auto done = copy(address->path, made.name()); !done) return done;
  return made.take_place();
}

Result<void> restore(const std::string& state, const std::string& file) {
  const auto address = sqlite_only(state, "pg_restore");
  if (!address) return tl::unexpected<Error>(address.error());
  if (auto there = must_be_there(file); !there) return there;
  if (auto whole = check_whole(file); !whole) return whole;
  NewFile made(address->path);
  if (auto done = made.make(); !done) return done;
  // A copy by the database itself: whatever the backup's journal is, this one is complete.
  if (auto done = copy(file, made.name()); !done) return done;
  if (auto opened = Store::open({.state = "sqlite:" + made.name()}); !opened) {
    return tl::unexpected<Error>(std::move(opened).error());
  }
  // The older state's log belongs to the older state: merged into it, or it would be read with the
  // new one.
  const std::string before = address->path + ".before-restore";
  if (::access(address->path.c_str(), F_OK) == 0) {
    NewFile kept(before);
    if (auto done = kept.make(); !done) return done;
    if (auto done = copy(address->path, kept.name()); done) {
      if (auto placed = kept.take_place(); !placed) return placed;
    } else if (::rename(address->path.c_str(), before.c_str()) != 0) {
      // What cannot be read as a database is kept as it is.
      return system_failure("backup", "keeping the older state", errno);
    }
    for (const char* end : {"-wal", "-shm"}) ::unlink((address->path + end).c_str());
  }
  return made.take_place();
}

}  // namespace metalwright::store
