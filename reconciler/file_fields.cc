#include "reconciler/file_fields.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <string>
#include <string_view>

#include "schemas/digest.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostText = std::size_t{64} * 1024;
constexpr std::array<std::string_view, 6> kSecretKeys{"password", "passwd",      "psk",
                                                      "secret",   "private-key", "token"};

std::string octal(std::uint16_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777U));
  return text;
}

bool is_text(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r';
  });
}

std::string shown(const Content& content) {
  if (content.secret) return "(secret)";
  if (!content.copy_from.empty()) return "(a copy of " + content.copy_from + ")";
  if (content.bytes.size() > kMostText || !is_text(content.bytes)) {
    return "(" + std::to_string(content.bytes.size()) + " bytes, sha256 " +
           sha256(content.bytes).hex() + ")";
  }
  return redacted(content.bytes);
}

/// Where the value of a secret-looking key begins in a line such as `  password: "x"`; npos: none.
std::size_t secret_value(std::string_view line) {
  for (const std::string_view key : kSecretKeys) {
    const auto at = std::search(
        line.begin(), line.end(), key.begin(), key.end(),
        [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    if (at == line.end()) continue;
    std::size_t i = static_cast<std::size_t>(at - line.begin()) + key.size();
    while (i < line.size() && (line[i] == '"' || line[i] == '\'' || line[i] == ' ')) ++i;
    if (i >= line.size() || (line[i] != ':' && line[i] != '=')) continue;
    ++i;
    while (i < line.size() && line[i] == ' ') ++i;
    if (i < line.size()) return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t value = secret_value(line);
    if (value == std::string_view::npos) {
      out += line;
    } else {
      out.append(line.substr(0, value)).append("(secret)");
    }
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::vector<FieldChange> file_fields(const Content* before, const Content* after) {
  std::vector<FieldChange> fields;
  FieldChange content{.path = "content", .before = {}, .after = {}};
  if (before != nullptr) content.before = shown(*before);
  if (after != nullptr) content.after = shown(*after);
  const bool both = before != nullptr && after != nullptr;
  const bool same_bytes = both && before->copy_from.empty() && after->copy_from.empty() &&
                          before->bytes == after->bytes;
  if (!same_bytes) {
    if (both && content.before == content.after) {
      content.before = "(secret)";
      content.after = "(secret changed)";
    }
    fields.push_back(std::move(content));
  }
  FieldChange mode{.path = "mode", .before = {}, .after = {}};
  if (before != nullptr) mode.before = octal(before->mode);
  if (after != nullptr) mode.after = octal(after->mode);
  if (mode.before != mode.after) fields.push_back(std::move(mode));
  return fields;
}

}  // namespace metalwright::reconciler
