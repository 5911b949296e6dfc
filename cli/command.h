#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

/// The commands, each a function that adds its options to the program and says what runs.
namespace metalwright::cli {

/// Exit statuses: part of the interface, listed in the manual page.
enum Exit : int {
  kSuccess = 0,
  kError = 1,
  kChanges = 2,  ///< `plan --detailed-exitcode`: there are changes
  kRefused = 3,  ///< a gate said no
  kStale = 4,    ///< the saved plan is of another revision or another state
  kLocked = 5,   ///< another metalwright holds the lock
  kPartly = 6,   ///< some targets failed, the rest is done
  kUsage = 64,   ///< wrong usage
};

/// What every command may look at.
struct Globals {
  std::string config = "/etc/metalwright/metalwright.yaml";
  std::string color = "auto";       ///< auto, always, never
  std::string log_format = "text";  ///< text, json
  bool verbose = false;

  /// Should what goes to stdout be coloured.
  [[nodiscard]] bool color_out() const;
};

/// A command: what the parser calls when it was named.
using Run = std::function<int()>;
using AddCommand = std::function<void(CLI::App* app, Run run)>;

/// Each adds its group of commands to `program`; `add` remembers what to run for an App.
void add_offline_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_target_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_serve_command(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_sim_command(CLI::App& program, const AddCommand& add);
void add_adopt_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_machine_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_backup_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_status_command(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_inspect_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_hold_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_import_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_lifecycle_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_dhcp_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_bmc_commands(CLI::App& program, const Globals& globals, const AddCommand& add);
void add_meta_commands(CLI::App& program, const AddCommand& add);

}  // namespace metalwright::cli
