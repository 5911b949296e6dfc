#include "reconciler/targets/routeros/export_rows.h"

#include <charconv>
#include <memory>
#include <utility>

#include "renderers/routeros/menu.h"
#include "schemas/text.h"

namespace metalwright::reconciler {
namespace {

using routeros::Export;
using routeros::ExportField;
using routeros::ExportRow;
using routeros::ExportValueKind;

/// The second number of a version: 18 of `7.18.2`.
int minor_of(const std::string& version) {
  const std::size_t dot = version.find('.');
  int minor = 0;
  if (dot != std::string::npos) {
    std::from_chars(version.data() + dot + 1, version.data() + version.size(), minor);
  }
  return minor;
}

/// What compact exports leave out, and what differs between versions.
void add_defaults(const Export& from, std::string_view menu, RestRow& row) {
  if (menu != "/ip/dhcp-server") return;
  // The default became 30 minutes in 7.14; a server of RouterOS 6 is born disabled.
  const bool half_hour = from.major > 7 || (from.major == 7 && minor_of(from.version) >= 14);
  if (row.value("lease-time").empty()) {
    row.values.emplace_back("lease-time", half_hour ? "30m" : "10m");
  }
  if (from.major == 6 && row.value("disabled").empty()) row.values.emplace_back("disabled", "yes");
}

class ExportReader {
 public:
  explicit ExportReader(const Export& from) : from_(from) {}

  RouterRows read() {
    for (const ExportRow* row : from_.rows_of("/interface/ethernet")) {
      if (!row->selector || row->selector->property != "default-name") continue;
      const std::string_view name = row->text("name");
      if (!name.empty()) names_[row->selector->text] = name;
    }
    for (const ExportRow& row : from_.rows) {
      const routeros::Menu* const menu = routeros::find_menu(row.menu);
      if (menu == nullptr) continue;
      if (row.menu == "/ip/address" || row.menu == "/ipv6/address") {
        if (row.add) add_address(row);
      } else if (menu->managed()) {
        std::vector<RestRow>& rows = rows_.menus[menu->path];
        if (row.add) {
          RestRow made{.id = {}, .values = {}, .texts = texts_};
          apply(row, made);
          rows.push_back(std::move(made));
        } else {
          change(row, rows);
        }
      }
    }
    for (auto& [path, rows] : rows_.menus) {
      for (RestRow& row : rows) add_defaults(from_, path, row);
    }
    return std::move(rows_);
  }

 private:
  /// `[ find default-name=ether2 ]` names the interface that is called so, or was.
  std::string text_of(const ExportField& field) const {
    if (field.kind != ExportValueKind::expression) return field.text;
    constexpr std::string_view kFound = "find default-name=";
    const std::size_t at = field.text.find(kFound);
    if (at == std::string::npos) return field.text;
    std::string name = field.text.substr(at + kFound.size());
    name.erase(std::min(name.find_first_of(" ]"), name.size()));
    const auto renamed = names_.find(name);
    return renamed == names_.end() ? name : renamed->second;
  }

  void apply(const ExportRow& from, RestRow& row) {
    for (const ExportField& field : from.fields) {
      std::erase_if(row.values, [&](const auto& value) { return value.first == field.name; });
      if (field.kind == ExportValueKind::unset) continue;
      row.values.emplace_back(texts_->intern(field.name).view(),
                              texts_->copy(text_of(field)).view());
    }
  }

  void change(const ExportRow& from, std::vector<RestRow>& rows) {
    if (!from.selector) return;
    const std::string& property = from.selector->property;
    for (RestRow& row : rows) {
      if (row.value(property.empty() ? "name" : property) == from.selector->text) apply(from, row);
    }
  }

  void add_address(const ExportRow& row) {
    if (row.text("disabled") == "yes") return;
    const ExportField* const interface = row.find("interface");
    if (interface == nullptr) return;
    rows_.addresses.push_back({text_of(*interface), std::string(row.text("address"))});
  }

  const Export& from_;
  std::shared_ptr<Arena> texts_ = std::make_shared<Arena>();
  RouterRows rows_;
  std::map<std::string, std::string> names_;  // by default name
};

}  // namespace

RouterRows rows_of_export(const Export& from) { return ExportReader(from).read(); }

TargetObjects objects_of_rows(const RouterRows& rows, const DesiredFields& desired,
                              std::span<const std::pair<std::string_view, std::string_view>> wanted,
                              bool adopt) {
  TargetObjects objects;
  std::vector<ViewedRow> viewed = view_rows(rows, desired, wanted);
  if (!adopt) accept_unmarked(viewed, desired);
  for (const ViewedRow& row : viewed) {
    objects.add(row.menu->kind, row.name, encode_fields(row.fields), row.presence);
  }
  // Files are in no export: whether they are there cannot be seen.
  for (const auto& [kind, name] : wanted) {
    const ObjectFields* const fields =
        routeros::find_menu_of_kind(kind)->files ? desired(kind, name) : nullptr;
    if (fields != nullptr) objects.add(kind, name, encode_fields(*fields), Presence::ours);
  }
  objects.sort();
  return objects;
}

}  // namespace metalwright::reconciler
