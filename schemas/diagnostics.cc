#include "schemas/diagnostics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace metalwright {
namespace {
std::string_view severity_word(const Error& error) {
  return error.severity == Severity::error ? "error" : "warning";
}

void append_text(std::string& out, const Error& error, bool colour) {
  if (!colour) {
    out += error.text();
    out += '\n';
    return;
  }
  const std::string place = error.origin.text();
  if (!place.empty()) out += "\x1b[1m" + place + ":\x1b[0m ";
  out +=
      error.severity == Severity::error ? "\x1b[1;31merror:\x1b[0m " : "\x1b[1;35mwarning:\x1b[0m ";
  out += error.message + " \x1b[2m[" + error.check + "]\x1b[0m\n";
  for (const std::string& line : error.context) out += "  " + line + '\n';
}

nlohmann::ordered_json as_json(const Error& error) {
  nlohmann::ordered_json json;
  json["severity"] = severity_word(error);
  json["check"] = error.check;
  json["message"] = error.message;
  if (!error.origin.file.empty()) json["file"] = error.origin.file;
  if (error.origin.line != 0) json["line"] = error.origin.line;
  if (error.origin.column != 0) json["column"] = error.origin.column;
  if (!error.context.empty()) json["context"] = error.context;
  return json;
}

std::string json_document(const Errors& errors) {
  nlohmann::ordered_json document;
  document["format_version"] = 1;
  const auto count = [&](Severity severity) {
    return std::count_if(errors.begin(), errors.end(),
                         [&](const Error& e) { return e.severity == severity; });
  };
  document["errors"] = count(Severity::error);
  document["warnings"] = count(Severity::warning);
  document["diagnostics"] = nlohmann::ordered_json::array();
  for (const Error& error : errors) document["diagnostics"].push_back(as_json(error));
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

// The runner reads `%`, line ends and, in properties, `:` and `,` as its own.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '%':
        out += "%25";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      case ':':
        out += property ? "%3A" : ":";
        break;
      case ',':
        out += property ? "%2C" : ",";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void append_command(std::string& out, const Error& error) {
  out += "::";
  out += severity_word(error);
  out += ' ';
  if (!error.origin.file.empty()) {
    out += "file=" + escaped(error.origin.file, true) + ',';
    if (error.origin.line != 0) out += "line=" + std::to_string(error.origin.line) + ',';
    if (error.origin.column != 0) out += "col=" + std::to_string(error.origin.column) + ',';
  }
  out += "title=" + escaped(error.check, true) + "::" + escaped(error.message, false);
  for (const std::string& line : error.context) out += "%0A" + escaped(line, false);
  out += '\n';
}
}  // namespace

std::optional<DiagnosticFormat> parse_diagnostic_format(std::string_view word) {
  if (word == "text") return DiagnosticFormat::text;
  if (word == "json") return DiagnosticFormat::json;
  if (word == "github") return DiagnosticFormat::github;
  return {};
}

std::string format_diagnostics(const Errors& errors, DiagnosticFormat format, bool colour) {
  if (format == DiagnosticFormat::json) return json_document(errors);
  std::string out;
  for (const Error& error : errors) {
    if (format == DiagnosticFormat::text) {
      append_text(out, error, colour);
    } else {
      append_command(out, error);
    }
  }
  return out;
}

}  // namespace metalwright
