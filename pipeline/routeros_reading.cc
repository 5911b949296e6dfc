#include "pipeline/routeros_reading.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "pipeline/device_file.h"
#include "pipeline/host_targets.h"
#include "reconciler/targets/routeros/export_rows.h"
#include "reconciler/targets/routeros/routeros_target.h"
#include "renderers/routeros/export.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {

using reconciler::RouterRows;

Result<RouterReading> read_router(const HostConfig& config, const std::string& name,
                                  std::stop_token stop) {
  for (const TargetConfig& target : config.targets) {
    if (target.type != TargetType::routeros || target.name != name) continue;
    const reconciler::RouterosTargetSettings settings = router_settings(config, target, {});
    reconciler::RestClient rest(settings.http, settings.password);
    std::set<const routeros::Menu*> menus;
    for (const routeros::Menu& menu : routeros::menus()) {
      if (menu.managed()) menus.insert(&menu);
    }
    Result<RouterRows> rows = read_router_rows(rest, menus, {"0.0.0.0/0", "::/0"}, std::move(stop));
    if (!rows) return tl::unexpected(with_context(rows.error(), "at " + rest.url()));
    return RouterReading{.rows = std::move(*rows),
                         .notes = {"menus that a repository never speaks of: they were not read"}};
  }
  return invalid("unknown-target", fmt::format("there is no target of type routeros called {}",
                                               metalwright::quoted(std::string_view(name))));
}

Result<RouterReading> read_router_export(std::string_view text, const std::string& file) {
  const routeros::Export read = routeros::read_export(text, file);
  if (auto other = not_an_export(read, text, file)) return tl::unexpected(std::move(*other));
  RouterReading reading{.rows = reconciler::rows_of_export(read), .notes = {}};
  for (const Error& error : read.errors) {
    reading.notes.push_back(fmt::format("{}: {}", error.origin.text(), error.message));
  }
  std::map<std::string, std::size_t> unsaid;  // menus that are read, and nothing more
  for (const routeros::ExportRow& row : read.rows) {
    const routeros::Menu* const menu = routeros::find_menu(row.menu);
    if (menu != nullptr && !menu->managed()) ++unsaid[row.menu];
  }
  for (const auto& [menu, count] : unsaid) {
    reading.notes.push_back(fmt::format("{}: rows of the router's own: {}", menu, count));
  }
  for (const routeros::ExportUnknown& menu : read.unknown) {
    reading.notes.push_back(fmt::format("{}: rows that nothing here knows: {}",
                                        menu.menu.empty() ? "/" : menu.menu, menu.rows));
  }
  for (const routeros::ExportUnknown& command : read.commands) {
    reading.notes.push_back(fmt::format(
        "{}: commands that were not run, for only 'add' and 'set' say what is there: {}",
        command.menu, command.rows));
  }
  return reading;
}

}  // namespace metalwright::pipeline
