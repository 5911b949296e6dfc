#include "inventory/yaml_anchors.h"

#include <utility>

namespace metalwright::inventory {

void Anchors::remember(const std::string& name, const Document& document, std::size_t at) {
  Subtree kept;
  kept.nodes.assign(document.nodes.begin() + static_cast<std::ptrdiff_t>(at), document.nodes.end());
  for (Node& node : kept.nodes) {
    const std::uint32_t from = node.text;
    node.text = static_cast<std::uint32_t>(kept.texts.size());
    kept.texts.append(document.texts, from, node.bytes);
  }
  count(kept);
  subtrees_.insert_or_assign(name, std::move(kept));
}

bool Anchors::expand(const std::string& name, Document& document) {
  const auto found = subtrees_.find(name);
  if (found == subtrees_.end()) return false;
  const Subtree& kept = found->second;
  count(kept);
  const auto base = static_cast<std::uint32_t>(document.texts.size());
  document.texts += kept.texts;
  for (Node node : kept.nodes) {
    node.text += base;
    document.nodes.push_back(node);
  }
  return true;
}

void Anchors::count(const Subtree& subtree) {
  nodes_ += subtree.nodes.size();
  bytes_ += subtree.texts.size();
}

}  // namespace metalwright::inventory
