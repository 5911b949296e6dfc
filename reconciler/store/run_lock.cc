#include "reconciler/store/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "reconciler/store/connection.h"
#include "reconciler/store/schema.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
constexpr std::string_view kDoing = "taking the run lock";
constexpr std::size_t kHolderBytes = 4096;

std::string lock_path(const StateAddress& address, LockFor purpose = LockFor::run) {
  return address.path + (purpose == LockFor::run ? ".lock" : ".lifecycle.lock");
}

tl::unexpected<Error> locked(const LockHolder& holder) {
  return unavailable(
      "run-locked",
      fmt::format("the run lock is held by {}: wait for it, or end that process", holder.text()));
}

std::string holder_json(const LockHolder& holder) {
  return nlohmann::json{{"pid", holder.pid},
                        {"host", storable(holder.host)},
                        {"since", micros(holder.since)},
                        {"command", storable(holder.command)}}
             .dump() +
         '\n';
}

/// Empty fields where the file says nothing useful: it is only for a message.
LockHolder read_holder(int file) {
  LockHolder holder;
  char bytes[kHolderBytes];
  const ssize_t size = ::pread(file, bytes, sizeof bytes, 0);
  if (size <= 0) return holder;
  const auto json = nlohmann::json::parse(bytes, bytes + size, nullptr, false);
  if (!json.is_object()) return holder;
  const auto number = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
  };
  const auto text = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  holder.pid = number("pid");
  holder.since = from_micros(number("since"));
  holder.host = text("host");
  holder.command = text("command");
  return holder;
}

bool same_file(int file, const std::string& path) {
  struct stat opened {
  }, named{};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// The schema is part of the lock's number: several states may share a database.
int lock_class(LockFor purpose) { return purpose == LockFor::run ? 731057911 : 731057912; }
int lock_slot(LockFor purpose) { return purpose == LockFor::run ? 1 : 2; }
std::string lock_numbers(LockFor purpose) {
  return fmt::format("{}, hashtext(current_schema()) & 1073741823", lock_class(purpose));
}
std::string lock_rows(LockFor purpose) {
  return fmt::format(
      " FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {}"
      " AND objid = (hashtext(current_schema()) & 1073741823)"
      " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      lock_class(purpose));
}

LockHolder select_holder(soci::session& sql, LockFor purpose) {
  LockHolder holder;
  const int slot = lock_slot(purpose);
  long long pid = 0, since = 0;
  sql << "SELECT pid, host, since, command FROM run_lock WHERE slot = :s", soci::use(slot),
      soci::into(pid), soci::into(holder.host), soci::into(since), soci::into(holder.command);
  holder.pid = pid;
  holder.since = from_micros(since);
  return holder;
}

// The table of the holder is the state's own: a first command may take the lock before it opens it.
Result<std::unique_ptr<Connection>> connect(const std::string& state) {
  Result<std::unique_ptr<Connection>> connection = Connection::open({.state = state});
  if (!connection) return connection;
  Result<void> migrated = migrate(**connection, migrations(), false);
  if (!migrated) return tl::unexpected<Error>(std::move(migrated).error());
  return connection;
}
}  // namespace

std::string LockHolder::text() const {
  if (pid == 0) return "another process";
  std::string text = fmt::format("process {} on {}", pid, host.empty() ? "this host" : host);
  if (!command.empty()) text += fmt::format(" ({})", command);
  return text + ", since " + utc_text(since);
}

LockHolder this_process(std::string command, Time now) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return {::getpid(), host, now, std::move(command)};
}

struct RunLock::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // Closing releases. The file stays: removing it would let two processes lock two files of one
  // name.
  ~Impl() {
    if (file < 0) return;
    (void)::ftruncate(file, 0);
    ::close(file);
  }
  int file = -1;
  std::string path;
  LockFor purpose = LockFor::run;
  std::unique_ptr<Connection> connection;  // PostgreSQL: the lock is this session's
};

RunLock::RunLock(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RunLock::RunLock(RunLock&&) noexcept = default;
RunLock& RunLock::operator=(RunLock&&) noexcept = default;
RunLock::~RunLock() = default;

namespace {
Result<void> take_file(int& file, const std::string& path, const LockHolder& self) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  if (failed) {
    return system_failure("run-lock", fmt::format("making the folder of '{}'", path),
                          failed.value());
  }
  do {
    if (file >= 0) ::close(file);
    file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0) {
      return system_failure("run-lock", fmt::format("opening the lock file '{}'", path), errno);
    }
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(file, F_OFD_SETLK, &lock) != 0) {
      if (errno == EAGAIN || errno == EACCES) return locked(read_holder(file));
      return system_failure("run-lock", fmt::format("locking '{}'", path), errno);
    }
    // Somebody may have removed the file in between: then this is a lock on nothing.
  } while (!same_file(file, path));
  const std::string text = holder_json(self);
  // Only for the message of another process: on a full disk it names nobody.
  if (::ftruncate(file, 0) == 0) (void)!::pwrite(file, text.data(), text.size(), 0);
  return {};
}

