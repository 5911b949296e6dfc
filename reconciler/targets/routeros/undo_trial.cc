#include "reconciler/targets/routeros/undo_trial.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/trial_menu.h"
#include "renderers/routeros/interpreter.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::Ran;
using routeros::ScriptProperties;
using routeros::Statement;

constexpr std::size_t kShortPlan = 24;  // steps; a longer one is not tried behind each of them

struct Reference {
  std::string_view menu, property, named;
};
constexpr std::array kReferences{
    Reference{"/interface/bridge/vlan", "tagged", "/interface/vlan"},
    Reference{"/interface/bridge/vlan", "untagged", "/interface/vlan"},
    Reference{"/interface/vlan", "interface", "/interface/vlan"},
    Reference{"/ip/address", "interface", "/interface/vlan"},
    Reference{"/ip/dhcp-server", "address-pool", "/ip/pool"},
    Reference{"/ip/dhcp-server", "dhcp-option-set", "/ip/dhcp-server/option/sets"},
    Reference{"/ip/dhcp-server", "interface", "/interface/vlan"},
    Reference{"/ip/dhcp-server/lease", "dhcp-option", "/ip/dhcp-server/option"},
    Reference{"/ip/dhcp-server/lease", "dhcp-option-set", "/ip/dhcp-server/option/sets"},
    Reference{"/ip/dhcp-server/lease", "server", "/ip/dhcp-server"},
    Reference{"/ip/dhcp-server/matcher", "address-pool", "/ip/pool"},
    Reference{"/ip/dhcp-server/matcher", "option-set", "/ip/dhcp-server/option/sets"},
    Reference{"/ip/dhcp-server/matcher", "server", "/ip/dhcp-server"},
    Reference{"/ip/dhcp-server/network", "dhcp-option", "/ip/dhcp-server/option"},
    Reference{"/ip/dhcp-server/network", "dhcp-option-set", "/ip/dhcp-server/option/sets"},
    Reference{"/ip/dhcp-server/option/sets", "options", "/ip/dhcp-server/option"},
    Reference{"/ip/pool", "next-pool", "/ip/pool"},
    Reference{"/ipv6/address", "from-pool", "/ipv6/pool"},
    Reference{"/ipv6/address", "interface", "/interface/vlan"},
    Reference{"/ipv6/dhcp-server", "address-pool", "/ipv6/pool"},
    Reference{"/ipv6/dhcp-server", "dhcp-option", "/ipv6/dhcp-server/option"},
    Reference{"/ipv6/dhcp-server", "interface", "/interface/vlan"},
    Reference{"/ipv6/nd", "interface", "/interface/vlan"},
    Reference{"/ipv6/nd/prefix", "interface", "/interface/vlan"},
};

std::string_view property_of(const std::string& name) {
  return name.starts_with('!') ? std::string_view(name).substr(1) : std::string_view(name);
}

/// What a set changes and can be set back. A reference to something deleted cannot, nor can a
/// file's bytes: with them nothing is lost that was of use.
RestValues undoable(const Step& step) {
  RestValues values;
  for (const auto& one : step.values) {
    const bool known = std::any_of(step.before.begin(), step.before.end(), [&](const auto& before) {
      return property_of(before.first) == property_of(one.first);
    });
    if (known) values.push_back(one);
  }
  return values;
}

/// A text that was composed here must be read as it was meant: so many statements, none more.
Ran<std::vector<Statement>> read_back(std::string_view source, std::size_t statements) {
  auto script = routeros::read_script(source);
  if (script && script->size() != statements) {
    return tl::unexpected(std::string("it says more than it should"));
  }
  return script;
}

/// The menus of the plan, as they were looked at.
using Looked = std::map<std::string_view, TrialRows>;

/// A router that exists here alone.
class TrialRouter final : public routeros::ScriptDevice {
 public:
  TrialRouter(const Looked& looked, const UndoScripts& scripts) : scripts_(scripts.scripts) {
    for (const auto& [path, rows] : looked) menus_.emplace(path, TrialMenu(rows));
  }

