#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/engine.h"
#include "reconciler/object_diff.h"
#include "reconciler/store/store.h"
#include "reconciler/targets/routeros/routeros_target.h"
#include "tests/fakes/routeros_fake/router.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {

/// A router, an installation of ours that looks after it, and what the repository asks for.
class RouterosWorld {
 public:
  using Key = std::pair<std::string, std::string>;  // kind and name
  using Objects = std::map<Key, ObjectFields>;

  struct Outcome {
    Planned planned;
    std::optional<ApplyReport> report;  // none where there was nothing to do
    [[nodiscard]] bool converged() const {
      return !planned.targets[0].error &&
             (report ? report->status == ApplyStatus::converged : planned.plan.changes.empty());
    }
    [[nodiscard]] const Error* error() const {
      if (planned.targets[0].error) return &*planned.targets[0].error;
      return report && report->targets[0].error ? &*report->targets[0].error : nullptr;
    }
    [[nodiscard]] std::string text() const {
      std::string text;
      if (error() != nullptr) text = error()->text();
      if (report) {
        for (const Error& one : report->targets[0].change_errors) text += '\n' + one.text();
      }
      return text;
    }
  };

  explicit RouterosWorld(fakes::RouterOptions options = {}) : router(with_commands(options)) {
    router.furnish();
    store::StoreOptions store_options;
    store_options.state = "sqlite:" + (folder / "state.db");
    auto opened = store::Store::open(store_options);
    if (!opened) throw std::runtime_error(opened.error().text());
    store = std::move(*opened);
    restart();
  }

  /// As a new process would make it.
  void restart() {
    tables.emplace(*store);
    target = std::make_unique<RouterosTarget>(settings());
  }

  [[nodiscard]] RouterosTargetSettings settings() {
    RouterosTargetSettings settings;
    settings.name = "edge-1";
    settings.http.url = router.url();
    settings.http.user = "metalwright";
    settings.password = [this]() -> Result<std::string> { return password; };
    settings.http.tries = 2;
    settings.http.first_wait = std::chrono::milliseconds{1};
    settings.confirm = confirm;
    settings.owner = "lab";
    settings.note_file = folder / "edge-1.attempt";
    settings.now = [this] {
      return std::chrono::steady_clock::now() + std::chrono::seconds(passed.load());
    };
    return settings;
  }

  [[nodiscard]] PlanRequest request(const Objects& objects, Look look = Look::cheap) {
    auto table = std::make_shared<ResourceTable>();
    auto arena = std::make_shared<Arena>();
    for (const auto& [key, fields] : objects) {
      table->rows.push_back(
          {arena->copy(key.first), arena->copy(key.second), object_digest(encode_fields(fields))});
    }
    table->arenas.push_back(std::move(arena));
    Subject subject;
    subject.target = target.get();
    subject.desired = std::move(table);
    subject.content = [objects](std::string_view kind, std::string_view name) -> Result<Content> {
      Content content;
      content.mode = 0;
      content.bytes = encode_fields(objects.at({std::string(kind), std::string(name)}));
      return content;
    };
    subject.objects.desired = subject.content;
    subject.objects.applied = [this](std::string_view kind,
                                     std::string_view name) -> Result<ObjectFields> {
      auto record = store->applied().find("edge-1", kind, name);
      if (!record) return tl::unexpected(record.error());
      return *record ? (*record)->fields : ObjectFields{};
    };
    subject.adopt_foreign = adopt;
    subject.moves = moves;
    PlanRequest request;
    request.revision = "r" + std::to_string(++revision_);
    request.subjects.push_back(std::move(subject));
    request.look = look;
    request.fields = false;
    request.now = now();
    return request;
  }

