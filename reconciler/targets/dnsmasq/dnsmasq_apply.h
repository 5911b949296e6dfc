#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
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
  /// One hosts file on its way from the old lines to the new ones.
  struct Hosts {
    std::string old_text;
    bool present = false;
    HostsFile before;                                        // views into old_text
    Digest whole;                                            // of old_text
    std::map<MacAddress, std::optional<std::string>> lines;  // what changes; empty: removed
    std::set<Digest> removed_odd;
    bool changed = false;
    std::vector<HostLine> after;
    std::vector<std::string_view> odd_after;
    std::string new_text;
  };
  /// One change on its way.
  struct Step {
    const Change* change = nullptr;
    std::string network;              // of a host
    std::optional<MacAddress> mac;    // of a host; empty: an odd line
    std::optional<std::string> line;  // what a host's line becomes
    bool writes = false;
    std::optional<Error> error;
  };

  [[nodiscard]] Result<void> tell_begin(std::span<const Change> changes) const;
  [[nodiscard]] Result<void> check_before(const std::stop_token& stop);
  [[nodiscard]] Result<void> go_live();

  [[nodiscard]] Result<void> read_site();
  [[nodiscard]] Result<void> open_folders();
  [[nodiscard]] Result<void> make_folders();
  [[nodiscard]] Result<void> read_hosts(const std::string& network);
  [[nodiscard]] Result<void> read_all_hosts();
  void decide(Step& step);
  void decide_config(Step& step);
  void decide_host(Step& step);
  [[nodiscard]] bool as_seen(const Change& change, const Digest& current) const;
  [[nodiscard]] Digest current_line(const Hosts& hosts, const Step& step) const;
  [[nodiscard]] Result<std::string> host_line(const Change& change, const MacAddress& mac);

  [[nodiscard]] Result<void> compose();
  [[nodiscard]] bool changes_files() const;
  void compose_one(Hosts& hosts, bool wanted);
  [[nodiscard]] bool named_by_config(std::string_view network) const;
  [[nodiscard]] Result<void> check_duplicates();
  [[nodiscard]] Result<void> test(const std::stop_token& stop);
  [[nodiscard]] Result<void> test_config(const std::stop_token& stop);
  [[nodiscard]] Result<void> test_lines(const std::stop_token& stop);

  [[nodiscard]] Result<void> publish();
  [[nodiscard]] Result<void> publish_files();
  [[nodiscard]] Result<void> make_known();
  [[nodiscard]] Result<void> read_log(const LogReader& log);
  [[nodiscard]] std::vector<ExpectedHost> expected_hosts() const;
  [[nodiscard]] Error put_back(Error why);
  [[nodiscard]] Error undo(Error why);
  [[nodiscard]] Result<void> restore_files();
  void settle();

  [[nodiscard]] const Change* change_of_line(std::string_view network, std::string_view line) const;
  /// Tell what became of every step. `give_up` returns the error.
  [[nodiscard]] Result<void> give_up(Error error);
  void tell_success();

  const DnsmasqTargetSettings& settings_;
  const PendingNote& note_;
  const ContentReader& content_;
  const ApplyEvents& events_;
  ReloadMeans means_;
  ReloadKind kind_ = ReloadKind::none;
  std::optional<Pending> before_;  // what an earlier run left unfinished
  Pending pending_;
  ConfigState config_;
  std::optional<std::string> new_config_;  // set: it changes
  bool remove_config_ = false;
  const Change* config_change_ = nullptr;
  const Change* offender_ = nullptr;  // the change that is to blame, where it is known
  ConfigFacts facts_;                 // of the configuration as it will be
  std::optional<FileTree> config_folder_, hosts_folder_;
  std::map<std::string, Hosts, std::less<>> hosts_;
  std::set<std::string, std::less<>> adopted_;  // networks whose file is taken over
  std::vector<Step> steps_;
};

}  // namespace metalwright::reconciler
