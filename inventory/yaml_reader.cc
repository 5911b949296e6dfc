#include "inventory/yaml_reader.h"

#include <fmt/format.h>

#include <string>

#include "inventory/yaml_anchors.h"
#include "inventory/yaml_events.h"
#include "inventory/yaml_mapping.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
constexpr int kMostDepth = 32;
constexpr std::size_t kMostScalarBytes = std::size_t{64} * 1024;
constexpr std::size_t kMostNodes = 250'000;  // of one document in memory
constexpr std::size_t kMostDocumentBytes = std::size_t{128} * 1024 * 1024;
}  // namespace

struct YamlReader::State {
  YamlEvents events;
  int depth;
  Anchors anchors;
  bool has_anchors = false;

  /// True for a tag that says what is so anyway.
  static bool harmless(std::string_view tag, NodeKind kind) {
    if (tag == "!") return true;
    if (!tag.starts_with("tag:yaml.org,2002:")) return false;
    tag.remove_prefix(18);
    return (kind == NodeKind::scalar && tag == "str") ||
           (kind == NodeKind::sequence && tag == "seq") ||
           (kind == NodeKind::mapping && tag == "map");
  }

  bool tag_is_bad(const yaml_char_t* tag, NodeKind kind, Place where) {
    if (tag == nullptr) return false;
    if (harmless(as_view(tag), kind)) return false;
    std::string shorter(as_view(tag));
    if (shorter.starts_with("tag:yaml.org,2002:")) shorter.replace(0, 18, "!!");
    events.report(checks::kYamlTag, where,
                  fmt::format("tag {} is not supported; write the value itself", quoted(shorter)));
    return true;
  }

  bool has_room(const Document& document, Place where) {
    if (document.nodes.size() < kMostNodes && document.texts.size() < kMostDocumentBytes) {
      return true;
    }
    if (anchors.nodes() > kMostNodes / 2) return give_up_on_aliases(where);
    return events.give_up(checks::kYamlSize, where,
                          fmt::format("more than {} values in one place of the file", kMostNodes));
  }

  bool read_scalar(Document& document) {
    const Place where = events.place();
    const auto& scalar = events.current().data.scalar;
    Node node{.kind = NodeKind::scalar,
              .plain = scalar.style == YAML_PLAIN_SCALAR_STYLE,
              .text = static_cast<std::uint32_t>(document.texts.size()),
              .bytes = 0,
              .place = where};
    if (tag_is_bad(scalar.tag, NodeKind::scalar, where)) {
      node.kind = NodeKind::broken;
    } else if (scalar.length > kMostScalarBytes) {
      events.report(
          checks::kYamlSize, where,
          fmt::format("a value of {} bytes; at most {} are read", scalar.length, kMostScalarBytes));
      node.kind = NodeKind::broken;
    } else {
      node.bytes = static_cast<std::uint32_t>(scalar.length);
      document.texts.append(reinterpret_cast<const char*>(scalar.value), scalar.length);
    }
    document.nodes.push_back(node);
    remember(scalar.anchor, document, document.nodes.size() - 1);
    events.take();
    return true;
  }

  /// Keeps the subtree at `at`, which ends the document, for the aliases to come.
  void remember(const yaml_char_t* anchor, const Document& document, std::size_t at) {
    if (anchor == nullptr) return;
    remember(std::string(as_view(anchor)), document, at);
  }

  void remember(const std::string& anchor, const Document& document, std::size_t at) {
    has_anchors = true;
    anchors.remember(anchor, document, at);
  }

  bool within_alias_limit(Place where) {
    return anchors.within_limits() || give_up_on_aliases(where);
  }

  bool give_up_on_aliases(Place where) {
    return events.give_up(
        checks::kYamlAliasLimit, where,
        fmt::format("the file's anchors and aliases stand for too much: more than {} "
                    "values in one place, {} in all, or {} bytes",
                    kMostNodes, Anchors::kMostNodes, Anchors::kMostBytes));
  }

