#include "inventory/field_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "schemas/duration.h"
#include "schemas/quote.h"
#include "schemas/value_format.h"

namespace metalwright::inventory {
namespace {
constexpr std::int64_t kDefaultTextBytes = 255;

std::string_view kind_word(NodeKind kind) {
  return kind == NodeKind::mapping ? "a mapping" : "a list";
}

bool is_null(const Node& node, std::string_view text) {
  return node.plain && (text == "~" || text == "null" || text == "Null" || text == "NULL");
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

/// What to write instead of the other words that YAML 1.1 takes for true and false.
std::string_view boolean_hint(std::string_view text) {
  std::string lower(text.substr(0, 6));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "yes" || lower == "on" || lower == "y" || lower == "true" || lower == "1") {
    return "; write true";
  }
  if (lower == "no" || lower == "off" || lower == "n" || lower == "false" || lower == "0") {
    return "; write false";
  }
  return "";
}

std::string number_wanted(const Field& field) {
  if (field.min == 0 && field.max == 0) return "a number";
  return fmt::format("a number from {} to {}", field.min, field.max);
}

/// `'x' is not …`, in the words of the type.
std::string format_message(std::string_view text, const Field& field, ValueType type) {
  switch (type) {
    case ValueType::choice:
      return fmt::format("{} is not one of {}", quoted(text), joined(field.choices));
    case ValueType::integer: {
      const bool zeros = text.size() > 1 && text[0] == '0' &&
                         text.find_first_not_of("0123456789") == std::string_view::npos;
      return fmt::format("{} is not {}{}", quoted(text), number_wanted(field),
                         zeros ? " (without leading zeros)" : "");
    }
    case ValueType::boolean:
      return fmt::format("{} is not true or false{}", quoted(text), boolean_hint(text));
    default:
      return fmt::format("{} is not {}", quoted(text), facts(type).wanted);
  }
}

bool within_limits(std::string_view text, const Field& field) {
  if (field.min == 0 && field.max == 0) return true;
  const auto number = parse_integer(text);
  return number && *number >= field.min && *number <= field.max;
}

bool check_text(const Value& value, const Field& field, std::string_view text) {
  const Reading& reading = *value.reading;
  if (has_control_character(text)) {
    reading.report(
        checks::kControlCharacter, *value.path, value.place(),
        fmt::format("{} holds a line end, a control character or an invisible one", quoted(text)));
    return false;
  }
  const std::int64_t most = field.max == 0 ? kDefaultTextBytes : field.max;
  if (text.size() > static_cast<std::size_t>(most)) {
    reading.report(checks::kTextSize, *value.path, value.place(),
                   fmt::format("{} has {} bytes; at most {} fit", quoted(text), text.size(), most));
    return false;
  }
  return true;
}

}  // namespace

std::string Path::text() const {
  if (parent == nullptr) return std::string(shown(name));
  std::string out = parent->text();
  if (name.empty()) return fmt::format("{}[{}]", out, index);
  if (!out.empty()) out += '.';
  return out += shown(name);
}

void Reading::report(const Check& check, const Path& path, Place place,
                     std::string_view message) const {
  if (errors->full()) return errors->add(check, {}, {});
  const std::string where = path.text();
  errors->add(check, origin(place),
              where.empty() ? std::string(message) : fmt::format("{}: {}", where, message));
}

bool is_kind(const Value& value, NodeKind kind, std::string_view wanted) {
  const Node& node = value.reading->document->nodes[value.node];
  if (node.kind == kind) return true;
  if (node.kind == NodeKind::broken) return false;
  if (node.kind != NodeKind::scalar) {
    value.reading->report(checks::kType, *value.path, node.place,
                          fmt::format("found {} where {} is wanted", kind_word(node.kind), wanted));
    return false;
  }
  const std::string_view text = value.reading->document->text(value.node);
  if (node.plain && (text.empty() || is_null(node, text))) return false;
  value.reading->report(checks::kType, *value.path, node.place,
                        fmt::format("found the text {} where {} is wanted", quoted(text), wanted));
  return false;
}

std::optional<std::string_view> read_text(const Value& value, const Field& field, ValueType type) {
  const Reading& reading = *value.reading;
  const Node& node = reading.document->nodes[value.node];
  if (node.kind == NodeKind::broken) return {};
  if (node.kind != NodeKind::scalar) {
    reading.report(
        checks::kType, *value.path, node.place,
        fmt::format("found {} where {} is wanted", kind_word(node.kind),
                    type == ValueType::choice ? std::string_view("a text") : facts(type).wanted));
    return {};
  }
  const std::string_view text = reading.document->text(value.node);
  if (text.empty()) {
    reading.report(checks::kValueMissing, *value.path, node.place,
                   "has no value; write one, or leave the key out");
    return {};
  }
  if (is_null(node, text)) {
    reading.report(checks::kNullValue, *value.path, node.place,
                   fmt::format("{} is no value; leave the key out, or put it in quotes if the text "
                               "is meant",
                               quoted(text)));
    return {};
  }
  const bool good =
      type == ValueType::text ? check_text(value, field, text)
      : type == ValueType::choice
          ? std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end()
          : has_format(type, text) && (type != ValueType::integer || within_limits(text, field));
  if (good) return text;
  if (type != ValueType::text) {
    reading.report(*facts(type).check, *value.path, node.place, format_message(text, field, type));
  }
  return {};
}

Fields::Fields(const Value& value, Place place, const FieldTable& table)
    : reading_(value.reading), path_(value.path), table_(&table), place_(place) {
  assert(table.fields.size() <= kMostFields);
  const Document& document = *reading_->document;
  const bool is_mapping = is_kind(value, NodeKind::mapping, "a mapping");
  const std::uint32_t end = is_mapping ? document.next(value.node) : 0;
  for (std::uint32_t key = value.node + 1; is_mapping && key < end;) {
    const std::uint32_t item = document.next(key);
    const std::string_view name = document.text(key);
    std::size_t field = 0;
    while (field < table.fields.size() && table.fields[field].name != name) ++field;
    if (field < table.fields.size()) {
      // A second one was reported by the reader; the first counts.
      if (values_[field] == 0) {
        values_[field] = item;
        keys_[field] = key;
      }
    } else if (!name.starts_with("x-") || name == "x-metalwright") {
      report_unknown_key(*reading_, *path_, table, name, document.nodes[key].place);
    }
    key = document.next(item);
  }
  const NodeKind kind = document.nodes[value.node].kind;
  if (kind == NodeKind::sequence || kind == NodeKind::broken) return;
  if (kind == NodeKind::scalar && !document.text(value.node).empty()) return;
  for (std::size_t field = 0; field < table.fields.size(); ++field) {
    if (!table.fields[field].required || values_[field] != 0) continue;
    reading_->report(checks::kMissingKey, *path_, place_,
                     fmt::format("'{}' is missing", table.fields[field].name));
  }
}

Place Fields::place(std::size_t field) const {
  return given(field) ? reading_->document->nodes[values_[field]].place : place_;
}

Value Fields::value(std::size_t field, Path& path) const {
  path = {.parent = path_, .name = table_->fields[field].name};
  return {.reading = reading_, .node = values_[field], .path = &path};
}

std::string_view Fields::text(std::size_t field) const {
  if (!given(field)) return {};
  Path path;
  const Field& row = table_->fields[field];
  return read_text(value(field, path), row, row.type).value_or(std::string_view{});
}

std::optional<std::int64_t> Fields::integer(std::size_t field) const {
  const std::string_view text = this->text(field);
  return text.empty() ? std::nullopt : parse_integer(text);
}

std::optional<bool> Fields::boolean(std::size_t field) const {
  const std::string_view text = this->text(field);
  if (text.empty()) return {};
  return text == "true";
}

std::optional<std::size_t> Fields::choice(std::size_t field) const {
  const std::string_view text = this->text(field);
  if (text.empty()) return {};
  const auto& choices = table_->fields[field].choices;
  return static_cast<std::size_t>(std::find(choices.begin(), choices.end(), text) -
                                  choices.begin());
}

std::optional<std::chrono::seconds> Fields::duration(std::size_t field) const {
  const std::string_view text = this->text(field);
  return text.empty() ? std::nullopt : parse_duration(text);
}

std::optional<MacAddress> Fields::mac(std::size_t field) const {
  const std::string_view text = this->text(field);
  return text.empty() ? std::nullopt : parse_mac_address(text);
}

std::optional<Ipv4Interface> Fields::ipv4(std::size_t field) const {
  const std::string_view text = this->text(field);
  return text.empty() ? std::nullopt : parse_ipv4_interface(text);
}

std::optional<Ipv6Interface> Fields::ipv6(std::size_t field) const {
  const std::string_view text = this->text(field);
  return text.empty() ? std::nullopt : parse_ipv6_interface(text);
}

std::string_view Fields::secret(std::size_t field) const {
  if (!given(field)) return {};
  Path path;
  const Value value = this->value(field, path);
  const Document& document = *reading_->document;
  const Node& node = document.nodes[value.node];
  if (node.kind == NodeKind::broken) return {};
  const std::uint32_t key = value.node + 1;
  if (node.kind == NodeKind::mapping && node.size == 3 && document.text(key) == "secret") {
    static constexpr Field kName{"secret", ValueType::name, ""};
    const Path inner{.parent = &path, .name = "secret"};
    return read_text({reading_, key + 1, &inner}, kName, ValueType::name)
        .value_or(std::string_view{});
  }
  reading_->report(
      checks::kSecretFormat, path, node.place,
      node.kind == NodeKind::scalar
          ? "a text where {secret: NAME} is wanted; a secret's value does not stand here, "
            "and this one should be changed if it was real"
          : "wanted is {secret: NAME} and nothing beside it");
  return {};
}

std::vector<std::string_view> Fields::texts(std::size_t field) const {
  std::vector<std::string_view> out;
  const Field& row = table_->fields[field];
  for_each_item(field, [&](const Value& item) {
    if (const auto text = read_text(item, row, row.item)) out.push_back(*text);
  });
  return out;
}

void Fields::for_each_item(std::size_t field, const VisitItem& visit) const {
  if (!given(field)) return;
  Path path;
  const Value list = value(field, path);
  const Document& document = *reading_->document;
  const Node& node = document.nodes[list.node];
  if (table_->fields[field].single && node.kind != NodeKind::sequence &&
      node.kind != NodeKind::broken) {
    if (node.kind == NodeKind::scalar && node.bytes == 0 && node.plain) return;
    visit(list);
    return;
  }
  if (!is_kind(list, NodeKind::sequence, "a list")) return;
  std::size_t index = 0;
  for (std::uint32_t item = list.node + 1; item < document.next(list.node);
       item = document.next(item)) {
    const Path item_path{.parent = &path, .name = {}, .index = index++};
    visit({reading_, item, &item_path});
  }
}

void Fields::for_each_entry(std::size_t field, const VisitEntry& visit) const {
  if (!given(field)) return;
  Path path;
  inventory::for_each_entry(value(field, path), table_->fields[field].key, "a mapping", visit);
}

void Fields::for_object(std::size_t field, const VisitObject& visit) const {
  if (!given(field)) return;
  Path path;
  visit(value(field, path), reading_->document->nodes[keys_[field]].place);
}

void Fields::report(const Check& check, std::size_t field, std::string_view message) const {
  const Path path{.parent = path_, .name = table_->fields[field].name};
  reading_->report(check, path, place(field), message);
}

void Fields::report(const Check& check, std::string_view message) const {
  reading_->report(check, *path_, place_, message);
}

void report_unknown_key(const Reading& reading, const Path& path, const FieldTable& table,
                        std::string_view key, Place place) {
  const Field* nearest = reading.errors->full() ? nullptr : nearest_field(table, key);
  reading.report(checks::kUnknownKey, path, place,
                 fmt::format("unknown key {}; the nearest known key is '{}'", quoted(key),
                             nearest == nullptr ? std::string_view{} : nearest->name));
}
bool check_key(const Reading& reading, const Path& parent, std::string_view name, Place place,
               ValueType key_type) {
  const Path path{.parent = &parent, .name = name};
  if (key_type == ValueType::text) {
    if (!has_control_character(name) && name.size() <= kDefaultTextBytes) return true;
    reading.report(checks::kControlCharacter, path, place,
                   "a key is at most 255 bytes and holds no control characters");
    return false;
  }
  if (has_format(key_type, name)) return true;
  reading.report(*facts(key_type).check, path, place,
                 fmt::format("{} is not {}", quoted(name), facts(key_type).wanted));
  return false;
}

void for_each_entry(const Value& map, ValueType key_type, std::string_view wanted,
                    const Fields::VisitEntry& visit) {
  if (!is_kind(map, NodeKind::mapping, wanted)) return;
  const Document& document = *map.reading->document;
  const std::uint32_t end = document.next(map.node);
  for (std::uint32_t key = map.node + 1; key < end;) {
    const std::uint32_t item = document.next(key);
    const std::string_view name = document.text(key);
    const Place place = document.nodes[key].place;
    if (check_key(*map.reading, *map.path, name, place, key_type)) {
      const Path path{.parent = map.path, .name = name};
      visit(name, place, {map.reading, item, &path});
    }
    key = document.next(item);
  }
}

}  // namespace metalwright::inventory
