#include "reconciler/targets/dnsmasq/probe.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <thread>

#include "reconciler/file_system.h"
#include "reconciler/targets/dnsmasq/dnsmasq_query.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// One question. A busy host that rebuilds 10,000 reservations takes 0.2 s.
constexpr milliseconds kQuestion{400};
constexpr milliseconds kBetween{20};
constexpr std::size_t kBlock = 512;
constexpr Ipv4Address kLoopback{0x7f000001};
constexpr std::string_view kNoFile = ".metalwright-probe";
// Small files that a boot tree has, the likeliest first.
constexpr std::array<std::string_view, 6> kBootFiles{"ipxe/menu.ipxe", "pxelinux.cfg/default",
                                                     "efi64/grub.cfg", "pxelinux.0",
                                                     "undionly.kpxe",  "ipxe.efi"};

/// Empty: as it should be. Else what is wrong, for people.
using Verdict = std::optional<std::string>;

class Prober {
 public:
  Prober(const ProbeSettings& settings, const ConfigFacts& facts)
      : settings_(settings),
        facts_(facts),
        local_(local_addresses()),
        deadline_(steady_clock::now() + settings.patience) {}

  Result<void> ask_all(const std::stop_token& stop) {
    for (const ConfigFacts::Range& range : facts_.ranges) {
      auto answered = until_right([&] { return ask_range(range); }, stop);
      if (!answered) return answered;
    }
    if (!facts_.tftp) return {};
    return until_right([&] { return ask_tftp_root(); }, stop);
  }

  Result<void> ask_hosts(const std::vector<ExpectedHost>& hosts, const std::stop_token& stop) {
    for (const ExpectedHost& host : hosts) {
      auto answered = until_right([&] { return ask_host(host); }, stop);
      if (!answered) return answered;
    }
    return {};
  }

 private:
  Result<void> until_right(const std::function<Result<Verdict>()>& question,
                           const std::stop_token& stop) {
    for (;;) {
      const Result<Verdict> verdict = question();
      if (verdict && !*verdict) return {};
      if (stop.stop_requested()) {
        return unavailable("program-stopped", "stopped while waiting for dnsmasq's answer");
      }
      if (steady_clock::now() >= deadline_) {
        if (!verdict) return tl::unexpected(verdict.error());
        return unavailable("dnsmasq-probe", **verdict);
      }
      std::this_thread::sleep_for(kBetween);
    }
  }

  std::optional<Ipv4Address> local_in(const Ipv4Prefix& prefix) const {
    for (const LocalAddress& local : local_) {
      if (prefix.contains(local.address)) return local.address;
    }
    return {};
  }

  /// Where dnsmasq listens, as far as its configuration tells.
  Ipv4Address any_address() const {
    if (settings_.address) return *settings_.address;
    if (!facts_.listen_addresses.empty()) return facts_.listen_addresses.front();
    for (const std::string& name : facts_.interfaces) {
      for (const LocalAddress& local : local_) {
        if (local.interface == name) return local.address;
      }
    }
    for (const ConfigFacts::Range& range : facts_.ranges) {
      if (const auto own = local_in(range.prefix)) return *own;
    }
    return kLoopback;
  }

  std::string in_time() const {
    return fmt::format("within {} s",
                       std::chrono::ceil<std::chrono::seconds>(settings_.patience).count());
  }

