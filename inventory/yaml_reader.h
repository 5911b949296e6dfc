#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/yaml_text.h"

/// YAML to plain nodes with places, by libyaml's events. Untrusted input: depth, sizes, what
/// aliases expand to and what tags may say are bounded here, so nothing behind meets them. No types
/// either: a value is text, a list or a mapping, and only the field tables say that `no` is a host
/// name here and would be a mistake there.
namespace metalwright::inventory {

enum class NodeKind : std::uint8_t {
  scalar,
  sequence,
  mapping,
  broken,  ///< was reported (a tag, an unknown alias, …): whoever meets it keeps quiet
};

/// One node of a tree in pre-order: its `size - 1` descendants follow it. The children of a mapping
/// are keys, which are scalars, each followed by its value.
struct Node {
  NodeKind kind = NodeKind::scalar;
  bool plain = false;       ///< a scalar without quotes
  std::uint32_t size = 1;   ///< nodes of this subtree, itself included
  std::uint32_t text = 0;   ///< scalar: position in the document's text
  std::uint32_t bytes = 0;  ///< scalar: length
  Place place;
};

/// A tree of nodes. Positions in `nodes` are how a node is named; 0 is the root.
struct Document {
  std::vector<Node> nodes;
  std::string texts;

  [[nodiscard]] std::string_view text(std::uint32_t node) const {
    return std::string_view(texts).substr(nodes[node].text, nodes[node].bytes);
  }
  [[nodiscard]] std::uint32_t next(std::uint32_t node) const { return node + nodes[node].size; }
  void clear() {
    nodes.clear();
    texts.clear();
  }
};

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
