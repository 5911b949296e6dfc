#include "renderers/routeros_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "renderers/routeros/menu.h"
#include "renderers/routeros/quote.h"
#include "renderers/routeros_objects.h"
#include "schemas/object_fields.h"

namespace metalwright::renderers {
namespace {

using routeros::Menu;
using routeros::Property;
using routeros::quoted_text;

struct Row {
  const Menu* menu = nullptr;
  std::string name;
  ObjectFields fields;
  Origin origin;
};

/// The interface of an address, as the router finds it. The network is what an address with the
/// prefix's own length shows.
Result<std::string> found_interface(std::string_view prefix) {
  const std::string network(prefix.substr(0, prefix.find('/')));
  const auto quoted = quoted_text(network);
  if (!quoted) return quoted;
  return fmt::format("[/ip address get [find network={}] interface]", *quoted);
}

Result<std::string> written(const Property& property, const std::string& value) {
  if (const std::string_view prefix = routeros::prefix_of_interface(value); !prefix.empty()) {
    return found_interface(prefix);
  }
  // Names, file names and comments always stand in quotes.
  return property.type == routeros::ValueType::text ? quoted_text(value)
                                                    : routeros::value_text(value);
}

/// A property that not every router knows ends the script there. Matching types are worth that:
/// with the default alone iPXE would be given iPXE again.
bool left_out(const Property& property, const std::string& value, int major) {
  return (property.soft() && property.name == "comment") || (major < 7 && property.only_7(value));
}

Result<std::string> line_of(const Row& row, int major) {
  const std::string path = routeros::console_path(*row.menu);
  const std::string_view key = row.menu->owned_by_name() ? "name" : "comment";
  const std::string* const mark = find_field(row.fields, key);
  const auto quoted = quoted_text(mark == nullptr ? std::string() : *mark);
  if (!quoted) return quoted;
  std::string arguments;
  std::string changes;  // without what the row is found by
  for (const ObjectField& field : row.fields) {
    const Property& property = *row.menu->find(field.name);
    if (left_out(property, field.value, major)) continue;
    const auto value = written(property, field.value);
    if (!value) return value;
    const std::string argument = fmt::format(" {}={}", field.name, *value);
    arguments += argument;
    if (field.name != key) changes += argument;
  }
  const std::string find = fmt::format("find {}={}", key, *quoted);
  if (row.menu->files) {
    const std::string* const from = find_field(row.fields, "from");
    const auto url = quoted_text(from == nullptr ? std::string() : *from);
    if (!url) return url;
    return fmt::format(":if ([:len [{} {}]] = 0) do={{ /tool fetch url={} dst-path={} }}\n", path,
                       find, *url, *quoted);
  }
  return fmt::format(":if ([:len [{} {}]] = 0) do={{ {} add{} }} else={{ {} set [{}]{} }}\n", path,
                     find, path, arguments, path, find, changes);
}

bool is_there(const Menu& menu, int major) { return major >= 7 || menu.kind != "dhcp-matcher"; }

}  // namespace

Errors render_routeros_script(const Model& model, const RenderSettings& settings,
                              std::string_view router, const RouterosScriptOptions& options,
                              const ArtifactSink& sink) {
  std::vector<Row> rows;
  Errors errors;
  int major = options.major;
  for (const Network& network : model.networks) {
    if (served_by(network, router)) major = std::min<int>(major, network.router.version);
  }
  const ArtifactSink gather = [&](const Artifact& artifact) {
    auto fields = decode_fields(artifact.content);
    const Menu* const menu = routeros::find_menu_of_kind(artifact.kind);
    if (!fields || menu == nullptr || !is_there(*menu, major)) return;
    rows.push_back({.menu = menu,
                    .name = std::string(artifact.name),
                    .fields = std::move(*fields),
                    .origin = artifact.origin == nullptr ? Origin{} : *artifact.origin});
  };
  const auto keep = [&](Errors found) {
    errors.insert(errors.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
  };
  keep(render_routeros_site(model, settings, router, gather));
  for (const ServerEntry& entry : model.servers) {
    keep(render_routeros_server(model, settings, router, entry, gather));
  }
  if (has_error(errors)) return errors;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.menu->stage, a.menu->path) < std::tie(b.menu->stage, b.menu->path);
  });

  std::string text = fmt::format(
      "# {}.rsc: written by metalwright from networks.yaml and the inventory; change it there.\n"
      "# /import file-name={}.rsc may be repeated. Nothing is removed by it.\n",
      router, router);
  if (major < 7) {
    text += "# RouterOS 6 tells no firmware from another: every machine gets what a BIOS gets.\n";
  }
  const Menu* menu = nullptr;
  for (const Row& row : rows) {
    if (row.menu != menu) text += fmt::format("\n# {}\n", routeros::console_path(*row.menu));
    menu = row.menu;
    const auto line = line_of(row, major);
    if (!line) {
      Error error = line.error();
      error.origin = row.origin;
      errors.push_back(std::move(error));
      continue;
    }
    text += *line;
  }
  if (has_error(errors)) return errors;
  const std::string name = fmt::format("{}.rsc", router);
  const Origin origin{.file = "networks.yaml"};
  sink(Artifact{.kind = kFileKind, .name = name, .content = text, .mode = 0644, .origin = &origin});
  return errors;
}

}  // namespace metalwright::renderers
