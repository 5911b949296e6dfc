#include "renderers/dnsmasq_ranges.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace metalwright::renderers {
namespace {

// dnsmasq(8): two minutes is the shortest lease; it takes a shorter one without a word.
constexpr std::chrono::seconds kShortestLease{120};
// One DHCPv4 option (RFC 2132) holds 255 bytes, hence so many addresses.
constexpr std::size_t kMostResolvers = 255 / 4;
constexpr std::size_t kLongestInterfaceName = 15;

std::string lease_word(std::chrono::seconds lease) {
  if (lease.count() >= std::numeric_limits<std::uint32_t>::max()) return "infinite";
  return fmt::format("{}", lease.count());
}

/// Resolvers of one family, in the network's order.
std::vector<std::string> resolvers(const Network& network, bool ipv6) {
  std::vector<std::string> found;
  for (const std::string& text : network.dns) {
    if (ipv6) {
      if (const auto address = parse_ipv6(text)) found.push_back('[' + address->text() + ']');
    } else if (const auto address = parse_ipv4(text)) {
      found.push_back(address->text());
    }
  }
  return found;
}

/// Writes lines, and notes what it could not.
class RangeWriter {
 public:
  explicit RangeWriter(DnsmasqText& out) : out_(out) {}

  void network(const Network& network) {
    if (network.dhcp.lease < kShortestLease) {
      invalid_value("lease-time-min",
                    fmt::format("networks.{}.dhcp.lease: '{}s' is under dnsmasq's 2m", network.name,
                                network.dhcp.lease.count()),
                    network.dhcp.origin);
    }
    if (!network.dhcp.interface.empty() && !is_interface_name(network.dhcp.interface)) {
      invalid_value("dnsmasq-value",
                    fmt::format("networks.{}.dhcp.interface: '{}' is not an interface's name",
                                network.name, network.dhcp.interface),
                    network.dhcp.origin);
      return;
    }
    ranges(network);
    options(network);
    if (network.ipv6) {
      range6(network);
      options6(network);
    }
  }

  /// RA is on for every range or for none, so a network that wants none beside one that does cannot
  /// be served. A network with a gateway of its own has another router: ours says that it is none.
  void router_advertisements(const std::vector<const Network*>& leased) {
    std::vector<const Network*> advertised, silent;
    for (const Network* network : leased) {
      if (!network->ipv6) continue;
      if (network->ipv6->ra != RouterAdvertisement::none) {
        advertised.push_back(network);
      } else if (network->ipv6->range) {
        silent.push_back(network);
      }
    }
    if (advertised.empty()) return;
    for (const Network* network : silent) {
      invalid_value("dnsmasq-ra",
                    fmt::format("networks.{}.ipv6.ra: dnsmasq advertises routers for all of its "
                                "DHCPv6 ranges or none, and network '{}' wants it to; give this "
                                "network an 'ra' or no 'range'",
                                network->name, advertised.front()->name),
                    network->origin);
    }
    out_.blank();
    line({}, "enable-ra");
    router_parameters(advertised);
  }

 private:
  void invalid_value(std::string_view check, std::string message, const Origin& origin) {
    out_.problem(invalid(check, std::move(message), origin).value());
  }

  template <class... Arguments>
  void line(const Origin& origin, fmt::format_string<Arguments...> format,
            Arguments&&... arguments) {
    out_.option(fmt::format(format, std::forward<Arguments>(arguments)...), origin);
  }

  void router_parameters(const std::vector<const Network*>& advertised) {
    std::vector<const Network*> unnamed, named;
    for (const Network* network : advertised) {
      (network->dhcp.interface.empty() ? unnamed : named).push_back(network);
    }
    const auto with_gateway = [](const Network* network) {
      return network->ipv6->gateway.has_value();
    };
    const auto first = std::find_if(unnamed.begin(), unnamed.end(), with_gateway);
    if (first != unnamed.end()) {
      const auto other = std::find_if_not(unnamed.begin(), unnamed.end(), with_gateway);
      if (other != unnamed.end()) {
        invalid_value("dnsmasq-ra",
                      fmt::format("networks.{}.dhcp.interface: needed, because network '{}' has an "
                                  "IPv6 gateway and '{}' has none, and dnsmasq says by interface "
                                  "whether it is a router",
                                  (*first)->name, (*first)->name, (*other)->name),
                      (*first)->origin);
      }
      line((*first)->origin, "ra-param=*,0,0");
    }
    // The last matching line wins.
    for (const Network* network : named) {
      line(network->origin, "ra-param={},{}0{}", network->dhcp.interface,
           network->mtu_bytes == 0 ? std::string() : fmt::format("mtu:{},", network->mtu_bytes),
           with_gateway(network) ? ",0" : "");
    }
  }

