#include "pipeline/service/boot_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/ipxe.h"

namespace metalwright::service {
namespace {

constexpr std::string_view kFirstLine = "#!ipxe\n";
constexpr std::size_t kLongestEcho = 200;

std::string echo_lines(const std::vector<std::string>& words) {
  std::string lines;
  for (const std::string& line : words) lines += "echo metalwright: " + echo_text(line) + '\n';
  return lines;
}

std::string_view behind_first_line(std::string_view script) {
  if (script.starts_with(kFirstLine)) script.remove_prefix(kFirstLine.size());
  return script;
}

}  // namespace

std::string echo_text(std::string_view text) {
  constexpr std::string_view kPlain = " ._:/@()+,='-?%*!<>[]";
  std::string shown;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    if (c == ' ' && (shown.empty() || shown.back() == ' ')) continue;
    shown += plain ? c : '?';
    if (shown.size() == kLongestEcho) {
      shown += "...";
      break;
    }
  }
  while (!shown.empty() && shown.back() == ' ') shown.pop_back();
  return shown;
}

std::string script_saying(const std::vector<std::string>& words, std::string_view script) {
  return fmt::format("{}{}{}", kFirstLine, echo_lines(words), behind_first_line(script));
}

std::string script_with_menu(std::string_view title, std::string_view choice,
                             std::chrono::seconds wait, const std::vector<std::string>& words,
                             std::string_view script) {
  if (wait.count() <= 0) return script_saying(words, script);
  // A menu clears the screen, so what was decided is said behind it.
  return fmt::format(
      "{0}menu {1}\nitem _boot {2}\nitem _local Boot the local disk\n"
      "choose --default _boot --timeout {3} target && goto ${{target}} || goto _boot\n"
      ":_boot\n{4}{5}:_local\n{6}",
      kFirstLine, echo_text(title), echo_text(choice), wait.count() * 1000, echo_lines(words),
      behind_first_line(script), renderers::ipxe_local_lines());
}

std::string local_script(const std::vector<std::string>& words) {
  return fmt::format("{}{}echo Booting the local disk\n{}", kFirstLine, echo_lines(words),
                     renderers::ipxe_local_lines());
}

std::string with_signed_configs(
    std::string script,
    const std::function<std::string(std::string_view, std::string_view)>& sign) {
  constexpr std::string_view kPath = "/boot/configs/";
  constexpr std::size_t kMacSize = 17;
  for (std::size_t at = 0; (at = script.find(kPath, at)) != std::string::npos;) {
    const std::size_t profile = at + kPath.size();
    const std::size_t slash = script.find('/', profile);
    at = profile;
    if (slash == std::string::npos || slash + 1 + kMacSize > script.size()) continue;
    const std::string name = script.substr(profile, slash - profile);
    const std::string mac = script.substr(slash + 1, kMacSize);
    const auto mac_char = [](char c) {
      return c == ':' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    };
    const std::size_t end = slash + 1 + kMacSize;
    const char next = end < script.size() ? script[end] : ' ';
    const bool whole = next == ' ' || next == '\n' || next == '"' || next == '\'' || next == ';';
    if (!whole || !std::all_of(mac.begin(), mac.end(), mac_char)) continue;
    script.insert(end, sign(name, mac));
    at = end;
  }
  return script;
}

}  // namespace metalwright::service
