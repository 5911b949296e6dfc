#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "renderers/routeros/menu.h"

namespace metalwright::reconciler {

/// Which menus a look may leave out where there are too many of them for small boards, which answer
/// slowly: those that were found as they were last applied, and were read last. What a look leaves
/// out the next one reads. It is remembered between processes; where that is lost or cannot be
/// written, all are read.
class MenuTurns {
 public:
  using Menus = std::set<const routeros::Menu*>;

  explicit MenuTurns(std::string file) : file_(std::move(file)) {}

  /// Of `menus`, at most `count`.
  [[nodiscard]] Menus left_out(const Menus& menus, std::size_t count);
  /// After a look that read `read` and found something to say of `changed` among them. `turns`:
  /// more menus are looked at here than a look may read.
  void looked(const Menus& read, const Menus& changed, bool turns);

 private:
  void load();
  [[nodiscard]] bool save() const;

  std::string file_;
  bool loaded_ = false;
  std::uint64_t looks_ = 0;
  /// By path: the look that read it; 0: it was left out since.
  std::map<std::string, std::uint64_t, std::less<>> quiet_;
};

}  // namespace metalwright::reconciler