  void ranges(const Network& network) {
    const std::string head = range_head(network);
    const std::string tail =
        fmt::format("{},{},{}", network.prefix.netmask().text(), network.prefix.broadcast().text(),
                    lease_word(network.dhcp.lease));
    const std::optional<Ipv4Range>& range = network.dhcp.range;
    if (!range) {
      line(network.origin, "{},{},static,{}", head, network.prefix.address.text(), tail);
      return;
    }
    if (!network.prefix.contains(range->first) || !network.prefix.contains(range->last)) {
      invalid_value("dhcp-range-outside",
                    fmt::format("networks.{}.dhcp.range: '{}' is not within {}", network.name,
                                range->text(), network.prefix.text()),
                    network.dhcp.range_origin);
      return;
    }
    line(network.dhcp.range_origin, "{},{},{},{}", head, range->first.text(), range->last.text(),
         tail);
  }

  /// An option without a value keeps dnsmasq from naming itself.
  void options(const Network& network) {
    const auto head = [&](std::string_view name) {
      return fmt::format("dhcp-option=tag:net-{},option:{}", network.name, name);
    };
    const Origin& origin = network.origin;
    if (network.gateway) {
      line(network.gateway_origin, "{},{}", head("router"), network.gateway->text());
    } else {
      line(origin, "{}", head("router"));
    }
    const std::vector<std::string> dns = resolvers(network, false);
    if (dns.size() > kMostResolvers) {
      invalid_value("dnsmasq-value",
                    fmt::format("networks.{}.dns: has {} IPv4 addresses, and a DHCP option holds "
                                "{}",
                                network.name, dns.size(), kMostResolvers),
                    origin);
    } else if (dns.empty()) {
      line(origin, "{}", head("dns-server"));
    } else {
      line(origin, "{},{}", head("dns-server"), fmt::join(dns, ","));
    }
    domain(network, head("domain-name"));
    if (network.mtu_bytes != 0) line(origin, "{},{}", head("mtu"), network.mtu_bytes);
  }

  void domain(const Network& network, const std::string& head) {
    if (network.domain.empty()) return;
    const Result<std::string> value = dnsmasq_value(
        network.domain, fmt::format("networks.{}.domain", network.name), network.origin);
    if (!value) {
      out_.problem(value.error());
      return;
    }
    line(network.origin, "{},{}", head, *value);
  }

  void range6(const Network& network) {
    const Network::Ipv6& six = *network.ipv6;
    const bool ra = six.ra != RouterAdvertisement::none;
    if (!ra && !six.range) return;
    if (ra ? six.prefix.length != 64 : six.prefix.length < 64) {
      invalid_value("dnsmasq-ipv6-prefix",
                    fmt::format("networks.{}.ipv6.prefix: '{}' must have a length of {} for "
                                "dnsmasq to serve it",
                                network.name, six.prefix.text(), ra ? "64" : "64 or more"),
                    network.origin);
      return;
    }
    const std::string head = range_head(network);
    const std::string tail =
        fmt::format("{},{}", six.prefix.length, lease_word(network.dhcp.lease));
    const std::string first =
        six.range ? fmt::format("{},{}", six.range->first.text(), six.range->last.text())
                  : six.prefix.address.text();
    std::string_view mode;
    switch (six.ra) {
      case RouterAdvertisement::slaac:
        mode = six.range ? ",slaac" : ",ra-only";
        break;
      case RouterAdvertisement::stateless:
        if (six.range) {
          Error unused = invalid("ipv6-range-unused",
                                 fmt::format("networks.{}.ipv6.range: with 'ra: stateless' "
                                             "machines make their addresses themselves",
                                             network.name),
                                 network.origin)
                             .value();
          unused.severity = Severity::warning;
          out_.problem(std::move(unused));
        }
        line(network.origin, "{},{},ra-stateless,{}", head, six.prefix.address.text(), tail);
        return;
      case RouterAdvertisement::stateful:
      case RouterAdvertisement::none:
        mode = six.range ? "" : ",static";
        break;
    }
    line(network.origin, "{},{}{},{}", head, first, mode, tail);
  }

  void options6(const Network& network) {
    const Network::Ipv6& six = *network.ipv6;
    if (six.ra == RouterAdvertisement::none && !six.range) return;
    const std::string head = fmt::format("dhcp-option=tag:net-{},option6:", network.name);
    const std::vector<std::string> dns = resolvers(network, true);
    // Not an empty one where there are none, as for IPv4: dnsmasq would send it with a length of 0,
    // and OVMF's PXE gives up at it ("PXE-E07: Network device error").
    if (!dns.empty()) line(network.origin, "{}dns-server,{}", head, fmt::join(dns, ","));
    domain(network, head + "domain-search");
  }

  DnsmasqText& out_;
};

}  // namespace

bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestInterfaceName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._@-").find(c) != std::string_view::npos;
         });
}

// A named interface is a condition: dnsmasq makes a tag of its name.
std::string range_head(const Network& network) {
  const std::string& interface = network.dhcp.interface;
  return fmt::format("dhcp-range={}set:net-{}",
                     interface.empty() ? std::string() : fmt::format("tag:{},", interface),
                     network.name);
}

void write_ranges(DnsmasqText& out, const Network& network) { RangeWriter(out).network(network); }

void write_router_advertisements(DnsmasqText& out, const std::vector<const Network*>& leased) {
  RangeWriter(out).router_advertisements(leased);
}

}  // namespace metalwright::renderers
