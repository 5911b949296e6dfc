#include "reconciler/targets/routeros/undo_trial.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "renderers/routeros/interpreter.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::Ran;
using routeros::ScriptProperties;

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

/// One menu of the router as it would be. Values are canonical, and what a row without a property
/// has anyway is not among them.
class TrialMenu {
 public:
  TrialMenu(const routeros::Menu& menu, const std::vector<PresentRow>& rows)
      : menu_(menu), board_(menu, {}) {
    for (const PresentRow& row : rows) {
      order_.push_back(row.id);
      put(row.id, kept(row.values));
    }
  }

  [[nodiscard]] const routeros::Menu& menu() const { return menu_; }
  [[nodiscard]] const std::vector<std::string>& order() const { return order_; }
  [[nodiscard]] const RestValues* find(const std::string& id) const { return board_.find(id); }

  [[nodiscard]] std::vector<std::string> having(std::string_view name,
                                                std::string_view value) const {
    const std::string text = routeros::canonical(menu_, name, value);
    const routeros::Property* const property = menu_.find(name);
    if (!indexed(name) || (property != nullptr && text == property->absent)) return order_;
    std::vector<std::string> ids;
    const auto [first, last] = known_.equal_range(index_key(name, text));
    for (auto at = first; at != last; ++at) ids.push_back(at->second);
    return ids;
  }

  [[nodiscard]] RestValues kept(const RestValues& values) const {
    RestValues out;
    for (const auto& [name, value] : values) {
      std::string text = routeros::canonical(menu_, name, value);
      const routeros::Property* const property = menu_.find(name);
      if (text.empty() || (property != nullptr && text == property->absent)) continue;
      out.emplace_back(name, std::move(text));
    }
    return out;
  }

  Ran<void> insert(const std::string& id, RestValues values, const std::string& before) {
    if (!board_.taken_by(id, values).empty())
      return tl::unexpected(std::string("already have such"));
    if (before.empty()) {
      order_.push_back(id);
    } else {
      order_.insert(std::find(order_.begin(), order_.end(), before), id);
    }
    put(id, std::move(values));
    return {};
  }

  Ran<void> set(const std::string& id, const RestValues& values) {
    RestValues after = kept(changed(*board_.find(id), values));
    if (!board_.taken_by(id, after).empty())
      return tl::unexpected(std::string("already have such"));
    forget(id);
    put(id, std::move(after));
    return {};
  }

  void erase(const std::string& id) {
    forget(id);
    board_.erase(id);
    // What was added last is taken back first.
    const auto at = std::find(order_.rbegin(), order_.rend(), id);
    if (at != order_.rend()) order_.erase(std::next(at).base());
  }

  /// The rows without ids, in an order that does not depend on how they came about.
  [[nodiscard]] std::vector<RestValues> rows() const {
    std::vector<RestValues> out;
    for (const std::string& id : order_) {
      out.push_back(*board_.find(id));
      std::sort(out.back().begin(), out.back().end());
    }
    if (!menu_.ordered) std::sort(out.begin(), out.end());
    return out;
  }

 private:
  /// What few rows have alike.
  static bool indexed(std::string_view name) {
    constexpr std::array<std::string_view, 5> kIndexed{"address", "comment", "mac-address", "name",
                                                       "prefix"};
    return std::find(kIndexed.begin(), kIndexed.end(), name) != kIndexed.end();
  }
  static std::string index_key(std::string_view name, const std::string& value) {
    return std::string(name) + '=' + value;
  }
  void put(const std::string& id, RestValues values) {
    for (const auto& [name, value] : values) {
      if (indexed(name)) known_.emplace(index_key(name, value), id);
    }
    board_.put(id, std::move(values));
  }
  void forget(const std::string& id) {
    for (const auto& [name, value] : *board_.find(id)) {
      if (!indexed(name)) continue;
      const auto [first, last] = known_.equal_range(index_key(name, value));
      for (auto at = first; at != last; ++at) {
        if (at->second != id) continue;
        known_.erase(at);
        break;
      }
    }
  }

  const routeros::Menu& menu_;
  Board board_;
  std::vector<std::string> order_;
  std::unordered_multimap<std::string, std::string> known_;
};

/// A router that exists here alone.
class TrialRouter final : public routeros::ScriptDevice {
 public:
  TrialRouter(std::span<const Step> steps, const PresentRows& rows, const UndoScripts& scripts)
      : scripts_(scripts) {
    for (const auto& [path, list] : rows) {
      menus_.emplace(path, TrialMenu(*routeros::find_menu(path), list));
    }
    for (const Step& step : steps)
      menus_.try_emplace(std::string(step.menu->path), *step.menu, none_);
  }

  Ran<void> make(const Step& step) {
    TrialMenu& menu = at(step.menu->path);
    if (step.kind == StepKind::remove) return erase(menu, step.id);
    if (step.kind == StepKind::set) return change(menu, step.id, step.values);
    RestValues values;
    std::string before;
    for (const auto& [name, value] : step.values) {
      if (name == "place-before") {
        before = value;
      } else {
        values.emplace_back(name, value);
      }
    }
    return menu.insert(fresh_id(), menu.kept(values), before);
  }

  [[nodiscard]] std::map<std::string_view, std::vector<RestValues>> state() const {
    std::map<std::string_view, std::vector<RestValues>> state;
    for (const auto& [path, menu] : menus_) state[path] = menu.rows();
    return state;
  }

