#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/yaml_text.h"

/// What YAML says, as plain nodes with places.
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

/// Calls `visit(key, value)` for each pair of a mapping.
template <class Visit>
void for_each_pair(const Document& document, std::uint32_t mapping, Visit visit) {
  const std::uint32_t end = document.next(mapping);
  for (std::uint32_t key = mapping + 1; key < end;) {
    const std::uint32_t value = document.next(key);
    visit(key, value);
    key = document.next(value);
  }
}

/// Where a reader of a file reports.
struct FileReport {
  std::string file;
  ErrorList* errors = nullptr;

  void operator()(const Check& check, Place place, std::string message) const {
    errors->add(check, {file, place.line, place.column}, std::move(message));
  }
};

}  // namespace metalwright::inventory
