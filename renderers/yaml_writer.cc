#include "renderers/yaml_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

/// The code point at the front of `text`, of `length` bytes (utf8_length).
std::uint32_t front_code_point(std::string_view text, std::size_t length) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (length == 1) return lead;
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    code = code << 6U | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  }
  return code;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The words that some YAML 1.1 reader takes for a boolean or null, in lower case.
bool is_reserved(std::string_view text) {
  constexpr std::array<std::string_view, 9> kReserved{"y",   "n",    "yes",   "no",  "on",
                                                      "off", "true", "false", "null"};
  return std::any_of(kReserved.begin(), kReserved.end(), [&](std::string_view reserved) {
    return std::equal(text.begin(), text.end(), reserved.begin(), reserved.end(),
                      [](char a, char b) { return (a | 0x20) == b; });  // letters in any case
  });
}

/// A word that begins with a letter and holds letters, digits, `-` and `_` is a string to every
/// reader, reserved words aside.
bool is_plain(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }) && !is_reserved(text);
}

/// Printable to YAML 1.1 readers, and no line break to any of them (NEL, LS and PS are breaks).
bool stands_for_itself(std::uint32_t code) {
  if (code == '"' || code == '\\') return false;
  if (code < 0xA0) return code >= 0x20 && code < 0x7F;
  return code != 0x2028 && code != 0x2029 && code != 0xFEFF && code != 0xFFFE && code != 0xFFFF;
}

void append_escaped(std::string& out, std::uint32_t code) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (code == '"' || code == '\\') {
    out += '\\';
    out += static_cast<char>(code);
    return;
  }
  const std::size_t digits = code <= 0xFF ? 2 : code <= 0xFFFF ? 4 : 8;
  out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
  for (std::size_t i = digits; i-- > 0;) out += kDigits[code >> (4 * i) & 15U];
}

}  // namespace

void append_yaml_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
    return;
  }
  out += '"';
  while (!text.empty()) {
    // Nearly always the whole of it.
    const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
      return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    });
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (text.empty()) break;
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    const std::uint32_t code = front_code_point(text, length);
    // What is no UTF-8 is shown rather than lost; callers do not get here with it.
    if (stands_for_itself(code) && (code < 0x80 || length > 1)) {
      out += text.substr(0, length);
    } else {
      append_escaped(out, code);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void YamlWriter::begin_line() {
  if (!out_.empty() && out_.back() != '\n') out_ += '\n';
}

void YamlWriter::begin_key() {
  begin_line();
  out_.append(2 * (dash_ ? depth_ - 1 : depth_), ' ');
  if (dash_) out_ += "- ";
  dash_ = false;
}

void YamlWriter::write_key(std::string_view key) {
  begin_key();
  out_ += key;
  out_ += ':';
}

void YamlWriter::open_named(std::string_view name) {
  begin_key();
  append_yaml_string(out_, name);
  out_ += ':';
  ++depth_;
  opened_at_ = out_.size();
}

void YamlWriter::open(std::string_view key) {
  write_key(key);
  ++depth_;
  opened_at_ = out_.size();
}

void YamlWriter::close() {
  --depth_;
  if (out_.size() == opened_at_) out_ += " {}";
}

void YamlWriter::begin_item() {
  ++depth_;
  dash_ = true;
}

void YamlWriter::end_item() { --depth_; }

void YamlWriter::string(std::string_view key, std::string_view value) {
  write_key(key);
  out_ += ' ';
  append_yaml_string(out_, value);
}

void YamlWriter::boolean(std::string_view key, bool value) {
  write_key(key);
  out_ += value ? " true" : " false";
}

void YamlWriter::number(std::string_view key, std::size_t value) {
  write_key(key);
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_ += ' ';
  out_.append(digits, end);
}

void YamlWriter::item(std::string_view value) {
  begin_line();
  out_.append(2 * depth_, ' ');
  out_ += "- ";
  append_yaml_string(out_, value);
}

}  // namespace metalwright::renderers
