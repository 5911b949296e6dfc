#include "inventory/address_index.h"

#include <algorithm>

namespace metalwright::inventory {
namespace {
std::uint64_t key_of(const Ipv4Address& address) { return address.value; }
std::uint64_t key_of(const Ipv6Address& address) {
  return hash_text({reinterpret_cast<const char*>(address.octets.data()), address.octets.size()});
}

/// Where the run of that key begins, if there is one.
std::vector<OwnedKey>::const_iterator begin_of(const std::vector<OwnedKey>& keys,
                                               std::uint64_t key) {
  return std::lower_bound(keys.begin(), keys.end(), key,
                          [](const OwnedKey& k, std::uint64_t v) { return k.key < v; });
}
}  // namespace

void AddressIndex::add(std::uint32_t server, const ServerAddress& address) {
  const bool made = address.where == ServerAddress::Where::virtual_;
  const std::uint32_t part = address.number | (made ? kVirtual : 0);
  if (address.ipv4) {
    ipv4_.push_back({key_of(address.ipv4->address), server, part});
  } else {
    ipv6_.push_back({key_of(address.ipv6->address), server, part});
  }
}

void AddressIndex::sort() {
  sort_keys(ipv4_);
  sort_keys(ipv6_);
}

const OwnedKey* AddressIndex::find(const Ipv4Address& wanted) const {
  const auto at = begin_of(ipv4_, key_of(wanted));
  return at != ipv4_.end() && at->key == key_of(wanted) ? &*at : nullptr;
}

const OwnedKey* AddressIndex::find(const Ipv6Address& wanted) const {
  const std::uint64_t key = key_of(wanted);
  for (auto at = begin_of(ipv6_, key); at != ipv6_.end() && at->key == key; ++at) {
    if (address(*at).ipv6->address == wanted) return &*at;
  }
  return nullptr;
}

}  // namespace metalwright::inventory
