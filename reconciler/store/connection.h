#pragma once

#include <soci/soci.h>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "reconciler/store/store.h"
#include "schemas/error.h"

/// The one place where SOCI's sessions are used and its exceptions end. Only for the store's own
/// source files.
namespace metalwright::store {

enum class Engine : std::uint8_t { sqlite, postgresql };

/// `sqlite:PATH`, `sqlite::memory:` or `postgresql://…`, taken apart.
struct StateAddress {
  Engine engine = Engine::sqlite;
  std::string path;   ///< SQLite: absolute; empty for `:memory:`
  std::string url;    ///< PostgreSQL: as it was given
  std::string place;  ///< for messages: without user, password and parameters
};
[[nodiscard]] Result<StateAddress> parse_state(const std::string& state);

/// One session with the database, and whose turn it is. All of the store's statements go through
/// `read` and `write`.
class Connection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const StoreOptions& options);
  ~Connection();

  [[nodiscard]] Engine engine() const { return address_.engine; }
  [[nodiscard]] const std::string& place() const { return address_.place; }
  /// False for a state in memory that stands in for one that is not there yet.
  [[nodiscard]] bool read_only() const { return options_.read_only; }

  /// Runs `body(soci::session&)`, which may throw what SOCI throws. It returns nothing, a value or
  /// a `Result`. `doing` names it in an error: `reading the run history`.
  template <class Body>
  [[nodiscard]] auto read(std::string_view doing, Body&& body) {
    const std::lock_guard lock(mutex_);
    return guarded(doing, std::forward<Body>(body));
  }

  /// The same in a transaction, or in the one that is already open: kept where `body` succeeds.
  template <class Body>
  [[nodiscard]] auto write(std::string_view doing, Body&& body) {
    using Returned = decltype(guarded(doing, std::forward<Body>(body)));
    const std::lock_guard lock(mutex_);
    if (Result<void> begun = begin(doing); !begun) {
      return Returned(tl::unexpected<Error>(std::move(begun).error()));
    }
    Returned result = guarded(doing, std::forward<Body>(body));
    const Error* const failed = result ? nullptr : &result.error();
    if (Result<void> ended = end(doing, failed); result && !ended) {
      return Returned(tl::unexpected<Error>(std::move(ended).error()));
    }
    return result;
  }

  /// The same for what only the holder of the run lock may write. Where the lock is a lease and
  /// another process took it since: `unavailable`, check `run-lock-lost`.
  template <class Body>
  [[nodiscard]] auto write_as_holder(std::string_view doing, Body&& body) {
    using Returned = decltype(guarded(doing, std::forward<Body>(body)));
    return write(doing, [&](soci::session& sql) -> Returned {
      if (Result<void> ours = check_fence(sql); !ours) {
        return Returned(tl::unexpected<Error>(std::move(ours).error()));
      }
      return guarded(doing, std::forward<Body>(body));
    });
  }
  /// A `Statement(soci::session&)` that is prepared once a session, for what is asked by the
  /// thousand. Within `read` and `write` only; it must have no rows left when it is done.
  template <class Statement>
  [[nodiscard]] Statement& prepared(soci::session& sql) {
    std::shared_ptr<void>& kept = prepared_[typeid(Statement)];
    if (kept == nullptr) kept = std::make_shared<Statement>(sql);
    return *static_cast<Statement*>(kept.get());
  }
  /// The number of the lease that this process holds; 0: its lock is of another kind.
  void set_fence(std::int64_t fence) { fence_ = fence; }

 private:
  Connection(StateAddress address, StoreOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}

  template <class Body>
  [[nodiscard]] auto guarded(std::string_view doing, Body&& body) {
    using Value = std::invoke_result_t<Body, soci::session&>;
    using Returned = typename AsResult<Value>::type;
    try {
      reconnect_where_broken();
      if constexpr (std::is_void_v<Value>) {
        body(*session_);
        return Returned();
      } else {
        return Returned(body(*session_));
      }
    } catch (const std::exception& thrown) {
      return Returned(tl::unexpected<Error>(failure(doing, thrown)));
    }
  }

  template <class T>
  struct AsResult {
    using type = Result<T>;
  };
  template <class T>
  struct AsResult<tl::expected<T, Error>> {
    using type = Result<T>;
  };

  [[nodiscard]] Result<void> begin(std::string_view doing);
  [[nodiscard]] Result<void> end(std::string_view doing, const Error* failed);
  [[nodiscard]] Result<void> check_fence(soci::session& sql);
  [[nodiscard]] Result<void> commit(std::string_view doing);
  void reconnect_where_broken();
  [[nodiscard]] Error failure(std::string_view doing, const std::exception& thrown);
  void connect();
  void connect_postgresql();
  void connect_sqlite();

  StateAddress address_;
  StoreOptions options_;
  // Recursive: what a transaction's body calls takes its turn again.
  std::recursive_mutex mutex_;
  std::unique_ptr<soci::session> session_;
  std::map<std::type_index, std::shared_ptr<void>> prepared_;  // of this session
  int depth_ = 0;                                              // of nested transactions
  std::optional<Error> doomed_;  // a nested one failed: the outermost may not commit
  bool broken_ = false;          // the server may have gone away
  std::atomic<std::int64_t> fence_ = 0;
};

/// The error for a SOCI exception, by what the caller can do about it.
[[nodiscard]] Error database_error(const StateAddress& address, std::string_view doing,
                                   const std::exception& thrown);

}  // namespace metalwright::store
