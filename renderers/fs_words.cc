#include "renderers/fs_words.h"

#include <algorithm>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::renderers {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

/// `192.168.1.0 255.255.255.0` for `192.168.1.0 /24`.
std::string with_netmask(const std::string& value) {
  const std::size_t slash = value.find('/');
  if (slash == std::string::npos) return value;
  const std::string address(trimmed(std::string_view(value).substr(0, slash)));
  const auto prefix = parse_ipv4_prefix("0.0.0.0" + value.substr(slash));
  const auto any = parse_ipv4_prefix(address + value.substr(slash));
  const auto& length = any ? any : prefix;
  return length ? address + ' ' + length->netmask().text() : value;
}

}  // namespace

std::string fs_words(std::string_view text) {
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

std::string fs_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string fs_interface(const std::string& name) {
  const std::string small = fs_lower(name);
  if (!small.starts_with("vlan")) return name;
  return "VLAN " + std::string(trimmed(std::string_view(small).substr(4)));
}

std::string fs_value(std::string_view command, std::string value) {
  if (command == "hardware-address") {
    // A type stands behind (RGOS) or in front.
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      const auto mac = parse_mac_address(word);
      if (!mac) continue;
      std::string text;
      for (const char c : mac->text()) {
        if (c != ':') text += c;
        if (text.size() == 4 || text.size() == 9) text += '.';
      }
      return text;
    }
    return value;
  }
  if (command == "network" || command == "host") return with_netmask(value);
  if (command == "option 43 hex") {
    value = fs_lower(value);
    std::erase_if(value, [](char c) { return c == '.' || c == ' '; });
  }
  if (command == "lease") {
    // Days, and hours and minutes where they are not 0.
    const auto words = static_cast<std::size_t>(std::count(value.begin(), value.end(), ' '));
    for (std::size_t i = words; i < 2 && value != "infinite"; ++i) value += " 0";
  }
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

std::string fs_shown_line(std::string_view raw) {
  std::string line;
  std::size_t cursor = 0;
  for (const char c : raw) {
    if (c == '\b') {
      cursor -= cursor > 0 ? 1 : 0;
    } else if (c == '\r') {
      cursor = 0;
    } else {
      if (cursor == line.size()) line += ' ';
      line[cursor++] = c;
    }
  }
  constexpr std::string_view kMore = "--More--";
  if (const std::size_t more = line.find(kMore); more != std::string::npos) {
    line.erase(0, more + kMore.size());
  }
  return line;
}

}  // namespace metalwright::renderers
