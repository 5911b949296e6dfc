#include "pipeline/service/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "reconciler/printable.h"

namespace metalwright::service {
namespace {

using nlohmann::json;

constexpr std::size_t kMostValue = 200, kMostRows = 64, kMostEvidence = 8192;

/// Takes off the quotes that a careless script leaves, in any number.
std::string unquoted(std::string text) {
  const auto is_quote = [](char c) { return c == '"' || c == '\'' || c == '\\' || c == ' '; };
  while (!text.empty() && is_quote(text.front())) text.erase(0, 1);
  while (!text.empty() && is_quote(text.back())) text.pop_back();
  return text;
}

/// A member as text: a text, a number or a truth value as they are; else empty.
std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  if (at == object.end()) return {};
  if (at->is_string()) return at->get<std::string>();
  return at->is_number() || at->is_boolean() ? at->dump() : std::string();
}

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto at = object.find(name);
  return at == object.end() ? nothing : *at;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

/// As Markdown's code: nothing in it is markup.
std::string code(const std::string& text) {
  std::string shown = reconciler::printable(text, kMostValue);
  std::replace(shown.begin(), shown.end(), '`', '\'');
  return '`' + shown + '`';
}

void add_row(std::string& evidence, const std::string& row) {
  if (evidence.size() + row.size() > kMostEvidence) return;
  evidence += "- " + row + '\n';
}

/// ` name: value` for each member that has one.
std::string values_of(const json& object, std::initializer_list<const char*> names) {
  std::string row;
  for (const char* const name : names) {
    const std::string value = text_of(object, name);
    if (!value.empty()) row += fmt::format("{}{} {}", row.empty() ? "" : ", ", name, code(value));
  }
  return row;
}

std::string any_text(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void add_hardware(std::string& evidence, const json& hardware) {
  const std::string row = values_of(hardware, {"vendor", "manufacturer", "model", "serial",
                                               "cpu_model", "cpu_count", "memory_gb", "disks"});
  if (!row.empty()) add_row(evidence, "hardware: " + row);
}

void add_tests(std::string& evidence, const json& tests) {
  if (!tests.is_object()) return;
  std::size_t rows = 0;
  for (const auto& [name, test] : tests.items()) {
    if (++rows > kMostRows) break;
    std::string row = code(name) + ' ' + code(upper(text_of(test, "result")));
    for (const char* const words : {"details", "summary"}) {
      const std::string text = text_of(test, words);
      if (!text.empty()) row += ": " + code(text);
    }
    add_row(evidence, row);
  }
}

void add_interfaces(std::string& evidence, const json& nics) {
  if (!nics.is_array()) return;
  std::size_t rows = 0;
  for (const json& nic : nics) {
    if (++rows > kMostRows) break;
    const std::string row = values_of(
        nic, {"name", "mac", "state", "speed_mbps", "lldp_neighbor", "lldp_port", "lldp_mgmt_ip"});
    if (!row.empty()) add_row(evidence, "interface " + row);
  }
}

void add_neighbours(std::string& evidence, const json& lldp) {
  if (!lldp.is_object() && !lldp.is_array()) return;
  std::size_t rows = 0;
  for (const auto& [name, neighbour] : lldp.items()) {
    if (++rows > kMostRows) break;
    add_row(evidence, "neighbour at " + code(name) + ": " + code(any_text(neighbour)));
  }
}

void read_device(const json& body, Validation& validation) {
  validation.device_text = unquoted(text_of(body, "device_id")).substr(0, kMostValue);
  validation.device_name = unquoted(text_of(body, "device_name")).substr(0, kMostValue);
  const std::string& text = validation.device_text;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number > 0) {
    validation.device = number;
  }
}

/// What the results say; empty where there are none.
std::optional<bool> verdict(const json& body) {
  const std::string overall = upper(unquoted(text_of(body, "overall_result")));
  if (overall == "PASS") return true;
  if (overall == "FAIL") return false;
  const json& tests = member(body, "tests");
  bool passed = false;
  for (const char* const name : {"memory", "disk_io", "disk"}) {
    const std::string result = upper(text_of(member(tests, name), "result"));
    if (result == "FAIL") return false;
    passed = passed || result == "PASS";
  }
  return passed ? std::optional(true) : std::nullopt;
}

Validation read_any(const json& body) {
  Validation validation;
  read_device(body, validation);
  validation.passed = verdict(body);
  const std::string head = values_of(body, {"event", "overall_result", "timestamp", "site"});
  if (!head.empty()) add_row(validation.evidence, head);
  add_tests(validation.evidence, member(body, "tests"));
  add_hardware(validation.evidence, member(body, "hardware"));
  add_interfaces(validation.evidence, member(body, "nics"));
  add_interfaces(validation.evidence, member(body, "interfaces"));
  add_neighbours(validation.evidence, member(body, "lldp"));
  return validation;
}

bool shows_hardware(const json& body) {
  const json& hardware = member(body, "hardware");
  const json& interfaces = member(body, "interfaces");
  return !values_of(hardware, {"manufacturer", "vendor", "model", "serial"}).empty() ||
         (interfaces.is_array() && !interfaces.empty());
}

}  // namespace

std::optional<Validation> read_validation_event(std::string_view body) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return {};
  Validation validation = read_any(object);
  validation.event = unquoted(text_of(object, "event")).substr(0, kMostValue);
  return validation;
}

std::optional<Validation> read_validation_report(std::string_view body) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return {};
  Validation validation = read_any(object);
  const bool said =
      !text_of(object, "overall_result").empty() || member(object, "tests").is_object();
  if (!validation.passed && !said && shows_hardware(object)) validation.passed = true;
  return validation;
}

std::optional<Validation> read_validation_entry(std::string_view webhook) {
  const json object = json::parse(webhook, nullptr, false);
  if (text_of(object, "event") != "created") return {};
  const std::string type = text_of(object, "object_type") + text_of(object, "model");
  if (type.find("journalentry") == std::string::npos) return {};
  const json& entry = member(object, "data");
  if (text_of(entry, "assigned_object_type") != "dcim.device") return {};
  const json& kind = member(entry, "kind");
  const std::string word = kind.is_object() ? text_of(kind, "value") : text_of(entry, "kind");
  const std::string comments = text_of(entry, "comments");
  const auto says = [&](std::string_view words) {
    return comments.find(words) != std::string::npos;
  };
  Validation validation;
  if (word == "success" && says("Validation COMPLETE")) validation.passed = true;
  if (word == "danger" && says("Validation FAILED")) validation.passed = false;
  if (!validation.passed) return {};
  read_device(json{{"device_id", member(entry, "assigned_object_id")}}, validation);
  if (validation.device == 0) return {};
  validation.evidence = "- journal entry " + code(text_of(entry, "id")) + '\n';
  return validation;
}

}  // namespace metalwright::service
