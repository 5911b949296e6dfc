#include "inventory/yaml_reader.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <utility>

#include "inventory/yaml_anchors.h"
#include "inventory/yaml_mapping.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
constexpr int kMostDepth = 32;
constexpr std::size_t kMostScalarBytes = std::size_t{64} * 1024;
constexpr std::size_t kMostNodes = 250'000;  // of one document in memory
constexpr std::size_t kMostDocumentBytes = std::size_t{128} * 1024 * 1024;

std::string_view as_view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

/// A hint for libyaml's terser messages; empty where its own words do.
std::string_view hint(std::string_view problem, char character) {
  if (problem == "mapping values are not allowed in this context") {
    return "a ': ' inside a value, or wrong indentation; put the value in quotes";
  }
  if (problem == "found character that cannot start any token" && character != '\t') {
    return "put the value in quotes";
  }
  if (problem == "did not find expected node content" && character == ':') {
    return "put a value that begins with ':' in quotes";
  }
  if (problem == "did not find expected key" || problem == "could not find expected ':'") {
    return "look at the indentation and the quotes before this";
  }
  return {};
}
}  // namespace

struct YamlReader::State {
  FileReport report;
  std::string_view text;
  bool ascii;
  std::uint32_t first_line;
  int depth;
  bool has_anchors = false;

  yaml_parser_t parser{};
  yaml_event_t event{};
  bool has_event = false;
  bool fatal = false;

  Anchors anchors;
  std::vector<std::size_t> line_starts;  // where characters may be longer than a byte

  Place place(const yaml_mark_t& mark) {
    const auto line = static_cast<std::uint32_t>(mark.line);
    return {first_line + line,
            static_cast<std::uint32_t>(ascii ? mark.column : bytes_to(mark)) + 1};
  }

