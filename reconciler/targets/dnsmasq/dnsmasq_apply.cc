#include "reconciler/targets/dnsmasq/dnsmasq_apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "reconciler/fault.h"
#include "reconciler/targets/dnsmasq/live_file.h"
#include "reconciler/targets/dnsmasq/syntax_check.h"
#include "schemas/host_name.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostHostsBytes = std::size_t{256} << 20;
constexpr std::size_t kLongestLine = 1023;  // dnsmasq reads the rest as another line
constexpr std::size_t kMostExpected = 4;
constexpr std::string_view kHostOption = "dhcp-host=";

Error conflict(const Change& change, std::string_view what) {
  return fail(ErrorKind::conflict, "changed-meanwhile",
              fmt::format("{} is not as it was when the plan was made: {}", change.address(), what),
              change.origin)
      .value();
}

std::string hosts_file_name(std::string_view network) {
  return std::string(network) + std::string(kHostsSuffix);
}

bool wants_nothing(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

std::string_view line_number(std::string_view text, std::uint32_t number) {
  for (std::uint32_t at = 1; at < number && !text.empty(); ++at) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

DnsmasqApply::DnsmasqApply(const DnsmasqTargetSettings& settings, const PendingNote& note,
                           const ContentReader& content, const ApplyEvents& events)
    : settings_(settings),
      note_(note),
      content_(content),
      events_(events),
      means_(reload_means(settings.reload, settings.restart)) {
  means_.systemctl = settings.systemctl;
  means_.journalctl = settings.journalctl;
}

Result<void> DnsmasqApply::run(std::span<const Change> changes, std::stop_token stop) {
  if (changes.empty() || stop.stop_requested()) return {};
  if (auto read = read_site(); !read) return read;
  if (auto told = tell_begin(changes); !told) return told;
  for (const Change& change : changes) {
    if (change.kind == kHostKind && change.action == Action::adopt) {
      adopted_.insert(std::string(split_host_name(change.name).network));
    }
  }
  steps_.reserve(changes.size());
  for (const Change& change : changes) steps_.push_back(Step{.change = &change});
  if (auto read = read_all_hosts(); !read) return give_up(std::move(read.error()));
  for (Step& step : steps_) {
    decide(step);
    if (!step.error) continue;
    events_.end(*step.change, &*step.error);
    step.change = nullptr;
  }
  std::erase_if(steps_, [](const Step& step) { return step.change == nullptr; });
  if (steps_.empty() && !before_) return {};
  if (auto composed = compose(); !composed) return give_up(std::move(composed.error()));
  if (auto possible = check_before(stop); !possible) return give_up(std::move(possible.error()));
  if (kind_ != ReloadKind::none || changes_files()) {
    // From here on it is finished or undone: `stop` ends no wait halfway.
    if (auto live = go_live(); !live) return give_up(std::move(live.error()));
  }
  tell_success();
  return {};
}

Result<void> DnsmasqApply::tell_begin(std::span<const Change> changes) const {
  std::vector<const Change*> begun;
  begun.reserve(changes.size());
  for (const Change& change : changes) begun.push_back(&change);
  return events_.begin(begun);
}

Result<void> DnsmasqApply::check_before(const std::stop_token& stop) {
  if (auto possible = can_reload(means_, kind_); !possible) return possible;
  if (auto unique = check_duplicates(); !unique) return unique;
  return test(stop);
}

Result<void> DnsmasqApply::go_live() {
  if (auto published = publish(); !published) {
    // dnsmasq was not told, so it needs no telling.
    return tl::unexpected(put_back(std::move(published.error())));
  }
  if (auto known = make_known(); !known) {
    // It reads the files when it is started: nothing is won by putting the old ones back.
    if (known.error().check == "dnsmasq-not-running") return known;
    return tl::unexpected(undo(std::move(known.error())));
  }
  settle();
  return {};
}

// --- what is there -------------------------------------------------------------------------------

Result<void> DnsmasqApply::read_site() {
  auto before = note_.load();
  if (!before) return tl::unexpected(before.error());
  before_ = std::move(*before);
  if (before_) {
    pending_ = *before_;
    kind_ = before_->kind;
  }
  auto state = look_at_config(settings_.config);
  if (!state) return tl::unexpected(state.error());
  config_ = std::move(*state);
  return open_folders();
}

Result<void> DnsmasqApply::open_folders() {
  auto config = open_folder_if_there(path_parts(settings_.config).folder);
  if (!config) return tl::unexpected(config.error());
  config_folder_ = std::move(*config);
  auto hosts = open_folder_if_there(settings_.hosts_folder);
  if (!hosts) return tl::unexpected(hosts.error());
  hosts_folder_ = std::move(*hosts);
  return {};
}

/// The folders are there afterwards, and free of what a run that was cut off left in them.
Result<void> DnsmasqApply::make_folders() {
  if (auto made = make_absolute_folder(path_parts(settings_.config).folder); !made) return made;
  if (!settings_.hosts_folder.empty()) {
    if (auto made = make_absolute_folder(settings_.hosts_folder); !made) return made;
  }
  if (auto opened = open_folders(); !opened) return opened;
  for (const std::optional<FileTree>* folder : {&config_folder_, &hosts_folder_}) {
    if (!*folder) continue;
    if (auto removed = (*folder)->remove_leftovers(""); !removed) {
      return tl::unexpected(removed.error());
    }
  }
  return {};
}

/// What is not known as it is must not be written anew: an error here ends the apply.
Result<void> DnsmasqApply::read_hosts(const std::string& network) {
  if (hosts_.contains(network)) return {};
  Hosts hosts;
  if (hosts_folder_) {
    const std::string name = hosts_file_name(network);
    const auto status = hosts_folder_->status(name);
    if (!status) return tl::unexpected(status.error());
    if (*status) {
      Result<std::string> text = hosts_folder_->read(name, kMostHostsBytes);
      if (!text) return tl::unexpected(text.error());
      hosts.present = true;
      hosts.old_text = std::move(*text);
    }
  }
  Hosts& kept = hosts_[network] = std::move(hosts);
  kept.before = parse_hosts_file(kept.old_text);
  kept.whole = sha256(kept.old_text);
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
    remove_config_ = config_.present;
    step.writes = config_.present;
    return;
  }
  if (config_.present && config_.digest == change.desired) return;
  const auto content = content_(change.kind, change.name);
  if (!content) {
    step.error = content.error();
    return;
  }
  new_config_ = content->bytes;
  step.writes = true;
}

Digest DnsmasqApply::current_line(const Hosts& hosts, const Step& step) const {
  if (!hosts.present) return {};
  if (step.mac) {
    const auto at = std::lower_bound(
        hosts.before.lines.begin(), hosts.before.lines.end(), *step.mac,
        [](const HostLine& line, const MacAddress& wanted) { return line.mac < wanted; });
    if (at != hosts.before.lines.end() && at->mac == *step.mac) return host_line_digest(at->text);
    return {};
  }
  for (const std::string_view line : hosts.before.odd) {
    const Digest digest = host_line_digest(line);
    if (odd_name_of(step.network, digest) == step.change->name) return digest;
  }
  return {};
}

void DnsmasqApply::decide_host(Step& step) {
  const Change& change = *step.change;
  const HostName name = split_host_name(change.name);
  step.network = name.network;
  step.mac = parse_mac_address(name.rest);
  if (change.action == Action::forget) return;
  if (!is_key(step.network)) {
    step.error =
        invalid("dhcp-host-line", fmt::format("'{}' names no network", change.name), change.origin)
            .value();
    return;
  }
  Hosts& hosts = hosts_.find(step.network)->second;
  const Digest current = current_line(hosts, step);
  // A file without our first line is taken over only by a change that saw it so.
  const bool whole = hosts.present && change.observed == hosts.whole;
  if (!hosts.before.ours && !whole && change.observed.empty() && !adopted_.contains(step.network)) {
    step.error = conflict(change, fmt::format("'{}' is a file that metalwright did not make",
                                              hosts_file_name(step.network)));
    return;
  }
  if (!whole && !as_seen(change, current)) {
    step.error = conflict(change, "somebody changed the line");
    return;
  }
  if (change.action == Action::remove) {
    if (current.empty()) return;
    if (step.mac) {
      hosts.lines[*step.mac] = std::nullopt;
    } else {
      hosts.removed_odd.insert(current);
    }
    step.writes = true;
    return;
  }
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
  if (current == change.desired && hosts.before.ours) return;
  auto line = host_line(change, *step.mac);
  if (!line) {
    step.error = line.error();
    return;
  }
  step.line = *line;
  hosts.lines[*step.mac] = std::move(*line);
  step.writes = true;
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
  return std::find(facts_.hosts_files.begin(), facts_.hosts_files.end(), path) !=
         facts_.hosts_files.end();
}

Result<void> DnsmasqApply::compose() {
  const std::string_view config = new_config_      ? std::string_view(*new_config_)
                                  : remove_config_ ? std::string_view()
                                                   : std::string_view(config_.bytes);
  facts_ = read_config_facts(config);
  if (new_config_ || remove_config_) {
    kind_ = ReloadKind::restart;
    // What the new configuration names must be there.
    for (const std::string& path : facts_.hosts_files) {
      const PathParts parts = path_parts(path);
      if (parts.folder != settings_.hosts_folder) continue;
      const std::string_view name = parts.name;
      if (!name.ends_with(kHostsSuffix)) continue;
      const auto network = name.substr(0, name.size() - kHostsSuffix.size());
      if (auto read = read_hosts(std::string(network)); !read) return read;
    }
  }
  for (auto& [network, hosts] : hosts_) {
    const bool named = named_by_config(network);
    compose_one(hosts, named);
    // A file that dnsmasq was never told of is none that it has to read again.
    if (hosts.changed && named && kind_ == ReloadKind::none) kind_ = ReloadKind::hosts;
  }
  return {};
}

bool DnsmasqApply::changes_files() const {
  return new_config_ || remove_config_ ||
         std::any_of(hosts_.begin(), hosts_.end(),
                     [](const auto& hosts) { return hosts.second.changed; });
}

void DnsmasqApply::compose_one(Hosts& hosts, bool wanted) {
  // Old and new lines, both in order of MAC.
  auto next = hosts.lines.begin();
  for (const HostLine& line : hosts.before.lines) {
    for (; next != hosts.lines.end() && next->first < line.mac; ++next) {
      if (next->second) hosts.after.push_back({next->first, *next->second});
    }
    if (next == hosts.lines.end() || next->first != line.mac) {
      hosts.after.push_back(line);
      continue;
    }
    if (next->second) hosts.after.push_back({next->first, *next->second});
    ++next;
  }
  for (; next != hosts.lines.end(); ++next) {
    if (next->second) hosts.after.push_back({next->first, *next->second});
  }
  for (const std::string_view line : hosts.before.odd) {
    if (!hosts.removed_odd.empty() && hosts.removed_odd.contains(host_line_digest(line))) continue;
    hosts.odd_after.push_back(line);
  }
  const bool touched = !hosts.lines.empty() || !hosts.removed_odd.empty();
  const bool empty = hosts.after.empty() && hosts.odd_after.empty();
  if (empty && !wanted) {
    // Its network is gone. A file of somebody else's stays.
    const bool made_by_us = hosts.before.ours && !hosts.old_text.empty();
    hosts.changed = hosts.present && (touched || made_by_us);
    return;
  }
  if (!touched && hosts.present) return;
  hosts.new_text = compose_hosts_file(hosts.after, hosts.odd_after);
  hosts.changed = !hosts.present || hosts.new_text != hosts.old_text;
}

/// dnsmasq takes the second of two reservations of one address for an error and drops it.
Result<void> DnsmasqApply::check_duplicates() {
  std::unordered_map<std::string_view, const Step*> claimed;
  for (const Step& step : steps_) {
    if (!step.line) continue;
    for (const std::string_view address : addresses_in(*step.line)) claimed[address] = &step;
  }
  if (claimed.empty()) return {};
  for (const auto& [network, hosts] : hosts_) {
    for (const HostLine& line : hosts.after) {
      for (const std::string_view address : addresses_in(line.text)) {
        const auto found = claimed.find(address);
        if (found == claimed.end() || line.text == *found->second->line) continue;
        offender_ = found->second->change;
        return invalid("duplicate-address",
                       fmt::format("{}: '{}' is the address of host/{} too", offender_->address(),
                                   address, host_name_of(network, line.mac)),
                       offender_->origin);
      }
    }
  }
  return {};
}

// --- the test before -----------------------------------------------------------------------------

Result<void> DnsmasqApply::test(const std::stop_token& stop) {
  if (new_config_) {
    if (auto tested = test_config(stop); !tested) return tested;
  }
  return test_lines(stop);
}

Result<void> DnsmasqApply::test_config(const std::stop_token& stop) {
  const auto complaint =
      check_syntax(settings_.program, settings_.state_folder,
                   fmt::format("dnsmasq-{}-test.conf", settings_.name), *new_config_, stop);
  if (!complaint) return tl::unexpected(complaint.error());
  if (!*complaint) return {};
  return invalid("dnsmasq-test",
                 fmt::format("dnsmasq refuses the new configuration: '{}' at '{}'",
                             (*complaint)->words, line_number(*new_config_, (*complaint)->line)),
                 config_change_ == nullptr ? Origin{} : config_change_->origin);
}

/// The lines that change; all of them where the configuration they are read with is new.
Result<void> DnsmasqApply::test_lines(const std::stop_token& stop) {
  std::string text;
  std::vector<std::pair<std::string_view, std::string_view>> tested;  // network, line
  const auto add = [&](std::string_view network, std::string_view line) {
    text += kHostOption;
    text += line;
    text += '\n';
    tested.emplace_back(network, line);
  };
  for (const auto& [network, hosts] : hosts_) {
    if (new_config_) {
      for (const HostLine& line : hosts.after) add(network, line.text);
    } else {
      for (const auto& [mac, line] : hosts.lines) {
        if (line) add(network, *line);
      }
    }
  }
  if (tested.empty()) return {};
  const auto complaint =
      check_syntax(settings_.program, settings_.state_folder,
                   fmt::format("dnsmasq-{}-hosts.conf", settings_.name), text, stop);
  if (!complaint) return tl::unexpected(complaint.error());
  if (!*complaint) return {};
  Error error = invalid("dnsmasq-test", "").value();
  const std::uint32_t number = (*complaint)->line;
  if (number == 0 || number > tested.size()) {
    error.message = fmt::format("dnsmasq refuses the reservations: '{}'", (*complaint)->words);
    return tl::unexpected(error);
  }
  const auto& [network, line] = tested[number - 1];
  error.message = fmt::format("dnsmasq refuses a reservation of network {}: '{}' at '{}'", network,
                              (*complaint)->words, line);
  offender_ = change_of_line(network, line);
  if (offender_ != nullptr) error.origin = offender_->origin;
  return tl::unexpected(error);
}

const Change* DnsmasqApply::change_of_line(std::string_view network, std::string_view line) const {
  for (const Step& step : steps_) {
    if (step.line && step.network == network && *step.line == line) return step.change;
  }
  return nullptr;
}

// --- going live ----------------------------------------------------------------------------------

Result<void> DnsmasqApply::publish() {
  if (auto made = make_folders(); !made) return made;
  pending_.kind = kind_;
  for (const Step& step : steps_) {
    pending_.resources.insert(step.change->kind + '/' + step.change->name);
  }
  const auto keep = [&](const FileTree& folder, const std::string& name) -> Result<void> {
    const std::string path = folder.absolute(name);
    const LiveFile file(folder, name);
    // What an earlier, unfinished run kept are the last bytes that proved good.
    if (pending_.made.contains(path) || (pending_.kept.contains(path) && file.has_previous())) {
      return {};
    }
    const auto kept = file.keep();
    if (!kept) return tl::unexpected(kept.error());
    (*kept ? pending_.kept : pending_.made).insert(path);
    return {};
  };
  for (const auto& [network, hosts] : hosts_) {
    if (!hosts.changed) continue;
    if (auto kept = keep(*hosts_folder_, hosts_file_name(network)); !kept) return kept;
  }
  if (new_config_ || remove_config_) {
    if (auto kept = keep(*config_folder_, path_parts(settings_.config).name); !kept) return kept;
  }
  // Where dnsmasq need not be told, the files alone say how far this came.
  if (kind_ != ReloadKind::none) {
    if (auto noted = note_.save(pending_); !noted) return noted;
  }
  return publish_files();
}

/// Hosts files before the configuration that names them, and away after the one that does not.
Result<void> DnsmasqApply::publish_files() {
  for (const auto& [network, hosts] : hosts_) {
    if (!hosts.changed || hosts.new_text.empty()) continue;
    const LiveFile file(*hosts_folder_, hosts_file_name(network));
    if (auto written = file.publish(hosts.new_text); !written) return written;
  }
  if (new_config_ || remove_config_) {
    const LiveFile file(*config_folder_, path_parts(settings_.config).name);
    const auto written = new_config_ ? file.publish(*new_config_) : file.remove();
    if (!written) return written;
  }
  for (const auto& [network, hosts] : hosts_) {
    if (!hosts.changed || !hosts.new_text.empty()) continue;
    const LiveFile file(*hosts_folder_, hosts_file_name(network));
    if (auto removed = file.remove(); !removed) return removed;
  }
  return {};
}

Result<void> DnsmasqApply::make_known() {
  if (kind_ == ReloadKind::none || means_.nobody(kind_)) return {};
  const LogReader log(settings_.log_file, means_);
  if (const int failure = fault_point("dnsmasq.reload"); failure != 0) {
    return system_failure("dnsmasq-reload", "cannot reload dnsmasq", failure);
  }
  const auto in_its_words = [&](Error error) -> tl::unexpected<Error> {
    // What it says about a line of ours tells more than that it does not answer.
    if (auto refused = read_log(log); !refused) return tl::unexpected(refused.error());
    for (const std::string& line : log.lines()) {
      if (line.find("FAILED") == std::string::npos) continue;
      error = with_context(std::move(error), "dnsmasq said: " + line);
    }
    return tl::unexpected(std::move(error));
  };
  if (auto told = reload_dnsmasq(means_, kind_, {}); !told) return in_its_words(told.error());
  if (const int failure = fault_point("dnsmasq.probe"); failure != 0) {
    return system_failure("dnsmasq-probe", "cannot ask dnsmasq", failure);
  }
  if (auto probed = probe_dnsmasq(settings_.probe, facts_, {}); !probed) {
    return in_its_words(probed.error());
  }
  if (auto refused = read_log(log); !refused) return refused;
  return probe_hosts(settings_.probe, facts_, expected_hosts(), {});
}

/// A running dnsmasq only logs a bad line of a hosts file, and goes on without it.
Result<void> DnsmasqApply::read_log(const LogReader& log) {
  for (const std::string& logged : log.lines()) {
    for (const auto& [network, hosts] : hosts_) {
      const std::string path = settings_.hosts_folder + '/' + hosts_file_name(network);
      const auto complaint = read_complaint(logged, path);
      if (!complaint) continue;
      const std::string_view line =
          line_number(hosts.changed ? hosts.new_text : hosts.old_text, complaint->line);
      // Not of this run's making: the next ones will show it as drift.
      const Change* change = change_of_line(network, line);
      if (change == nullptr) continue;
      std::string_view words = complaint->words;
      if (const std::size_t colon = words.rfind("]: "); colon != std::string_view::npos) {
        words.remove_prefix(colon + 3);
      }
      offender_ = change;
      return invalid("dnsmasq-log",
                     fmt::format("dnsmasq refuses a reservation of network {}: '{}' at '{}'",
                                 network, words, line),
                     change->origin);
    }
  }
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

// --- going back ----------------------------------------------------------------------------------

Result<void> DnsmasqApply::restore_files() {
  const auto restore = [&](const std::string& path, bool kept) -> Result<void> {
    const PathParts parts = path_parts(path);
    const auto folder = FileTree::open(parts.folder);
    if (!folder) return tl::unexpected(folder.error());
    return LiveFile(*folder, parts.name).restore(kept);
  };
  // The configuration first: it names the hosts files.
  const std::string& config = settings_.config;
  if (pending_.kept.contains(config)) {
    if (auto done = restore(config, true); !done) return done;
  }
  for (const std::string& path : pending_.kept) {
    if (path == config) continue;
    if (auto done = restore(path, true); !done) return done;
  }
  for (const std::string& path : pending_.made) {
    if (auto done = restore(path, false); !done) return done;
  }
  return {};
}

/// Puts the files back where dnsmasq was not told of new ones. Returns the error to report.
Error DnsmasqApply::put_back(Error why) {
  if (auto restored = restore_files(); !restored) {
    return with_context(std::move(why),
                        "putting the previous files back failed too: " + restored.error().text());
  }
  // An earlier run's note still stands for what dnsmasq may have read of that run.
  if (!before_) static_cast<void>(note_.remove());
  return with_context(std::move(why), "the previous files are in place");
}

/// Puts everything back as it was when it last proved good. Returns the error to report.
Error DnsmasqApply::undo(Error why) {
  if (auto restored = restore_files(); !restored) {
    return with_context(std::move(why),
                        "putting the previous files back failed too: " + restored.error().text());
  }
  const auto now = look_at_config(settings_.config);
  const ConfigFacts facts = now ? read_config_facts(now->bytes) : ConfigFacts{};
  auto back = reload_dnsmasq(means_, kind_, {});
  if (back) back = probe_dnsmasq(settings_.probe, facts, {});
  if (!back) {
    // The note stays, so that the next run tells dnsmasq again. With the previous files it does
    // not answer either: the cause is not in this revision.
    why.kind = ErrorKind::unavailable;
    return with_context(std::move(why),
                        "the previous files are back, and dnsmasq does not answer "
                        "with them either: " +
                            back.error().text());
  }
  static_cast<void>(note_.remove());
  // It runs well with the previous files: another revision is needed, not another try.
  if (why.kind == ErrorKind::unavailable && why.check == "dnsmasq-probe") {
    why.kind = ErrorKind::invalid;
  }
  return with_context(std::move(why), "the previous files are back, and dnsmasq answers with them");
}

void DnsmasqApply::settle() {
  for (const std::string& path : pending_.kept) {
    const PathParts parts = path_parts(path);
    if (const auto folder = FileTree::open(parts.folder)) LiveFile(*folder, parts.name).settle();
  }
  // A note that stays for want of a disk makes the next run ask dnsmasq once more, no worse.
  static_cast<void>(note_.remove());
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
