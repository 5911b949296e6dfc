#include "reconciler/targets/dnsmasq/dnsmasq_apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "schemas/host_name.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kLongestLine = 1023;  // dnsmasq reads the rest as another line
constexpr std::size_t kMostExpected = 4;

Error conflict(const Change& change, std::string_view what) {
  return fail(ErrorKind::conflict, "changed-meanwhile",
              fmt::format("{} is not as it was when the plan was made: {}", change.address(), what),
              change.origin)
      .value();
}

bool wants_nothing(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

}  // namespace

DnsmasqApply::DnsmasqApply(const DnsmasqTargetSettings& settings, const PendingNote& note,
                           const ContentReader& content, const ApplyEvents& events)
    : settings_(settings), note_(note), content_(content), events_(events) {}

Result<void> DnsmasqApply::run(std::span<const Change> changes, std::stop_token stop) {
  if (changes.empty() || stop.stop_requested()) return {};
  if (auto read = read_site(); !read) return read;
  if (auto told = tell_begin(changes); !told) return told;
  if (auto read = read_all_hosts(); !read) return give_up(std::move(read.error()));
  decide_all();
  if (steps_.empty() && !before_) return {};
  if (auto composed = compose(); !composed) return give_up(std::move(composed.error()));
  if (auto possible = check_before(stop); !possible) return give_up(std::move(possible.error()));
  if (files_.kind != ReloadKind::none || !files_.empty()) {
    // From here on it is finished or undone: `stop` ends no wait halfway.
    LiveSite site(settings_, note_, before_);
    if (auto live = site.go_live(files_); !live) return give_up(std::move(live.error()));
  }
  tell_success();
  return {};
}

// --- what is there -------------------------------------------------------------------------------

Result<void> DnsmasqApply::read_site() {
  auto before = note_.load();
  if (!before) return tl::unexpected(before.error());
  before_ = std::move(*before);
  if (before_) files_.kind = before_->kind;
  auto state = look_at_config(settings_.config);
  if (!state) return tl::unexpected(state.error());
  config_ = std::move(*state);
  auto hosts = open_folder_if_there(settings_.hosts_folder);
  if (!hosts) return tl::unexpected(hosts.error());
  hosts_folder_ = std::move(*hosts);
  return {};
}

Result<void> DnsmasqApply::tell_begin(std::span<const Change> changes) {
  std::vector<const Change*> begun;
  begun.reserve(changes.size());
  steps_.reserve(changes.size());
  for (const Change& change : changes) {
    begun.push_back(&change);
    steps_.push_back(Step{.change = &change});
    if (change.kind == kHostKind && change.action == Action::adopt) {
      adopted_.insert(std::string(split_host_name(change.name).network));
    }
  }
  return events_.begin(begun);
}

/// What is not known as it is must not be written anew: an error here ends the apply.
Result<void> DnsmasqApply::read_hosts(const std::string& network) {
  if (hosts_.contains(network)) return {};
  auto hosts = HostsChange::read(hosts_folder_ ? &*hosts_folder_ : nullptr, network);
  if (!hosts) return tl::unexpected(hosts.error());
  hosts_.emplace(network, std::move(*hosts));
  return {};
}

/// The files of all networks that a change is about; with a new configuration, of those that it
/// names and of those that are there.
Result<void> DnsmasqApply::read_all_hosts() {
  std::set<std::string> networks;
  bool config = false;
  for (const Step& step : steps_) {
    if (step.change->kind == kConfigKind) config = true;
    if (step.change->kind != kHostKind) continue;
    const std::string_view network = split_host_name(step.change->name).network;
    if (is_key(network)) networks.emplace(network);
  }
  if (config && hosts_folder_) {
    const auto there = networks_in(*hosts_folder_);
    if (!there) return tl::unexpected(there.error());
    networks.insert(there->begin(), there->end());
  }
  for (const std::string& network : networks) {
    if (auto read = read_hosts(network); !read) return read;
  }
  return {};
}

