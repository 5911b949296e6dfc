#include "reconciler/targets/routeros/menu_turns.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace metalwright::reconciler {

MenuTurns::Menus MenuTurns::left_out(const Menus& menus, std::size_t count) {
  std::vector<std::tuple<std::uint64_t, std::string_view, const routeros::Menu*>> quiet;
  for (const routeros::Menu* menu : menus) {
    const auto at = quiet_.find(menu->path);
    if (at != quiet_.end()) quiet.emplace_back(at->second, menu->path, menu);
  }
  std::sort(quiet.rbegin(), quiet.rend());
  if (quiet.size() > count) quiet.resize(count);
  Menus out;
  for (const auto& [look, path, menu] : quiet) {
    quiet_.find(path)->second = 0;
    out.insert(menu);
  }
  return out;
}

void MenuTurns::looked(const Menus& read, const Menus& changed) {
  ++looks_;
  for (const routeros::Menu* menu : read) {
    if (changed.contains(menu)) {
      quiet_.erase(menu->path);
    } else {
      quiet_[menu->path] = looks_;
    }
  }
}

}  // namespace metalwright::reconciler
