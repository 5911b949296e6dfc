#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "reconciler/store/backup.h"
#include "reconciler/store/run_lock.h"

namespace metalwright::cli {
namespace {

int backup(const std::string& file, const Globals& globals) {
  const auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  if (auto done = store::back_up(config->state, file); !done) return report(done.error());
  return kSuccess;
}

int restore(const std::string& file, const Globals& globals) {
  const auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  const auto run = take_lock(*config, "restore");
  if (!run) return report(run.error());
  const auto lives = store::RunLock::take(config->state, store::this_process("restore", now_utc()),
                                          store::LockFor::lifecycle);
  if (!lives) return report(lives.error());
  if (auto done = store::restore(config->state, file); !done) return report(done.error());
  std::fputs(
      "the state is the backup's; the next run looks at the targets and records what is "
      "there\n",
      stderr);
  return kSuccess;
}

}  // namespace

void add_backup_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  const auto add_one = [&](const char* name, const char* what, const char* help, const char* footer,
                           int (*run)(const std::string&, const Globals&)) {
    auto file = std::make_shared<std::string>();
    CLI::App* app = program.add_subcommand(name, what);
    app->add_option("FILE", *file, help)->required();
    app->footer(footer);
    add(app, [file, run, &globals] { return run(*file, globals); });
  };
  add_one("backup", "copy the state into a file, while the service goes on", "the copy; replaced",
          "Only its owner may read the copy: it holds the key of secrets' hashes.\n"
          "A state in PostgreSQL is copied with pg_dump.\n"
          "Example: metalwright backup /var/backups/metalwright.db",
          backup);
  add_one("restore", "put a backup in the state's place", "what 'backup' wrote",
          "The service must not run. What was there stays beside the state, with the ending\n"
          "'.before-restore'. A backup of an older metalwright is brought to today's form.\n"
          "Example: metalwright restore /var/backups/metalwright.db",
          restore);
}

}  // namespace metalwright::cli
