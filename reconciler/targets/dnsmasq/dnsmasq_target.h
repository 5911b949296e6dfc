#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/dnsmasq/hosts_index.h"
#include "reconciler/targets/dnsmasq/pending.h"
#include "reconciler/targets/dnsmasq/probe.h"
#include "reconciler/targets/dnsmasq/reload.h"
#include "schemas/host_config.h"

/// A dnsmasq on this host: one configuration file, and one hosts file a network. Its resources are
/// `file/metalwright.conf` and a `host/<network>/<mac>` for each line of a hosts file.
///
/// Whose is what: both kinds of file begin with a line that says they are ours, and such a file is
/// ours as a whole. A line in it that we did not write is reported as ours and unknown, so the plan
/// shows its removal. A file that stands at a path of ours without that line is somebody else's:
/// nothing in it is touched (a conflict for each resource that should stand there), and other files
/// in the folders are never looked at.
///
/// Applying: what changes is tested by `dnsmasq --test` (the configuration as a staged copy; lines
/// of hosts files as `dhcp-host=` lines, those that change, or all of them with a new
/// configuration), put in place by rename, made known (a restart for the configuration, SIGHUP for
/// hosts alone, nothing for nothing), looked for in the log, and asked for by real queries. Where
/// one of these fails the previous files are put back and made known. See `probe.h` and `reload.h`.
///
/// `reload: none` means that somebody else starts dnsmasq later: files are tested and written, and
/// nobody is told or asked. Where dnsmasq is to be told and does not run, systemd starts it, a
/// command does what it does, and with a pidfile the files stay as written, the changes count as
/// failed, and each later run tries again.
namespace metalwright::reconciler {

struct DnsmasqTargetSettings {
  std::string name;
  std::string config;        ///< absolute path of the file that is `metalwright.conf`
  std::string hosts_folder;  ///< absolute; made where it is missing
  Reload reload, restart;
  std::string user = "dnsmasq";  ///< that dnsmasq runs as
  std::string log_file;          ///< where dnsmasq logs; empty: the journal of a systemd unit
  std::string
      state_folder;  ///< absolute; must be there: the index, the note of an unfinished apply
  std::string program = "dnsmasq", systemctl = "systemctl", journalctl = "journalctl";
  ProbeSettings probe;
  bool may_write = true;   ///< false: `flush` writes nothing
  std::string root = "/";  ///< of the host, where `check` looks for other programs' files
};

/// By which means this target's dnsmasq is told.
[[nodiscard]] ReloadMeans reload_means(const DnsmasqTargetSettings& settings);

/// From one entry of `targets`. Error: `invalid` [probe-address].
[[nodiscard]] Result<DnsmasqTargetSettings> dnsmasq_target_settings(
    const TargetConfig& config, const std::string& state_folder);

class DnsmasqTarget final : public Target {
 public:
  explicit DnsmasqTarget(DnsmasqTargetSettings settings);
  ~DnsmasqTarget() override;

  [[nodiscard]] const std::string& name() const override { return settings_.name; }
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override;
  /// Keeps the index.
  [[nodiscard]] Result<void> flush() override;
  [[nodiscard]] std::vector<std::string> watched_folders() const override;

 private:
  /// The text of one hosts file, so that showing 10,000 changes reads it once.
  struct KeptText;
  [[nodiscard]] Result<const KeptText*> text_of(std::string_view network);

  DnsmasqTargetSettings settings_;
  HostsIndex index_;
  PendingNote note_;
  std::unique_ptr<KeptText> kept_;
};

/// The word that a resource's digest is mixed with while dnsmasq may not have read it yet.
[[nodiscard]] Digest unread_digest(const Digest& digest);

inline constexpr std::string_view kConfigKind = "file";
inline constexpr std::string_view kConfigName = "metalwright.conf";
inline constexpr std::string_view kHostKind = "host";

/// The folder and the name of an absolute path.
struct PathParts {
  std::string folder, name;
};
[[nodiscard]] PathParts path_parts(const std::string& absolute_path);

}  // namespace metalwright::reconciler