  // libyaml counts characters; places count bytes, as compilers and editors' jump lists do.
  std::size_t bytes_to(const yaml_mark_t& mark) {
    if (line_starts.empty()) {
      line_starts.push_back(0);
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') line_starts.push_back(i + 1);
      }
    }
    if (mark.line >= line_starts.size()) return mark.column;
    const std::size_t start = line_starts[mark.line];
    std::size_t at = start;
    for (std::size_t i = 0; i < mark.column && at < text.size(); ++i) {
      at += std::max<std::size_t>(1, utf8_length(text.substr(at, 4)));
    }
    return at - start;
  }

  bool give_up(const Check& check, Place where, std::string message) {
    report(check, where, std::move(message));
    fatal = true;
    return false;
  }

  char character_at(const yaml_mark_t& mark) {
    // The only use is a message about a bad file, so lines are simply counted.
    std::size_t start = 0;
    for (std::size_t line = 0; line < mark.line; ++line) {
      start = text.find('\n', start);
      if (start == std::string_view::npos) return '\0';
      ++start;
    }
    const std::size_t at = start + (ascii ? mark.column : bytes_to(mark));
    return at < text.size() ? text[at] : '\0';
  }

  bool report_syntax() {
    if (parser.error == YAML_MEMORY_ERROR) {
      return give_up(checks::kYamlSize, {}, "the file needs too much memory to be read");
    }
    const std::string_view problem =
        parser.problem == nullptr ? "the file cannot be read" : parser.problem;
    const Place where = place(parser.problem_mark);
    const char character = character_at(parser.problem_mark);
    if (character == '\t' && problem.starts_with("found character that cannot start")) {
      return give_up(checks::kYamlTab, where, "a tab stands where YAML wants blanks");
    }
    std::string message(problem);
    if (parser.context != nullptr) {
      const Place from = place(parser.context_mark);
      message += fmt::format(" {}", parser.context);
      if (from != where) message += fmt::format(" that begins at line {}", from.line);
    }
    if (const std::string_view more = hint(problem, character); !more.empty()) {
      message += fmt::format(" ({})", more);
    }
    return give_up(checks::kYamlSyntax, where, std::move(message));
  }

  /// Makes `event` the next one, unless there is one already.
  bool peek() {
    if (fatal) return false;
    if (has_event) return true;
    if (yaml_parser_parse(&parser, &event) == 0) return report_syntax();
    has_event = true;
    return true;
  }

  void take() {
    yaml_event_delete(&event);
    has_event = false;
  }

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
    report(checks::kYamlTag, where,
           fmt::format("tag {} is not supported; write the value itself", quoted(shorter)));
    return true;
  }

  bool has_room(const Document& document, Place where) {
    if (document.nodes.size() < kMostNodes && document.texts.size() < kMostDocumentBytes) {
      return true;
    }
    if (anchors.nodes() > kMostNodes / 2) return give_up_on_aliases(where);
    return give_up(checks::kYamlSize, where,
                   fmt::format("more than {} values in one place of the file", kMostNodes));
  }

  bool read_scalar(Document& document) {
    const Place where = place(event.start_mark);
    const auto& scalar = event.data.scalar;
    Node node{.kind = NodeKind::scalar,
              .plain = scalar.style == YAML_PLAIN_SCALAR_STYLE,
              .text = static_cast<std::uint32_t>(document.texts.size()),
              .bytes = 0,
              .place = where};
    if (tag_is_bad(scalar.tag, NodeKind::scalar, where)) {
      node.kind = NodeKind::broken;
    } else if (scalar.length > kMostScalarBytes) {
      report(
          checks::kYamlSize, where,
          fmt::format("a value of {} bytes; at most {} are read", scalar.length, kMostScalarBytes));
      node.kind = NodeKind::broken;
    } else {
      node.bytes = static_cast<std::uint32_t>(scalar.length);
      document.texts.append(reinterpret_cast<const char*>(scalar.value), scalar.length);
    }
    document.nodes.push_back(node);
    remember(scalar.anchor, document, document.nodes.size() - 1);
    take();
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
    return give_up(checks::kYamlAliasLimit, where,
                   fmt::format("the file's anchors and aliases stand for too much: more than {} "
                               "values in one place, {} in all, or {} bytes",
                               kMostNodes, Anchors::kMostNodes, Anchors::kMostBytes));
  }

  bool read_alias(Document& document) {
    has_anchors = true;
    const Place where = place(event.start_mark);
    const std::string name(as_view(event.data.alias.anchor));
    take();
    if (!anchors.expand(name, document)) {
      report(checks::kYamlAlias, where,
             fmt::format("no value before alias {} has that anchor", quoted('*' + name)));
      document.nodes.push_back({.kind = NodeKind::broken, .place = where});
      return true;
    }
    if (!within_alias_limit(where)) return false;
    if (document.nodes.size() <= kMostNodes) return true;
    return give_up_on_aliases(where);
  }

  bool read_node(Document& document, int level) {
    if (!peek()) return false;
    const Place where = place(event.start_mark);
    if (level > kMostDepth) {
      return give_up(checks::kYamlDepth, where,
                     fmt::format("values are nested more than {} levels deep", kMostDepth));
    }
    if (!has_room(document, where)) return false;
    switch (event.type) {
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
    take();
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
    const Place where = place(event.start_mark);
    document.nodes.push_back({.kind = NodeKind::sequence, .place = where});
    const std::string anchor(as_view(event.data.sequence_start.anchor));
    const bool broken = tag_is_bad(event.data.sequence_start.tag, NodeKind::sequence, where);
    take();
    while (true) {
      if (!peek()) return false;
      if (event.type == YAML_SEQUENCE_END_EVENT) break;
      if (!read_node(document, level + 1)) return false;
    }
    return close(document, at, broken, anchor);
  }

  /// Reads a key into the document. One that is no text is reported and skipped with its value:
  /// `skipped` says so.
  bool read_key(Document& document, int level, bool& skipped) {
    skipped = false;
    const std::size_t at = document.nodes.size();
    const Place where = place(event.start_mark);
    const bool scalar = event.type == YAML_SCALAR_EVENT;
    const bool alias = event.type == YAML_ALIAS_EVENT;
    if (!read_node(document, level + 1)) return false;
    const Node& key = document.nodes[at];
    if (key.kind == NodeKind::scalar && scalar && key.bytes > 0) return true;
    if (key.kind == NodeKind::scalar && scalar) {
      report(checks::kYamlKey, where, "a key is empty");
    } else if (key.kind != NodeKind::broken) {
      report(checks::kYamlKey, where,
             fmt::format("a key is {}; it must be a text", alias ? "an alias"
                                                           : key.kind == NodeKind::mapping
                                                               ? "a mapping"
                                                               : "a list"));
    }
    document.nodes.resize(at);
    skipped = true;
    if (!peek()) return false;
    if (!read_node(document, level + 1)) return false;
    document.nodes.resize(at);
    return true;
  }

  bool read_mapping(Document& document, int level) {
    const std::size_t at = document.nodes.size();
    const Place where = place(event.start_mark);
    document.nodes.push_back({.kind = NodeKind::mapping, .place = where});
    const std::string anchor(as_view(event.data.mapping_start.anchor));
    const bool broken = tag_is_bad(event.data.mapping_start.tag, NodeKind::mapping, where);
    take();
    bool merges = false;
    while (true) {
      if (!peek()) return false;
      if (event.type == YAML_MAPPING_END_EVENT) break;
      const auto key = static_cast<std::uint32_t>(document.nodes.size());
      bool skipped = false;
      if (!read_key(document, level, skipped)) return false;
      if (skipped) continue;
      merges = merges || is_merge_key(document, key);
      if (!read_node(document, level + 1)) return false;
    }
    document.nodes[at].size = static_cast<std::uint32_t>(document.nodes.size() - at);
    report_repeated_keys(document, static_cast<std::uint32_t>(at), report);
    if (merges) merge_mappings(document, static_cast<std::uint32_t>(at), report);
    if (merges && !has_room(document, where)) return false;
    return close(document, at, broken, anchor);
  }
};

