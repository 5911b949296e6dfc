#include "tests/fakes/routeros_fake/script_device.h"

#include <string>
#include <utility>

#include "renderers/routeros/interpreter.h"
#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

using routeros::Ran;
using routeros::ScriptProperties;

/// The device as scripts see it.
class DeviceOfScripts final : public routeros::ScriptDevice {
 public:
  explicit DeviceOfScripts(Device& device) : device_(device) {}

  [[nodiscard]] bool has(std::string_view menu, std::string_view command) const override {
    const Menu* const at = device_.menu(menu);
    return at != nullptr && at->has(command);
  }
  [[nodiscard]] bool has_property(std::string_view menu, std::string_view name) const override {
    return device_.menu(menu)->column(name).has_value();
  }
  [[nodiscard]] bool single(std::string_view menu) const override {
    return device_.menu(menu)->single;
  }
  [[nodiscard]] std::vector<std::string> rows(std::string_view menu, std::string_view /*name*/,
                                              std::string_view /*value*/) const override {
    std::vector<std::string> ids;
    for (const DeviceRow& row : device_.rows(*device_.menu(menu))) ids.push_back(id_text(row.id));
    return ids;
  }
  [[nodiscard]] std::string row(std::string_view menu, std::string_view id) const override {
    const DeviceRow* const row = device_.find(*device_.menu(menu), id);
    return row == nullptr ? std::string() : id_text(row->id);
  }
  [[nodiscard]] std::string value(std::string_view menu, std::string_view id,
                                  std::string_view name) const override {
    const Menu& at = *device_.menu(menu);
    const DeviceRow* const row = device_.find(at, id);
    return row == nullptr ? std::string() : device_.value(at, *row, name);
  }
  [[nodiscard]] std::string canonical(std::string_view menu, std::string_view name,
                                      const std::string& text) const override {
    const Menu& at = *device_.menu(menu);
    return canonical_value(at.columns[*at.column(name)].kind, text).value_or(text);
  }
  [[nodiscard]] Ran<std::string> add(std::string_view menu,
                                     const ScriptProperties& properties) override {
    const auto id = device_.add(*device_.menu(menu), properties);
    if (!id) return tl::unexpected(id.error().detail);
    return id_text(*id);
  }
  [[nodiscard]] Ran<void> set(std::string_view menu, const std::string& id,
                              const ScriptProperties& properties) override {
    const Menu& at = *device_.menu(menu);
    return said(id.empty() ? device_.set(at, properties)
                           : device_.set(at, device_.find(at, id)->id, properties));
  }
  [[nodiscard]] Ran<void> remove(std::string_view menu, const std::string& id) override {
    const Menu& at = *device_.menu(menu);
    return said(device_.remove(at, device_.find(at, id)->id));
  }

 private:
  static Ran<void> said(const Outcome<void>& done) {
    if (!done) return tl::unexpected(done.error().detail);
    return {};
  }

  Device& device_;
};

}  // namespace

Outcome<void> run_on_device(Device& device, std::string_view script) {
  DeviceOfScripts scripts(device);
  if (auto done = routeros::run_script(scripts, script); !done) {
    return tl::unexpected(Refusal{.status = 400, .detail = std::move(done.error())});
  }
  return {};
}

}  // namespace metalwright::fakes