// --- what each change means ----------------------------------------------------------------------

void DnsmasqApply::decide_all() {
  for (Step& step : steps_) {
    decide(step);
    if (!step.error) continue;
    events_.end(*step.change, &*step.error);
    step.change = nullptr;
  }
  std::erase_if(steps_, [](const Step& step) { return step.change == nullptr; });
}

void DnsmasqApply::decide(Step& step) {
  const Change& change = *step.change;
  if (change.kind == kConfigKind && change.name == kConfigName) {
    decide_config(step);
  } else if (change.kind == kHostKind) {
    decide_host(step);
  } else if (!wants_nothing(change)) {
    step.error = fail(ErrorKind::bug, "dnsmasq-kind",
                      fmt::format("a dnsmasq target has no resource '{}'", change.address()))
                     .value();
  }
}

/// A change may be made where things are as it saw them, or as it wants them already.
bool DnsmasqApply::as_seen(const Change& change, const Digest& current) const {
  return current == change.observed || current == change.desired ||
         (before_ && !current.empty() && unread_digest(current) == change.observed);
}

void DnsmasqApply::decide_config(Step& step) {
  const Change& change = *step.change;
  config_change_ = &change;
  if (change.action == Action::forget) return;
  if (!as_seen(change, config_.present ? config_.digest : Digest{})) {
    step.error = conflict(change, "somebody changed the file");
    return;
  }
  if (change.action == Action::remove) {
    files_.remove_config = config_.present;
    return;
  }
  if (config_.present && config_.digest == change.desired) return;
  const auto content = content_(change.kind, change.name);
  if (!content) {
    step.error = content.error();
    return;
  }
  files_.config = content->bytes;
}

void DnsmasqApply::decide_host(Step& step) {
  const Change& change = *step.change;
  const HostName name = split_host_name(change.name);
  step.network = name.network;
  step.mac = parse_mac_address(name.rest);
  if (change.action == Action::forget) return;
  const auto found = hosts_.find(step.network);
  if (found == hosts_.end()) {
    step.error =
        invalid("dhcp-host-line", fmt::format("'{}' names no network", change.name), change.origin)
            .value();
    return;
  }
  HostsChange& hosts = found->second;
  const Digest current =
      step.mac ? hosts.line_digest(*step.mac) : hosts.odd_digest(step.network, change.name);
  // A file without our first line is taken over only by a change that saw it so.
  const bool saw_whole = hosts.present() && change.observed == hosts.whole();
  if (!hosts.ours() && !saw_whole && change.observed.empty() && !adopted_.contains(step.network)) {
    step.error = conflict(change, fmt::format("'{}' is a file that metalwright did not make",
                                              hosts_file_name(step.network)));
  } else if (!saw_whole && !as_seen(change, current)) {
    step.error = conflict(change, "somebody changed the line");
  } else if (change.action != Action::remove) {
    decide_line(step, hosts, current);
  } else if (!current.empty() && step.mac) {
    hosts.remove(*step.mac);
  } else if (!current.empty()) {
    hosts.remove_odd(current);
  }
}

void DnsmasqApply::decide_line(Step& step, HostsChange& hosts, const Digest& current) {
  const Change& change = *step.change;
  if (settings_.hosts_folder.empty()) {
    step.error =
        invalid("dnsmasq-hosts", "no folder is given for the hosts files: set the target's 'hosts'")
            .value();
    return;
  }
  if (!step.mac) {
    step.error = invalid("dhcp-host-line", fmt::format("'{}' names no MAC address", change.name),
                         change.origin)
                     .value();
    return;
  }
  // Taking over a file that is as desired writes it all the same: with our first line.
  if (current == change.desired && hosts.ours()) return;
  auto line = host_line(change, *step.mac);
  if (!line) {
    step.error = line.error();
    return;
  }
  step.line = *line;
  hosts.set(*step.mac, std::move(*line));
}