Result<void> take_session(Connection& connection, const LockHolder& self, LockFor purpose) {
  return connection.read(kDoing, [&](soci::session& sql) -> Result<void> {
    long long taken = 0;
    sql << fmt::format("SELECT CASE WHEN pg_try_advisory_lock({}) THEN 1 ELSE 0 END",
                       lock_numbers(purpose)),
        soci::into(taken);
    if (taken == 0) return locked(select_holder(sql, purpose));
    const long long pid = self.pid, since = micros(self.since);
    const std::string host = storable(self.host), command = storable(self.command);
    const int slot = lock_slot(purpose);
    sql << "INSERT INTO run_lock(slot, pid, host, since, command) VALUES(:n, :p, :h, :s, :c)"
           " ON CONFLICT(slot) DO UPDATE SET pid = excluded.pid, host = excluded.host,"
           " since = excluded.since, command = excluded.command",
        soci::use(slot), soci::use(pid), soci::use(host), soci::use(since), soci::use(command);
    return {};
  });
}
}  // namespace

Result<RunLock> RunLock::take(const std::string& state, const LockHolder& self, LockFor purpose) {
  Result<StateAddress> address = parse_state(state);
  if (!address) return tl::unexpected<Error>(std::move(address).error());
  auto impl = std::make_unique<Impl>();
  impl->purpose = purpose;
  Result<void> taken;
  if (address->engine == Engine::postgresql) {
    Result<std::unique_ptr<Connection>> connection = connect(state);
    if (!connection) return tl::unexpected<Error>(std::move(connection).error());
    impl->connection = std::move(*connection);
    taken = take_session(*impl->connection, self, purpose);
  } else if (!address->path.empty()) {
    impl->path = lock_path(*address, purpose);
    int file = -1;
    taken = take_file(file, impl->path, self);
    if (taken) {
      impl->file = file;
    } else if (file >= 0) {
      ::close(file);
    }
  }
  if (!taken) return tl::unexpected<Error>(std::move(taken).error());
  return RunLock(std::move(impl));
}

Result<void> RunLock::held() const {
  constexpr std::string_view kLost = "the run lock was lost: ";
  if (impl_->connection != nullptr) {
    // Also after the connection broke and was made anew: the new session holds no lock.
    return impl_->connection->read(
        "checking the run lock", [&](soci::session& sql) -> Result<void> {
          long long count = 0;
          sql << fmt::format("SELECT count(*){} AND pid = pg_backend_pid()",
                             lock_rows(impl_->purpose)),
              soci::into(count);
          if (count > 0) return {};
          return unavailable("run-lock-lost", std::string(kLost) + "the connection to " +
                                                  impl_->connection->place() + " was interrupted");
        });
  }
  if (impl_->file >= 0 && !same_file(impl_->file, impl_->path)) {
    return unavailable("run-lock-lost", fmt::format("{}somebody removed '{}'", kLost, impl_->path));
  }
  return {};
}

Result<std::optional<LockHolder>> lock_holder(const std::string& state) {
  Result<StateAddress> address = parse_state(state);
  if (!address) return tl::unexpected<Error>(std::move(address).error());
  if (address->engine == Engine::postgresql) {
    Result<std::unique_ptr<Connection>> connection =
        Connection::open({.state = state, .read_only = true});
    if (!connection) return tl::unexpected<Error>(std::move(connection).error());
    return (*connection)->read("reading the run lock", [](soci::session& sql) {
      long long count = 0;
      sql << fmt::format("SELECT count(*){}", lock_rows(LockFor::run)), soci::into(count);
      return count == 0 ? std::nullopt : std::optional(select_holder(sql, LockFor::run));
    });
  }
  if (address->path.empty()) return std::nullopt;
  const std::string path = lock_path(*address);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) {
    if (errno == ENOENT) return std::nullopt;
    return system_failure("run-lock", fmt::format("opening the lock file '{}'", path), errno);
  }
  // Asks without taking, so that a look never keeps a run from starting.
  struct flock lock = whole_file(F_RDLCK);
  std::optional<LockHolder> holder;
  if (::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) holder = read_holder(file);
  ::close(file);
  return holder;
}

}  // namespace metalwright::store
