#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/targets/dnsmasq/config_facts.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/dnsmasq/pending.h"
#include "reconciler/targets/dnsmasq/probe.h"
#include "reconciler/targets/dnsmasq/reload.h"

namespace metalwright::reconciler {

/// New files on their way to a running dnsmasq.
struct NewFiles {
  ReloadKind kind = ReloadKind::none;  ///< how dnsmasq gets to know of them
  std::optional<std::string> config;   ///< empty: it stays, or goes
  bool remove_config = false;
  /// By network; an empty text removes the file.
  std::map<std::string, std::optional<std::string>> hosts;
  std::set<std::string> resources;  ///< `kind/name` of what changes
  ConfigFacts facts;                ///< of the configuration as it will be
  std::vector<ExpectedHost> expected;
  /// Is told what dnsmasq logged since it was told; an error refuses the files.
  std::function<Result<void>(const std::vector<std::string>&)> hear;

  [[nodiscard]] bool changes_config() const { return config.has_value() || remove_config; }
  [[nodiscard]] bool empty() const { return !changes_config() && hosts.empty(); }
};

/// Puts files in place, makes dnsmasq read them and asks whether it serves well; and all the way
/// back where it does not. A note (`pending.h`) stands on disk for as long as that is open.
class LiveSite {
 public:
  /// `before` is the note of an earlier run that was cut off.
  LiveSite(const DnsmasqTargetSettings& settings, const PendingNote& note,
           std::optional<Pending> before);

  /// Errors say what failed, in dnsmasq's own words where it said any, and how far back things are:
  /// everything as it was; or [dnsmasq-not-running], where the files stay for whoever starts it; or
  /// in place with the note beside it, which could not be removed.
  [[nodiscard]] Result<void> go_live(const NewFiles& files);

 private:
  [[nodiscard]] Result<void> make_folders();
  [[nodiscard]] Result<void> keep_previous(const NewFiles& files);
  [[nodiscard]] Result<void> publish(const NewFiles& files);
  [[nodiscard]] Result<void> publish_files(const NewFiles& files);
  [[nodiscard]] Result<void> make_known(const NewFiles& files);
  [[nodiscard]] Result<void> restore_files();
  [[nodiscard]] Error put_back(Error why);
  [[nodiscard]] Error undo(Error why, ReloadKind kind);
  [[nodiscard]] Result<void> settle();

  const DnsmasqTargetSettings& settings_;
  const PendingNote& note_;
  ReloadMeans means_;
  bool resumed_;  // an earlier run's note was there
  Pending pending_;
  std::optional<FileTree> config_folder_, hosts_folder_;
};

}  // namespace metalwright::reconciler
