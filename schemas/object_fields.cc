#include "schemas/object_fields.h"

#include <algorithm>
#include <utility>

namespace metalwright {
namespace {

template <class List>
auto position(List& fields, std::string_view name) {
  return std::lower_bound(fields.begin(), fields.end(), name,
                          [](const ObjectField& field, std::string_view wanted) {
                            return wanted.compare(field.name) > 0;
                          });
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char byte : value) {
    if (byte == '\\') {
      out += "\\\\";
    } else if (byte == '\n') {
      out += "\\n";
    } else {
      out += byte;
    }
  }
}

/// False where an escape is none.
bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size() || (text[i] != '\\' && text[i] != 'n')) return false;
    out += text[i] == 'n' ? '\n' : '\\';
  }
  return true;
}

}  // namespace

const std::string* find_field(const ObjectFields& fields, std::string_view name) {
  const auto at = position(fields, name);
  return at == fields.end() || at->name != name ? nullptr : &at->value;
}

void set_field(ObjectFields& fields, std::string_view name, std::string value) {
  const auto at = position(fields, name);
  const bool found = at != fields.end() && at->name == name;
  if (value.empty()) {
    if (found) fields.erase(at);
  } else if (found) {
    at->value = std::move(value);
  } else {
    fields.insert(at, ObjectField{std::string(name), std::move(value)});
  }
}

std::string encode_fields(const ObjectFields& fields) {
  std::string text;
  std::size_t size = 0;
  for (const ObjectField& field : fields) size += field.name.size() + field.value.size() + 2;
  text.reserve(size);
  for (const ObjectField& field : fields) {
    text += field.name;
    text += '=';
    append_escaped(text, field.value);
    text += '\n';
  }
  return text;
}

Result<ObjectFields> decode_fields(std::string_view text) {
  const auto wrong = [] { return invalid("fields-format", "this is no list of fields"); };
  ObjectFields fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t equals = text.find('=');
    if (end == std::string_view::npos || equals >= end || equals == 0) return wrong();
    ObjectField field{std::string(text.substr(0, equals)), {}};
    if (!unescape(text.substr(equals + 1, end - equals - 1), field.value)) return wrong();
    if (field.value.empty()) return wrong();
    if (!fields.empty() && fields.back().name >= field.name) return wrong();
    fields.push_back(std::move(field));
    text.remove_prefix(end + 1);
  }
  return fields;
}

bool holds_fields(std::string_view whole, std::string_view part) {
  while (!part.empty()) {
    const std::size_t end_of_line = part.find('\n');
    if (end_of_line == std::string_view::npos) return false;
    const std::string_view line = part.substr(0, end_of_line + 1);
    while (!whole.starts_with(line)) {
      const std::size_t end = whole.find('\n');
      if (end == std::string_view::npos) return false;
      whole.remove_prefix(end + 1);
    }
    whole.remove_prefix(line.size());
    part.remove_prefix(line.size());
  }
  return true;
}

}  // namespace metalwright
