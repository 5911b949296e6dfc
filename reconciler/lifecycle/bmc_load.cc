#include "reconciler/lifecycle/bmc_load.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "reconciler/fault.h"
#include "reconciler/lifecycle/bmc_find.h"
#include "reconciler/lifecycle/bmc_note.h"
#include "reconciler/netbox/netbox_answer.h"
#include "schemas/digest.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::fault_point;
using reconciler::id_of;
using reconciler::NetboxApi;
using reconciler::NetboxOutcome;
using reconciler::text_of;

constexpr std::size_t kChunk = 1000;  // rows between two notes on disk; NetBox may get fewer
const std::string kMacs = "/api/dcim/mac-addresses/";
const std::string kInterfaces = "/api/dcim/interfaces/";
const std::string kJournal = "/api/extras/journal-entries/";

json journal_entry(std::int64_t device, std::string_view kind, std::string_view text) {
  return {{"assigned_object_type", "dcim.device"},
          {"assigned_object_id", device},
          {"kind", kind},
          {"comments", text}};
}

class Load {
 public:
  Load(NetboxApi& netbox, const BmcLoadOptions& options, std::stop_token stop)
      : netbox_(netbox), options_(options), stop_(std::move(stop)) {}

  Result<void> run(std::vector<BmcRow>& rows) {
    if (!options_.dry_run) {
      if (Result<void> ready = settle(); !ready) return ready;
    }
    for (BmcRow& row : rows) {
      if (row.outcome == BmcOutcome::open) work_.push_back({&row});
    }
    if (work_.empty()) return {};
    if (Result<void> found = find_bmcs(netbox_, work_, options_.interfaces, stop_); !found) {
      return found;
    }
    if (const Result<void> written = write_all(); !written) {
      for (const BmcWork& each : work_) {
        if (each.open()) each.fail(written.error().message);
      }
    }
    return {};
  }

 private:
  /// Journals what a load that was cut off had set.
  Result<void> settle() {
    Result<BmcNote> note = BmcNote::open(options_.note);
    if (!note) return tl::unexpected(note.error());
    note_.emplace(std::move(*note));
    const Result<BmcEntries> left = note_->left();
    if (!left) return tl::unexpected(left.error());
    if (left->entries.empty()) return {};
    std::vector<std::string> interfaces;
    for (const BmcEntry& each : left->entries) {
      interfaces.push_back(std::to_string(each.interface));
    }
    std::map<std::int64_t, std::string> now;
    if (Result<void> listed = netbox_.each_of(
            kInterfaces, "id", interfaces, "",
            [&](const json& object) {
              now[id_of(object, "id").value_or(0)] = text_of(object, "mac_address");
            },
            stop_);
        !listed) {
      return listed;
    }
    std::vector<std::string> told;
    if (Result<void> listed = netbox_.each(
            kJournal, "q=" + reconciler::url_escape(left->key),
            [&](const json& object) { told.push_back(text_of(object, "comments")); }, stop_);
        !listed) {
      return listed;
    }
    std::vector<json> entries;
    for (const BmcEntry& each : left->entries) {
      const auto at = now.find(each.interface);
      if (at == now.end() || at->second != each.mac) continue;  // it came to nothing
      if (std::find(told.begin(), told.end(), each.text) != told.end()) continue;
      entries.push_back(journal_entry(each.device, "success", each.text));
    }
    for (const NetboxOutcome& outcome : netbox_.create(kJournal, entries, kChunk, stop_)) {
      // A device that is gone has no journal.
      if (!outcome && outcome.error().kind != ErrorKind::invalid) {
        return tl::unexpected(outcome.error());
      }
    }
    return note_->clear();
  }

