#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/lives_log.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "pipeline/lives.h"
#include "pipeline/lives_worker.h"
#include "reconciler/lifecycle/frame_source.h"
#include "reconciler/lifecycle/privileges.h"

namespace metalwright::cli {
namespace {
using lifecycle::FrameSource;
using lifecycle::Lease;
using store::LifecycleEvent;

struct Options {
  std::string interface, file, user, mac, ip, hostname, source = "dhcp-event";
  bool dry_run = false;
};

std::string lease_line(const Lease& lease, std::string_view vendor) {
  std::string out = fmt::format("{} to {}", lease.ip.text(), lease.mac.text());
  if (!vendor.empty()) out += fmt::format(" ({})", vendor);
  if (!lease.hostname.empty()) out += fmt::format(", host name {}", lease.hostname);
  if (lease.relay.value != 0) out += fmt::format(", relay {}", lease.relay.text());
  for (const std::uint16_t vlan : lease.vlans) out += fmt::format(", VLAN {}", vlan);
  return out;
}

/// What a capture held, for its end.
struct Counts {
  std::size_t frames = 0, leases = 0, strangers = 0, recorded = 0, repeated = 0;
  std::array<std::size_t, lifecycle::kNoLeaseKinds> others{};

  [[nodiscard]] std::string text() const {
    std::string out =
        fmt::format("{} frames, {} leases: {} of no controller, {} repeated, {} recorded", frames,
                    leases, strangers, repeated, recorded);
    for (std::size_t kind = 0; kind < others.size(); ++kind) {
      if (others[kind] == 0) continue;
      out += fmt::format("; {} {}", others[kind], word(static_cast<lifecycle::NoLease>(kind)));
    }
    return out;
  }
};

/// Takes leases out of frames and keeps them in the state. What the state does not take at once is
/// held back in memory and given to it again, in its order.
class LeaseKeeper {
 public:
  LeaseKeeper(pipeline::Lives& lives, std::string cause)
      : lives_(lives), cause_(std::move(cause)) {}

  void take(std::span<const std::uint8_t> frame, lifecycle::Link link) {
    ++counts.frames;
    lifecycle::FrameReading reading = lifecycle::read_lease(frame, link);
    if (!reading.lease) {
      ++counts.others[static_cast<std::size_t>(reading.why)];
      return;
    }
    ++counts.leases;
    auto event = lifecycle::lease_event(*reading.lease, lives_.config().lifecycle.bmc_vendors,
                                        cause_, now_utc());
    if (!event) {
      ++counts.strangers;
      return;
    }
    held_.push_back(std::move(*event));
    if (held_.size() > kMost) {
      held_.pop_front();
      spdlog::error("the state takes nothing: a lease is lost");
    }
  }

  /// Gives what is held back to the state; true where something new was recorded.
  [[nodiscard]] bool keep() {
    bool fresh = false;
    while (!held_.empty()) {
      const LifecycleEvent& event = held_.front();
      const auto added =
          lives_.store().lifecycle().add(event, event.at - lives_.config().lifecycle.coalesce);
      if (!added) {
        if (!failing_) spdlog::error("{}", added.error().message);
        failing_ = true;
        return fresh;
      }
      failing_ = false;
      ++(*added ? counts.recorded : counts.repeated);
      fresh |= added->has_value();
      held_.pop_front();
    }
    return fresh;
  }
  [[nodiscard]] bool all_kept() const { return held_.empty(); }

  Counts counts;

