#include "reconciler/targets/netbox/netbox_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "schemas/digest.h"

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kMagic = "metalwright netbox 2\n";

void put_number(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}
void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

/// Takes bytes apart; after the first that is not there, everything is empty and `good` false.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    if (bytes_.size() < 8) return failed();
    std::uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(8);
    return value;
  }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > bytes_.size()) {
      failed();
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return good_ && bytes_.empty(); }

 private:
  std::uint64_t failed() {
    good_ = false;
    bytes_ = {};
    return 0;
  }
  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

bool NetboxObjects::put(NetboxSeen seen) {
  const std::int64_t id = seen.id;
  bool same_name = true;
  if (const auto before = by_id_.find(id); before != by_id_.end()) {
    NetboxSeen& there = before->second;
    same_name = there.name == seen.name;
    if (same_name) {
      count(there, -1);
      count(seen, 1);
      there.fields = std::move(seen.fields);
      there.last_updated = std::move(seen.last_updated);
      if (!seen.state.empty()) there.state = std::move(seen.state);  // what we wrote tells none
      there.tagged = seen.tagged;
      there.sourced = seen.sourced;
      return true;
    }
    drop(id);
  }
  count(seen, 1);
  const NetboxSeen& there = by_id_.emplace(id, std::move(seen)).first->second;
  if (!by_name_.emplace(there.name, &there).second) others_.emplace(there.name, &there);
  return same_name;
}

void NetboxObjects::expect(std::size_t count) {
  constexpr std::size_t kMost = 1'000'000;  // whatever NetBox says
  by_id_.reserve(std::min(count, kMost));
  by_name_.reserve(std::min(count, kMost));
}

void NetboxObjects::drop(std::int64_t id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return;
  const std::string_view name = at->second.name;
  const auto [from, to] = others_.equal_range(name);
  const auto other =
      std::find_if(from, to, [&](const auto& each) { return each.second == &at->second; });
  if (other != to) {
    others_.erase(other);
  } else {
    by_name_.erase(name);
    if (from != to) {
      by_name_.emplace(from->second->name, from->second);
      others_.erase(from);
    }
  }
  count(at->second, -1);
  by_id_.erase(at);
}

void NetboxObjects::clear() {
  by_name_.clear();
  others_.clear();
  by_id_.clear();
  tagged_ = 0;
}

void NetboxObjects::drop_others() {
  std::vector<std::int64_t> others;
  for (const auto& [id, seen] : by_id_) {
    if (!seen.tagged) others.push_back(id);
  }
  for (const std::int64_t id : others) drop(id);
}

const NetboxSeen* NetboxObjects::find(std::string_view name) const {
  const auto at = by_name_.find(name);
  if (at == by_name_.end()) return nullptr;
  const NetboxSeen* best = at->second;
  if (others_.empty()) return best;
  const auto [from, to] = others_.equal_range(name);
  for (auto other = from; other != to; ++other) {
    const NetboxSeen& seen = *other->second;
    if (weight(seen) > weight(*best) || (weight(seen) == weight(*best) && seen.id < best->id)) {
      best = &seen;
    }
  }
  return best;
}

const NetboxSeen* NetboxObjects::find(std::int64_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second;
}

std::map<std::string, std::vector<std::int64_t>> NetboxObjects::namesakes() const {
  std::map<std::string, std::vector<std::int64_t>> found;
  for (const auto& [name, other] : others_) found[std::string(name)].push_back(other->id);
  for (auto& [name, ids] : found) {
    ids.push_back(by_name_.at(name)->id);
    std::sort(ids.begin(), ids.end());
  }
  return found;
}

std::string NetboxObjects::latest() const {
  // One spelling of UTC, so that the order of the texts is that of the times.
  std::string latest;
  for (const auto& [id, seen] : by_id_) {
    if (seen.tagged) latest = std::max(latest, seen.last_updated);
  }
  return latest;
}

NetboxMemory::NetboxMemory() : kinds(netbox_kinds().size()) {}
NetboxObjects& NetboxMemory::of(std::string_view kind) { return kinds[netbox_rank(kind)]; }
const NetboxObjects& NetboxMemory::of(std::string_view kind) const {
  return kinds[netbox_rank(kind)];
}

std::string encode_netbox_memory(const NetboxMemory& memory) {
  std::string body;
  put_text(body, memory.url);
  for (const unsigned part : {memory.version.major, memory.version.minor, memory.version.patch}) {
    put_number(body, part);
  }
  put_number(body, static_cast<std::uint64_t>(memory.compared.time_since_epoch().count()));
  put_number(body, memory.kinds.size());
  for (std::size_t i = 0; i < memory.kinds.size(); ++i) {
    put_text(body, netbox_kinds()[i].kind);
    put_number(body, memory.kinds[i].size());
    memory.kinds[i].for_each([&](const NetboxSeen& seen) {
      put_number(body, static_cast<std::uint64_t>(seen.id));
      put_text(body, seen.name);
      put_text(body, seen.fields);
      put_text(body, seen.last_updated);
      put_text(body, seen.state);
      put_number(body, (seen.tagged ? 1u : 0u) | (seen.sourced ? 2u : 0u));
    });
  }
  std::string out(kMagic);
  out += sha256(body).hex();
  return out + body;
}

std::optional<NetboxMemory> decode_netbox_memory(std::string_view bytes) {
  constexpr std::size_t kDigest = 64;
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  bytes.remove_prefix(kMagic.size());
  if (bytes.size() < kDigest || sha256(bytes.substr(kDigest)).hex() != bytes.substr(0, kDigest)) {
    return std::nullopt;
  }
  Taker taker(bytes.substr(kDigest));
  NetboxMemory memory;
  memory.url = taker.text();
  for (unsigned* part : {&memory.version.major, &memory.version.minor, &memory.version.patch}) {
    *part = static_cast<unsigned>(taker.number());
  }
  memory.compared =
      std::chrono::sys_seconds{std::chrono::seconds(static_cast<std::int64_t>(taker.number()))};
  if (taker.number() != memory.kinds.size()) return std::nullopt;
  for (std::size_t i = 0; i < memory.kinds.size() && taker.good(); ++i) {
    if (taker.text() != netbox_kinds()[i].kind) return std::nullopt;
    for (std::uint64_t left = taker.number(); left > 0 && taker.good(); --left) {
      NetboxSeen seen;
      seen.id = static_cast<std::int64_t>(taker.number());
      seen.name = taker.text();
      seen.fields = taker.text();
      seen.last_updated = taker.text();
      seen.state = taker.text();
      const std::uint64_t flags = taker.number();
      seen.tagged = (flags & 1) != 0;
      seen.sourced = (flags & 2) != 0;
      memory.kinds[i].put(std::move(seen));
    }
  }
  if (!taker.at_end()) return std::nullopt;
  return memory;
}

}  // namespace metalwright::reconciler
