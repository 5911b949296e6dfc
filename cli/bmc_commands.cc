#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "pipeline/host.h"
#include "pipeline/lives.h"
#include "reconciler/lifecycle/bmc_load.h"

namespace metalwright::cli {
namespace {
using lifecycle::BmcOutcome;
using lifecycle::BmcRow;
using nlohmann::ordered_json;

struct Options {
  std::string what, file, format = "text";
  bool dry_run = false;
};

constexpr std::uintmax_t kMostBytes = std::uintmax_t{256} << 20U;

Result<std::vector<BmcRow>> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code failed;
  if (!in || std::filesystem::is_directory(path, failed)) {
    return invalid("bmc-file", fmt::format("'{}' cannot be read", path));
  }
  if (std::filesystem::file_size(path, failed) > kMostBytes && !failed) {
    return invalid("bmc-file", fmt::format("'{}' has more than 256 MiB", path));
  }
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  auto rows = lifecycle::read_bmc_rows(bytes);
  if (!rows) rows.error().origin = {path, 0, 0};
  return rows;
}

std::size_t count(const std::vector<BmcRow>& rows, BmcOutcome outcome) {
  std::size_t found = 0;
  for (const BmcRow& row : rows) found += row.outcome == outcome ? 1 : 0;
  return found;
}

constexpr std::array kReported{BmcOutcome::set, BmcOutcome::unchanged, BmcOutcome::differs,
                               BmcOutcome::failed};

bool print_text(const Options& options, const std::vector<BmcRow>& rows) {
  std::string out;
  for (const BmcRow& row : rows) {
    out += fmt::format("{}:{}: {}: {} {}", options.file, row.line, word(row.outcome), row.serial,
                       row.mac_text);
    if (!row.device.empty()) out += fmt::format(" ({} of {})", row.interface, row.device);
    out += row.message.empty() ? "\n" : fmt::format(": {}\n", row.message);
  }
  out += fmt::format("{} rows{}: ", rows.size(), options.dry_run ? ", nothing written" : "");
  for (const BmcOutcome outcome : kReported) {
    out += fmt::format("{}{} {}", outcome == kReported[0] ? "" : ", ", count(rows, outcome),
                       word(outcome));
  }
  return print(out + '\n');
}

bool print_json(const Options& options, const std::vector<BmcRow>& rows) {
  ordered_json summary{{"rows", rows.size()}};
  for (const BmcOutcome outcome : kReported) {
    summary[std::string(word(outcome))] = count(rows, outcome);
  }
  ordered_json list = ordered_json::array();
  for (const BmcRow& row : rows) {
    list.push_back({{"line", row.line},
                    {"serial", row.serial},
                    {"mac", row.mac == MacAddress{} ? row.mac_text : row.mac.text()},
                    {"outcome", word(row.outcome)},
                    {"device", row.device},
                    {"interface", row.interface},
                    {"message", row.message}});
  }
  const ordered_json out{{"format_version", 1},
                         {"file", options.file},
                         {"dry_run", options.dry_run},
                         {"summary", summary},
                         {"rows", list}};
  return print(out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n');
}

int load(const Options& options, const Globals& globals) {
  auto rows = read_file(options.file);
  if (!rows) return report(rows.error());
  const auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  auto netbox = pipeline::lifecycle_netbox(*config);
  if (!netbox) return report(netbox.error());
  StopSignals signals;
  lifecycle::BmcLoadOptions load;
  load.interfaces = config->lifecycle.bmc_interfaces;
  load.dry_run = options.dry_run;
  load.source = std::filesystem::path(options.file).filename().string();
  load.note = pipeline::folder_of_state(*config) + "/bmc-load.note";
  Result<void> loaded;
  {
    ProgressLine progress("setting MAC addresses");
    load.on_progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
    loaded = lifecycle::load_bmc_macs(*netbox, *rows, load, signals.token());
  }
  if (!loaded) return report(loaded.error());
  const bool printed =
      options.format == "json" ? print_json(options, *rows) : print_text(options, *rows);
  const bool all_well = count(*rows, BmcOutcome::failed) + count(*rows, BmcOutcome::differs) == 0;
  return printed && all_well ? kSuccess : kError;
}

}  // namespace

void add_bmc_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      program.add_subcommand("bmc", "record the MAC addresses of management controllers in NetBox");
  app->add_option("WHAT", options->what, "what to do")->required()->check(CLI::IsMember({"load"}));
  app->add_option("FILE", options->file, "CSV with the columns server_serial and server_bmc_mac")
      ->required()
      ->type_name("FILE.csv");
  app->add_option("--format", options->format, "form of the report, a row for each of the file's")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app->add_flag("--dry-run", options->dry_run, "look, report, and write nothing");
  app->footer(
      "A server is found by its serial number, its controller by the interface's name (bmc, ilo or "
      "idrac). Set where there is no address, left with a warning in the journal where there is "
      "another one. Exit status 1 where a row failed or another address stands.\n"
      "Example: metalwright bmc load delivery-42.csv --dry-run");
  add(app, [options, &globals] { return load(*options, globals); });
}

}  // namespace metalwright::cli
