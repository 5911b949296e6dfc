#include "reconciler/store/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "reconciler/store/connection.h"
#include "reconciler/store/lease.h"
#include "reconciler/store/schema.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
constexpr std::string_view kDoing = "taking the run lock";
constexpr std::size_t kHolderBytes = 4096;
constexpr std::chrono::seconds kPatienceWithTheDead{2};
constexpr std::chrono::milliseconds kAskAgain{10};

std::string lock_path(const StateAddress& address, LockFor purpose = LockFor::run) {
  return address.path + (purpose == LockFor::run ? ".lock" : ".lifecycle.lock");
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

/// Then nobody holds the lock for long: a program that the holder was about to start shares its
/// files up to its execve(2).
bool died(const LockHolder& holder) {
  const LockHolder self = this_process({}, {});
  return holder.pid > 0 && holder.pid != self.pid && holder.host == self.host &&
         ::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH;
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
constexpr std::string_view kSessionLock = "731057912, hashtext(current_schema()) & 1073741823";
constexpr std::string_view kSessionLockHeld =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 731057912"
    " AND objid = (hashtext(current_schema()) & 1073741823)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND pid = pg_backend_pid()";

LockHolder select_session_holder(soci::session& sql) {
  LockHolder holder;
  long long pid = 0, since = 0;
  sql << "SELECT pid, host, since, command FROM run_lock WHERE slot = 2", soci::into(pid),
      soci::into(holder.host), soci::into(since), soci::into(holder.command);
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
  std::unique_ptr<Lease> lease;            // PostgreSQL, for runs
  std::unique_ptr<Connection> connection;  // PostgreSQL, for events: the lock is this session's
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
    const auto patience = std::chrono::steady_clock::now() + kPatienceWithTheDead;
    struct flock lock = whole_file(F_WRLCK);
    while (::fcntl(file, F_OFD_SETLK, &lock) != 0) {
      if (errno != EAGAIN && errno != EACCES) {
        return system_failure("run-lock", fmt::format("locking '{}'", path), errno);
      }
      const LockHolder holder = read_holder(file);
      const bool ending = died(holder) && std::chrono::steady_clock::now() < patience;
      if (!ending) return run_locked(holder);
      std::this_thread::sleep_for(kAskAgain);
    }
    // Somebody may have removed the file in between: then this is a lock on nothing.
  } while (!same_file(file, path));
  const std::string text = holder_json(self);
  // Only for the message of another process: on a full disk it names nobody.
  if (::ftruncate(file, 0) == 0) (void)!::pwrite(file, text.data(), text.size(), 0);
  return {};
}

Result<void> take_session(Connection& connection, const LockHolder& self) {
  return connection.read(kDoing, [&](soci::session& sql) -> Result<void> {
    long long taken = 0;
    sql << fmt::format("SELECT CASE WHEN pg_try_advisory_lock({}) THEN 1 ELSE 0 END", kSessionLock),
        soci::into(taken);
    if (taken == 0) return run_locked(select_session_holder(sql));
    const long long pid = self.pid, since = micros(self.since);
    const std::string host = storable(self.host), command = storable(self.command);
    sql << "INSERT INTO run_lock(slot, pid, host, since, command) VALUES(2, :p, :h, :s, :c)"
           " ON CONFLICT(slot) DO UPDATE SET pid = excluded.pid, host = excluded.host,"
           " since = excluded.since, command = excluded.command",
        soci::use(pid), soci::use(host), soci::use(since), soci::use(command);
    return {};
  });
}
}  // namespace

Result<RunLock> RunLock::take(const std::string& state, const LockHolder& self, LockFor purpose,
                              std::chrono::milliseconds lease) {
  Result<StateAddress> address = parse_state(state);
  if (!address) return tl::unexpected<Error>(std::move(address).error());
  auto impl = std::make_unique<Impl>();
  Result<void> taken;
  if (address->engine == Engine::postgresql && purpose == LockFor::run) {
    Result<std::unique_ptr<Lease>> held = Lease::take(state, self, lease);
    if (!held) return tl::unexpected<Error>(std::move(held).error());
    impl->lease = std::move(*held);
  } else if (address->engine == Engine::postgresql) {
    Result<std::unique_ptr<Connection>> connection = connect(state);
    if (!connection) return tl::unexpected<Error>(std::move(connection).error());
    impl->connection = std::move(*connection);
    taken = take_session(*impl->connection, self);
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
  if (impl_->lease != nullptr) return impl_->lease->held();
  if (impl_->connection != nullptr) {
    // Also after the connection broke and was made anew: the new session holds no lock.
    return impl_->connection->read(
        "checking the run lock", [&](soci::session& sql) -> Result<void> {
          long long count = 0;
          sql << std::string(kSessionLockHeld), soci::into(count);
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

std::stop_token RunLock::lost() const {
  return impl_->lease == nullptr ? std::stop_token{} : impl_->lease->lost();
}

std::int64_t RunLock::fence() const { return impl_->lease == nullptr ? 0 : impl_->lease->fence(); }

bool is_shared(const std::string& state) {
  const Result<StateAddress> address = parse_state(state);
  return address && address->engine == Engine::postgresql;
}

Result<std::optional<LockHolder>> lock_holder(const std::string& state) {
  Result<StateAddress> address = parse_state(state);
  if (!address) return tl::unexpected<Error>(std::move(address).error());
  if (address->engine == Engine::postgresql) {
    Result<std::unique_ptr<Connection>> connection =
        Connection::open({.state = state, .read_only = true});
    if (!connection) return tl::unexpected<Error>(std::move(connection).error());
    const Result<std::size_t> version = schema_version(**connection);
    if (!version) return tl::unexpected<Error>(version.error());
    if (*version != migrations().size()) return std::nullopt;  // nobody of this version yet
    return Lease::holder(**connection);
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
