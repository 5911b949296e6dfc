#include "reconciler/targets/dnsmasq/dnsmasq_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reconciler/row_pairs.h"
#include "reconciler/targets/dnsmasq/dnsmasq_apply.h"
#include "reconciler/targets/dnsmasq/dnsmasq_check.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "reconciler/targets/dnsmasq/site_state.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostHostsBytes = std::size_t{256} << 20;

/// One look: goes through both tables and the files side by side.
class Looker {
 public:
  Looker(const DnsmasqTargetSettings& settings, HostsIndex& index, std::optional<Pending> pending,
         const ResourceTable& desired, const ResourceTable& last_applied, Look look)
      : settings_(settings),
        index_(index),
        pending_(std::move(pending)),
        desired_(desired.rows),
        applied_(last_applied.rows),
        look_(look),
        arena_(std::make_shared<Arena>()) {
    out_.arenas = desired.arenas;
    out_.arenas.insert(out_.arenas.end(), last_applied.arenas.begin(), last_applied.arenas.end());
    out_.arenas.push_back(arena_);
  }

  Result<Observation> run(const std::stop_token& stop) {
    if (auto read = read_files(); !read) return tl::unexpected(read.error());
    if (stop.stop_requested()) {
      return unavailable("program-stopped", "stopped while looking at dnsmasq's files");
    }
    merge();
    if (look_ != Look::named) collect_unrecorded();
    return std::move(out_);
  }

 private:
  /// A network's file and how far the pass through it came.
  struct Place {
    const HostsView* view = nullptr;
    bool ours = false;
    bool identical = false;  // somebody else's, and every line of it is desired as it is
    std::size_t at = 0;
    std::vector<bool> named;  // by a table; parallel to the view's lines
    std::vector<bool> named_odd;
  };

  Result<void> read_files() {
    auto config = look_at_config(settings_.config);
    if (!config) return tl::unexpected(config.error());
    config_ = std::move(*config);
    auto folder = open_folder_if_there(settings_.hosts_folder);
    if (!folder) return tl::unexpected(folder.error());
    if (!*folder) return {};
    const auto networks = networks_in(**folder);
    if (!networks) return tl::unexpected(networks.error());
    for (const std::string& network : *networks) {
      const auto view = index_.look(**folder, network, look_ == Look::full);
      if (!view) return tl::unexpected(view.error());
      if (*view == nullptr) continue;
      Place& place = places_[network];
      place.view = *view;
      place.ours = (*view)->ours;
      place.named.resize((*view)->lines.size());
      place.named_odd.resize((*view)->odd.size());
    }
    return {};
  }

  Place* place_of(std::string_view network) {
    if (network == last_network_ && last_place_ != nullptr) return last_place_;
    const auto found = places_.find(network);
    last_place_ = found == places_.end() ? nullptr : &found->second;
    last_network_ = network;
    return last_place_;
  }

  /// A file that lost its first line is still ours where we remember a line of it. One that is not
  /// is taken over as a whole or not at all, so its lines count as found only where every one of
  /// them is desired just so.
  void judge_places() {
    for (const ResourceRow& row : applied_) {
      if (row.kind != kHostKind) continue;
      if (Place* place = place_of(split_host_name(row.name).network)) place->ours = true;
    }
    std::map<const Place*, std::size_t> matching;
    for (const ResourceRow& row : desired_) {
      if (row.kind != kHostKind) continue;
      const HostName name = split_host_name(row.name);
      Place* place = place_of(name.network);
      if (place == nullptr || place->ours) continue;
      const HostsView::Line* line = line_of(*place, name.rest);
      if (line != nullptr && line->digest == row.digest) ++matching[place];
    }
    for (auto& [network, place] : places_) {
      const HostsView& view = *place.view;
      place.identical =
          view.odd.empty() && !view.lines.empty() && matching[&place] == view.lines.size();
    }
  }

  /// Null where the file has no line for this MAC. Quick where it is asked in the order of MACs.
  static const HostsView::Line* line_of(Place& place, std::string_view mac_text) {
    const auto mac = parse_mac_address(mac_text);
    if (!mac) return nullptr;
    const auto& lines = place.view->lines;
    const auto before = [](const HostsView::Line& line, const MacAddress& wanted) {
      return line.mac < wanted;
    };
    if (place.at < lines.size() && lines[place.at].mac < *mac) ++place.at;
    if (place.at == lines.size() || lines[place.at].mac != *mac) {
      const auto at = std::lower_bound(lines.begin(), lines.end(), *mac, before);
      if (at == lines.end() || at->mac != *mac) return nullptr;
      place.at = static_cast<std::size_t>(at - lines.begin());
    }
    return &lines[place.at];
  }

