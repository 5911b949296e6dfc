#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// Block-style YAML 1.1, appended to a string. It is our own because yaml-cpp's emitter (0.7, over
/// an ostream) takes 24 us for a netplan file of two interfaces, which is 0.24 s for a fleet of
/// 10,000 servers; this takes under 1 us. What it writes is read back through yaml-cpp, libyaml and
/// netplan in the tests.
namespace metalwright::renderers {

/// A scalar that every YAML reader takes for this very string: a plain word where no reader could
/// see anything else in it, double quotes and escapes otherwise. `text` must be UTF-8.
void append_yaml_string(std::string& out, std::string_view text);

class YamlWriter {
 public:
  /// Appends to `out`, which must outlive the writer and end in a line end or be empty.
  explicit YamlWriter(std::string& out) : out_(out) {}

  // A key that is written in the program is a plain word; only `open_named` looks at its key.

  /// A mapping (or, with `begin_item`, a sequence) below `key`, until `close`. Empty: `{}`.
  void open(std::string_view key);
  /// The same below a name that a user chose.
  void open_named(std::string_view name);
  void close();
  /// A mapping that is the next item of the sequence that `open` began.
  void begin_item();
  void end_item();

  void string(std::string_view key, std::string_view value);
  void boolean(std::string_view key, bool value);
  void number(std::string_view key, std::size_t value);
  /// A sequence of strings below `key`.
  template <class Strings>
  void strings(std::string_view key, const Strings& values) {
    open(key);
    for (const auto& value : values) item(value);
    close();
  }
  /// The last line end.
  void finish() { out_ += '\n'; }

 private:
  void begin_line();
  void begin_key();
  void write_key(std::string_view key);
  void item(std::string_view value);

  std::string& out_;
  std::size_t depth_ = 0;
  std::size_t opened_at_ = 0;
  bool dash_ = false;  // the next key begins an item
};

}  // namespace metalwright::renderers