  Ran<void> make(const Step& step) {
    TrialMenu& menu = at(step.menu->path);
    if (step.kind == StepKind::remove) return erase(menu, step.id);
    if (step.kind == StepKind::set) return change(menu, step.id, undoable(step));
    RestValues values;
    std::string before;
    for (const auto& [name, value] : step.values) {
      if (name == "place-before") {
        before = value;
      } else {
        values.emplace_back(name, value);
      }
    }
    if (auto named = names_what_is_there(menu, values); !named) return named;
    return menu.insert(fresh_id(), values, before);
  }

  /// A menu that is not as it was looked at; empty: none.
  [[nodiscard]] std::string_view differs() const {
    for (const auto& [path, menu] : menus_) {
      if (!menu.as_before()) return path;
    }
    return {};
  }

  /// A row that refers to something that was removed; empty where none does.
  [[nodiscard]] std::string left_behind() const {
    for (const Reference& reference : kReferences) {
      const auto at = menus_.find(reference.menu);
      if (at == menus_.end()) continue;
      const auto points_nowhere = [&](const auto& row) {
        return value_of(row.second, reference.property).find(kGone) != std::string_view::npos;
      };
      // By id, so that it is always the same one.
      const TrialMenu::Touched::value_type* first = nullptr;
      for (const auto& row : at->second.touched()) {
        if ((first == nullptr || row.first < first->first) && points_nowhere(row)) first = &row;
      }
      if (first == nullptr) continue;
      std::string text = std::string(reference.menu) + ':';
      for (const auto& [name, shown] : first->second) {
        const routeros::Property* const property = at->second.menu().find(name);
        const bool telling = property != nullptr && (property->key() || name == "address");
        if (telling && shown.find(kGone) == std::string::npos) {
          text += ' ' + name + '=' + quoted(shown);
        }
      }
      return text + " (" + std::string(reference.property) + ')';
    }
    return {};
  }

  // As scripts see it.
  [[nodiscard]] bool has(std::string_view menu, std::string_view command) const override {
    if (menu == "/system/script") return command == "run" || known_here(command);
    if (menu == "/system/scheduler") return known_here(command);
    return menus_.contains(menu) && (known_here(command) || command == "add" || command == "set");
  }
  [[nodiscard]] bool has_property(std::string_view menu, std::string_view name) const override {
    const auto known = menus_.find(menu);
    return known != menus_.end() && known->second.menu().find(name) != nullptr;
  }
  [[nodiscard]] bool single(std::string_view /*menu*/) const override { return false; }
  [[nodiscard]] std::vector<std::string> rows(std::string_view menu, std::string_view name,
                                              std::string_view value) const override {
    const auto at = menus_.find(menu);
    return at == menus_.end() ? std::vector<std::string>() : at->second.having(name, value);
  }
  [[nodiscard]] std::string row(std::string_view menu, std::string_view id) const override {
    if (menu == "/system/script") return std::string(id);
    const auto at = menus_.find(menu);
    return at != menus_.end() && at->second.find(id) != nullptr ? std::string(id) : std::string();
  }
  [[nodiscard]] Ran<std::vector<Statement>> script(const std::string& id) const override {
    const auto at = std::find_if(scripts_.begin(), scripts_.end(),
                                 [&](const auto& script) { return script.name == id; });
    if (at == scripts_.end()) return tl::unexpected(std::string("no such item"));
    return read_back(at->source, at->statements);
  }
  [[nodiscard]] std::string value(std::string_view menu, std::string_view id,
                                  std::string_view name) const override {
    const std::string_view text = value_of(*at(menu).find(id), name);
    return text.empty() ? canonical(menu, name, {}) : std::string(text);
  }
  [[nodiscard]] std::string canonical(std::string_view menu, std::string_view name,
                                      const std::string& text) const override {
    const routeros::Menu& known = at(menu).menu();
    const routeros::Property* const property = known.find(name);
    std::string value = routeros::canonical(known, name, text);
    const bool unshown = value.empty() && property != nullptr;
    if (unshown && property->absent != routeros::kUnknown) return std::string(property->absent);
    return value;
  }
  [[nodiscard]] Ran<std::string> add(std::string_view menu,
                                     const ScriptProperties& properties) override {
    TrialMenu& in = at(menu);
    RestValues values;
    std::string before;
    for (const auto& [name, value] : properties) {
      if (name == "place-before") {
        before = value;
        if (before.empty()) return tl::unexpected(std::string("no such item"));
      } else {
        values.emplace_back(name, value);
      }
    }
    if (auto named = names_what_is_there(in, values); !named) {
      return tl::unexpected(named.error());
    }
    const std::string id = fresh_id();
    if (auto done = in.insert(id, values, before); !done) {
      return tl::unexpected(done.error());
    }
    return id;
  }
  [[nodiscard]] Ran<void> set(std::string_view menu, const std::string& id,
                              const ScriptProperties& properties) override {
    return change(at(menu), id, {properties.begin(), properties.end()});
  }
  [[nodiscard]] Ran<void> remove(std::string_view menu, const std::string& id) override {
    const auto at = menus_.find(menu);
    return at == menus_.end() ? Ran<void>() : erase(at->second, id);
  }