  Result<void> write_all() {
    std::vector<BmcWork*> sets;
    std::vector<const BmcWork*> warned;
    for (BmcWork& each : work_) {
      if (each.open()) sets.push_back(&each);
      if (each.row->outcome == BmcOutcome::differs) warned.push_back(&each);
    }
    const std::size_t all = sets.size() + warned.size();
    std::size_t done = 0;
    if (options_.dry_run) {
      for (BmcWork* each : sets) each->row->outcome = BmcOutcome::set;
      return {};
    }
    for (std::size_t at = 0; at < sets.size(); at += kChunk) {
      const std::span<BmcWork*> chunk(sets.data() + at, std::min(kChunk, sets.size() - at));
      if (stop_.stop_requested()) return unavailable("stopped", "stopped before it was done");
      if (Result<void> made = set(chunk); !made) return made;
      done += chunk.size();
      options_.on_progress(done, all);
    }
    for (std::size_t at = 0; at < warned.size(); at += kChunk) {
      const std::span<const BmcWork* const> chunk(warned.data() + at,
                                                  std::min(kChunk, warned.size() - at));
      if (Result<void> told = warn(chunk); !told) return told;
      done += chunk.size();
      options_.on_progress(done, all);
    }
    return {};
  }

  /// Sets the addresses of a chunk and journals them.
  Result<void> set(std::span<BmcWork*> chunk) {
    if (Result<void> looked = look_again(chunk); !looked) return looked;
    std::vector<BmcWork*> left;
    for (BmcWork* each : chunk) {
      if (each->open()) left.push_back(each);
    }
    if (left.empty()) return {};
    const BmcEntries entries = entries_of(left);
    if (Result<void> kept = note_->keep(entries); !kept) return kept;
    fault_point("bmc.noted");
    const Result<void> made = make(left);
    fault_point("bmc.set");
    std::vector<const BmcWork*> told;
    std::vector<json> bodies;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i]->row->outcome != BmcOutcome::set) continue;
      told.push_back(left[i]);
      bodies.push_back(
          journal_entry(entries.entries[i].device, "success", entries.entries[i].text));
    }
    const Result<void> journaled = journal(told, bodies);
    fault_point("bmc.journaled");
    // What is not journaled, or may have been set all the same, is seen to by the next load.
    if (!made) return made;
    if (!journaled) return journaled;
    return note_->clear();
  }

  BmcEntries entries_of(std::span<BmcWork* const> chunk) {
    BmcEntries entries;
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    constexpr std::size_t kKey = 16;
    entries.key = sha256(fmt::format("{} {} {} {}", options_.source, chunk.front()->row->line,
                                     ::getpid(), now))
                      .hex()
                      .substr(0, kKey);
    for (const BmcWork* each : chunk) {
      entries.entries.push_back({each->device, each->interface, netbox_mac(each->row->mac),
                                 fmt::format("MAC address {} set on {}, from {} line {}. (load {})",
                                             each->row->mac.text(), each->row->interface,
                                             options_.source, each->row->line, entries.key)});
    }
    return entries;
  }

  /// Somebody may have set one since it was looked at.
  Result<void> look_again(std::span<BmcWork*> chunk) {
    std::map<std::int64_t, BmcWork*> wanted;
    std::vector<std::string> ids;
    for (BmcWork* each : chunk) {
      wanted[each->interface] = each;
      ids.push_back(std::to_string(each->interface));
    }
    return netbox_.each_of(
        kInterfaces, "id", ids, "",
        [&](const json& object) {
          const auto at = wanted.find(id_of(object, "id").value_or(0));
          if (at != wanted.end()) at->second->decide(text_of(object, "mac_address"));
        },
        stop_);
  }

  /// Sets what can be set; rows that NetBox refuses fail. Error: NetBox does not answer any more.
  Result<void> make(std::span<BmcWork* const> chunk) {
    const Result<reconciler::NetboxVersion> version = netbox_.version(stop_);
    if (!version) return tl::unexpected(version.error());
    const bool objects = version->mac_objects();
    if (objects) {
      if (Result<void> ready = make_macs(chunk); !ready) return ready;
      if (Result<void> ready = bind_macs(chunk); !ready) return ready;
    }
    std::vector<BmcWork*> some;
    std::vector<json> bodies;
    for (BmcWork* each : chunk) {
      if (!each->open()) continue;
      some.push_back(each);
      bodies.push_back({{"id", each->interface}});
      if (objects) {
        bodies.back()["primary_mac_address"] = each->mac;
      } else {
        bodies.back()["mac_address"] = netbox_mac(each->row->mac);
      }
    }
    return take(some, netbox_.update(kInterfaces, bodies, kChunk, stop_),
                [](BmcWork& each, std::int64_t) { each.row->outcome = BmcOutcome::set; });
  }

  Result<void> make_macs(std::span<BmcWork* const> chunk) {
    std::vector<BmcWork*> some;
    std::vector<json> bodies;
    for (BmcWork* each : chunk) {
      if (each->mac != 0) continue;
      some.push_back(each);
      bodies.push_back({{"mac_address", netbox_mac(each->row->mac)},
                        {"assigned_object_type", "dcim.interface"},
                        {"assigned_object_id", each->interface}});
    }
    return take(some, netbox_.create(kMacs, bodies, kChunk, stop_),
                [](BmcWork& each, std::int64_t id) {
                  each.mac = id;
                  each.bound = true;
                });
  }

  /// Gives objects that are nobody's to their interfaces.
  Result<void> bind_macs(std::span<BmcWork* const> chunk) {
    std::vector<BmcWork*> some;
    std::vector<json> bodies;
    for (BmcWork* each : chunk) {
      if (each->bound || !each->open()) continue;
      some.push_back(each);
      bodies.push_back({{"id", each->mac},
                        {"assigned_object_type", "dcim.interface"},
                        {"assigned_object_id", each->interface}});
    }
    return take(some, netbox_.update(kMacs, bodies, kChunk, stop_),
                [](BmcWork& each, std::int64_t) { each.bound = true; });
  }

  /// Rows that were refused fail. Error: the first that says that NetBox does not answer any more,
  /// or that nothing may be written at all.
  template <class OnGood>
  static Result<void> take(std::span<BmcWork* const> some,
                           const std::vector<NetboxOutcome>& outcomes, const OnGood& on_good) {
    Result<void> all;
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (outcomes[i]) {
        on_good(*some[i], outcomes[i]->id);
        continue;
      }
      const Error& error = outcomes[i].error();
      if (error.kind == ErrorKind::invalid || error.kind == ErrorKind::conflict) {
        some[i]->fail(error.message);
      } else if (all) {
        all = tl::unexpected(error);
      }
    }
    return all;
  }

  Result<void> warn(std::span<const BmcWork* const> chunk) {
    std::vector<json> entries;
    for (const BmcWork* each : chunk) {
      entries.push_back(journal_entry(
          each->device, "warning",
          fmt::format("MAC address {} from {} line {} not set on {}: {}.", each->row->mac.text(),
                      options_.source, each->row->line, each->row->interface, each->row->message)));
    }
    return journal(chunk, entries);
  }

  /// An entry that NetBox refuses is told in its row's message.
  Result<void> journal(std::span<const BmcWork* const> of, const std::vector<json>& entries) {
    const std::vector<NetboxOutcome> outcomes = netbox_.create(kJournal, entries, kChunk, stop_);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i]) continue;
      const Error& error = outcomes[i].error();
      if (error.kind != ErrorKind::invalid) {
        return tl::unexpected(with_context(error, "writing journal entries"));
      }
      std::string& message = of[i]->row->message;
      message += fmt::format("{}not journaled: {}", message.empty() ? "" : "; ", error.message);
    }
    return {};
  }

  NetboxApi& netbox_;
  const BmcLoadOptions& options_;
  std::stop_token stop_;
  std::optional<BmcNote> note_;
  std::vector<BmcWork> work_;
};
}  // namespace

Result<void> load_bmc_macs(NetboxApi& netbox, std::vector<BmcRow>& rows,
                           const BmcLoadOptions& options, std::stop_token stop) {
  return Load(netbox, options, std::move(stop)).run(rows);
}

}  // namespace metalwright::lifecycle
