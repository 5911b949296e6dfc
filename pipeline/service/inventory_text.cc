#include "pipeline/service/inventory_text.h"

#include <charconv>
#include <utility>

#include "inventory/error_list.h"
#include "inventory/yaml_document.h"
#include "inventory/yaml_reader.h"
#include "schemas/json_text.h"

namespace metalwright::service {
namespace {

using inventory::Document;
using inventory::NodeKind;

bool is_integer(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  // `012` is octal to some and decimal to others: as text it is right for everybody.
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  return digits.size() == 1 || digits[0] != '0';
}

bool is_decimal(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return is_integer(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

/// As a YAML 1.2 reader (core schema) would resolve a plain scalar.
void append_scalar(std::string& out, const Document& document, std::uint32_t node) {
  const std::string_view text = document.text(node);
  if (document.nodes[node].plain) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
      out += "null";
      return;
    }
    if (text == "true" || text == "True" || text == "TRUE") {
      out += "true";
      return;
    }
    if (text == "false" || text == "False" || text == "FALSE") {
      out += "false";
      return;
    }
    if (is_integer(text) || is_decimal(text)) {
      out += text;
      return;
    }
  }
  append_json_string(out, text);
}

void append_node(std::string& out, const Document& document, std::uint32_t node) {
  switch (document.nodes[node].kind) {
    case NodeKind::scalar:
      return append_scalar(out, document, node);
    case NodeKind::broken:
      out += "null";
      return;
    case NodeKind::sequence: {
      out += '[';
      const std::uint32_t end = document.next(node);
      for (std::uint32_t item = node + 1; item < end; item = document.next(item)) {
        if (item != node + 1) out += ',';
        append_node(out, document, item);
      }
      out += ']';
      return;
    }
    case NodeKind::mapping: {
      out += '{';
      bool first = true;
      inventory::for_each_pair(document, node, [&](std::uint32_t key, std::uint32_t value) {
        if (!std::exchange(first, false)) out += ',';
        append_json_string(out, document.text(key));
        out += ':';
        append_node(out, document, value);
      });
      out += '}';
      return;
    }
  }
}

bool is_inventory(std::string_view path) {
  if (path == "inventory.yaml") return true;
  return path.starts_with("inventory/") && path.ends_with(".yaml") &&
         path.find('/', 10) == std::string_view::npos;
}

}  // namespace

void InventoryText::make() const {
  std::string others;
  for (const inventory::RepositoryFile& file : files_) {
    if (!is_inventory(file.path)) continue;
    inventory::ErrorList errors;
    Document document;
    // The revision was checked as a whole: there is nothing to report here.
    if (!inventory::read_document(file.path, *file.bytes, errors, document)) continue;
    if (document.nodes[0].kind != NodeKind::mapping) continue;
    inventory::for_each_pair(document, 0, [&](std::uint32_t key, std::uint32_t value) {
      if (document.text(key) == "servers" && document.nodes[value].kind == NodeKind::mapping) {
        inventory::for_each_pair(document, value, [&](std::uint32_t name, std::uint32_t entry) {
          std::string text;
          append_node(text, document, entry);
          servers_.emplace(document.text(name), std::move(text));
        });
        return;
      }
      others += ',';
      append_json_string(others, document.text(key));
      others += ':';
      append_node(others, document, value);
    });
  }
  all_ = "{\"servers\":{";
  bool first = true;
  for (const auto& [name, entry] : servers_) {
    if (!std::exchange(first, false)) all_ += ',';
    append_json_string(all_, name);
    all_ += ':';
    all_ += entry;
  }
  all_ += '}';
  all_ += others;
  all_ += '}';
}

const std::string& InventoryText::all() const {
  std::call_once(made_, [this] { make(); });
  return all_;
}

std::string InventoryText::server(std::string_view name) const {
  std::call_once(made_, [this] { make(); });
  const auto at = servers_.find(name);
  return at == servers_.end() || !at->second.starts_with('{') ? "{}" : at->second;
}

}  // namespace metalwright::service