  bool read_alias(Document& document) {
    has_anchors = true;
    const Place where = events.place();
    const std::string name(as_view(events.current().data.alias.anchor));
    events.take();
    if (!anchors.expand(name, document)) {
      events.report(checks::kYamlAlias, where,
                    fmt::format("no value before alias {} has that anchor", quoted('*' + name)));
      document.nodes.push_back({.kind = NodeKind::broken, .place = where});
      return true;
    }
    if (!within_alias_limit(where)) return false;
    if (document.nodes.size() <= kMostNodes) return true;
    return give_up_on_aliases(where);
  }

  bool read_node(Document& document, int level) {
    if (!events.peek()) return false;
    const Place where = events.place();
    if (level > kMostDepth) {
      return events.give_up(checks::kYamlDepth, where,
                            fmt::format("values are nested more than {} levels deep", kMostDepth));
    }
    if (!has_room(document, where)) return false;
    switch (events.type()) {
      case YAML_SCALAR_EVENT:
        return read_scalar(document) && within_alias_limit(where);
      case YAML_ALIAS_EVENT:
        return read_alias(document);
      case YAML_SEQUENCE_START_EVENT:
        return read_sequence(document, level);
      default:
        return read_mapping(document, level);
    }
  }

  /// Ends the node at `at`: everything behind it is its own.
  bool close(Document& document, std::size_t at, bool broken, const std::string& anchor) {
    events.take();
    Node& node = document.nodes[at];
    node.size = static_cast<std::uint32_t>(document.nodes.size() - at);
    if (broken) {
      node.kind = NodeKind::broken;
      node.size = 1;
      document.nodes.resize(at + 1);
    }
    if (!anchor.empty()) remember(anchor, document, at);
    return within_alias_limit(document.nodes[at].place);
  }

  bool read_sequence(Document& document, int level) {
    const std::size_t at = document.nodes.size();
    const Place where = events.place();
    document.nodes.push_back({.kind = NodeKind::sequence, .place = where});
    const std::string anchor(as_view(events.current().data.sequence_start.anchor));
    const bool broken =
        tag_is_bad(events.current().data.sequence_start.tag, NodeKind::sequence, where);
    events.take();
    while (true) {
      if (!events.peek()) return false;
      if (events.type() == YAML_SEQUENCE_END_EVENT) break;
      if (!read_node(document, level + 1)) return false;
    }
    return close(document, at, broken, anchor);
  }

  /// Reads a key into the document. One that is no text is reported and skipped with its value:
  /// `skipped` says so.
  bool read_key(Document& document, int level, bool& skipped) {
    skipped = false;
    const std::size_t at = document.nodes.size();
    const Place where = events.place();
    const bool scalar = events.type() == YAML_SCALAR_EVENT;
    const bool alias = events.type() == YAML_ALIAS_EVENT;
    if (!read_node(document, level + 1)) return false;
    const Node& key = document.nodes[at];
    if (key.kind == NodeKind::scalar && scalar && key.bytes > 0) return true;
    if (key.kind == NodeKind::scalar && scalar) {
      events.report(checks::kYamlKey, where, "a key is empty");
    } else if (key.kind != NodeKind::broken) {
      events.report(checks::kYamlKey, where,
                    fmt::format("a key is {}; it must be a text", alias ? "an alias"
                                                                  : key.kind == NodeKind::mapping
                                                                      ? "a mapping"
                                                                      : "a list"));
    }
    document.nodes.resize(at);
    skipped = true;
    if (!events.peek()) return false;
    if (!read_node(document, level + 1)) return false;
    document.nodes.resize(at);
    return true;
  }