  Result<Verdict> ask_range(const ConfigFacts::Range& range) const {
    const std::optional<Ipv4Address> own = local_in(range.prefix);
    if (range.proxy) {
      if (!own) return Verdict{};
      const Result<bool> answered = ask_pxe(*own, settings_.pxe_port, *own, kQuestion);
      if (!answered) return tl::unexpected(answered.error());
      if (*answered) return Verdict{};
      return Verdict{fmt::format("proxy-DHCP for {} gave no answer at {} port {} {}",
                                 range.prefix.text(), own->text(), settings_.pxe_port, in_time())};
    }
    const Ipv4Address server = settings_.address ? *settings_.address : own.value_or(any_address());
    const DhcpInform inform{.mac = MacAddress{{0x02, 'm', 'e', 't', 'a', 'l'}},
                            .client = own.value_or(range.prefix.address)};
    const auto answer = ask_dhcp(server, settings_.dhcp_port, inform, kQuestion);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer || (!own && !settings_.address)) return Verdict{};
    return Verdict{fmt::format("DHCP for {} gave no answer at {} port {} {}", range.prefix.text(),
                               server.text(), settings_.dhcp_port, in_time())};
  }

  Result<Verdict> ask_host(const ExpectedHost& host) const {
    const auto range =
        std::find_if(facts_.ranges.begin(), facts_.ranges.end(),
                     [&](const ConfigFacts::Range& r) { return r.prefix.contains(host.address); });
    if (range == facts_.ranges.end()) return Verdict{};
    const std::optional<Ipv4Address> own = local_in(range->prefix);
    const Ipv4Address server = settings_.address ? *settings_.address : own.value_or(any_address());
    const auto answer =
        ask_dhcp(server, settings_.dhcp_port, {.mac = host.mac, .client = host.address}, kQuestion);
    if (!answer) return tl::unexpected(answer.error());
    if (!*answer) {
      if (!own && !settings_.address) return Verdict{};
      return Verdict{fmt::format("DHCP gave no answer about {} at {} port {} {}", host.mac.text(),
                                 server.text(), settings_.dhcp_port, in_time())};
    }
    if ((*answer)->host_name == host.host_name) return Verdict{};
    return Verdict{fmt::format("dnsmasq calls {} '{}' and not '{}' {}", host.mac.text(),
                               (*answer)->host_name, host.host_name, in_time())};
  }

  Result<Verdict> ask_tftp_root() const {
    const Ipv4Address server = any_address();
    std::string path(kNoFile);
    std::string bytes;
    if (auto tree = FileTree::open(facts_.tftp_root)) {
      for (const std::string_view candidate : kBootFiles) {
        auto read = tree->read(candidate, kBlock);
        if (!read) continue;
        path = candidate;
        bytes = std::move(*read);
        break;
      }
    }
    const auto answer = ask_tftp(server, settings_.tftp_port, path, kQuestion);
    if (!answer) return tl::unexpected(answer.error());
    const auto wrong = [&](std::string_view what) {
      return Verdict{fmt::format("TFTP at {} port {} {} when asked for '{}' {}", server.text(),
                                 settings_.tftp_port, what, path, in_time())};
    };
    if (!*answer) return wrong("gave no answer");
    constexpr int kNotFound = 1;
    if (path == kNoFile) {
      if ((*answer)->refused == kNotFound) return Verdict{};
      return wrong((*answer)->refused ? fmt::format("said '{}'", (*answer)->message)
                                      : "sent a file that is not there");
    }
    if ((*answer)->refused) return wrong(fmt::format("said '{}'", (*answer)->message));
    if ((*answer)->block != bytes) return wrong("sent other bytes than the file's");
    return Verdict{};
  }

  const ProbeSettings& settings_;
  const ConfigFacts& facts_;
  std::vector<LocalAddress> local_;
  steady_clock::time_point deadline_;
};

}  // namespace

Result<void> probe_dnsmasq(const ProbeSettings& settings, const ConfigFacts& facts,
                           std::stop_token stop) {
  return Prober(settings, facts).ask_all(stop);
}

Result<void> probe_hosts(const ProbeSettings& settings, const ConfigFacts& facts,
                         const std::vector<ExpectedHost>& hosts, std::stop_token stop) {
  return Prober(settings, facts).ask_hosts(hosts, stop);
}

std::vector<LocalAddress> local_addresses() {
  std::vector<LocalAddress> found;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return found;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    found.push_back({at->ifa_name, Ipv4Address{ntohl(address->sin_addr.s_addr)}});
  }
  return found;
}

}  // namespace metalwright::reconciler
