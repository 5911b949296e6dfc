// Whether dnsmasq takes what the files become: asked before they are put in place, and heard after.

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "reconciler/targets/dnsmasq/dnsmasq_apply.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "reconciler/targets/dnsmasq/syntax_check.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kLinesATest = 2000;
constexpr std::string_view kHostOption = "dhcp-host=";

}  // namespace

Result<void> DnsmasqApply::check_before(const std::stop_token& stop) {
  if (auto possible = can_reload(reload_means(settings_), files_.kind); !possible) return possible;
  if (auto unique = check_duplicates(); !unique) return unique;
  if (files_.config) {
    if (auto tested = test_config(stop); !tested) return tested;
  }
  return test_lines(stop);
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
    if (!named_by_config(network) && !hosts.changes()) continue;
    for (const HostLine& line : hosts.lines()) {
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

Result<void> DnsmasqApply::test_config(const std::stop_token& stop) {
  const auto complaint =
      check_syntax(settings_.program, settings_.state_folder,
                   fmt::format("dnsmasq-{}-test.conf", settings_.name), *files_.config, stop);
  if (!complaint) return tl::unexpected(complaint.error());
  if (!*complaint) return {};
  return invalid("dnsmasq-test",
                 fmt::format("dnsmasq refuses the new configuration: '{}' at '{}'",
                             (*complaint)->words, line_of_text(*files_.config, (*complaint)->line)),
                 config_change_ == nullptr ? Origin{} : config_change_->origin);
}

/// The lines that change; all of them where the configuration they are read with is new. A batch at
/// a time: dnsmasq compares each reservation with all before it, which for 100,000 takes it
/// minutes. Two of one address were found before (`check_duplicates`).
Result<void> DnsmasqApply::test_lines(const std::stop_token& stop) {
  std::vector<TestedLine> lines;
  for (const auto& [network, hosts] : hosts_) {
    if (files_.config && named_by_config(network)) {
      for (const HostLine& line : hosts.lines()) lines.emplace_back(network, line.text);
    } else {
      for (const std::string_view line : hosts.set_lines()) lines.emplace_back(network, line);
    }
  }
  const std::span<const TestedLine> all(lines);
  for (std::size_t at = 0; at < all.size(); at += kLinesATest) {
    const auto batch = all.subspan(at, std::min(kLinesATest, all.size() - at));
    if (auto tested = test_batch(batch, stop); !tested) return tested;
  }
  return {};
}

Result<void> DnsmasqApply::test_batch(std::span<const TestedLine> lines,
                                      const std::stop_token& stop) {
  std::string text;
  for (const auto& [network, line] : lines) {
    text.append(kHostOption).append(line) += '\n';
  }
  const auto complaint =
      check_syntax(settings_.program, settings_.state_folder,
                   fmt::format("dnsmasq-{}-hosts.conf", settings_.name), text, stop);
  if (!complaint) return tl::unexpected(complaint.error());
  if (!*complaint) return {};
  Error error = invalid("dnsmasq-test", "").value();
  const std::uint32_t number = (*complaint)->line;
  if (number == 0 || number > lines.size()) {
    error.message = fmt::format("dnsmasq refuses the reservations: '{}'", (*complaint)->words);
    return tl::unexpected(error);
  }
  const auto& [network, line] = lines[number - 1];
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

/// A running dnsmasq only logs a bad line of a hosts file, and goes on without it.
Result<void> DnsmasqApply::hear(const std::vector<std::string>& log) {
  for (const std::string& logged : log) {
    for (const auto& [network, hosts] : hosts_) {
      const std::string path = settings_.hosts_folder + '/' + hosts_file_name(network);
      const auto complaint = read_complaint(logged, path);
      if (!complaint) continue;
      const std::string_view line = hosts.line_at(complaint->line);
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

}  // namespace metalwright::reconciler
