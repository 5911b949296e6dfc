#include "reconciler/store/connection.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "reconciler/fault.h"

namespace metalwright::store {
namespace {
constexpr std::string_view kSqlite = "sqlite:";
constexpr std::chrono::milliseconds kLongestPause{64};
// SQLite's primary result codes (sqlite.org/rescode.html); an extended code has more bits above.
enum SqliteCode : int {
  kBusy = 5,
  kLocked = 6,
  kReadOnly = 8,
  kIo = 10,
  kCorrupt = 11,
  kFull = 13,
  kCannotOpen = 14,
  kProtocol = 15,  // too many others at once for the log's index
  kNotADatabase = 26,
};

Error make(ErrorKind kind, std::string_view check, std::string message) {
  return fail(kind, check, std::move(message)).value();
}

// A password stands before the last '@' of the authority; parameters may hold one too.
std::string without_credentials(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t end = url.find_first_of("?#", begin);
  std::string place = url.substr(begin, end == std::string::npos ? end : end - begin);
  if (const std::size_t at = place.rfind('@'); at != std::string::npos) place.erase(0, at + 1);
  return "postgresql://" + place;
}

bool is_full(const std::string& path) {
  constexpr std::uint64_t kNextToNothing = std::uint64_t{64} * 1024;
  struct statvfs system {};
  return !path.empty() && ::statvfs(path.c_str(), &system) == 0 &&
         static_cast<std::uint64_t>(system.f_bavail) * system.f_frsize < kNextToNothing;
}

Error sqlite_error(const StateAddress& address, std::string_view doing, int code,
                   std::string_view text) {
  const std::string& place = address.place;
  switch (code & 0xff) {
    case kBusy:
    case kLocked:
    case kProtocol:
      return make(ErrorKind::unavailable, "state-locked",
                  fmt::format("{}: {} is locked by another process", doing, place));
    case kReadOnly:
      return make(ErrorKind::invalid, "state-read-only",
                  fmt::format("{}: {} may not be written: the file or its file system is read-only",
                              doing, place));
    case kIo:
      // On a full disk it cannot even make the file through which processes come to terms.
      if (is_full(address.path)) return sqlite_error(address, doing, kFull, text);
      return make(ErrorKind::unavailable, "state-io",
                  fmt::format("{}: the disk of {} failed: {}", doing, place, text));
    case kCorrupt:
    case kNotADatabase:
      return make(ErrorKind::invalid, "state-damaged",
                  fmt::format("{}: {} is damaged ({}): restore a backup, or move it away: what was "
                              "applied is then found again at the targets",
                              doing, place, text));
    case kFull:
      return make(ErrorKind::unavailable, "state-full",
                  fmt::format("{}: the disk of {} is full: free some space there", doing, place));
    case kCannotOpen:
      return make(ErrorKind::invalid, "state-open",
                  fmt::format("{}: {} cannot be opened: {}", doing, place, text));
    default:
      return make(ErrorKind::bug, "state-failed", fmt::format("{}: {}: {}", doing, place, text));
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

Error postgresql_error(const StateAddress& address, std::string_view doing,
                       const soci::soci_error& thrown) {
  const std::string text = one_line(thrown.get_error_message());
  switch (thrown.get_error_category()) {
    case soci::soci_error::no_privilege:
      return make(ErrorKind::invalid, "state-read-only",
                  fmt::format("{}: {} may not be written: {}", doing, address.place, text));
    case soci::soci_error::system_error:
      return make(ErrorKind::unavailable, "state-io",
                  fmt::format("{}: the server of {} failed: {}", doing, address.place, text));
    case soci::soci_error::invalid_statement:
    case soci::soci_error::constraint_violation:
      return make(ErrorKind::bug, "state-failed",
                  fmt::format("{}: {}: {}", doing, address.place, text));
    default:
      return make(ErrorKind::unavailable, "state-unreachable",
                  fmt::format("{}: {}: {}", doing, address.place, text));
  }
}

// Loaded by name and when it is asked for: libpq brings 25 libraries along, which a start with
// SQLite does not pay for. A name without a folder is searched in the system's folders only; SOCI's
// own search looks into the working directory too.
const soci::backend_factory& postgresql_factory() {
  using Factory = const soci::backend_factory* (*)();
  static const Factory factory = [] {
    void* const library = ::dlopen("libsoci_postgresql.so.4.0", RTLD_LAZY | RTLD_LOCAL);
    return library == nullptr ? nullptr
                              : reinterpret_cast<Factory>(::dlsym(library, "factory_postgresql"));
  }();
  if (factory == nullptr) {
    throw soci::soci_error(
        "PostgreSQL's library for SOCI is not installed (Debian: libsoci-postgresql4.0)");
  }
  return *factory();
}

/// True on a read-only file system, where SQLite cannot make the file through which the processes
/// that use a state come to terms. A log that was not yet merged would be needed too, though.
bool cannot_change(const std::string& path) {
  struct statvfs system {};
  if (path.empty() || ::statvfs(path.c_str(), &system) != 0) return false;
  std::error_code none;
  const std::uintmax_t log_bytes = std::filesystem::file_size(path + "-wal", none);
  return (system.f_flag & ST_RDONLY) != 0 && (none || log_bytes == 0);
}

// sqlite.org/uri.html
std::string immutable_uri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

// The database file holds the key of the secrets' hashes: nobody else may read it. SQLite gives its
// other files the same mode. A file that is there is not opened here: closing it would release the
// locks that another connection of this process has on it (sqlite.org/howtocorrupt.html, 2.2), and
// the next process to end would take the log away from under that connection.
Result<void> prepare_file(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  if (failed) {
    return system_failure("state-open", fmt::format("making the folder of '{}'", path),
                          failed.value());
  }
  int error = 0;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
  } else if (errno != EEXIST) {
    error = errno;
  } else if (struct stat found{}; ::stat(path.c_str(), &found) != 0) {
    error = errno;
  } else if (S_ISDIR(found.st_mode)) {
    error = EISDIR;
  } else if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    error = errno;
  }
  if (error == 0) return {};
  auto result = system_failure("state-open", fmt::format("opening the state '{}'", path), error);
  if (error == EROFS || error == EACCES || error == EPERM || error == EISDIR) {
    result.value().kind = ErrorKind::invalid;
  }
  return result;
}

// SQLite reads the file's header before it asks for the right to change it, and where two processes
// stand there at once it refuses one without waiting: its busy handler would wait for ever for the
// other. So the first opening of a new state waits here.
void use_write_ahead_log(soci::session& sql, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (std::chrono::milliseconds pause{1};; pause = std::min(pause * 2, kLongestPause)) {
    try {
      std::string mode;
      sql << "PRAGMA journal_mode = WAL", soci::into(mode);
      return;
    } catch (const soci::sqlite3_soci_error& thrown) {
      const bool busy = (thrown.result() & 0xff) == kBusy;
      if (!busy || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(pause);
  }
}
}  // namespace

Result<StateAddress> parse_state(const std::string& state) {
  StateAddress address;
  if (state.starts_with(kSqlite)) {
    address.path = state.substr(kSqlite.size());
    if (address.path == ":memory:") {
      address.path.clear();
      address.place = "the state in memory";
      return address;
    }
    if (address.path.empty() ||
        address.path.find_first_of(std::string_view("\"\0", 2)) != std::string::npos) {
      return invalid("state-address",
                     fmt::format("'{}' names no state: wanted sqlite:PATH, without double quotes",
                                 one_line(state)));
    }
    std::error_code failed;
    address.path = std::filesystem::absolute(address.path, failed).string();
    if (failed) return system_failure("state-open", "finding the folder", failed.value());
    address.place = fmt::format("the state '{}'", one_line(address.path));
    return address;
  }
  if (state.starts_with("postgresql://") || state.starts_with("postgres://")) {
    address.engine = Engine::postgresql;
    address.url = state;
    address.place = fmt::format("the state '{}'", one_line(without_credentials(state)));
    return address;
  }
  return invalid("state-address",
                 "the state's address is neither sqlite:PATH nor postgresql://HOST/DATABASE");
}

Error database_error(const StateAddress& address, std::string_view doing,
                     const std::exception& thrown) {
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown)) {
    return sqlite_error(address, doing, sqlite->result(), one_line(sqlite->get_error_message()));
  }
  if (const auto* database = dynamic_cast<const soci::soci_error*>(&thrown)) {
    if (address.engine == Engine::postgresql) return postgresql_error(address, doing, *database);
    return make(
        ErrorKind::bug, "state-failed",
        fmt::format("{}: {}: {}", doing, address.place, one_line(database->get_error_message())));
  }
  return make(ErrorKind::bug, "state-failed",
              fmt::format("{}: {}: {}", doing, address.place, one_line(thrown.what())));
}

void Connection::connect() {
  if (address_.engine == Engine::postgresql) {
    connect_postgresql();
  } else {
    connect_sqlite();
  }
}

// Keeps others from taking the lease until this transaction ends, which it has to do soon.
Result<void> Connection::check_fence(soci::session& sql) {
  const std::int64_t fence = fence_;
  if (fence == 0) return {};
  sql << "SET LOCAL idle_in_transaction_session_timeout = 5000";
  long long now = 0;
  sql << "SELECT fence FROM run_lock WHERE slot = 1 FOR SHARE", soci::into(now);
  if (now == fence) return {};
  return unavailable("run-lock-lost", "the run lock was lost: another process has it now");
}

void Connection::connect_postgresql() {
  std::string url = address_.url;
  // A server that is cut off is noticed in seconds, and not in the kernel's two hours (libpq,
  // "Parameter Key Words").
  for (const std::string_view parameter :
       {"connect_timeout=10", "keepalives_idle=5", "keepalives_interval=2", "keepalives_count=3",
        "tcp_user_timeout=10000"}) {
    if (url.find(parameter.substr(0, parameter.find('=') + 1)) != std::string::npos) continue;
    url += url.find('?') == std::string::npos ? '?' : '&';
    url += parameter;
  }
  session_.reset();
  session_ = std::make_unique<soci::session>(postgresql_factory(), url);
  soci::session& sql = *session_;
  sql << "SET client_min_messages = warning";
  sql << fmt::format("SET lock_timeout = {}", options_.busy_timeout.count());
  sql << "SET synchronous_commit = on";
  if (options_.read_only) sql << "SET default_transaction_read_only = on";
}

void Connection::connect_sqlite() {
  const bool memory = address_.path.empty();
  std::string name = memory ? ":memory:" : address_.path;
  if (options_.read_only && cannot_change(address_.path)) name = immutable_uri(address_.path);
  std::string parameters = fmt::format("db=\"{}\"", name);
  if (options_.read_only && !memory) parameters += " readonly=true";
  session_ = std::make_unique<soci::session>(*soci::factory_sqlite3(), parameters);
  soci::session& sql = *session_;
  long long ignored = 0;
  sql << fmt::format("PRAGMA busy_timeout = {}", options_.busy_timeout.count()),
      soci::into(ignored);
  sql << "PRAGMA foreign_keys = ON";
  if (options_.read_only || memory) return;
  use_write_ahead_log(sql, options_.busy_timeout);
  // FULL and not NORMAL: with NORMAL a power cut takes back commits that were reported as done, and
  // then a change has no intent, or a plan can be used twice. It costs one fsync a transaction.
  sql << "PRAGMA synchronous = FULL";
  sql << "PRAGMA journal_size_limit = 33554432", soci::into(ignored);
}

Result<std::unique_ptr<Connection>> Connection::open(const StoreOptions& options) {
  Result<StateAddress> address = parse_state(options.state);
  if (!address) return tl::unexpected<Error>(std::move(address).error());
  StoreOptions chosen = options;
  if (address->engine == Engine::sqlite && !address->path.empty()) {
    if (options.read_only) {
      std::error_code failed;
      // Nothing was ever written: as good as empty, and looking at it must not make it.
      if (!std::filesystem::exists(address->path, failed) && !failed) {
        address->path.clear();
        chosen.read_only = false;
      }
    } else if (Result<void> prepared = prepare_file(address->path); !prepared) {
      return tl::unexpected<Error>(std::move(prepared).error());
    }
  }
  std::unique_ptr<Connection> connection(new Connection(std::move(*address), std::move(chosen)));
  try {
    connection->connect();
  } catch (const std::exception& thrown) {
    return tl::unexpected<Error>(database_error(connection->address_, "opening", thrown));
  }
  return connection;
}

Connection::~Connection() = default;

void Connection::reconnect_where_broken() {
  // A service outlives restarts of its database server. What was open there is gone, so this is
  // done between transactions only.
  if (!broken_ || depth_ > 0) return;
  if (session_ == nullptr || !session_->is_connected()) connect();
  broken_ = false;
}

Error Connection::failure(std::string_view doing, const std::exception& thrown) {
  Error error = database_error(address_, doing, thrown);
  prepared_.clear();  // whatever failed may have left rows in one
  if (error.check == "state-unreachable") broken_ = true;
  return error;
}

Result<void> Connection::begin(std::string_view doing) {
  if (depth_ == 0) {
    doomed_.reset();
    // SQLite: take the right to write at once. A transaction that begins by reading and writes
    // later fails, without waiting, where another process wrote in between.
    const auto* const statement = engine() == Engine::sqlite ? "BEGIN IMMEDIATE" : "BEGIN";
    Result<void> begun = guarded(doing, [&](soci::session& sql) { sql << statement; });
    if (!begun) return begun;
  }
  ++depth_;
  return {};
}

Result<void> Connection::commit(std::string_view doing) {
  if (const int error = reconciler::fault_point("store.commit"); error != 0) {
    return system_failure("state-io", fmt::format("{}: {}", doing, place()), error);
  }
  return guarded(doing, [](soci::session& sql) { sql << "COMMIT"; });
}

Result<void> Connection::end(std::string_view doing, const Error* failed) {
  --depth_;
  if (failed != nullptr && !doomed_) doomed_ = *failed;
  if (depth_ > 0) return {};
  Result<void> ended;
  if (doomed_) {
    ended = tl::unexpected<Error>(*doomed_);
  } else {
    ended = commit(doing);
    if (ended) {
      (void)reconciler::fault_point("store.committed");
      return ended;
    }
  }
  // Best effort: SQLite has already rolled back by itself after some failures (a full disk), and
  // with a broken connection there is nothing to roll back.
  (void)guarded(doing, [](soci::session& sql) { sql << "ROLLBACK"; });
  return ended;
}

}  // namespace metalwright::store
