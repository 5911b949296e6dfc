#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pipeline/bell.h"
#include "pipeline/compiler.h"
#include "pipeline/service/access.h"
#include "pipeline/service/boot_notes.h"
#include "pipeline/service/boot_view.h"
#include "pipeline/service/http_server.h"
#include "pipeline/service/inventory_text.h"
#include "pipeline/service/metrics.h"
#include "pipeline/service/round_book.h"
#include "pipeline/service/route_table.h"
#include "reconciler/store/store.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

/// The HTTP face: it answers booting machines, nodes, people and programs from the revision in
/// force and from the store. It runs beside the loop and shares nothing with it but immutable
/// values.
namespace metalwright::service {

struct ServiceOptions {
  std::function<void(const std::string&)> say;  ///< told what people should know; any thread
  std::function<void()> wake;                   ///< makes the loop begin a round
  std::function<void()> wake_lives;             ///< there are events of servers' lives to be taken
  std::function<void()> api_made;               ///< the API made something, or took it back
  std::vector<int> inherited;  ///< sockets that listen already, for `service.listen`
};

/// A value that one thread replaces and many take, each with a copy of its own until there is
/// another one. Not a `std::atomic<std::shared_ptr>`: in GCC 12 that is a lock that spins, and of
/// fifty threads on two cores most would wait for one that does not run; a mutex makes them queue.
template <class Value>
class Shared {
 public:
  [[nodiscard]] std::shared_ptr<Value> get() const {
    thread_local Copy copy;
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (copy.version != version) {
      const std::lock_guard lock(mutex_);
      copy = {version_.load(std::memory_order_relaxed), value_};
    }
    return copy.value;
  }
  void set(std::shared_ptr<Value> value) {
    const std::lock_guard lock(mutex_);
    value_.swap(value);
    version_.store(next_version(), std::memory_order_release);
  }

 private:
  struct Copy {
    std::uint64_t version = 0;
    std::shared_ptr<Value> value;
  };
  /// Never the same twice in a process: a copy of another object is told from one of this.
  static std::uint64_t next_version() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  mutable std::mutex mutex_;
  std::shared_ptr<Value> value_;
  std::atomic<std::uint64_t> version_{next_version()};
};

class Service {
 public:
  /// Opens a connection of its own to the store, binds the listeners, and answers nothing yet.
  [[nodiscard]] static Result<std::unique_ptr<Service>> open(const HostConfig& config,
                                                             ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  /// Answers from this revision from now on. `compiled` has its model.
  void publish(std::shared_ptr<const pipeline::Compiled> compiled);
  /// The files of that revision, for those who want them as they were written.
  void publish_files(inventory::RepositoryFiles files);
  /// Takes down what a round came to: for the page, the metrics, and the history.
  void note(const pipeline::Round& round);
  /// Looks at the nodes' states: Active once they carry what they are to have, Failed where they
  /// are Provisioning for too long. Drops old entries of the audit trail now and then.
  void tend();
  /// Lets answers in hand be finished, and ends.
  void drain(std::chrono::milliseconds patience);
  /// The listeners' addresses as URLs.
  [[nodiscard]] std::vector<std::string> addresses() const;
  /// Answers by another configuration from now on, but from the state that it has. One thread only.
  /// Error: it cannot listen at the addresses that are new, and goes on where it did.
  [[nodiscard]] Result<void> reload(const HostConfig& config);
  /// Whether every listener answers, as a client would see it.
  [[nodiscard]] bool alive(std::chrono::milliseconds patience) const;

  /// Answers one request, as it came by a connection. Any thread.
  void handle(Request& request, Reply& reply);

  // For handlers, from any thread.
  /// Stays as it is; a reload makes another one.
  [[nodiscard]] const HostConfig& config() const { return *config_.load(); }
  [[nodiscard]] store::Store& store() { return *store_; }
  /// Null before the first revision.
  [[nodiscard]] std::shared_ptr<const BootView> view() const { return view_.get(); }
  /// Null before the first revision.
  [[nodiscard]] std::shared_ptr<const InventoryText> inventory() const { return inventory_.get(); }
  [[nodiscard]] BootNotes& notes() { return *notes_; }
  [[nodiscard]] RoundBook& rounds() { return rounds_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] const RouteTable& routes() const { return routes_; }
  /// Reads again what the API made.
  [[nodiscard]] Result<void> api_changed();
  /// `?expires=…&signature=…` for a machine's configuration.
  [[nodiscard]] std::string sign_config(std::string_view profile, std::string_view mac,
                                        Time now) const;
  [[nodiscard]] bool signed_config(std::string_view profile, std::string_view mac,
                                   std::string_view expires, std::string_view signature,
                                   Time now) const;
  /// An entry of the audit trail; what cannot be written is said.
  void audit(const Request& request, std::string action, std::string subject, std::string detail);
  /// Looks at the request's token; fills in its role and whose it is.
  void authenticate(Request& request);
  /// False where the view is still `seen` at `until`.
  [[nodiscard]] bool wait_for_view(const std::shared_ptr<const BootView>& seen,
                                   std::chrono::steady_clock::time_point until);
  /// As many unknown nodes as are remembered have phoned home.
  [[nodiscard]] bool too_many_strangers();
  [[nodiscard]] std::size_t connections() const { return server_->connections(); }
  void say(const std::string& message) const;
  void wake() const;
  void wake_lives() const;

 private:
  Service(const HostConfig& config, ServiceOptions options);
  [[nodiscard]] bool admit(const Route& route, Request& request, Reply& reply);
  void count(const Route& route, int status);
  void forget_known();
  void forget_old(Time now);
  void make_view(std::shared_ptr<const pipeline::Compiled> compiled, ApiBoots api);
  [[nodiscard]] Result<ApiBoots> read_api();
  void follow(std::stop_token stop);

  // Each one stays: answers in hand go by the one that they began with.
  std::vector<std::unique_ptr<const HostConfig>> configs_;
  std::atomic<const HostConfig*> config_;
  ServiceOptions options_;
  std::unique_ptr<store::Store> store_;
  RouteTable routes_;
  Metrics metrics_;
  std::unique_ptr<BootNotes> notes_;
  RoundBook rounds_;
  std::unique_ptr<TokenBook> tokens_;
  RateLimiter boot_rate_, node_rate_, api_rate_, failure_rate_;
  std::mutex making_;  // of views: the loop and the API both do
  std::mutex waiting_;
  std::condition_variable changed_;
  bool draining_ = false;
  Time next_prune_;          // of the loop's thread
  std::string api_version_;  // that the view has; under `making_`
  pipeline::Bell follow_bell_;
  Shared<const BootView> view_;
  Shared<const InventoryText> inventory_;
  std::unique_ptr<HttpServer> server_;
  std::jthread follower_;  // where another instance's API may make something
};

[[nodiscard]] Time service_time();

struct Validation;
/// Writes down that a validation passed or failed, for the lifecycle to take. `name` of the device
/// may be empty. The same once more within a day is no other event.
[[nodiscard]] Result<void> keep_validation(Service& service, const Validation& validation,
                                           const std::string& name, const std::string& cause);

/// Errors as the API gives them: `{"error":CODE,"message":…,"status":…,"timestamp":…,"details":…}`.
void reply_error(Reply& reply, int status, std::string_view message);

}  // namespace metalwright::service
