#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/undo_script.h"
#include "schemas/error.h"

/// The entry in the router's scheduler that takes a plan back unless we say that it is good. It is
/// the lock as well: while there is one, nobody else begins. Neither outlives its time: the script
/// removes its own entry, so what a crash of ours leaves behind ends by itself.
///
/// The entry repeats at `interval` and has no start time: that is counted on the router and so asks
/// nothing of its clock. A reboot of the router only begins the interval anew.
namespace metalwright::reconciler {

struct UndoTimerSettings {
  std::string owner;             ///< tells our entries from those of others; a plain word
  std::chrono::seconds confirm;  ///< then it runs
  std::function<std::chrono::steady_clock::time_point()> now;
};

class UndoTimer {
 public:
  UndoTimer(RestClient& rest, UndoTimerSettings settings)
      : rest_(rest), settings_(std::move(settings)) {}

  /// Says whether the undo is good, once that is known: a long one is tried while it is sent.
  using Tried = std::function<Result<void>()>;
  /// Puts the entry and its scripts in place; from then on the plan may be made. What would undo is
  /// not there before `tried` says that it is good. Removes what ended undos left behind.
  /// Errors: `unavailable` [routeros-locked] while another's or an earlier run's entry waits;
  /// those of the client and of `tried`. After any of them nothing of ours is left, or it undoes
  /// nothing.
  [[nodiscard]] Result<void> arm(const UndoScripts& scripts, const Tried& tried);

  /// Whether no plan waits to be confirmed: what is there now stays there.
  /// Errors: as `arm`.
  [[nodiscard]] Result<void> none_waits();

  /// Before each write: makes sure that enough time is left, with a new entry where it is not.
  /// Error: `unavailable` [routeros-late] where the undo may have run already.
  [[nodiscard]] Result<void> keep();

  enum class End : std::uint8_t {
    confirmed,  ///< the entry is gone and never ran
    ran,        ///< the undo ran, or runs: the plan is taken back
    unknown,    ///< no contact: the router decides by itself
  };
  /// Takes the entry away, over the connection of the verification. `still_there` looks whether the
  /// plan is in place, for the case that an answer was lost.
  [[nodiscard]] End confirm(const std::function<Result<bool>()>& still_there);

  /// Takes the entry away after the plan was taken back by us. An entry that is gone is fine.
  [[nodiscard]] Result<void> disarm();

 private:
  struct Entry {
    std::string id, name, comment, next_run;
    bool ended = false;  ///< it ran, and could not remove itself
  };
  [[nodiscard]] Result<std::vector<Entry>> entries();
  /// `again`: once more where the connection broke and it is not there.
  [[nodiscard]] Result<void> put_entry(const std::string& name, bool again = true);
  [[nodiscard]] Result<void> put_scripts(const Tried& tried);
  [[nodiscard]] Result<std::string> put_script(const UndoScripts::Script& script);
  [[nodiscard]] Result<void> sweep_scripts(std::string_view beginning);
  void remove_scripts();
  [[nodiscard]] std::optional<End> calm(const std::function<Result<bool>()>& still_there);
  [[nodiscard]] Result<void> refuse_others(const std::vector<Entry>& entries) const;
  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const;

  RestClient& rest_;
  UndoTimerSettings settings_;
  UndoScripts scripts_;
  std::string comment_;  ///< of our entry
  std::string id_, name_;
  std::vector<std::string> script_ids_;
  std::chrono::steady_clock::time_point armed_;
};

}  // namespace metalwright::reconciler
