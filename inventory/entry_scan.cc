#include "inventory/entry_scan.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace metalwright::inventory {
namespace {
constexpr std::size_t kMostTopLevelKeys = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_character(char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; }

/// The key that `line` (without indentation) begins with, if it is a plain one followed by `:` and
/// a blank or the end; empty for anything else. `rest` is what follows the colon.
std::string_view key_of(std::string_view line, std::string_view& rest) {
  if (line.empty() || !is_letter_or_digit(line[0])) return {};
  std::size_t end = 1;
  while (end < line.size() && is_name_character(line[end])) ++end;
  if (end == line.size() || line[end] != ':') return {};
  rest = line.substr(end + 1);
  if (!rest.empty() && rest[0] != ' ') return {};
  return line.substr(0, end);
}

std::size_t indentation(std::string_view line) {
  std::size_t indent = 0;
  while (indent < line.size() && line[indent] == ' ') ++indent;
  return indent;
}

/// Only lines that begin something can matter: these are within something or nowhere.
bool is_blank_or_comment(std::string_view line, std::size_t indent) {
  return indent == line.size() || line[indent] == '#';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  Scanner(std::string_view text, std::uint32_t line)
      : text_(text), line_(line - 1), started_within_(true), in_servers_(true) {}

  EntryScan run() {
    scan_.sure = true;
    for (std::size_t at = 0; at < text_.size() && scan_.sure;) {
      const void* const found = std::memchr(text_.data() + at, '\n', text_.size() - at);
      const std::size_t end =
          found == nullptr
              ? text_.size()
              : static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
      ++line_;
      take_line(at, text_.substr(at, end - at));
      at = end + 1;
    }
    close_part(text_.size());
    if (!scan_.sure) return {};
    return std::move(scan_);
  }

 private:
  void take_line(std::size_t offset, std::string_view line) {
    const std::size_t indent = indentation(line);
    if (is_blank_or_comment(line, indent)) return;
    if (indent == 0) {
      take_top_level(offset, line);
    } else if (in_servers_) {
      take_in_servers(offset, line, indent);
    } else if (!in_section_) {
      scan_.sure = false;  // something indented before the first key
    }
  }

  void take_top_level(std::size_t offset, std::string_view line) {
    if (started_within_) {
      scan_.sure = false;
      return;
    }
    if (line == "---" && keys_.empty() && !started_) {
      started_ = true;
      return;
    }
    std::string_view rest;
    const std::string_view key = key_of(line, rest);
    if (key.empty() || keys_.size() == kMostTopLevelKeys ||
        std::find(keys_.begin(), keys_.end(), key) != keys_.end()) {
      scan_.sure = false;
      return;
    }
    close_part(offset);
    keys_.push_back(key);
    in_servers_ = key == "servers";
    if (in_servers_) {
      scan_.sure = is_blank_or_comment(rest, indentation(rest));
    } else {
      in_section_ = true;
      scan_.sections.push_back({text_.substr(offset), line_});
    }
  }

  void take_in_servers(std::size_t offset, std::string_view line, std::size_t indent) {
    if (indent_ == 0) indent_ = indent;
    if (indent > indent_) return;
    std::string_view rest;
    const std::string_view name =
        indent == indent_ ? key_of(line.substr(indent), rest) : std::string_view{};
    if (name.empty()) {
      scan_.sure = false;
      return;
    }
    close_part(offset);
    in_entry_ = true;
    scan_.entries.push_back({.text = text_.substr(offset),
                             .name = name,
                             .line = line_,
                             .column = static_cast<std::uint32_t>(indent + 1)});
  }

  /// What is open ends at `offset`.
  void close_part(std::size_t offset) {
    const auto end_at = [&](std::string_view& part) {
      part = part.substr(0, offset - static_cast<std::size_t>(part.data() - text_.data()));
    };
    if (in_entry_) end_at(scan_.entries.back().text);
    if (in_section_) end_at(scan_.sections.back().text);
    in_entry_ = false;
    in_section_ = false;
  }

  std::string_view text_;
  EntryScan scan_;
  std::vector<std::string_view> keys_;  // top-level ones
  std::uint32_t line_ = 0;
  std::size_t indent_ = 0;  // of the entries; 0: not known yet
  bool started_ = false;    // by `---`
  bool started_within_ = false;
  bool in_servers_ = false, in_entry_ = false, in_section_ = false;
};
}  // namespace

EntryScan scan_entries(std::string_view text) { return Scanner(text).run(); }

EntryScan scan_within_servers(std::string_view text, std::uint32_t line) {
  return Scanner(text, line).run();
}

}  // namespace metalwright::inventory