  Outcome round(const Objects& objects, Look look = Look::cheap) {
    const PlanRequest wanted = request(objects, look);
    Result<Planned> planned = make_plan(*store, *tables, wanted, {});
    if (!planned) throw std::runtime_error(planned.error().text());
    Outcome outcome{.planned = std::move(*planned), .report = {}};
    if (outcome.planned.targets[0].error) return outcome;
    if (outcome.planned.plan.changes.empty() && outcome.planned.targets[0].record.empty()) {
      return outcome;
    }
    Result<ApplyReport> report =
        apply_plan(*store, *tables, wanted, outcome.planned,
                   {.trigger = "test", .clock = [] { return now(); }, .progress = {}}, {});
    if (!report) throw std::runtime_error(report.error().text());
    outcome.report = std::move(*report);
    return outcome;
  }

  /// Time goes by for both sides, and more than the router waits.
  void let_undo_run() { let_time_pass(confirm + std::chrono::seconds(1)); }
  void let_time_pass(std::chrono::seconds time) {
    passed += time.count();
    router.advance(time);
  }

  /// The router's configuration without what an apply puts there for its own time.
  [[nodiscard]] bool clean() {
    const std::string text = router.configuration();
    return text.find("metalwright-undo") == std::string::npos;
  }

  TempFolder folder;
  fakes::Router router;
  std::chrono::seconds confirm{300};
  std::atomic<long> passed{0};  ///< seconds that the clock is ahead
  bool adopt = false;
  std::string password = "secret";
  std::vector<ResourceMove> moves;
  std::unique_ptr<store::Store> store;
  std::optional<AppliedTables> tables;
  std::unique_ptr<RouterosTarget> target;

 private:
  static fakes::RouterOptions with_commands(fakes::RouterOptions options) {
    options.commands_file = ROUTEROS_COMMANDS;
    return options;
  }
  static Time now() {
    return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  }
  int revision_ = 0;
};

/// What a network with two servers asks of its router.
inline RouterosWorld::Objects lab() {
  RouterosWorld::Objects objects;
  objects[{"pool", "metalwright-lab"}] = {{"name", "metalwright-lab"},
                                          {"ranges", "192.168.1.100-192.168.1.199"}};
  objects[{"dhcp-option", "metalwright-efi"}] = {
      {"code", "67"}, {"name", "metalwright-efi"}, {"value", "s'snponly.efi'"}};
  objects[{"dhcp-option-set", "metalwright-efi"}] = {{"name", "metalwright-efi"},
                                                     {"options", "metalwright-efi"}};
  objects[{"dhcp-server", "metalwright-lab"}] = {{"address-pool", "metalwright-lab"},
                                                 {"disabled", "no"},
                                                 {"interface", "@192.168.1.0/24"},
                                                 {"lease-time", "12h"},
                                                 {"name", "metalwright-lab"}};
  objects[{"dhcp-network", "lab"}] = {
      {"address", "192.168.1.0/24"}, {"boot-file-name", "undionly.kpxe"},
      {"dns-server", "192.168.1.1"}, {"domain", "example.net"},
      {"gateway", "192.168.1.1"},    {"next-server", "192.168.1.2"}};
  objects[{"dhcp-matcher", "metalwright-efi"}] = {{"address-pool", "metalwright-lab"},
                                                  {"code", "93"},
                                                  {"matching-type", "exact"},
                                                  {"name", "metalwright-efi"},
                                                  {"option-set", "metalwright-efi"},
                                                  {"server", "metalwright-lab"},
                                                  {"value", "0x0007"}};
  int last = 10;
  for (const char* name : {"alpha", "beta"}) {
    ++last;
    const std::string address = "192.168.1." + std::to_string(last);
    objects[{"dhcp-lease", name}] = {{"address", address},
                                     {"disabled", "no"},
                                     {"mac-address", "52:54:00:00:00:" + std::to_string(last)},
                                     {"server", "metalwright-lab"}};
    objects[{"dns-static", std::string(name) + ".example.net"}] = {
        {"address", address}, {"name", std::string(name) + ".example.net"}, {"type", "A"}};
  }
  return objects;
}

}  // namespace metalwright::reconciler