  void merge() {
    if (std::any_of(places_.begin(), places_.end(),
                    [](const auto& place) { return !place.second.ours; })) {
      judge_places();
    }
    for (const RowPair& pair : RowPairs(desired_, applied_)) {
      const ResourceRow* const applied = pair.applied;
      const ObservedRow found = find(pair.row(), applied != nullptr);
      if (look_ == Look::named && pair.unchanged()) continue;
      const bool as_applied = applied != nullptr && found.presence == Presence::ours &&
                              found.row.digest == applied->digest;
      if (!as_applied) out_.rows.push_back(found);
    }
  }

  ObservedRow find(const ResourceRow& row, bool recorded) {
    ObservedRow found{.row = {row.kind, row.name, {}}, .presence = Presence::absent};
    if (row.kind == kHostKind) {
      find_host(row, found);
    } else if (row.kind == kConfigKind && row.name == kConfigName && config_.present) {
      config_named_ = true;
      found.row.digest = config_.digest;
      found.presence = config_.ours || recorded ? Presence::ours : Presence::foreign;
    }
    if (found.presence == Presence::ours && pending_ && pending_->covers(row.kind, row.name)) {
      found.row.digest = unread_digest(found.row.digest);
    }
    return found;
  }

  void find_host(const ResourceRow& row, ObservedRow& found) {
    const HostName name = split_host_name(row.name);
    Place* place = place_of(name.network);
    if (place == nullptr) return;
    const HostsView& view = *place->view;
    found.presence = place->ours ? Presence::ours : Presence::foreign;
    if (!place->ours && !place->identical) {
      // The whole file is somebody else's: this is what stands where the line should.
      found.row.digest = view.whole;
      return;
    }
    if (const HostsView::Line* line = line_of(*place, name.rest)) {
      place->named[static_cast<std::size_t>(line - view.lines.data())] = true;
      found.row.digest = line->digest;
      return;
    }
    for (std::size_t i = 0; i < view.odd.size(); ++i) {
      if (view.odd[i].name != row.name.view()) continue;
      place->named_odd[i] = true;
      found.row.digest = view.odd[i].digest;
      return;
    }
    if (view.ours || place->identical) {
      found.presence = Presence::absent;
    } else {
      // Without our first line the file as a whole is what the change has to find unchanged.
      found.row.digest = view.whole;
    }
  }

  void collect_unrecorded() {
    if (config_.present && config_.ours && !config_named_) {
      out_.unrecorded.push_back(
          {arena_->intern(kConfigKind), arena_->intern(kConfigName), config_.digest});
    }
    std::vector<std::pair<std::string, Digest>> hosts;
    for (const auto& [network, place] : places_) {
      if (!place.ours) continue;
      for (std::size_t i = 0; i < place.named.size(); ++i) {
        if (place.named[i]) continue;
        const HostsView::Line& line = place.view->lines[i];
        hosts.emplace_back(host_name_of(network, line.mac), line.digest);
      }
      for (std::size_t i = 0; i < place.named_odd.size(); ++i) {
        if (place.named_odd[i]) continue;
        hosts.emplace_back(place.view->odd[i].name, place.view->odd[i].digest);
      }
    }
    std::sort(hosts.begin(), hosts.end());
    const Text kind = arena_->intern(kHostKind);
    for (const auto& [name, digest] : hosts) {
      out_.unrecorded.push_back({kind, arena_->copy(name), digest});
    }
  }

  const DnsmasqTargetSettings& settings_;
  HostsIndex& index_;
  std::optional<Pending> pending_;
  const std::vector<ResourceRow>&desired_, &applied_;
  Look look_;
  std::shared_ptr<Arena> arena_;
  ConfigState config_;
  bool config_named_ = false;
  std::map<std::string, Place, std::less<>> places_;
  std::string_view last_network_;
  Place* last_place_ = nullptr;
  Observation out_;
};

}  // namespace

PathParts path_parts(const std::string& absolute_path) {
  const std::size_t slash = absolute_path.rfind('/');
  if (slash == std::string::npos) return {".", absolute_path};
  return {slash == 0 ? "/" : absolute_path.substr(0, slash), absolute_path.substr(slash + 1)};
}

Digest unread_digest(const Digest& digest) {
  return Digester().add("not read by dnsmasq yet").add(digest.hex()).finish();
}

ReloadMeans reload_means(const DnsmasqTargetSettings& settings) {
  ReloadMeans means = reload_means(settings.reload, settings.restart);
  means.systemctl = settings.systemctl;
  means.journalctl = settings.journalctl;
  return means;
}

