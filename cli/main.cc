#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "cli/command.h"
#include "cli/service_manager.h"

namespace metalwright::cli {

bool Globals::color_out() const {
  if (color == "always") return true;
  if (color == "never" || std::getenv("NO_COLOR") != nullptr) return false;
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string(term) != "dumb";
}

namespace {

constexpr const char* kDescription =
    "Turns a git repository that describes servers into booting, configured machines, and keeps "
    "them that way.";

constexpr const char* kExamples =
    "Try it:\n"
    "  metalwright validate                     check the repository in this folder\n"
    "  metalwright render --out /tmp/out        see every file that it makes\n"
    "  metalwright diff main..my-branch         what a proposed change would change\n"
    "  metalwright plan -c metalwright.yaml     what differs at the targets\n"
    "  metalwright apply -c metalwright.yaml    make it so\n"
    "  metalwright reconcile -c metalwright.yaml  keep it so\n"
    "\n"
    "Exit status: 0 success, 1 error, 3 refused by a gate, 4 plan is stale, 5 locked by another,\n"
    "6 partly applied, 64 wrong usage; plan --detailed-exitcode: 2 there are changes.\n"
    "Documentation: metalwright(1), docs/ in the source tree.";

/// `<4>`: the journal keeps a line's level, and puts the time to it.
class JournalLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& to) override {
    const int level = message.level >= spdlog::level::err    ? 3
                      : message.level == spdlog::level::warn ? 4
                      : message.level == spdlog::level::info ? 6
                                                             : 7;
    fmt::format_to(std::back_inserter(to), "<{}>", level);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalLevel>();
  }
};

/// The log goes to stderr: stdout carries the result.
void set_up_log(const Globals& globals) {
  auto logger = spdlog::stderr_logger_mt("metalwright");
  if (globals.log_format == "json") {
    logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})",
                        spdlog::pattern_time_type::utc);
  } else if (logs_to_journal()) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JournalLevel>('J').set_pattern("%J%l: %v");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%^%l%$: %v");
  }
  logger->set_level(globals.verbose ? spdlog::level::debug : spdlog::level::info);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

int run(int argc, char** argv) {
  CLI::App program(kDescription, "metalwright");
  program.footer(kExamples);
  program.require_subcommand(0, 1);
  program.fallthrough();
  program.set_version_flag("--version", "metalwright " METALWRIGHT_VERSION);
  program.get_formatter()->column_width(36);

  Globals globals;
  program.add_option("-c,--config", globals.config, "the host's configuration")
      ->type_name("FILE")
      ->capture_default_str();
  program.add_option("--color", globals.color, "colour the output")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  program.add_option("--log-format", globals.log_format, "form of the log on stderr")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  program.add_flag("-v,--verbose", globals.verbose, "log what is done in detail");

  std::map<const CLI::App*, Run> runs;
  const AddCommand add = [&](CLI::App* app, Run run) { runs[app] = std::move(run); };
  add_offline_commands(program, globals, add);
  add_target_commands(program, globals, add);
  add_serve_command(program, globals, add);
  add_adopt_commands(program, globals, add);
  add_machine_commands(program, globals, add);
  add_sim_command(program, add);
  add_backup_commands(program, globals, add);
  add_status_command(program, globals, add);
  add_inspect_commands(program, globals, add);
  add_hold_commands(program, globals, add);
  add_import_commands(program, globals, add);
  add_lifecycle_commands(program, globals, add);
  add_dhcp_commands(program, globals, add);
  add_bmc_commands(program, globals, add);
  add_meta_commands(program, add);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = program.exit(error);
    return status == 0 ? kSuccess : kUsage;
  }
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) {
    std::fputs(program.help().c_str(), stderr);
    return kUsage;
  }
  set_up_log(globals);
  return runs.at(chosen.front())();
}

}  // namespace

/// Each table of a large fleet is a piece of memory of its own, given back when a revision is done
/// with it. Left to itself, glibc comes to put pieces of up to 32 MB among the small ones, which
/// then keep them: for 100,000 servers a loop holds 200 MB that nobody uses.
void keep_tables_out_of_the_heap() { (void)mallopt(M_MMAP_THRESHOLD, 4 << 20); }
}  // namespace metalwright::cli

int main(int argc, char** argv) {
  metalwright::cli::keep_tables_out_of_the_heap();
  std::setlocale(LC_ALL, "C.UTF-8");
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return metalwright::cli::run(argc, argv);
  } catch (const std::exception& error) {
    // Nothing of ours throws: memory ran out, or a library broke its promise.
    std::fprintf(stderr, "metalwright: unexpected failure: %s\n", error.what());
    return metalwright::cli::kError;
  }
}
