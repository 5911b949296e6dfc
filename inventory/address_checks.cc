#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "inventory/address_index.h"
#include "inventory/checks.h"
#include "inventory/cluster_address_checks.h"
#include "inventory/network_addresses.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
/// The addresses of the server that was last asked for: one with thousands, all of them repeated,
/// must not be walked through for each.
class LastServer {
 public:
  const ServerAddress& find(std::uint32_t owner, const Server& server, std::uint32_t number) {
    if (owner_ != owner || addresses_.empty()) {
      owner_ = owner;
      addresses_.clear();
      visit_addresses(server, [&](const ServerAddress& address) { addresses_.push_back(address); });
    }
    return addresses_[number];
  }

 private:
  std::uint32_t owner_ = 0;
  std::vector<ServerAddress> addresses_;
};

class AddressChecks {
 public:
  explicit AddressChecks(const CheckedModel& checked)
      : checked_(checked), model_(checked.model), index_(checked.model, checked.servers) {}

  void run() {
    for (const Network& network : model_.networks) {
      if (network.prefix.length != 0) by_first_.push_back(&network);
    }
    std::sort(by_first_.begin(), by_first_.end(), [](const Network* a, const Network* b) {
      return a->prefix.address < b->prefix.address;
    });
    for (std::uint32_t i = 0; i < checked_.servers.size(); ++i) take_server(i);
    index_.sort();
    report_duplicates(index_.ipv4());
    report_duplicates(index_.ipv6());
    check_cluster_addresses(checked_, index_);
  }

 private:
  void report(const Check& check, std::uint32_t index, const ServerAddress& address,
              std::string_view message) {
    if (checked_.errors.full()) return checked_.errors.add(check, {}, {});
    const ServerEntry& entry = *checked_.servers[index];
    checked_.errors.add(
        check, model_.origin(entry, address.mark),
        fmt::format("{}: {} {}", address.path(*entry.server), quoted(address.text()), message));
  }

  /// What has a MAC has a reservation too, and the DHCP server gives that address to nobody else.
  void report_in_range(std::uint32_t index, const Server& server, const ServerAddress& address,
                       std::string_view kind, const std::string& range, const Network& network) {
    const bool reserved = has_reservation(server, address);
    report(reserved ? checks::kReservationInRange : checks::kIpInRange, index, address,
           fmt::format("lies in the {} range {} of network {}{}", kind, range, with_place(network),
                       reserved ? ": it is reserved, but better taken from outside of it"
                                : ", and no MAC says for whom it is reserved"));
  }

  void take_server(std::uint32_t index) {
    const Server& server = *checked_.servers[index]->server;
    visit_addresses(server, [&](const ServerAddress& address) {
      index_.add(index, address);
      if (address.ipv4) {
        check_ipv4(index, server, address);
      } else {
        check_ipv6(index, server, address);
      }
    });
  }

  // In its network

