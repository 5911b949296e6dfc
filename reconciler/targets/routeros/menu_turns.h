#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "renderers/routeros/menu.h"

namespace metalwright::reconciler {

/// Which menus the repeated looks of one process may leave out where there are too many of them for
/// small boards, which answer slowly: those that were found as they were last applied, and were
/// read last. What a look leaves out the next one reads. A process that begins reads all: who asks
/// for a plan is told of everything.
class MenuTurns {
 public:
  using Menus = std::set<const routeros::Menu*>;

  /// Of `menus`, at most `count`.
  [[nodiscard]] Menus left_out(const Menus& menus, std::size_t count);
  /// After a look that read `read` and found something to say of `changed` among them.
  void looked(const Menus& read, const Menus& changed);

 private:
  std::uint64_t looks_ = 0;
  /// By path: the look that read it; 0: it was left out since.
  std::map<std::string_view, std::uint64_t> quiet_;
};

}  // namespace metalwright::reconciler
