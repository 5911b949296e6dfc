#include "inventory/yaml_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
void report_repeated(const Document& document, std::uint32_t first, std::uint32_t second,
                     const FileReport& report) {
  const Place one = document.nodes[first].place;
  report(checks::kYamlDuplicateKey, document.nodes[second].place,
         fmt::format("key {} stands here for the second time; the first is at {}:{}:{}",
                     quoted(document.text(second)), shown(report.file), one.line, one.column));
}

/// One mapping on its way to the pairs that it stands for.
class Merge {
 public:
  Merge(const Document& document, const FileReport& report)
      : document_(document), report_(report) {}

  std::vector<Node> run(std::uint32_t mapping) {
    for_each_pair(document_, mapping, [&](std::uint32_t key, std::uint32_t value) {
      if (is_merge_key(document_, key)) return;
      have_.push_back(document_.text(key));
      append(key, value);
    });
    std::sort(have_.begin(), have_.end());
    for_each_pair(document_, mapping, [&](std::uint32_t key, std::uint32_t value) {
      if (is_merge_key(document_, key)) add(value);
    });
    return std::move(merged_);
  }

 private:
  void append(std::uint32_t key, std::uint32_t value) {
    merged_.push_back(document_.nodes[key]);
    merged_.insert(merged_.end(), document_.nodes.begin() + value,
                   document_.nodes.begin() + document_.next(value));
  }

  void add(std::uint32_t value) {
    const Node& node = document_.nodes[value];
    if (node.kind != NodeKind::sequence) return add_mapping(value);
    for (std::uint32_t item = value + 1; item < document_.next(value);
         item = document_.next(item)) {
      add_mapping(item);
    }
  }

  void add_mapping(std::uint32_t source) {
    const Node& node = document_.nodes[source];
    if (node.kind == NodeKind::broken) return;
    if (node.kind != NodeKind::mapping) {
      report_(checks::kYamlMerge, node.place, "'<<' wants a mapping or a list of mappings");
      return;
    }
    const auto known = static_cast<std::ptrdiff_t>(have_.size());
    for_each_pair(document_, source, [&](std::uint32_t key, std::uint32_t value) {
      const std::string_view text = document_.text(key);
      if (std::binary_search(have_.begin(), have_.begin() + known, text)) return;
      have_.push_back(text);
      append(key, value);
    });
    std::sort(have_.begin(), have_.end());
  }

  const Document& document_;
  const FileReport& report_;
  std::vector<std::string_view> have_;  // keys; sorted between the steps
  std::vector<Node> merged_;
};
}  // namespace

bool is_merge_key(const Document& document, std::uint32_t key) {
  return document.nodes[key].plain && document.text(key) == "<<";
}

void report_repeated_keys(const Document& document, std::uint32_t mapping,
                          const FileReport& report) {
  // Nearly all mappings are small, and most keys already differ in length.
  constexpr std::size_t kFewKeys = 24;
  std::uint32_t few[kFewKeys];
  std::size_t count = 0;
  for_each_pair(document, mapping, [&](std::uint32_t key, std::uint32_t) {
    if (count < kFewKeys) few[count] = key;
    ++count;
  });
  if (count <= kFewKeys) {
    for (std::size_t i = 1; i < count; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (document.text(few[i]) != document.text(few[j])) continue;
        report_repeated(document, few[j], few[i], report);
        break;
      }
    }
    return;
  }
  std::vector<std::uint32_t> keys;
  for_each_pair(document, mapping, [&](std::uint32_t key, std::uint32_t) { keys.push_back(key); });
  std::stable_sort(keys.begin(), keys.end(), [&](std::uint32_t a, std::uint32_t b) {
    return document.text(a) < document.text(b);
  });
  for (std::size_t first = 0, i = 1; i < keys.size(); ++i) {
    if (document.text(keys[first]) == document.text(keys[i])) {
      report_repeated(document, keys[first], keys[i], report);
    } else {
      first = i;
    }
  }
}

void merge_mappings(Document& document, std::uint32_t mapping, const FileReport& report) {
  const std::vector<Node> merged = Merge(document, report).run(mapping);
  document.nodes.resize(mapping + 1);
  document.nodes.insert(document.nodes.end(), merged.begin(), merged.end());
  document.nodes[mapping].size = static_cast<std::uint32_t>(document.nodes.size() - mapping);
}

}  // namespace metalwright::inventory
