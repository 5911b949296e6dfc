#include "inventory/yaml_text.h"

#include <fmt/format.h>

#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
using namespace std::string_view_literals;

constexpr int kMostFaults = 10;
// libyaml compares each %TAG line with all before it: a megabyte of them would take minutes.
constexpr int kMostDirectives = 8;

Origin at(std::string_view file, Place place) {
  return {std::string(file), place.line, place.column};
}

/// How many bytes at the beginning are only printable ASCII and `\n`, in whole blocks. Nearly every
/// inventory is nothing else, so the compiler is given a loop that it makes vector code of.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::size_t kBlock = 64;
  std::size_t i = 0;
  for (; i + kBlock <= text.size(); i += kBlock) {
    const char* const block = text.data() + i;
    unsigned char bad = 0;
    for (std::size_t j = 0; j < kBlock; ++j) {
      const auto byte = static_cast<unsigned char>(block[j]);
      bad |= static_cast<unsigned char>(static_cast<unsigned char>(byte - 0x20U) >= 0x5FU) &
             static_cast<unsigned char>(byte != '\n');
    }
    if (bad != 0) break;
  }
  return i;
}

/// Reports the encodings that are not UTF-8 by their byte order mark or by their zero bytes.
bool other_encoding(std::string_view file, std::string_view bytes, ErrorList& errors) {
  std::string_view name;
  if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv)) {
    name = "UTF-32";
  } else if (bytes.starts_with("\xFF\xFE"sv) || bytes.starts_with("\xFE\xFF"sv) ||
             (bytes.size() >= 4 && ((bytes[0] == 0) != (bytes[1] == 0)) &&
              ((bytes[2] == 0) != (bytes[3] == 0)) && (bytes[0] == 0) == (bytes[2] == 0))) {
    name = "UTF-16";
  }
  if (name.empty()) return false;
  errors.add(checks::kYamlEncoding, at(file, {}),
             fmt::format("the file is {}; save it as UTF-8", name));
  return true;
}

std::string fault_message(std::string_view character) {
  if (character == "\r") return "a carriage return without a line feed";
  if (character == "\0"sv) return "a NUL byte; is this a text file?";
  return fmt::format("an invisible or control character ({})", shown(character));
}

bool too_many_directives(std::string_view text) {
  int count = text.starts_with('%') ? 1 : 0;
  for (std::size_t at = text.find("\n%"); at != std::string_view::npos;
       at = text.find("\n%", at + 1)) {
    if (++count > kMostDirectives) return true;
  }
  return count > kMostDirectives;
}
}  // namespace

std::string_view without_mark(std::string_view bytes) {
  return bytes.starts_with("\xEF\xBB\xBF") ? bytes.substr(3) : bytes;
}

YamlText check_text(std::string_view file, std::string_view bytes, ErrorList& errors) {
  YamlText result{.text = bytes};
  if (bytes.size() > kMostTextBytes) {
    errors.add(
        checks::kYamlSize, at(file, {}),
        fmt::format("the file has {} bytes; at most {} are read", bytes.size(), kMostTextBytes));
    return result;
  }
  if (other_encoding(file, bytes, errors)) return result;
  bytes = without_mark(bytes);
  result.text = bytes;

  int faults = 0;
  Place place;
  std::size_t line_start = 0;
  std::size_t counted_to = 0;  // lines are counted only up to where a fault is found
  for (std::size_t i = plain_prefix(bytes); i < bytes.size() && faults < kMostFaults;) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte < 0x7F)) {
      i += 1;
      if (byte == '\n') i += plain_prefix(bytes.substr(i));
      continue;
    }
    if (byte == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') {
      i += 2;
      continue;
    }
    const std::size_t length = utf8_length(bytes.substr(i));
    if (byte >= 0x80) result.ascii = false;
    if (length > 1 && !has_control_character(bytes.substr(i, length))) {
      i += length;
      continue;
    }
    for (; counted_to < i; ++counted_to) {
      if (bytes[counted_to] != '\n') continue;
      ++place.line;
      line_start = counted_to + 1;
    }
    place.column = static_cast<std::uint32_t>(i - line_start + 1);
    ++faults;
    if (length == 0) {
      errors.add(checks::kYamlEncoding, at(file, place),
                 fmt::format("byte {} is not UTF-8", shown(bytes.substr(i, 1))));
      // One report a line: the rest of a line in another encoding says nothing new.
      const std::size_t end = bytes.find('\n', i);
      i = end == std::string_view::npos ? bytes.size() : end;
    } else {
      errors.add(checks::kYamlControlCharacter, at(file, place),
                 fault_message(bytes.substr(i, length)));
      i += length;
    }
  }
  if (faults == 0 && too_many_directives(bytes)) {
    errors.add(checks::kYamlDirective, at(file, {}),
               fmt::format("more than {} lines begin with '%'", kMostDirectives));
    return result;
  }
  result.ok = faults == 0;
  return result;
}

}  // namespace metalwright::inventory