 private:
  static constexpr std::string_view kGone = "\x01gone";

  static bool known_here(std::string_view command) {
    return command == "find" || command == "remove";
  }
  TrialMenu& at(std::string_view menu) { return menus_.find(menu)->second; }
  [[nodiscard]] const TrialMenu& at(std::string_view menu) const {
    return menus_.find(menu)->second;
  }
  std::string fresh_id() { return "new" + std::to_string(++made_); }
  Ran<void> change(TrialMenu& menu, const std::string& id, const RestValues& values) {
    const RestValues* const row = menu.find(id);
    if (row == nullptr) return tl::unexpected(std::string("no such item"));
    if (auto named = names_what_is_there(menu, values); !named) return named;
    const std::string_view after = value_of(values, "name");
    const std::string before(after.empty() ? after : value_of(*row, "name"));
    if (auto done = menu.set(id, values); !done) return done;
    if (before != after) retarget(menu.menu().path, before, std::string(after));
    return {};
  }

  /// A router takes no name that no row has. Interfaces are left out: most are of other menus.
  [[nodiscard]] Ran<void> names_what_is_there(const TrialMenu& menu,
                                              const RestValues& values) const {
    for (const Reference& reference : kReferences) {
      if (reference.menu != menu.menu().path || reference.named == "/interface/vlan") continue;
      const auto named = menus_.find(reference.named);
      if (named == menus_.end()) continue;
      const routeros::Property* const property = menu.menu().find(reference.property);
      const std::string_view value = value_of(values, reference.property);
      if (value.empty() || (property != nullptr && value == property->absent)) continue;
      for (const std::string_view part : routeros::split_list(value)) {
        const std::vector<std::string> rows = named->second.having("name", part);
        const bool known = std::any_of(rows.begin(), rows.end(), [&](const std::string& id) {
          const RestValues* const row = named->second.find(id);
          return row != nullptr && value_of(*row, "name") == part;
        });
        if (known) continue;
        return tl::unexpected("input does not match any value of " +
                              std::string(reference.property));
      }
    }
    return {};
  }

  Ran<void> erase(TrialMenu& menu, const std::string& id) {
    if (menu.find(id) == nullptr) return tl::unexpected(std::string("no such item"));
    const std::string name(value_of(*menu.find(id), "name"));
    // What named a row before that was made here did so without it.
    const bool made = menu.base().find(id) == nullptr;
    menu.erase(id);
    if (!name.empty()) retarget(menu.menu().path, name, std::string(kGone) + id, made);
    return {};
  }