  void check_ipv4(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv4Interface& value = *address.ipv4;
    const Network* network = model_.network_of(value.address);
    if (network == nullptr) {
      check_outside(index, server, address);
      return;
    }
    if (const char* taken = taken_as(*network, value.address)) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the {} of network {}", taken, with_place(*network)));
    } else if (network->dhcp.range && network->dhcp.range->contains(value.address)) {
      report_in_range(index, server, address, "DHCP", network->dhcp.range->text(), *network);
    }
    // A /32 is an address of its own, such as a loopback's or a router's.
    if (value.length && *value.length != network->prefix.length && *value.length != 32) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("has the prefix length {}, but network {} is {}", *value.length,
                         with_place(*network), network->prefix.text()));
    }
  }

  /// An address that no network contains: fine with a prefix length of its own, unless that
  /// prefix reaches over a network that says otherwise.
  void check_outside(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv4Interface& value = *address.ipv4;
    if (!value.length) {
      const bool bmc = address.interface != nullptr && address.interface->bmc();
      if (bmc || has_length_elsewhere(server, address)) return;
      report(checks::kIpNoNetwork, index, address,
             "has no prefix length and lies in no network; netplan uses DHCP");
      return;
    }
    if (*value.length == 0 || *value.length >= 31) return;
    const std::uint32_t mask = ~std::uint32_t{0} << (32U - *value.length);
    const Ipv4Prefix own{{value.address.value & mask}, *value.length};
    const auto first =
        std::lower_bound(by_first_.begin(), by_first_.end(), own.address,
                         [](const Network* n, Ipv4Address a) { return n->prefix.address < a; });
    if (first != by_first_.end() && own.contains((*first)->prefix.address)) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("with the prefix length {} overlaps network {}, which does not hold it",
                         *value.length, with_place(**first)));
    } else if (value.address == own.address) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the network address of {}", own.text()));
    } else if (value.address == own.broadcast()) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the broadcast address of {}", own.text()));
    }
  }

  /// The server's own address may stand at its primary interface again, with its length.
  static bool has_length_elsewhere(const Server& server, const ServerAddress& address) {
    if (address.where != ServerAddress::Where::server) return false;
    const Interface* primary = server.primary();
    return primary != nullptr && primary->ipv4 && primary->ipv4->length &&
           primary->ipv4->address == address.ipv4->address;
  }

  void check_ipv6(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv6Interface& value = *address.ipv6;
    const Network* network = model_.network_of(value.address);
    if (network == nullptr || !network->ipv6) return;
    const Network::Ipv6& ipv6 = *network->ipv6;
    if (ipv6.gateway && value.address == *ipv6.gateway) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the gateway of network {}", with_place(*network)));
    } else if (value.address == ipv6.prefix.address && ipv6.prefix.length < 127) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the network address of network {}", with_place(*network)));
    } else if (ipv6.range && ipv6.range->contains(value.address)) {
      report_in_range(index, server, address, "DHCPv6", ipv6.range->text(), *network);
    }
    if (value.length && *value.length != ipv6.prefix.length && *value.length != 128) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("has the prefix length {}, but network {} is {}", *value.length,
                         with_place(*network), ipv6.prefix.text()));
    }
  }

  // Twice

  void report_duplicates(const std::vector<OwnedKey>& keys) {
    for (auto run = keys.begin(); run != keys.end();) {
      auto end = run + 1;
      while (end != keys.end() && end->key == run->key) ++end;
      if (end - run > 1) report_run({&*run, static_cast<std::size_t>(end - run)});
      run = end;
    }
  }

  /// Reports the later ones of a run of equal keys. IPv6 addresses are hashed: what only hashes
  /// alike is told apart here.
  void report_run(std::span<const OwnedKey> run) {
    const Server& server = index_.server(run[0]);
    const ServerAddress one = first_.find(run[0].owner, server, AddressIndex::number(run[0]));
    for (const OwnedKey& key : run.subspan(1)) {
      if (checked_.errors.full()) return;
      const bool same_server = key.owner == run[0].owner;
      if (same_server && AddressIndex::is_virtual(key)) continue;
      const ServerAddress other =
          later_.find(key.owner, index_.server(key), AddressIndex::number(key));
      if (one.text() != other.text()) continue;
      if (same_server && may_repeat(server, one, other)) continue;
      report(checks::kDuplicateIp, key.owner, other,
             fmt::format("is the address of {} already ({})", one.path(server),
                         index_.origin(run[0], one).text()));
    }
  }

  /// One server may say an address twice: as its own and at its primary interface. (Or at what is
  /// built on that, which is passed over before.)
  static bool may_repeat(const Server& server, const ServerAddress& one,
                         const ServerAddress& other) {
    return one.where == ServerAddress::Where::server && other.interface == server.primary();
  }

  const CheckedModel& checked_;
  const Model& model_;
  std::vector<const Network*> by_first_;
  LastServer first_, later_;  // of a run of equal addresses
  AddressIndex index_;
};
}  // namespace

void check_addresses(const CheckedModel& checked) { AddressChecks(checked).run(); }

}  // namespace metalwright::inventory
