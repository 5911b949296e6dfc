#include "renderers/fs_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
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

// The commands within blocks whose argument is a field; longer ones first.
constexpr std::array<std::string_view, 16> kCommands{"option 43 hex",
                                                     "option 66 ascii",
                                                     "option 67 ascii",
                                                     "ip helper-address",
                                                     "ip address",
                                                     "hardware-address",
                                                     "default-router",
                                                     "dns-server",
                                                     "domain-name",
                                                     "next-server",
                                                     "client-name",
                                                     "bootfile",
                                                     "network",
                                                     "lease",
                                                     "host",
                                                     "name"};

std::size_t place_of(std::string_view kind) {
  return static_cast<std::size_t>(
      std::find_if(kHeads.begin(), kHeads.end(), [&](const Head& h) { return h.kind == kind; }) -
      kHeads.begin());
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

/// Words with one blank between them.
std::string words_of(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
    if (c == ' ' || c == '\t') {
      if (out.back() != ' ') out += ' ';
    } else {
      out += c;
    }
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// `VLAN 10` for `vlan10`, `Vlan 10`; other interfaces as they are.
std::string interface_name(const std::string& name) {
  const std::string small = lower(name);
  if (!small.starts_with("vlan")) return name;
  return "VLAN " + std::string(trimmed(std::string_view(small).substr(4)));
}

std::string canonical(std::string_view command, std::string value) {
  if (command == "hardware-address") {
    const std::string first = lower(value.substr(0, value.find(' ')));  // a type may stand behind
    const auto mac = parse_mac_address(first);
    if (!mac) return value;
    std::string text;
    for (const char c : mac->text()) {
      if (c != ':') text += c;
      if (text.size() == 4 || text.size() == 9) text += '.';
    }
    return text;
  }
  if (command == "option 43 hex") {
    value = lower(value);
    std::erase_if(value, [](char c) { return c == '.' || c == ' '; });
  }
  if (command == "lease") {
    // Days, and hours and minutes where they are not 0.
    const auto words = static_cast<std::size_t>(std::count(value.begin(), value.end(), ' '));
    for (std::size_t i = words; i < 2 && value != "infinite"; ++i) value += " 0";
  }
  return value;
}

class ConfigReader {
 public:
  FsConfig read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      line(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    for (auto& [address, fields] : objects_) {
      out_.objects.push_back({address.first, address.second, std::move(fields)});
    }
    return std::move(out_);
  }

 private:
  void line(std::string_view raw) {
    const bool inner = raw.starts_with(' ') || raw.starts_with('\t');
    const std::string words = words_of(raw);
    if (words.empty() || words.front() == '!') {
      if (!inner) block_ = nullptr;
      return;
    }
    if (inner) return within(words);
    block_ = nullptr;
    if (words.starts_with("version ")) out_.version = words.substr(8);
    if (is_frame(words)) return;
    for (const Head& head : kHeads) {
      if (!words.starts_with(head.words)) continue;
      std::string name = words.substr(head.words.size());
      if (head.kind == "fs-interface") name = interface_name(name);
      block_ = &objects_[{std::string(head.kind), name}];
      if (head.kind == "fs-service") set_field(*block_, "enabled", "yes");
      return;
    }
    out_.other.push_back(words);
  }

  void within(const std::string& words) {
    if (block_ == nullptr) return;  // of a block that nobody knows, which is named already
    for (const std::string_view command : kCommands) {
      if (!words.starts_with(command) || words.size() <= command.size() + 1 ||
          words[command.size()] != ' ') {
        continue;
      }
      set_field(*block_, command, canonical(command, words.substr(command.size() + 1)));
      return;
    }
    // Kept as it is: somebody else's.
    set_field(*block_, words, "yes");
  }

  /// What `show running-config` says around the configuration.
  static bool is_frame(const std::string& words) {
    return words == "end" || words == "exit" || words.starts_with("version ") ||
           words.starts_with("Building configuration") ||
           words.starts_with("Current configuration");
  }

  FsConfig out_;
  std::map<std::pair<std::string, std::string>, ObjectFields> objects_;
  ObjectFields* block_ = nullptr;
};

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

FsConfig read_fs_config(std::string_view text) { return ConfigReader().read(text); }

}  // namespace metalwright::renderers
