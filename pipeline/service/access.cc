#include "pipeline/service/access.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <functional>

#include "schemas/digest.h"
#include "schemas/ip_address.h"

namespace metalwright::service {
namespace {

constexpr double kBurstSeconds = 10;
constexpr std::chrono::milliseconds kTokensFresh{1000}, kMissesFresh{50};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// One host has a whole /64 of IPv6 addresses to ask from.
std::string client_key(std::string_view client) {
  if (client.find(':') == std::string_view::npos) return std::string(client);
  const auto address = parse_ipv6(client);
  if (!address) return std::string(client);
  return {reinterpret_cast<const char*>(address->octets.data()), 8};
}

}  // namespace

std::string client_address(const std::string& peer, std::string_view forwarded_for,
                           const AddressList& trusted_proxies) {
  std::string client = peer;
  while (!forwarded_for.empty() && trusted_proxies.contains(client)) {
    const std::size_t comma = forwarded_for.rfind(',');
    const std::string_view last =
        trimmed(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    if (!parse_ipv4(last) && !parse_ipv6(last)) break;
    client = last;
    forwarded_for = comma == std::string_view::npos ? "" : forwarded_for.substr(0, comma);
  }
  return client;
}

bool RateLimiter::take(std::string_view client, Clock::time_point now, double cost) {
  const double rate = rate_.load();
  if (rate <= 0) return true;
  const std::string key = client_key(client);
  Shard& shard = shards_[std::hash<std::string>{}(key) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto [at, is_new] = shard.buckets.try_emplace(key, Bucket{rate * kBurstSeconds, now});
  Bucket& bucket = at->second;
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(bucket.tokens + passed * rate, rate * kBurstSeconds);
  bucket.at = now;
  const bool enough = bucket.tokens >= cost;
  if (enough) bucket.tokens -= cost;
  if (is_new && shard.buckets.size() > kMostClients) make_room(shard, now);
  return enough;
}

/// A full bucket says no more than none. Where all are in use, the one that was not for the longest
/// time goes.
void RateLimiter::make_room(Shard& shard, Clock::time_point now) const {
  const double rate = rate_.load();
  std::erase_if(shard.buckets, [&](const auto& entry) {
    const double passed = std::chrono::duration<double>(now - entry.second.at).count();
    return entry.second.tokens + passed * rate >= rate * kBurstSeconds;
  });
  if (shard.buckets.size() <= kMostClients) return;
  shard.buckets.erase(
      std::min_element(shard.buckets.begin(), shard.buckets.end(),
                       [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

std::optional<TokenBook::Bearer> TokenBook::find(std::string_view token, Time now) {
  const Digest hash = sha256(token);
  const std::lock_guard lock(mutex_);
  read_unless_fresh(kTokensFresh);
  std::optional<Bearer> found = look_up(hash, now);
  if (found) return found;
  // It may have been made a moment ago. Guessing makes us read no oftener than this.
  read_unless_fresh(kMissesFresh);
  return look_up(hash, now);
}

void TokenBook::read_unless_fresh(std::chrono::milliseconds fresh) {
  const auto clock = std::chrono::steady_clock::now();
  if (known_ && clock - read_ <= fresh) return;
  // Where the store does not answer, what was known stays good: a locked database must not lock
  // the operators out, and a second is not long.
  if (auto all = store_.tokens().all()) tokens_ = std::move(*all);
  read_ = std::chrono::steady_clock::now();
  known_ = true;
}

std::optional<TokenBook::Bearer> TokenBook::look_up(const Digest& hash, Time now) const {
  std::optional<Bearer> found;
  for (const store::Token& known : tokens_) {
    const bool same =
        CRYPTO_memcmp(known.hash.bytes.data(), hash.bytes.data(), hash.bytes.size()) == 0;
    if (!same || (known.expires && *known.expires <= now)) continue;
    found = Bearer{known.name, parse_role(known.role).value_or(Role::none)};
  }
  return found;
}

std::string bearer_token(const Request& request) {
  const std::string header = request.header("Authorization");
  for (const std::string_view scheme : {"Bearer ", "bearer ", "Token "}) {
    if (header.starts_with(scheme)) return std::string(trimmed(header.substr(scheme.size())));
  }
  return request.header("X-API-Key");
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace metalwright::service
