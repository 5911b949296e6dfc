#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "renderers/routeros/syntax.h"

/// Runs RouterOS's script language as far as configuring needs it: commands of menus with `find`
/// and `where`, `:if`, `:do … on-error`, `:local`, `:set`, `:len`, expressions. What a script that
/// undoes a plan would do on a router is tried with it before the router could run it, and the
/// tests' stand-in runs its scheduler's scripts with it.
namespace metalwright::routeros {

/// The error is what the console says.
template <class T>
using Ran = tl::expected<T, std::string>;

using ScriptProperties = std::map<std::string, std::string, std::less<>>;

/// What scripts change. Rows are known by ids, `*1A`.
class ScriptDevice {
 public:
  virtual ~ScriptDevice() = default;
  [[nodiscard]] virtual bool has(std::string_view menu, std::string_view command) const = 0;
  [[nodiscard]] virtual bool has_property(std::string_view menu, std::string_view name) const = 0;
  [[nodiscard]] virtual bool single(std::string_view menu) const = 0;
  /// Ids in the menu's order; those that cannot have this value may be left out. Empty name: all.
  [[nodiscard]] virtual std::vector<std::string> rows(std::string_view menu, std::string_view name,
                                                      std::string_view value) const = 0;
  /// The row's id, by its id or name; empty where there is none.
  [[nodiscard]] virtual std::string row(std::string_view menu,
                                        std::string_view id_or_name) const = 0;
  [[nodiscard]] virtual std::string value(std::string_view menu, std::string_view id,
                                          std::string_view name) const = 0;
  /// The text as the device keeps it.
  [[nodiscard]] virtual std::string canonical(std::string_view menu, std::string_view name,
                                              const std::string& text) const = 0;
  /// Gives the new row's id.
  [[nodiscard]] virtual Ran<std::string> add(std::string_view menu,
                                             const ScriptProperties& properties) = 0;
  /// Of a menu with a single row the id is empty. `!name` unsets.
  [[nodiscard]] virtual Ran<void> set(std::string_view menu, const std::string& id,
                                      const ScriptProperties& properties) = 0;
  [[nodiscard]] virtual Ran<void> remove(std::string_view menu, const std::string& id) = 0;
  /// What `/system/script run` runs: the row's `source`, read.
  [[nodiscard]] virtual Ran<std::vector<Statement>> script(const std::string& id) const;
};

[[nodiscard]] Ran<std::vector<Statement>> read_script(std::string_view source);
[[nodiscard]] Ran<void> run_script(ScriptDevice& device, const std::vector<Statement>& script);
[[nodiscard]] Ran<void> run_script(ScriptDevice& device, std::string_view source);

}  // namespace metalwright::routeros
