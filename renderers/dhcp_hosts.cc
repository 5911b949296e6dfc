#include "renderers/dhcp_hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "renderers/dnsmasq.h"
#include "schemas/host_name.h"

namespace metalwright::renderers {
namespace {

constexpr std::size_t kLongestLabel = 63;
constexpr std::string_view kHexDigits = "0123456789abcdef";

using MacText = std::array<char, 17>;

/// Straight into the place: there are two of these for each of 10,000 machines.
MacText text_of(const MacAddress& mac) {
  MacText text;
  char* at = text.data();
  for (std::size_t i = 0; i < mac.octets.size(); ++i) {
    if (i != 0) *at++ = ':';
    *at++ = kHexDigits[mac.octets[i] >> 4];
    *at++ = kHexDigits[mac.octets[i] & 0xF];
  }
  return text;
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_ipv4(std::string& out, Ipv4Address address) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    append_number(out, (address.value >> shift) & 0xFF);
    if (shift != 0) out += '.';
  }
}

/// What dnsmasq keeps as a name: letters, digits, `-` and `_`, and no hyphen first.
bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

/// What dnsmasq reads as something else than a name: a number, with a unit or without, is the lease
/// time, and these two words are its own.
bool reads_as_other(std::string_view label) {
  if (label == "ignore" || label == "infinite") return true;
  if (label.size() > 1 && std::string_view("wWdDhHmMsS").find(label.back()) != label.npos) {
    label.remove_suffix(1);
  }
  return std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// `orion`, or `orion-bmc`; empty where that is no label.
void make_host_name(std::string& out, std::string_view label, const Interface& interface,
                    bool primary) {
  out = label;
  if (!primary) {
    out += '-';
    for (const char c : interface.name.view()) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out += plain ? c : '-';
    }
    while (out.ends_with('-')) out.pop_back();
  }
  if (!is_label(out) || reads_as_other(out)) out.clear();
}

/// The few reservations of one interface, ordered by network.
class Gathered {
 public:
  void add(const Network& network, std::optional<Ipv4Address> ipv4,
           std::optional<Ipv6Address> ipv6) {
    std::size_t at = 0;
    while (at < size_ && rows_[at].network->name < network.name) ++at;
    if (at < size_ && rows_[at].network == &network) {
      if (!rows_[at].ipv4) rows_[at].ipv4 = ipv4;
      if (!rows_[at].ipv6) rows_[at].ipv6 = ipv6;
      return;
    }
    for (std::size_t i = size_; i > at; --i) rows_[i] = rows_[i - 1];
    rows_[at] = Reservation{.network = &network, .ipv4 = ipv4, .ipv6 = ipv6};
    ++size_;
  }
  [[nodiscard]] std::span<Reservation> rows() { return {rows_.data(), size_}; }

 private:
  std::array<Reservation, 4> rows_;  // two addresses of a family at most, each in one network
  std::size_t size_ = 0;
};

}  // namespace

void for_each_reservation(const Model& model, const RenderSettings& settings, const Server& server,
                          const std::function<void(const Reservation&)>& use) {
  if (settings.dnsmasq.mode != DnsmasqMode::dhcp) return;
  const Interface* primary = server.primary();
  const std::string_view label = first_label(server.hostname);
  std::string host_name;
  for (const Interface& interface : server.interfaces) {
    if (!interface.mac) continue;
    // Members of a bond may be written with the bond's MAC: the first has the line.
    const bool repeated =
        std::any_of(server.interfaces.data(), &interface,
                    [&](const Interface& other) { return other.mac == interface.mac; });
    if (repeated) continue;
    const bool is_primary = &interface == primary;
    Gathered gathered;
    const auto add4 = [&](const std::optional<Ipv4Interface>& own) {
      if (!own) return;
      const Network* network = model.network_of(own->address);
      if (network != nullptr && leases_in(settings, *network)) {
        gathered.add(*network, own->address, {});
      }
    };
    const auto add6 = [&](const std::optional<Ipv6Interface>& own) {
      if (!own) return;
      const Network* network = model.network_of(own->address);
      if (network != nullptr && leases_ipv6_in(settings, *network)) {
        gathered.add(*network, {}, own->address);
      }
    };
    if (is_primary) {
      add4(server.ipv4);
      add6(server.ipv6);
    }
    add4(interface.ipv4);
    add6(interface.ipv6);
    make_host_name(host_name, label, interface, is_primary);
    for (Reservation& reservation : gathered.rows()) {
      reservation.mac = *interface.mac;
      reservation.interface = &interface;
      reservation.host_name = host_name;
      use(reservation);
    }
  }
}

Errors render_dhcp_hosts(const Model& model, const RenderSettings& settings,
                         const ServerEntry& entry, const ArtifactSink& sink) {
  const Server& server = *entry.server;
  Errors errors;
  std::string name, content;
  for_each_reservation(model, settings, server, [&](const Reservation& reservation) {
    if (reservation.interface == server.primary() && reservation.host_name.empty()) {
      if (!errors.empty()) return;
      errors.push_back(
          invalid("dhcp-host-name",
                  fmt::format("servers.{}.hostname: dnsmasq cannot hold '{}' as a host name: a "
                              "number, a lease time or a word of its own",
                              server.name.view(), first_label(server.hostname)),
                  model.origin(entry, server.hostname_mark))
              .value());
      return;
    }
    const Network& network = *reservation.network;
    const MacText mac = text_of(reservation.mac);
    name = network.name;
    name += '/';
    name.append(mac.data(), mac.size());
    content.assign(mac.data(), mac.size());
    if (reservation.ipv4) {
      content += ',';
      append_ipv4(content, *reservation.ipv4);
    }
    if (reservation.ipv6) {
      content += ",[";
      content += reservation.ipv6->text();
      content += ']';
    }
    if (!reservation.host_name.empty()) {
      content += ',';
      content += reservation.host_name;
    }
    content += ',';
    const auto lease = static_cast<std::uint64_t>(network.dhcp.lease.count());
    if (lease >= std::numeric_limits<std::uint32_t>::max()) {
      content += "infinite";
    } else {
      append_number(content, lease);
    }
    sink(Artifact{.kind = kHostKind, .name = name, .content = content});
  });
  return errors;
}

}  // namespace metalwright::renderers
