#include "reconciler/targets/routeros/menu_turns.h"

#include <algorithm>
#include <fstream>
#include <tuple>
#include <utility>
#include <vector>

#include "reconciler/file_system.h"

namespace metalwright::reconciler {
namespace {

constexpr std::uint16_t kPrivate = 0600;

}  // namespace

MenuTurns::Menus MenuTurns::left_out(const Menus& menus, std::size_t count) {
  load();
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
  // Nobody's turn is passed over where that cannot be remembered.
  return out.empty() || save() ? out : Menus();
}

void MenuTurns::looked(const Menus& read, const Menus& changed, bool turns) {
  load();
  ++looks_;
  for (const routeros::Menu* menu : read) {
    if (changed.contains(menu)) {
      quiet_.erase(std::string(menu->path));
    } else {
      quiet_[std::string(menu->path)] = looks_;
    }
  }
  if (turns) (void)save();
}

/// Whatever the file says, it only chooses among menus that nothing is to be done in.
void MenuTurns::load() {
  if (std::exchange(loaded_, true)) return;
  std::ifstream file(file_, std::ios::binary);
  std::string path;
  for (std::uint64_t look = 0; file >> look >> path;) {
    if (routeros::find_menu(path) == nullptr) continue;
    quiet_[path] = look;
    looks_ = std::max(looks_, look);
  }
}

bool MenuTurns::save() const {
  std::string text;
  for (const auto& [path, look] : quiet_) text += std::to_string(look) + ' ' + path + '\n';
  return replace_file(file_, text, kPrivate).has_value();
}

}  // namespace metalwright::reconciler