Result<DnsmasqTargetSettings> dnsmasq_target_settings(const TargetConfig& config,
                                                      const std::string& state_folder) {
  DnsmasqTargetSettings settings;
  settings.name = config.name;
  settings.config = config.config;
  settings.hosts_folder = config.hosts;
  settings.reload = config.reload;
  settings.restart = config.restart;
  if (!config.run_as.empty()) settings.user = config.run_as;
  settings.log_file = config.log_file;
  settings.state_folder = state_folder;
  settings.probe.tftp_port = config.tftp_port;
  settings.probe.dhcp_port = config.dhcp_port;
  if (!config.probe_address.empty()) {
    settings.probe.address = parse_ipv4(config.probe_address);
    if (!settings.probe.address) {
      return invalid("probe-address",
                     fmt::format("targets.{}.probe-address: '{}' is not an IPv4 address",
                                 config.name, config.probe_address),
                     config.origin);
    }
  }
  return settings;
}

DnsmasqTarget::DnsmasqTarget(DnsmasqTargetSettings settings)
    : settings_(std::move(settings)),
      index_(settings_.state_folder.empty()
                 ? std::string()
                 : fmt::format("{}/dnsmasq-{}.index", settings_.state_folder, settings_.name)),
      note_(fmt::format("{}/dnsmasq-{}.pending", settings_.state_folder, settings_.name)) {}

Result<Observation> DnsmasqTarget::observe(const LookRequest& request, std::stop_token stop) {
  auto pending = note_.load();
  if (!pending) return tl::unexpected(pending.error());
  return Looker(settings_, index_, std::move(*pending), request.desired, request.last_applied,
                request.look)
      .run(stop);
}

Result<void> DnsmasqTarget::flush() {
  if (settings_.may_write) index_.save();
  return {};
}

DnsmasqTarget::~DnsmasqTarget() = default;

struct DnsmasqTarget::KeptText {
  std::string network;
  FileStatus status;
  std::string text;
  HostsFile file;  // views into `text`
};

Result<const DnsmasqTarget::KeptText*> DnsmasqTarget::text_of(std::string_view network) {
  const auto folder = open_folder_if_there(settings_.hosts_folder);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return nullptr;
  const std::string name = std::string(network) + std::string(kHostsSuffix);
  const auto status = (*folder)->status(name);
  if (!status) return tl::unexpected(status.error());
  if (!*status) return nullptr;
  if (kept_ && kept_->network == network && kept_->status == **status) return kept_.get();
  Result<std::string> text = (*folder)->read(name, kMostHostsBytes);
  if (!text) return tl::unexpected(text.error());
  kept_ = std::make_unique<KeptText>();
  kept_->network = network;
  kept_->status = **status;
  kept_->text = std::move(*text);
  kept_->file = parse_hosts_file(kept_->text);
  return kept_.get();
}

Result<Content> DnsmasqTarget::read(std::string_view kind, std::string_view name) {
  Content content;
  if (kind == kConfigKind && name == kConfigName) {
    auto config = look_at_config(settings_.config);
    if (!config) return tl::unexpected(config.error());
    content.bytes = std::move(config->bytes);
    content.mode = config->mode;
    return content;
  }
  if (kind != kHostKind) return content;
  const HostName parts = split_host_name(name);
  const auto kept = text_of(parts.network);
  if (!kept) return tl::unexpected(kept.error());
  if (*kept == nullptr) return content;
  const HostsFile& file = (*kept)->file;
  if (const auto mac = parse_mac_address(parts.rest)) {
    const auto at = std::lower_bound(
        file.lines.begin(), file.lines.end(), *mac,
        [](const HostLine& line, const MacAddress& wanted) { return line.mac < wanted; });
    if (at != file.lines.end() && at->mac == *mac) content.bytes = at->text;
    return content;
  }
  for (const std::string_view line : file.odd) {
    if (odd_name_of(parts.network, host_line_digest(line)) == name) content.bytes = line;
  }
  return content;
}

Result<void> DnsmasqTarget::apply(std::span<const Change> changes, const ContentReader& content,
                                  const ApplyEvents& events, std::stop_token stop) {
  return DnsmasqApply(settings_, note_, content, events).run(changes, std::move(stop));
}

std::vector<Target::Check> DnsmasqTarget::check() { return check_dnsmasq(settings_); }

std::vector<std::string> DnsmasqTarget::watched_folders() const {
  std::vector<std::string> folders{path_parts(settings_.config).folder};
  if (!settings_.hosts_folder.empty() && settings_.hosts_folder != folders.front()) {
    folders.push_back(settings_.hosts_folder);
  }
  return folders;
}

}  // namespace metalwright::reconciler