 private:
  static constexpr std::size_t kMost = 100'000;
  pipeline::Lives& lives_;
  std::string cause_;
  std::deque<LifecycleEvent> held_;
  bool failing_ = false;
};

/// Becomes another user where this one is root. What that user could not open is open already; the
/// lock it could not take is taken and kept.
Result<void> give_up_privileges(pipeline::Lives& lives, const std::string& user) {
  if (geteuid() == 0) {
    Result<void> locked;
    for (int attempt = 0; attempt < 50; ++attempt) {
      locked = lives.keep_lock();
      if (locked || locked.error().check != "run-locked") break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (!locked) {
      spdlog::warn("{}: it takes the events that are recorded here", locked.error().message);
    }
  }
  return lifecycle::drop_privileges(user);
}

int listen(const Options& options, const Globals& globals) {
  auto lives = open_lives(globals, "dhcp-tap");
  if (!lives) return report(lives.error());
  auto source = FrameSource::listen(options.interface);
  if (!source) return report(source.error());
  const auto user = lifecycle::unprivileged_user(options.user);
  if (!user) return report(user.error());
  if (const auto dropped = give_up_privileges(**lives, *user); !dropped) {
    return report(dropped.error());
  }
  StopSignals signals;
  pipeline::LivesWorker worker(**lives, lives_log());
  LeaseKeeper keeper(**lives, "dhcp-tap " + options.interface);
  spdlog::info("listening on {}", options.interface);
  std::size_t dropped = 0;
  while (!signals.token().stop_requested()) {
    const auto more = source->read(std::chrono::milliseconds(500),
                                   [&](auto frame) { keeper.take(frame, source->link()); });
    if (!more) return report(more.error());
    if (keeper.keep()) worker.wake();
    if (const std::size_t now = source->dropped(); now > dropped) {
      spdlog::warn("the kernel dropped {} frames", now - dropped);
      dropped = now;
    }
  }
  spdlog::info("{}", keeper.counts.text());
  return keeper.all_kept() ? kSuccess : kError;
}

int replay(const Options& options, const Globals& globals) {
  auto source = FrameSource::open_file(options.file);
  if (!source) return report(source.error());
  auto lives = open_lives(globals, "dhcp-tap");
  if (!lives) return report(lives.error());
  StopSignals signals;
  LeaseKeeper keeper(**lives, "dhcp-tap " + options.file);
  bool more = true;
  while (more && !signals.token().stop_requested()) {
    const auto read = source->read({}, [&](auto frame) { keeper.take(frame, source->link()); });
    if (!read) return report(read.error());
    more = *read;
    (void)keeper.keep();
  }
  print(keeper.counts.text() + '\n');
  if (!keeper.all_kept()) return kError;
  const auto drained = (*lives)->drain(signals.token(), lives_log().on_end);
  if (!drained) {
    spdlog::warn("the events wait: {}", drained.error().text());
    return kPartly;
  }
  return kSuccess;
}

/// Shows what a file or an interface holds; neither state nor NetBox is needed.
int look(const Options& options, const Globals& globals) {
  std::vector<BmcPrefix> more_vendors;
  if (auto config = read_host_config(globals.config)) {
    more_vendors = config->lifecycle.bmc_vendors;
  }
  auto source = options.file.empty() ? FrameSource::listen(options.interface)
                                     : FrameSource::open_file(options.file);
  if (!source) return report(source.error());
  if (options.file.empty()) {
    const auto user = lifecycle::unprivileged_user(options.user);
    if (!user) return report(user.error());
    if (const auto dropped = lifecycle::drop_privileges(*user); !dropped) {
      return report(dropped.error());
    }
  }
  StopSignals signals;
  bool going = true;
  while (going && !signals.token().stop_requested()) {
    const auto read = source->read(std::chrono::milliseconds(500), [&](auto frame) {
      const auto reading = lifecycle::read_lease(frame, source->link());
      if (!reading.lease) return;
      const std::string_view vendor = bmc_vendor(reading.lease->mac, more_vendors);
      print(lease_line(*reading.lease, vendor) + (vendor.empty() ? ", no controller\n" : "\n"));
    });
    if (!read) return report(read.error());
    going = *read;
  }
  return kSuccess;
}

int tap(const Options& options, const Globals& globals) {
  if (options.file.empty() == options.interface.empty()) {
    std::fputs("name an interface, or a file with -r\n", stderr);
    return kUsage;
  }
  if (options.dry_run) return look(options, globals);
  return options.file.empty() ? listen(options, globals) : replay(options, globals);
}

int record(const Options& options, const Globals& globals) {
  Lease lease;
  const auto mac = parse_mac_address(options.mac);
  const auto ip = parse_ipv4(options.ip);
  if (!mac || !ip || ip->value == 0) {
    std::fprintf(stderr, "--%s: '%s' is not %s\n", mac ? "ip" : "mac",
                 (mac ? options.ip : options.mac).c_str(),
                 mac ? "an IPv4 address" : "a MAC address");
    return kUsage;
  }
  lease.mac = *mac;
  lease.ip = *ip;
  lease.hostname = lifecycle::shown_hostname(options.hostname);
  auto lives = open_lives(globals, "dhcp-event");
  if (!lives) return report(lives.error());
  const LifecycleConfig& config = (*lives)->config().lifecycle;
  const auto event = lifecycle::lease_event(lease, config.bmc_vendors, options.source, now_utc());
  if (!event) {
    print(lease.mac.text() + " has no prefix of a controllers' vendor: nothing is done\n");
    return kSuccess;
  }
  StopSignals signals;
  const auto added = (*lives)->store().lifecycle().add(*event, event->at - config.coalesce);
  if (!added) return report(added.error());
  const auto drained = (*lives)->drain(signals.token(), lives_log().on_end);
  // It is recorded: whoever takes the next event takes this one first.
  if (!drained) spdlog::warn("the event waits: {}", drained.error().text());
  return kSuccess;
}

}  // namespace

void add_dhcp_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "dhcp-tap", "listen for leases of management controllers and discover their servers");
    app->add_option("IFACE", options->interface,
                    "the interface that the DHCP server's answers pass");
    app->add_option("-r,--read", options->file, "take them from this .pcap file instead")
        ->type_name("FILE");
    app->add_option("--user", options->user,
                    "user to go on as once it listens; none: metalwright, or nobody");
    app->add_flag("--dry-run", options->dry_run,
                  "only print the leases: needs no configuration and no NetBox");
    app->footer(
        "Needs CAP_NET_RAW until it listens, and gives up all rights then. Events wait in the "
        "state while NetBox does not answer. The unit metalwright-dhcp-tap@.service runs it.\n"
        "Example: metalwright dhcp-tap eno1");
    add(app, [options, &globals] { return tap(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        program.add_subcommand("dhcp-event", "tell of one lease, from a DHCP server's own hook");
    app->add_option("--mac", options->mac, "the client's hardware address")->required();
    app->add_option("--ip", options->ip, "the address that it got")->required();
    app->add_option("--hostname", options->hostname, "the name that it gave");
    app->add_option("--source", options->source, "who tells of it, for the journal")
        ->capture_default_str();
    app->footer(
        "Exit status 0 also where NetBox does not answer: the event is kept and taken later.\n"
        "deploy/hooks has scripts for dnsmasq and Kea.\n"
        "Example: metalwright dhcp-event --mac 3c:a8:2a:00:00:01 --ip 192.0.2.10 --hostname ilo-1");
    add(app, [options, &globals] { return record(*options, globals); });
  }
}

}  // namespace metalwright::cli
