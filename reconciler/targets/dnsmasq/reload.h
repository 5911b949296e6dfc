#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/host_config.h"

/// Telling a running dnsmasq that its files changed, and hearing what it says to it.
namespace metalwright::reconciler {

enum class ReloadKind : std::uint8_t {
  none,
  hosts,    ///< SIGHUP: the hosts files are read anew, removals too; the configuration is not
  restart,  ///< the configuration is only read at the start
};

/// By which means each kind is done.
struct ReloadMeans {
  Reload reload, restart;
  std::string systemctl = "systemctl", journalctl = "journalctl";  ///< names, or paths of others

  [[nodiscard]] const Reload& means_for(ReloadKind kind) const;
  /// Nobody is told: dnsmasq is started by something else, later.
  [[nodiscard]] bool nobody(ReloadKind kind) const {
    return means_for(kind).by == Reload::By::none;
  }
};
/// `restart`, where the configuration gives none, is done as `reload` says if that can restart.
[[nodiscard]] ReloadMeans reload_means(const Reload& reload, const Reload& restart);

/// Error: `invalid` [dnsmasq-restart] where this kind cannot be done: a signal by pidfile restarts
/// nothing.
[[nodiscard]] Result<void> can_reload(const ReloadMeans& means, ReloadKind kind);

/// Does it and waits until that is done. Errors: `unavailable` [dnsmasq-not-running] where there is
/// no process to be told, [dnsmasq-reload] where the means failed, with its words.
[[nodiscard]] Result<void> reload_dnsmasq(const ReloadMeans& means, ReloadKind kind,
                                          std::stop_token stop);

/// dnsmasq's log from a moment on: of a file, or of a systemd unit's journal.
class LogReader {
 public:
  /// Begins now. `file` empty: the journal of the unit that `means` names; neither: nothing.
  LogReader(std::string file, const ReloadMeans& means);
  /// The lines since then, bounded; empty where they cannot be had.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::string file_, unit_, journalctl_;
  std::uint64_t offset_ = 0;
  std::int64_t since_us_ = 0;
};

}  // namespace metalwright::reconciler
