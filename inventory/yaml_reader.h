#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "inventory/error_list.h"
#include "inventory/yaml_document.h"
#include "inventory/yaml_text.h"

/// YAML to plain nodes with places, by libyaml's events. Untrusted input: depth, sizes, what
/// aliases expand to and what tags may say are bounded here, so nothing behind meets them. No types
/// either: a value is text, a list or a mapping, and only the field tables say that `no` is a host
/// name here and would be a mistake there.
namespace metalwright::inventory {

/// Reads the one document of a file, step by step, so that a large mapping needs the memory of one
/// of its values only. Each step that reads returns false once the file turned out to be unreadable
/// (which was reported): then nothing more comes.
class YamlReader {
 public:
  /// `text` has passed `check_text` and outlives the reader. `first_line` and `depth` say where in
  /// a file it stands: a part of one can be read alone and is reported as if in it.
  YamlReader(std::string_view file, std::string_view text, bool ascii, ErrorList& errors,
             std::uint32_t first_line = 1, int depth = 0);
  ~YamlReader();
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  /// Reads up to the root. False for a file without a value too: see `empty`.
  [[nodiscard]] bool begin();
  /// Valid after `begin`: there is nothing but blanks and comments.
  [[nodiscard]] bool empty() const { return empty_; }
  [[nodiscard]] bool failed() const { return failed_; }

  /// The next value is a mapping without anchor and tag: steps into it. False changes nothing.
  [[nodiscard]] bool enter_mapping();
  /// In a mapping that was entered: reads a key into `key`, which is cleared first; false at the
  /// mapping's end, which is left. A key that is no text is reported and skipped with its value.
  [[nodiscard]] bool next_key(Document& key);
  /// Reads one whole value into `value`, which is cleared first.
  [[nodiscard]] bool read_value(Document& value);
  /// After the root's value: reports what follows it.
  [[nodiscard]] bool end();

  /// An anchor or alias was met so far: what was read may say more than its own text.
  [[nodiscard]] bool has_anchors() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool empty_ = false;
  bool failed_ = false;
};

/// Reads a whole file, for those that are small. False where it is not to be used: empty (reported
/// as `yaml-empty`) or unreadable (reported).
[[nodiscard]] bool read_document(std::string_view file, std::string_view bytes, ErrorList& errors,
                                 Document& document);

}  // namespace metalwright::inventory
