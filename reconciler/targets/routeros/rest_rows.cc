#include "reconciler/targets/routeros/rest_rows.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "schemas/json_text.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

/// Writes it to `out`, which goes on behind it.
void put_utf8(char*& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  const auto tail = [&](unsigned shift) { put(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    tail(0);
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    tail(6);
    tail(0);
  } else {
    put(0xF0U | (code >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Rows within the answer's own bytes: 5,000 leases are 50,000 texts. What is escaped is written
/// over its escapes, which are never shorter. Bytes within texts are taken as they come, because
/// RouterOS keeps comments as bytes, of whatever code page WinBox was run with, and one such
/// comment must not hide a whole menu.
class RowReader {
 public:
  explicit RowReader(std::string body)
      : body_(std::make_shared<std::string>(std::move(body))),
        at_(body_->data()),
        end_(body_->data() + body_->size()) {}

  /// False where the text is none of rows, or goes on after them.
  [[nodiscard]] bool read(std::vector<RestRow>& rows) {
    skip_blanks();
    if (!take('[')) {
      if (!read_row(rows)) return false;
    } else if (skip_blanks(); !take(']')) {
      do {
        skip_blanks();
        if (!read_row(rows)) return false;
        skip_blanks();
      } while (take(','));
      if (!take(']')) return false;
    }
    skip_blanks();
    return at_ == end_;
  }

 private:
  static constexpr int kDeepest = 64;

  void skip_blanks() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool read_row(std::vector<RestRow>& rows) {
    if (!take('{')) return false;
    const std::size_t usual = rows.empty() ? 8 : rows.back().values.size();
    RestRow& row = rows.emplace_back();
    row.texts = body_;
    row.values.reserve(usual);
    skip_blanks();
    if (take('}')) return true;
    do {
      skip_blanks();
      auto& [name, value] = row.values.emplace_back();
      bool simple = true;
      if (!read_text(name)) return false;
      skip_blanks();
      if (!take(':')) return false;
      if (!read_value(value, simple, 0)) return false;
      const bool id = name == ".id";
      if (id && simple) row.id = value;
      if (id || !simple) row.values.pop_back();  // what is not simple nothing here knows
    } while (skip_blanks(), take(','));
    return take('}');
  }

  /// `simple` becomes false for what stands within brackets, which is passed over.
  bool read_value(std::string_view& value, bool& simple, int depth) {
    skip_blanks();
    if (at_ == end_ || depth > kDeepest) return false;
    if (*at_ == '"') return read_text(value);
    if (*at_ == '{' || *at_ == '[') {
      simple = false;
      return pass_over(*at_ == '{', depth);
    }
    const char* const begin = at_;
    while (at_ != end_ && !is_blank(*at_) && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
    value = {begin, static_cast<std::size_t>(at_ - begin)};
    if (value == "null") value = {};
    return at_ != begin && value.find_first_of("\"{[:") == std::string_view::npos;
  }

  bool pass_over(bool object, int depth) {
    ++at_;
    skip_blanks();
    if (take(object ? '}' : ']')) return true;
    do {
      std::string_view text;
      bool simple = true;
      skip_blanks();
      if (object) {
        if (!read_text(text)) return false;
        skip_blanks();
        if (!take(':')) return false;
      }
      if (!read_value(text, simple, depth + 1)) return false;
      skip_blanks();
    } while (take(','));
    return take(object ? '}' : ']');
  }

  bool read_text(std::string_view& out) {
    if (!take('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
    char* last = at_;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ == '\\') {
        ++at_;
        if (!read_escape(last)) return false;
      } else {
        *last++ = *at_++;
      }
    }
    out = {begin, static_cast<std::size_t>(last - begin)};
    return take('"');
  }

  /// What stands behind a backslash, written to `out`, which goes on behind it.
  bool read_escape(char*& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (at_ == end_) return false;
    const char letter = *at_++;
    if (letter == 'u') {
      auto code = read_code();
      if (!code) return false;
      if (*code >= 0xD800 && *code < 0xDC00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
        at_ += 2;
        const auto low = read_code();
        if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
        code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
      }
      put_utf8(out, *code);
      return true;
    }
    const std::size_t known = kLetters.find(letter);
    if (known == std::string_view::npos) return false;
    *out++ = kMeant[known];
    return true;
  }

  std::optional<std::uint32_t> read_code() {
    if (end_ - at_ < 4) return std::nullopt;
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = hex_digit(*at_++);
      if (!digit) return std::nullopt;
      code = code * 16 + *digit;
    }
    return code;
  }

  std::shared_ptr<std::string> body_;
  char* at_;
  char* end_;
};

}  // namespace

std::string_view RestRow::value(std::string_view property) const {
  for (const auto& [name, value] : values) {
    if (name == property) return value;
  }
  return {};
}

bool RestRow::is_true(std::string_view property) const {
  const std::string_view text = value(property);
  return text == "true" || text == "yes";
}

Result<std::vector<RestRow>> read_rest_rows(std::string body) {
  std::vector<RestRow> rows;
  if (!RowReader(std::move(body)).read(rows)) {
    return unavailable("routeros-answer", "the answer is not what RouterOS's REST would give");
  }
  return rows;
}

std::string rest_error_text(std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object()) return {};
  for (const char* member : {"detail", "message"}) {
    const auto at = document.find(member);
    if (at != document.end() && at->is_string()) return at->get<std::string>();
  }
  return {};
}

namespace {

void append_text(std::string& out, const std::string& text) {
  if (is_utf8(text)) {
    append_json_string(out, text);
  } else {
    out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

}  // namespace

std::string rest_object(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text = "{";
  for (const auto& [name, value] : values) {
    if (text.size() > 1) text += ',';
    append_text(text, name);
    text += ':';
    append_text(text, value);
  }
  return text + '}';
}

}  // namespace metalwright::reconciler
