#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/dnsmasq/config_facts.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/dnsmasq/hosts_change.h"
#include "reconciler/targets/dnsmasq/live_site.h"
#include "reconciler/targets/dnsmasq/pending.h"
#include "reconciler/targets/dnsmasq/site_state.h"

namespace metalwright::reconciler {

/// One apply of a DnsmasqTarget. All changes go live together or none does: dnsmasq reads whole
/// files, and half of a renumbering is worse than none.
class DnsmasqApply {
 public:
  DnsmasqApply(const DnsmasqTargetSettings& settings, const PendingNote& note,
               const ContentReader& content, const ApplyEvents& events);

  /// As Target::apply.
  [[nodiscard]] Result<void> run(std::span<const Change> changes, std::stop_token stop);

 private:
  /// One change on its way.
  struct Step {
    const Change* change = nullptr;
    std::string network;              // of a host
    std::optional<MacAddress> mac;    // of a host; empty: an odd line
    std::optional<std::string> line;  // what a host's line becomes
    std::optional<Error> error;
  };

  // What is there.
  [[nodiscard]] Result<void> read_site();
  [[nodiscard]] Result<void> tell_begin(std::span<const Change> changes);
  [[nodiscard]] Result<void> read_hosts(const std::string& network);
  [[nodiscard]] Result<void> read_all_hosts();

  // What each change means.
  void decide_all();
  void decide(Step& step);
  void decide_config(Step& step);
  void decide_host(Step& step);
  void decide_line(Step& step, HostsChange& hosts, const Digest& current);
  [[nodiscard]] bool as_seen(const Change& change, const Digest& current) const;
  [[nodiscard]] Result<std::string> host_line(const Change& change, const MacAddress& mac);

  // What the files become, and whether dnsmasq would take them.
  [[nodiscard]] Result<void> compose();
  [[nodiscard]] bool named_by_config(std::string_view network) const;
  [[nodiscard]] Result<void> check_before(const std::stop_token& stop);
  [[nodiscard]] Result<void> check_duplicates();
  [[nodiscard]] Result<void> test_config(const std::stop_token& stop);
  [[nodiscard]] Result<void> test_lines(const std::stop_token& stop);
  using TestedLine = std::pair<std::string_view, std::string_view>;  // network, line
  [[nodiscard]] Result<void> test_batch(std::span<const TestedLine> lines,
                                        const std::stop_token& stop);
  [[nodiscard]] Result<void> hear(const std::vector<std::string>& log);
  [[nodiscard]] std::vector<ExpectedHost> expected_hosts() const;
  [[nodiscard]] const Change* change_of_line(std::string_view network, std::string_view line) const;

  /// Tell what became of every step. `give_up` returns the error.
  [[nodiscard]] Result<void> give_up(Error error);
  void tell_success();

  const DnsmasqTargetSettings& settings_;
  const PendingNote& note_;
  const ContentReader& content_;
  const ApplyEvents& events_;
  std::optional<Pending> before_;  // what an earlier run left unfinished
  ConfigState config_;
  const Change* config_change_ = nullptr;
  const Change* offender_ = nullptr;  // the change that is to blame, where it is known
  std::optional<FileTree> hosts_folder_;
  std::map<std::string, HostsChange, std::less<>> hosts_;
  std::set<std::string, std::less<>> adopted_;  // networks whose file is taken over
  std::vector<Step> steps_;
  NewFiles files_;
};

}  // namespace metalwright::reconciler
