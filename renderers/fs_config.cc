#include "renderers/fs_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "renderers/fs_words.h"
#include "schemas/saved_text.h"

namespace metalwright::renderers {
namespace {

constexpr unsigned kHighestVlan = 4094;
// More than any switch has; what is beyond is not kept, and costs no time.
constexpr std::size_t kMostVlansNamed = 100000;
constexpr std::size_t kMostFields = 2000;
constexpr std::size_t kLongestValue = 4096;
constexpr std::size_t kLongestCommand = 32;
constexpr std::string_view kNoCommand = "what is no command";

struct Head {
  std::string_view words;
  std::string_view kind;
};
constexpr std::array kHeads{
    Head{"interface ", "fs-interface"},
    Head{"service ", "fs-service"},
    Head{"ip dhcp excluded-address ", "fs-excluded"},
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

/// `core-1#show running-config`: what was asked. Nothing where the line is no prompt.
std::optional<std::string_view> asked(std::string_view line) {
  const std::size_t sign = line.find_first_of("#> \t");
  if (sign == 0 || sign == std::string_view::npos) return std::nullopt;
  if (line[sign] != '#' && line[sign] != '>') return std::nullopt;
  return line.substr(sign + 1);
}

class ConfigReader {
 public:
  FsConfig read(std::string_view saved) {
    const std::string text = saved_text(saved);
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      line(fs_shown_line(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    for (auto& [address, fields] : objects_) {
      // The lease of a day is what a pool has by default, and is not shown.
      if (find_field(fields, "network") != nullptr && find_field(fields, "lease") == nullptr) {
        set_field(fields, "lease", "1 0 0");
      }
      out_.objects.push_back({address.first, address.second, std::move(fields)});
    }
    return std::move(out_);
  }

 private:
  void line(const std::string& raw) {
    const bool inner = raw.starts_with(' ') || raw.starts_with('\t');
    const std::string words = fs_words(raw);
    if (!banner_end_.empty()) {
      if (words.find(banner_end_) != std::string::npos) banner_end_.clear();
      return;
    }
    if (const auto question = asked(raw)) return prompt(*question);
    if (over_) return;
    if (words.empty() || words.front() == '!') {
      if (!inner) block_ = nullptr;
      return;
    }
    if (inner || (block_ != nullptr && !command_of(words).empty())) return within(words);
    block_ = nullptr;
    in_vlans_ = words == "vlan database";
    if (words == "end") over_ = true;
    if (words.starts_with("version ")) out_.version = words.substr(8);
    if (words.starts_with("banner ")) return banner(words);
    if (is_frame(words) || in_vlans_) return;
    if (words.starts_with("vlan ") && vlans(words.substr(5))) return;
    for (const Head& head : kHeads) {
      if (!words.starts_with(head.words)) continue;
      std::string name = words.substr(head.words.size());
      if (head.kind == "fs-interface") name = fs_interface(name);
      block_ = &object(head.kind, name);
      if (head.kind == "fs-service") set_field(*block_, "enabled", "yes");
      return;
    }
    note_other(words);
  }

  ObjectFields& object(std::string_view kind, std::string name) {
    return objects_[{std::string(kind), std::move(name)}];
  }

  /// What comes next is an answer. Only that to `show running-config` is read.
  void prompt(std::string_view question) {
    const std::string what = fs_lower(question);
    const bool config =
        what.find("sh") != std::string::npos && what.find("run") != std::string::npos;
    if (config) {
      out_ = {};
      objects_.clear();
      others_.clear();
      over_ = false;
    } else if (!objects_.empty()) {
      over_ = true;
    }
    block_ = nullptr;
  }

  /// `banner motd #`: text up to the sign that stands there.
  void banner(const std::string& words) {
    note_other(words);
    const std::size_t kind = words.find(' ') + 1, sign = words.find(' ', kind);
    if (sign == std::string::npos) return;
    const std::string end = words.substr(sign + 1, words[sign + 1] == '^' ? 2 : 1);
    if (words.find(end, sign + 1 + end.size()) == std::string::npos) banner_end_ = end;
  }

  /// `10`, `10,20`, `range 10,20-29`. False where these are no VLANs.
  bool vlans(std::string_view list) {
    if (list.starts_with("range ")) list.remove_prefix(6);
    std::vector<unsigned> found;
    while (!list.empty()) {
      const std::string_view part = list.substr(0, list.find(','));
      list.remove_prefix(std::min(part.size() + 1, list.size()));
      unsigned first = 0, last = 0;
      const std::size_t dash = part.find('-');
      if (!number(part.substr(0, dash), first)) return false;
      last = first;
      if (dash != std::string_view::npos && !number(part.substr(dash + 1), last)) return false;
      if (first > last || last > kHighestVlan) return false;
      vlans_named_ += last - first + 1;
      if (vlans_named_ > kMostVlansNamed) return false;
      for (unsigned id = first; id <= last; ++id) found.push_back(id);
    }
    for (const unsigned id : found) block_ = &object("fs-vlan", std::to_string(id));
    if (found.size() > 1) block_ = nullptr;
    return true;
  }

  static bool number(std::string_view text, unsigned& out) {
    const auto [at, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failed == std::errc() && at == text.data() + text.size();
  }

  static std::string_view command_of(std::string_view words) {
    for (const std::string_view command : kCommands) {
      if (words.starts_with(command) && words.size() > command.size() + 1 &&
          words[command.size()] == ' ') {
        return command;
      }
    }
    return {};
  }

  void within(const std::string& words) {
    if (in_vlans_) return vlan_of_database(words);
    if (block_ == nullptr) return;  // of a block that nobody knows, which is named already
    const std::string_view command = command_of(words);
    // Kept as it is: somebody else's.
    if (command.empty()) {
      if (block_->size() < kMostFields) set_field(*block_, words, "yes");
      return;
    }
    std::string value = fs_value(command, words.substr(command.size() + 1));
    if (const std::string* const earlier = find_field(*block_, command)) {
      if (earlier->size() > kLongestValue) return;
      if (command == "ip helper-address") value = *earlier + '\n' + value;
      if (command == "dns-server" || command == "default-router" || command == "next-server") {
        value = *earlier + ' ' + value;
      }
    }
    set_field(*block_, command, value);
  }

  /// `VLAN 10 name lab media ethernet`
  void vlan_of_database(const std::string& words) {
    if (!fs_lower(words).starts_with("vlan ")) return;
    const std::string rest = words.substr(5);
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    if (!vlans(rest.substr(0, blank)) || block_ == nullptr) return;
    constexpr std::string_view kName = " name ";
    if (const std::size_t at = rest.find(kName); at != std::string::npos) {
      const std::string name = rest.substr(at + kName.size());
      set_field(*block_, "name", name.substr(0, name.find(' ')));
    }
    block_ = nullptr;
  }

  void note_other(std::string_view words) {
    std::size_t end = words.find(' ');
    if (words.starts_with("no ")) end = words.find(' ', 3);
    std::string command(words.substr(0, end));
    if (!is_command(command)) command = kNoCommand;
    const auto [at, is_new] = others_.try_emplace(command, out_.other.size());
    if (is_new) out_.other.push_back({.command = command, .lines = 0});
    ++out_.other[at->second].lines;
  }

  /// What may be told to people: a key or a certificate without its block is none.
  static bool is_command(std::string_view text) {
    return text.size() <= kLongestCommand && std::all_of(text.begin(), text.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == ' ';
           });
  }

  /// What `show running-config` says around the configuration.
  static bool is_frame(const std::string& words) {
    return words == "end" || words == "exit" || words.starts_with("version ") ||
           words.starts_with("Building ") || words.starts_with("Current configuration");
  }

  FsConfig out_;
  std::map<std::pair<std::string, std::string>, ObjectFields> objects_;
  std::map<std::string, std::size_t> others_;  // places in `other`
  ObjectFields* block_ = nullptr;
  std::size_t vlans_named_ = 0;
  std::string banner_end_;
  bool in_vlans_ = false;
  bool over_ = false;
};

}  // namespace

FsConfig read_fs_config(std::string_view text) { return ConfigReader().read(text); }

}  // namespace metalwright::renderers
