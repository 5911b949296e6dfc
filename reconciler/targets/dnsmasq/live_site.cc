#include "reconciler/targets/dnsmasq/live_site.h"

#include <utility>

#include "reconciler/fault.h"
#include "reconciler/targets/dnsmasq/hosts_change.h"
#include "reconciler/targets/dnsmasq/live_file.h"
#include "reconciler/targets/dnsmasq/site_state.h"

namespace metalwright::reconciler {

LiveSite::LiveSite(const DnsmasqTargetSettings& settings, const PendingNote& note,
                   std::optional<Pending> before)
    : settings_(settings),
      note_(note),
      means_(reload_means(settings)),
      resumed_(before.has_value()),
      pending_(std::move(before).value_or(Pending{})) {}

Result<void> LiveSite::go_live(const NewFiles& files) {
  if (auto published = publish(files); !published) {
    // dnsmasq was not told, so it needs no telling.
    return tl::unexpected(put_back(std::move(published.error())));
  }
  if (auto known = make_known(files); !known) {
    // It reads the files when it is started: nothing is won by putting the old ones back.
    if (known.error().check == "dnsmasq-not-running") return known;
    return tl::unexpected(undo(std::move(known.error()), files.kind));
  }
  return settle();
}

/// The folders are there afterwards, and free of what a run that was cut off left in them.
Result<void> LiveSite::make_folders() {
  const auto make = [](const std::string& path, std::optional<FileTree>& folder) -> Result<void> {
    if (path.empty()) return {};
    if (auto made = make_absolute_folder(path); !made) return made;
    Result<FileTree> opened = FileTree::open(path);
    if (!opened) return tl::unexpected(opened.error());
    folder = std::move(*opened);
    if (auto removed = folder->remove_leftovers(""); !removed) {
      return tl::unexpected(removed.error());
    }
    return {};
  };
  if (auto made = make(path_parts(settings_.config).folder, config_folder_); !made) return made;
  return make(settings_.hosts_folder, hosts_folder_);
}

Result<void> LiveSite::keep_previous(const NewFiles& files) {
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
  for (const auto& [network, text] : files.hosts) {
    if (auto kept = keep(*hosts_folder_, hosts_file_name(network)); !kept) return kept;
  }
  if (!files.changes_config()) return {};
  return keep(*config_folder_, path_parts(settings_.config).name);
}

Result<void> LiveSite::publish(const NewFiles& files) {
  if (auto made = make_folders(); !made) return made;
  pending_.kind = files.kind;
  pending_.resources.insert(files.resources.begin(), files.resources.end());
  if (auto kept = keep_previous(files); !kept) return kept;
  // Where dnsmasq need not be told, the files alone say how far this came.
  if (files.kind != ReloadKind::none) {
    if (auto noted = note_.save(pending_); !noted) return noted;
  }
  return publish_files(files);
}

/// Hosts files before the configuration that names them, and away after the one that does not.
Result<void> LiveSite::publish_files(const NewFiles& files) {
  for (const auto& [network, text] : files.hosts) {
    if (!text) continue;
    auto written = LiveFile(*hosts_folder_, hosts_file_name(network)).publish(*text);
    if (!written) return written;
  }
  if (files.changes_config()) {
    const LiveFile file(*config_folder_, path_parts(settings_.config).name);
    auto written = files.config ? file.publish(*files.config) : file.remove();
    if (!written) return written;
  }
  for (const auto& [network, text] : files.hosts) {
    if (text) continue;
    auto removed = LiveFile(*hosts_folder_, hosts_file_name(network)).remove();
    if (!removed) return removed;
  }
  return {};
}

Result<void> LiveSite::make_known(const NewFiles& files) {
  if (files.kind == ReloadKind::none || means_.nobody(files.kind)) return {};
  const LogReader log(settings_.log_file, means_);
  if (const int failure = fault_point("dnsmasq.reload"); failure != 0) {
    return system_failure("dnsmasq-reload", "cannot reload dnsmasq", failure);
  }
  const auto in_its_words = [&](Error error) -> tl::unexpected<Error> {
    const std::vector<std::string> lines = log.lines();
    // What it says about a line of ours tells more than that it does not answer.
    if (auto refused = files.hear(lines); !refused) return tl::unexpected(refused.error());
    for (const std::string& line : lines) {
      if (line.find("FAILED") == std::string::npos) continue;
      error = with_context(std::move(error), "dnsmasq said: " + line);
    }
    return tl::unexpected(std::move(error));
  };
  if (auto told = reload_dnsmasq(means_, files.kind, {}); !told) return in_its_words(told.error());
  if (const int failure = fault_point("dnsmasq.probe"); failure != 0) {
    return system_failure("dnsmasq-probe", "cannot ask dnsmasq", failure);
  }
  if (auto probed = probe_dnsmasq(settings_.probe, files.facts, {}); !probed) {
    return in_its_words(probed.error());
  }
  if (auto refused = files.hear(log.lines()); !refused) return refused;
  return probe_hosts(settings_.probe, files.facts, files.expected, {});
}

Result<void> LiveSite::restore_files() {
  const auto restore = [](const std::string& path, bool kept) -> Result<void> {
    const PathParts parts = path_parts(path);
    const auto folder = FileTree::open(parts.folder);
    if (!folder) return tl::unexpected(folder.error());
    return LiveFile(*folder, parts.name).restore(kept);
  };
  // The configuration first: it names the hosts files.
  if (pending_.kept.contains(settings_.config)) {
    if (auto done = restore(settings_.config, true); !done) return done;
  }
  for (const std::string& path : pending_.kept) {
    if (path == settings_.config) continue;
    if (auto done = restore(path, true); !done) return done;
  }
  for (const std::string& path : pending_.made) {
    if (auto done = restore(path, false); !done) return done;
  }
  return {};
}

/// Puts the files back where dnsmasq was not told of new ones. Returns the error to report.
Error LiveSite::put_back(Error why) {
  if (auto restored = restore_files(); !restored) {
    return with_context(std::move(why),
                        "putting the previous files back failed too: " + restored.error().text());
  }
  // An earlier run's note still stands for what dnsmasq may have read of that run.
  if (!resumed_) static_cast<void>(note_.remove());
  return with_context(std::move(why), "the previous files are in place");
}

/// Puts everything back as it was when it last proved good. Returns the error to report.
Error LiveSite::undo(Error why, ReloadKind kind) {
  if (auto restored = restore_files(); !restored) {
    return with_context(std::move(why),
                        "putting the previous files back failed too: " + restored.error().text());
  }
  const auto now = look_at_config(settings_.config);
  const ConfigFacts facts = now ? read_config_facts(now->bytes) : ConfigFacts{};
  auto back = reload_dnsmasq(means_, kind, {});
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

Result<void> LiveSite::settle() {
  for (const std::string& path : pending_.kept) {
    const PathParts parts = path_parts(path);
    if (const auto folder = FileTree::open(parts.folder)) LiveFile(*folder, parts.name).settle();
  }
  // While the note stays nobody can tell whether dnsmasq read these files: so this run did not do
  // what it was to do, and the next one asks dnsmasq once more.
  if (auto removed = note_.remove(); !removed) {
    return tl::unexpected(with_context(std::move(removed.error()),
                                       "dnsmasq runs with the new files; the next run asks it "
                                       "again"));
  }
  return {};
}

}  // namespace metalwright::reconciler