  /// A row that refers to something that was removed; empty where none does.
  [[nodiscard]] std::string left_behind() const {
    for (const Reference& reference : kReferences) {
      const auto at = menus_.find(reference.menu);
      if (at == menus_.end()) continue;
      for (const std::string& id : at->second.order()) {
        const std::string_view value = value_of(*at->second.find(id), reference.property);
        if (value.find(kGone) == std::string_view::npos) continue;
        std::string text = std::string(reference.menu) + ':';
        for (const auto& [name, shown] : *at->second.find(id)) {
          const routeros::Property* const property = at->second.menu().find(name);
          const bool telling = property != nullptr && (property->key() || name == "address");
          if (telling && shown.find(kGone) == std::string::npos) {
            text += ' ' + name + '=' + quoted(shown);
          }
        }
        return text + " (" + std::string(reference.property) + ')';
      }
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
    const routeros::Menu* const known = routeros::find_menu(menu);
    return known != nullptr && known->find(name) != nullptr;
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
    return at != menus_.end() && at->second.find(std::string(id)) != nullptr ? std::string(id)
                                                                             : std::string();
  }
  [[nodiscard]] std::string value(std::string_view menu, std::string_view id,
                                  std::string_view name) const override {
    if (menu == "/system/script") {
      for (const UndoScripts::Script& script : scripts_.scripts) {
        if (script.name == id && name == "source") return script.source;
      }
      return {};
    }
    const std::string_view text = value_of(*at(menu).find(std::string(id)), name);
    return text.empty() ? canonical(menu, name, {}) : std::string(text);
  }
  [[nodiscard]] std::string canonical(std::string_view menu, std::string_view name,
                                      const std::string& text) const override {
    const routeros::Menu& known = *routeros::find_menu(menu);
    const routeros::Property* const property = known.find(name);
    std::string value = routeros::canonical(known, name, text);
    const bool unshown = property != nullptr && (value.empty() || value == property->absent);
    return unshown && property->absent != routeros::kUnknown ? std::string(property->absent)
                                                             : value;
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
    const std::string id = fresh_id();
    if (auto done = in.insert(id, in.kept(values), before); !done) {
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
    if (menu.find(id) == nullptr) return tl::unexpected(std::string("no such item"));
    const std::string before(value_of(*menu.find(id), "name"));
    if (auto done = menu.set(id, values); !done) return done;
    const std::string after(value_of(*menu.find(id), "name"));
    if (before != after) retarget(menu.menu().path, before, after);
    return {};
  }

  Ran<void> erase(TrialMenu& menu, const std::string& id) {
    if (menu.find(id) == nullptr) return tl::unexpected(std::string("no such item"));
    const std::string name(value_of(*menu.find(id), "name"));
    menu.erase(id);
    if (!name.empty()) retarget(menu.menu().path, name, std::string(kGone) + id);
    return {};
  }

  /// What referred to a name refers to another one now, or to something deleted.
  void retarget(std::string_view named, const std::string& from, const std::string& to) {
    for (const Reference& reference : kReferences) {
      const auto at = menus_.find(reference.menu);
      if (reference.named != named || at == menus_.end()) continue;
      for (const std::string& id : std::vector<std::string>(at->second.order())) {
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
  const UndoScripts& scripts_;
  const std::vector<PresentRow> none_;
  std::size_t made_ = 0;
};

Error not_brought_back(const std::string& what) {
  return fail(ErrorKind::bug, "routeros-undo",
              "the undo script would not bring back what is there" + what + "; nothing was changed")
      .value();
}

/// Whether the undo brings back what is there where the plan is cut off behind `made` steps.
Result<void> try_cut(std::span<const Step> steps, std::size_t made, const UndoScripts& scripts,
                     const PresentRows& rows) {
  TrialRouter router(steps, rows, scripts);
  const auto before = router.state();
  for (std::size_t i = 0; i < made; ++i) {
    if (auto done = router.make(steps[i]); !done) {
      return tl::unexpected(not_brought_back(": a step of the plan cannot be made in " +
                                             std::string(steps[i].menu->path) + ", " +
                                             done.error()));
    }
  }
  if (made == steps.size()) {
    if (const std::string row = router.left_behind(); !row.empty()) {
      return fail(ErrorKind::conflict, "routeros-in-use",
                  "the plan removes what a row that is not in it refers to: " + row +
                      "; change that row first");
    }
  }
  if (auto done = routeros::run_script(router, scripts.event); !done) {
    return tl::unexpected(not_brought_back(": " + done.error()));
  }
  const auto after = router.state();
  if (after == before) return {};
  for (const auto& [menu, list] : before) {
    if (after.at(menu) != list) return tl::unexpected(not_brought_back(" in " + std::string(menu)));
  }
  return {};
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
  std::set<std::size_t> cuts{steps.size()};
  if (steps.size() <= kShortPlan) {
    for (std::size_t made = 0; made < steps.size(); ++made) cuts.insert(made);
  }
  // The whole plan first: what it says is the plainest.
  for (auto made = cuts.rbegin(); made != cuts.rend(); ++made) {
    if (auto good = try_cut(steps, *made, scripts, rows); !good) return good;
  }
  return {};
}

}  // namespace metalwright::reconciler
