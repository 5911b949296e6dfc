#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "inventory/yaml_document.h"

namespace metalwright::inventory {

/// The values of a file that aliases may stand for. Copies both ways: a document is read and
/// forgotten value by value, and an anchor outlives the value that it stands in. A few lines of
/// aliases of aliases can stand for billions of values, so what is copied is counted.
class Anchors {
 public:
  static constexpr std::size_t kMostNodes = 2'000'000;
  static constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;

  /// Keeps the subtree at `at`, which ends the document, under a name. The last one of a name
  /// holds.
  void remember(const std::string& name, const Document& document, std::size_t at);
  /// Adds the subtree of that name to the document; false where there is none.
  [[nodiscard]] bool expand(const std::string& name, Document& document);
  /// Nothing was copied that a reasonable file would not need.
  [[nodiscard]] bool within_limits() const { return nodes_ <= kMostNodes && bytes_ <= kMostBytes; }
  /// How many nodes were copied so far.
  [[nodiscard]] std::size_t nodes() const { return nodes_; }

 private:
  struct Subtree {
    std::vector<Node> nodes;
    std::string texts;
  };
  void count(const Subtree& subtree);

  std::unordered_map<std::string, Subtree> subtrees_;
  std::size_t nodes_ = 0, bytes_ = 0;
};

}  // namespace metalwright::inventory