  /// What referred to a name refers to another one now, or to something deleted.
  void retarget(std::string_view named, const std::string& from, const std::string& to,
                bool touched_only = false) {
    for (const Reference& reference : kReferences) {
      const auto at = menus_.find(reference.menu);
      if (reference.named != named || at == menus_.end()) continue;
      for (const std::string& id : at->second.holding(reference.property, from)) {
        if (touched_only && !at->second.touched().contains(id)) continue;
        const std::string value(value_of(*at->second.find(id), reference.property));
        std::string renamed;
        bool any = false;
        for (const std::string_view part : routeros::split_list(value)) {
          any = any || part == from;
          renamed += (renamed.empty() ? "" : ",");
          renamed += part == from ? std::string_view(to) : part;
        }
        if (any) (void)at->second.set(id, {{std::string(reference.property), renamed}});
      }
    }
  }

  std::map<std::string, TrialMenu, std::less<>> menus_;
  std::span<const UndoScripts::Script> scripts_;
  std::size_t made_ = 0;
};

Error not_brought_back(const std::string& what) {
  return fail(ErrorKind::bug, "routeros-undo",
              "the undo script would not bring back what is there" + what + "; nothing was changed")
      .value();
}

/// Whether the undo brings back what is there where the plan is cut off behind `made` steps.
/// `event` is the scripts' own.
Result<void> try_cut(std::span<const Step> steps, std::size_t made, const UndoScripts& scripts,
                     const std::vector<Statement>& event, const Looked& looked) {
  TrialRouter router(looked, scripts);
  for (std::size_t i = 0; i < made; ++i) {
    if (auto done = router.make(steps[i]); !done) {
      return fail(ErrorKind::conflict, "routeros-plan",
                  "the router would refuse the plan: in " + std::string(steps[i].menu->path) +
                      ", " + done.error() + "; nothing was changed");
    }
  }
  if (made == steps.size()) {
    if (const std::string row = router.left_behind(); !row.empty()) {
      return fail(ErrorKind::conflict, "routeros-in-use",
                  "the plan removes what a row that is not in it refers to: " + row +
                      "; change that row first");
    }
  }
  if (auto done = routeros::run_script(router, event); !done) {
    return tl::unexpected(not_brought_back(": " + done.error()));
  }
  const std::string_view menu = router.differs();
  if (menu.empty()) return {};
  return tl::unexpected(not_brought_back(" in " + std::string(menu)));
}

}  // namespace

std::vector<Referrer> referrers_of(std::string_view menu) {
  std::vector<Referrer> found;
  for (const Reference& reference : kReferences) {
    if (reference.named == menu) found.push_back({reference.menu, reference.property});
  }
  return found;
}

Result<void> try_undo(std::span<const Step> steps, const UndoScripts& scripts,
                      const PresentRows& rows) {
  static const std::vector<RestRow> none;
  Looked looked;
  for (const auto& [path, list] : rows) {
    const routeros::Menu& menu = *routeros::find_menu(path);
    looked.try_emplace(menu.path, menu, list);
  }
  for (const Step& step : steps) looked.try_emplace(step.menu->path, *step.menu, none);
  std::set<std::size_t> cuts{steps.size()};
  if (steps.size() <= kShortPlan) {
    for (std::size_t made = 0; made < steps.size(); ++made) cuts.insert(made);
  }
  const auto event = read_back(scripts.event, scripts.event_statements);
  if (!event) return tl::unexpected(not_brought_back(": " + event.error()));
  // The whole plan first: what it says is the plainest.
  for (auto made = cuts.rbegin(); made != cuts.rend(); ++made) {
    if (auto good = try_cut(steps, *made, scripts, *event, looked); !good) return good;
  }
  return {};
}

}  // namespace metalwright::reconciler
