#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/service/exchange.h"
#include "reconciler/store/store.h"
#include "schemas/host_config.h"

/// Who may ask for what, and how often.
namespace metalwright::service {

/// What a route is for; allowlists and limits go by it.
enum class RouteClass : std::uint8_t {
  open,  ///< liveness and health: everybody
  boot,
  node,
  api,
  hooks,
};

/// The address of the client: the peer, or, where that is a trusted proxy, the last address in
/// `X-Forwarded-For` that is none.
[[nodiscard]] std::string client_address(const std::string& peer, std::string_view forwarded_for,
                                         const AddressList& trusted_proxies);

/// Token buckets by client: an IPv4 address, or an IPv6 /64. Called from any thread; bounded.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  /// `rate` a second, ten times that at once; 0: no limit.
  explicit RateLimiter(std::uint32_t rate) : rate_(rate) {}
  void set_rate(std::uint32_t rate) { rate_.store(rate); }
  /// True where the client may go on. `cost` in requests.
  [[nodiscard]] bool take(std::string_view client, Clock::time_point now, double cost = 1);

 private:
  static constexpr std::size_t kShards = 16, kMostClients = 4096;  // of a shard
  struct Bucket {
    double tokens = 0;
    Clock::time_point at;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Bucket> buckets;
  };
  void make_room(Shard& shard, Clock::time_point now) const;

  std::atomic<double> rate_;
  std::array<Shard, kShards> shards_;
};

/// The bearer tokens of the store, read again where what is known of them is a second old.
class TokenBook {
 public:
  explicit TokenBook(store::Store& store) : store_(store) {}

  struct Bearer {
    std::string name;
    Role role = Role::none;
  };
  /// Whose token it is; empty for none of ours, or one that expired. In constant time for each.
  [[nodiscard]] std::optional<Bearer> find(std::string_view token, Time now);

 private:
  void read_unless_fresh(std::chrono::milliseconds fresh);
  [[nodiscard]] std::optional<Bearer> look_up(const Digest& hash, Time now) const;

  store::Store& store_;
  std::mutex mutex_;
  std::vector<store::Token> tokens_;
  std::chrono::steady_clock::time_point read_;
  bool known_ = false;
};

/// The token that a request carries: `Authorization: Bearer …`, `Token …` or `X-API-Key`; empty:
/// none.
[[nodiscard]] std::string bearer_token(const Request& request);

/// Compares in a time that does not depend on where they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace metalwright::service