YamlReader::YamlReader(std::string_view file, std::string_view text, bool ascii, ErrorList& errors,
                       std::uint32_t first_line, int depth)
    : state_(std::make_unique<State>()) {
  state_->report = {std::string(file), &errors};
  state_->text = text;
  state_->ascii = ascii;
  state_->first_line = first_line;
  state_->depth = depth;
  if (yaml_parser_initialize(&state_->parser) == 0) {
    state_->fatal = true;  // out of memory
    return;
  }
  yaml_parser_set_encoding(&state_->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&state_->parser, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

YamlReader::~YamlReader() {
  if (state_->has_event) state_->take();
  yaml_parser_delete(&state_->parser);
}

bool YamlReader::begin() {
  State& s = *state_;
  while (true) {
    if (!s.peek()) {
      failed_ = true;
      return false;
    }
    switch (s.event.type) {
      case YAML_STREAM_START_EVENT:
      case YAML_DOCUMENT_START_EVENT:
        s.take();
        continue;
      case YAML_STREAM_END_EVENT:
        empty_ = true;
        return false;
      case YAML_SCALAR_EVENT:
        // `---` and nothing behind it.
        if (s.event.data.scalar.length == 0 &&
            s.event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            s.event.data.scalar.tag == nullptr) {
          s.take();
          empty_ = end();
          failed_ = s.fatal;
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
  if (!s.peek() || s.event.type != YAML_MAPPING_START_EVENT) return false;
  if (s.event.data.mapping_start.anchor != nullptr || s.event.data.mapping_start.tag != nullptr) {
    return false;
  }
  s.take();
  ++s.depth;
  return true;
}

bool YamlReader::next_key(Document& key) {
  State& s = *state_;
  while (true) {
    if (!s.peek()) break;
    if (s.event.type == YAML_MAPPING_END_EVENT) {
      s.take();
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
  while (s.peek()) {
    if (s.event.type == YAML_STREAM_END_EVENT) return true;
    if (s.event.type != YAML_DOCUMENT_END_EVENT) {
      s.give_up(checks::kYamlDocuments, s.place(s.event.start_mark),
                "a second document begins here; a file has one");
      break;
    }
    s.take();
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