  bool read_mapping(Document& document, int level) {
    const std::size_t at = document.nodes.size();
    const Place where = events.place();
    document.nodes.push_back({.kind = NodeKind::mapping, .place = where});
    const std::string anchor(as_view(events.current().data.mapping_start.anchor));
    const bool broken =
        tag_is_bad(events.current().data.mapping_start.tag, NodeKind::mapping, where);
    events.take();
    bool merges = false;
    while (true) {
      if (!events.peek()) return false;
      if (events.type() == YAML_MAPPING_END_EVENT) break;
      const auto key = static_cast<std::uint32_t>(document.nodes.size());
      bool skipped = false;
      if (!read_key(document, level, skipped)) return false;
      if (skipped) continue;
      merges = merges || is_merge_key(document, key);
      if (!read_node(document, level + 1)) return false;
    }
    document.nodes[at].size = static_cast<std::uint32_t>(document.nodes.size() - at);
    report_repeated_keys(document, static_cast<std::uint32_t>(at), events.file_report());
    if (merges) merge_mappings(document, static_cast<std::uint32_t>(at), events.file_report());
    if (merges && !has_room(document, where)) return false;
    return close(document, at, broken, anchor);
  }
};

YamlReader::YamlReader(std::string_view file, std::string_view text, bool ascii, ErrorList& errors,
                       std::uint32_t first_line, int depth)
    : state_(new State{{file, text, ascii, errors, first_line}, depth, {}, false}) {}

YamlReader::~YamlReader() = default;

bool YamlReader::begin() {
  State& s = *state_;
  while (true) {
    if (!s.events.peek()) {
      failed_ = true;
      return false;
    }
    switch (s.events.type()) {
      case YAML_STREAM_START_EVENT:
      case YAML_DOCUMENT_START_EVENT:
        s.events.take();
        continue;
      case YAML_STREAM_END_EVENT:
        empty_ = true;
        return false;
      case YAML_SCALAR_EVENT:
        // `---` and nothing behind it.
        if (s.events.current().data.scalar.length == 0 &&
            s.events.current().data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            s.events.current().data.scalar.tag == nullptr) {
          s.events.take();
          empty_ = end();
          failed_ = s.events.failed();
          return false;
        }
        return true;
      default:
        return true;
    }
  }
}

bool YamlReader::enter_mapping() {
  State& s = *state_;
  if (!s.events.peek() || s.events.type() != YAML_MAPPING_START_EVENT) return false;
  if (s.events.current().data.mapping_start.anchor != nullptr ||
      s.events.current().data.mapping_start.tag != nullptr) {
    return false;
  }
  s.events.take();
  ++s.depth;
  return true;
}

bool YamlReader::next_key(Document& key) {
  State& s = *state_;
  while (true) {
    if (!s.events.peek()) break;
    if (s.events.type() == YAML_MAPPING_END_EVENT) {
      s.events.take();
      --s.depth;
      return false;
    }
    key.clear();
    bool skipped = false;
    if (!s.read_key(key, s.depth, skipped)) break;
    if (!skipped) return true;
  }
  failed_ = true;
  return false;
}

bool YamlReader::read_value(Document& value) {
  value.clear();
  if (state_->read_node(value, state_->depth + 1)) return true;
  failed_ = true;
  return false;
}

bool YamlReader::end() {
  State& s = *state_;
  while (s.events.peek()) {
    if (s.events.type() == YAML_STREAM_END_EVENT) return true;
    if (s.events.type() != YAML_DOCUMENT_END_EVENT) {
      s.events.give_up(checks::kYamlDocuments, s.events.place(),
                       "a second document begins here; a file has one");
      break;
    }
    s.events.take();
  }
  failed_ = true;
  return false;
}

bool YamlReader::has_anchors() const { return state_->has_anchors; }

bool read_document(std::string_view file, std::string_view bytes, ErrorList& errors,
                   Document& document) {
  const YamlText text = check_text(file, bytes, errors);
  if (!text.ok) return false;
  YamlReader reader(file, text.text, text.ascii, errors);
  if (reader.begin()) return reader.read_value(document) && reader.end();
  if (reader.empty())
    errors.add(checks::kYamlEmpty, {std::string(file), 1, 1}, "the file is empty");
  return false;
}

}  // namespace metalwright::inventory
