#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "inventory/checks.h"
#include "inventory/sorted_keys.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
/// Calls `report(first, other)` for each key that equals an earlier one. `less` tells apart what
/// only hashes alike.
template <class Less, class Report>
void for_each_duplicate(std::vector<OwnedKey>& keys, Less less, Report report) {
  sort_keys(keys);
  for (auto run = keys.begin(); run != keys.end();) {
    auto end = run + 1;
    while (end != keys.end() && end->key == run->key) ++end;
    if (end - run > 1) {
      std::stable_sort(run, end, less);
      for (auto first = run, at = run + 1; at != end; ++at) {
        if (less(*first, *at)) {
          first = at;
        } else {
          report(*first, *at);
        }
      }
    }
    run = end;
  }
}

class DuplicateChecks {
 public:
  explicit DuplicateChecks(const CheckedModel& checked) : checked_(checked) {}

  void run() {
    check_host_names();
    check_serials();
    check_macs();
  }

 private:
  [[nodiscard]] const Server& server(const OwnedKey& key) const {
    return *checked_.servers[key.owner]->server;
  }
  [[nodiscard]] Origin origin(const OwnedKey& key, Mark mark) const {
    return checked_.model.origin(*checked_.servers[key.owner], mark);
  }
  [[nodiscard]] static std::string path(const Server& server) {
    return "servers." + shown(server.name);
  }

  void check_host_names() {
    keys_.clear();
    for (std::uint32_t i = 0; i < checked_.servers.size(); ++i) {
      keys_.push_back({hash_folded(checked_.servers[i]->server->hostname), i, 0});
    }
    const auto less = [&](const OwnedKey& a, const OwnedKey& b) {
      const std::string_view x = server(a).hostname;
      const std::string_view y = server(b).hostname;
      return !equal_folded(x, y) &&
             std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end(),
                                          [](char c, char d) { return (c | 0x20) < (d | 0x20); });
    };
    for_each_duplicate(keys_, less, [&](const OwnedKey& first, const OwnedKey& other) {
      if (checked_.errors.full()) return;
      const Server& server = this->server(other);
      const bool given = server.hostname_mark != Mark{};
      checked_.errors.add(
          checks::kDuplicateHostname, origin(other, server.hostname_mark),
          fmt::format("{}{}: {} is the host name of {} already ({})", path(server),
                      given ? ".hostname" : "", quoted(server.hostname), path(this->server(first)),
                      origin(first, this->server(first).hostname_mark).text()));
    });
  }

  void check_serials() {
    keys_.clear();
    for (std::uint32_t i = 0; i < checked_.servers.size(); ++i) {
      const Text serial = checked_.servers[i]->server->serial;
      if (!serial.empty()) keys_.push_back({hash_text(serial), i, 0});
    }
    const auto less = [&](const OwnedKey& a, const OwnedKey& b) {
      return server(a).serial < server(b).serial;
    };
    for_each_duplicate(keys_, less, [&](const OwnedKey& first, const OwnedKey& other) {
      if (checked_.errors.full()) return;
      const Server& server = this->server(other);
      checked_.errors.add(
          checks::kDuplicateSerial, origin(other, server.serial_mark),
          fmt::format("{}.serial: {} is the serial number of {} already ({})", path(server),
                      quoted(server.serial), path(this->server(first)),
                      origin(first, this->server(first).serial_mark).text()));
    });
  }

  void check_macs() {
    keys_.clear();
    for (std::uint32_t i = 0; i < checked_.servers.size(); ++i) {
      const auto interfaces = checked_.servers[i]->server->interfaces;
      for (std::uint32_t nic = 0; nic < interfaces.size(); ++nic) {
        if (!interfaces[nic].mac) continue;
        std::uint64_t mac = 0;
        for (const std::uint8_t octet : interfaces[nic].mac->octets) mac = mac << 8U | octet;
        keys_.push_back({mac, i, nic});
      }
    }
    const auto never = [](const OwnedKey&, const OwnedKey&) { return false; };
    for_each_duplicate(keys_, never, [&](const OwnedKey& first, const OwnedKey& other) {
      if (checked_.errors.full()) return;
      const Interface& nic = server(other).interfaces[other.part];
      const Interface& first_nic = server(first).interfaces[first.part];
      checked_.errors.add(
          checks::kDuplicateMac, origin(other, nic.mac_mark),
          fmt::format("{}.interfaces.{}.mac: '{}' is the MAC address of {}.interfaces.{} already "
                      "({})",
                      path(server(other)), shown(nic.name), nic.mac->text(), path(server(first)),
                      shown(first_nic.name), origin(first, first_nic.mac_mark).text()));
    });
  }

  const CheckedModel& checked_;
  std::vector<OwnedKey> keys_;
};
}  // namespace

void check_duplicates(const CheckedModel& checked) { DuplicateChecks(checked).run(); }

}  // namespace metalwright::inventory
