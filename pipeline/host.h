#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "inventory/repository_files.h"
#include "pipeline/compiler.h"
#include "pipeline/pulse.h"
#include "reconciler/engine.h"
#include "reconciler/store/store.h"
#include "reconciler/target.h"
#include "schemas/host_config.h"

namespace metalwright::inventory {
class Source;
}

/// One host: its configuration, repository, state and targets, put together. Commands and the loop
/// work through it; nothing else joins concrete classes.
namespace metalwright::pipeline {

enum class Access : std::uint8_t {
  read,   ///< changes nothing, not even the state
  write,  ///< may record; the caller takes the run lock before it applies
};

/// The revision to enforce, or why there is none.
struct Wanted {
  std::shared_ptr<const Compiled> compiled;  ///< null: nothing can be enforced
  Errors errors;                             ///< of the revision that was asked for; warnings too
  bool last_good = false;  ///< `compiled` is an earlier one, because of the errors
  std::string asked;       ///< the revision that was asked for; empty where the source failed
};

class Host {
 public:
  /// Opens the store and makes the targets. Touches no target and no repository yet. `pulse` beats
  /// as targets get on; it may be null.
  [[nodiscard]] static Result<std::unique_ptr<Host>> open(HostConfig config, Access access,
                                                          Pulse* pulse = nullptr);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const HostConfig& config() const { return config_; }
  [[nodiscard]] store::Store& store() { return *store_; }
  /// Errors: as inventory::open_source; asking again tries again.
  [[nodiscard]] Result<inventory::Source*> source();
  [[nodiscard]] const std::vector<std::unique_ptr<reconciler::Target>>& targets() const;

  /// Asks the source for the branch's tip (or the pinned revision), accepts it by the source's
  /// rules and compiles it. A bad one is marked rejected, and the last good one takes its place.
  [[nodiscard]] Wanted wanted(std::stop_token stop);
  /// Lets the next `wanted` that finds a new revision look at the targets while it compiles, for a
  /// `request` with Look::cheap. Until that plan is made nobody else may call the targets.
  void look_early() { look_early_ = true; }
  /// Keeps of each revision what makes the next one quick to read, for who is going to ask for it:
  /// as much memory as the inventory has bytes.
  void expect_more();
  /// Compiles any revision: for `rollback`, `explain --revision`, `plan --revision`.
  [[nodiscard]] CompileResult compile(const std::string& revision, std::stop_token stop);
  /// The same with its model, which one that came from the cache file lacks.
  [[nodiscard]] CompileResult with_model(std::shared_ptr<const Compiled> compiled,
                                         std::stop_token stop);

  /// What the engine is to compare and apply.
  [[nodiscard]] Result<reconciler::PlanRequest> request(std::shared_ptr<const Compiled> compiled,
                                                        reconciler::Look look, bool fields,
                                                        Time now);
  [[nodiscard]] reconciler::AppliedTables& tables() { return *tables_; }
  /// The gates' facts for a plan of this host.
  [[nodiscard]] Result<reconciler::GateFacts> gate_facts(const reconciler::Planned& planned,
                                                         const Compiled& compiled, Time now);

  /// Keeps the desired state and the targets' own indexes in files, for the next process. Failing
  /// costs time only.
  void keep(const std::shared_ptr<const Compiled>& compiled);
  /// Folder beside the state for caches and clones.
  [[nodiscard]] const std::string& state_folder() const { return state_folder_; }

 private:
  Host(HostConfig config, Access access);
  struct Parts;
  [[nodiscard]] Result<void> set_up();
  [[nodiscard]] Result<std::string> accept(std::string& asked, std::stop_token stop);
  void reject(Wanted& wanted, Time now);
  [[nodiscard]] CompileResult unread(const std::string& revision, Errors errors) const;
  [[nodiscard]] CompileResult compile_asked(const std::string& asked, std::stop_token stop);
  [[nodiscard]] std::shared_ptr<const Compiled> from_cache(const std::string& revision);
  [[nodiscard]] std::shared_ptr<const Model> model_before(const Compiled& compiled);
  [[nodiscard]] Digest state_key() const;
  void resume_load();
  void begin_early_look();
  void learn_states(const std::vector<std::pair<std::string, std::string>>& states);

  HostConfig config_;
  Access access_;
  Pulse* pulse_ = nullptr;
  bool look_early_ = false;
  std::string state_folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<inventory::Source> source_;
  std::unique_ptr<Compiler> compiler_;
  std::optional<reconciler::AppliedTables> tables_;
  std::unique_ptr<Parts> parts_;
};

/// Where this host keeps files of its own: beside the state, or where that is in a database
/// elsewhere with the clones.
[[nodiscard]] std::string folder_of_state(const HostConfig& config);

}  // namespace metalwright::pipeline
