#pragma once

#include <yaml.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/yaml_document.h"

/// What libyaml says of a file, event by event, with places and complaints in our words. What the
/// events mean is the reader's (`yaml_reader.cc`), the only one that includes this.
namespace metalwright::inventory {

/// The text of an anchor or tag; empty where there is none.
[[nodiscard]] inline std::string_view as_view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

/// The events of one file. Once it turned out to be unreadable, which was reported, no more come.
class YamlEvents {
 public:
  /// As YamlReader: `text` outlives this.
  YamlEvents(std::string_view file, std::string_view text, bool ascii, ErrorList& errors,
             std::uint32_t first_line);
  ~YamlEvents();
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;

  /// Makes the next event the current one, unless there is one that was not taken. False: no more.
  [[nodiscard]] bool peek() { return !failed_ && (has_event_ || parse()); }
  /// The current one; valid until it is taken.
  [[nodiscard]] const yaml_event_t& current() const { return event_; }
  [[nodiscard]] yaml_event_type_t type() const { return event_.type; }
  /// Where the current one begins: line and byte of the file, from 1.
  [[nodiscard]] Place place() { return place(event_.start_mark); }
  void take();

  void report(const Check& check, Place where, std::string message) const {
    report_(check, where, std::move(message));
  }
  /// Reports, and ends the reading of the file. False, for callers that return it.
  bool give_up(const Check& check, Place where, std::string message);
  [[nodiscard]] bool failed() const { return failed_; }
  /// Where it reports, for those who report of the same file.
  [[nodiscard]] const FileReport& file_report() const { return report_; }

 private:
  bool parse();
  bool report_syntax();
  Place place(const yaml_mark_t& mark) {
    const std::size_t column = ascii_ ? mark.column : bytes_to(mark);
    return {first_line_ + static_cast<std::uint32_t>(mark.line),
            static_cast<std::uint32_t>(column) + 1};
  }
  std::size_t bytes_to(const yaml_mark_t& mark);
  char character_at(const yaml_mark_t& mark);

  FileReport report_;
  std::string_view text_;
  bool ascii_;
  std::uint32_t first_line_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool has_event_ = false;
  bool failed_ = false;
  std::vector<std::size_t> line_starts_;  // where characters may be longer than a byte
};

}  // namespace metalwright::inventory
