#include "renderers/fs_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace metalwright::renderers {
namespace {

/// What begins a block, and what an object made of it is.
struct Head {
  std::string_view words;
  std::string_view kind;
};
// In the order in which a configuration is given: what is named stands first.
constexpr std::array kHeads{
    Head{"vlan ", "fs-vlan"},         Head{"interface ", "fs-interface"},
    Head{"service ", "fs-service"},   Head{"ip dhcp excluded-address ", "fs-excluded"},
    Head{"ip dhcp pool ", "fs-pool"},
};

std::size_t place_of(std::string_view kind) {
  return static_cast<std::size_t>(
      std::find_if(kHeads.begin(), kHeads.end(), [&](const Head& h) { return h.kind == kind; }) -
      kHeads.begin());
}

}  // namespace

bool is_fs_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '!' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c <= 0x7E && c != '?' && c != '"'; });
}

std::string fs_text(std::vector<FsObject> objects) {
  std::stable_sort(objects.begin(), objects.end(), [](const FsObject& a, const FsObject& b) {
    return std::pair(place_of(a.kind), a.name) < std::pair(place_of(b.kind), b.name);
  });
  std::string text;
  for (FsObject& object : objects) {
    const std::size_t place = place_of(object.kind);
    if (place == kHeads.size()) continue;
    text += std::string(kHeads[place].words) + object.name + '\n';
    if (object.kind == "fs-service") continue;
    // What kind of pool it is comes first: some commands are only there for one kind.
    std::stable_partition(object.fields.begin(), object.fields.end(), [](const ObjectField& f) {
      return f.name == "host" || f.name == "network";
    });
    for (const ObjectField& field : object.fields) {
      text += ' ' + field.name + ' ' + field.value + '\n';
    }
    if (!object.fields.empty()) text += "!\n";
  }
  return text + "end\n";
}

}  // namespace metalwright::renderers
