#include "schemas/netbox.h"

#include "schemas/digest.h"

namespace metalwright::netbox {

std::string slug(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string out;
  bool gap = false;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!kept) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += '-';
    gap = false;
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (out.empty()) return "x-" + sha256(name).hex().substr(0, 12);
  // Two long names must not meet in their beginnings.
  if (out.size() > kLongest) {
    out = out.substr(0, kLongest - 13) + '-' + sha256(name).hex().substr(0, 12);
  }
  return out;
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace metalwright::netbox
