#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inventory/server_addresses.h"
#include "inventory/sorted_keys.h"
#include "schemas/model.h"

/// Which server has which address: what servers' own addresses are held against each other by, and
/// clusters' nodes and virtual addresses against them.
namespace metalwright::inventory {

/// The addresses of all servers, for finding them by value. Of each it keeps a number and whose it
/// is; the address itself is looked up again when it is needed, which is for an error.
class AddressIndex {
 public:
  /// `servers` in the order of the files; both outlive the index.
  AddressIndex(const Model& model, std::span<const ServerEntry* const> servers)
      : model_(model), servers_(servers) {}

  /// An address of the server with that number.
  void add(std::uint32_t server, const ServerAddress& address);
  /// After the last one was added: the rest is right from here on.
  void sort();

  /// All of one family by their keys, equal ones in the order of the files. IPv6 addresses are
  /// hashed: of those that have one key some may be others.
  [[nodiscard]] const std::vector<OwnedKey>& ipv4() const { return ipv4_; }
  [[nodiscard]] const std::vector<OwnedKey>& ipv6() const { return ipv6_; }

  /// Of the first server that has the address; null where none does.
  [[nodiscard]] const OwnedKey* find(const Ipv4Address& address) const;
  [[nodiscard]] const OwnedKey* find(const Ipv6Address& address) const;

  [[nodiscard]] const ServerEntry& entry(const OwnedKey& key) const { return *servers_[key.owner]; }
  [[nodiscard]] const Server& server(const OwnedKey& key) const { return *entry(key).server; }
  [[nodiscard]] ServerAddress address(const OwnedKey& key) const {
    return address_of(server(key), number(key));
  }
  /// Where the address stands: `inventory.yaml:3:11`.
  [[nodiscard]] Origin origin(const OwnedKey& key, const ServerAddress& address) const {
    return model_.origin(entry(key), address.mark);
  }
  /// As ServerAddress::number.
  [[nodiscard]] static std::uint32_t number(const OwnedKey& key) { return key.part & ~kVirtual; }
  [[nodiscard]] static bool is_virtual(const OwnedKey& key) { return (key.part & kVirtual) != 0; }

 private:
  static constexpr std::uint32_t kVirtual = std::uint32_t{1} << 31U;  // in a key's part

  const Model& model_;
  std::span<const ServerEntry* const> servers_;
  std::vector<OwnedKey> ipv4_, ipv6_;
};

}  // namespace metalwright::inventory