/// A line that would break out of its place in the file would change other machines' reservations.
Result<std::string> DnsmasqApply::host_line(const Change& change, const MacAddress& mac) {
  auto content = content_(change.kind, change.name);
  if (!content) return tl::unexpected(content.error());
  const std::string& line = content->bytes;
  const bool one_line = std::none_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (!one_line || line.size() > kLongestLine || !line.starts_with(mac.text() + ',')) {
    return invalid("dhcp-host-line",
                   fmt::format("{}: a reservation is one line of at most {} bytes that begins with "
                               "its MAC address",
                               change.address(), kLongestLine),
                   change.origin);
  }
  return std::move(content->bytes);
}

// --- what the files become -----------------------------------------------------------------------

bool DnsmasqApply::named_by_config(std::string_view network) const {
  const std::string path = settings_.hosts_folder + '/' + hosts_file_name(network);
  return std::find(files_.facts.hosts_files.begin(), files_.facts.hosts_files.end(), path) !=
         files_.facts.hosts_files.end();
}

Result<void> DnsmasqApply::compose() {
  files_.facts = read_config_facts(files_.config          ? std::string_view(*files_.config)
                                   : files_.remove_config ? std::string_view()
                                                          : std::string_view(config_.bytes));
  if (files_.changes_config()) {
    files_.kind = ReloadKind::restart;
    // What the new configuration names must be there.
    for (const std::string& path : files_.facts.hosts_files) {
      const PathParts parts = path_parts(path);
      const std::string_view name = parts.name;
      if (parts.folder != settings_.hosts_folder || !name.ends_with(kHostsSuffix)) continue;
      const auto network = name.substr(0, name.size() - kHostsSuffix.size());
      if (auto read = read_hosts(std::string(network)); !read) return read;
    }
  }
  for (auto& [network, hosts] : hosts_) {
    const bool named = named_by_config(network);
    hosts.compose(named);
    if (!hosts.changes()) continue;
    files_.hosts[network] = hosts.new_text();
    // A file that dnsmasq was never told of is none that it has to read again.
    if (named && files_.kind == ReloadKind::none) files_.kind = ReloadKind::hosts;
  }
  for (const Step& step : steps_) {
    files_.resources.insert(step.change->kind + '/' + step.change->name);
  }
  files_.expected = expected_hosts();
  files_.hear = [this](const std::vector<std::string>& log) { return hear(log); };
  return {};
}

/// A few of the changes, first, last and between: enough to see that the files were read.
std::vector<ExpectedHost> DnsmasqApply::expected_hosts() const {
  std::vector<ExpectedHost> all;
  for (const Step& step : steps_) {
    if (!step.line || !step.mac) continue;
    for (const std::string_view address : addresses_in(*step.line)) {
      const auto ipv4 = parse_ipv4(address);
      if (!ipv4) continue;
      all.push_back({*step.mac, *ipv4, std::string(host_name_in(*step.line))});
    }
  }
  if (all.size() <= kMostExpected) return all;
  std::vector<ExpectedHost> some;
  for (std::size_t i = 0; i < kMostExpected; ++i) {
    some.push_back(all[i * (all.size() - 1) / (kMostExpected - 1)]);
  }
  return some;
}

// --- telling -------------------------------------------------------------------------------------

/// One that is to blame fails by its own fault; the others are only held back by it.
Result<void> DnsmasqApply::give_up(Error error) {
  for (const Step& step : steps_) {
    if (offender_ == nullptr || offender_ == step.change) {
      events_.end(*step.change, &error);
      continue;
    }
    const Error held = with_context(
        unavailable("held-back", "not made, because another change of this target is refused",
                    step.change->origin)
            .value(),
        error.text());
    events_.end(*step.change, &held);
  }
  return tl::unexpected(std::move(error));
}

void DnsmasqApply::tell_success() {
  for (const Step& step : steps_) events_.end(*step.change, nullptr);
}

}  // namespace metalwright::reconciler
