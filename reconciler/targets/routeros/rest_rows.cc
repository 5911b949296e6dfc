#include "reconciler/targets/routeros/rest_rows.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

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

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (code >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Rows straight from the text: a tree of 5,000 leases would be built to be thrown away. Bytes
/// within texts are taken as they come, because RouterOS keeps comments as bytes, of whatever code
/// page WinBox was run with, and one such comment must not hide a whole menu.
class RowReader {
 public:
  explicit RowReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

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
      if (id && simple) row.id = std::move(value);
      if (id || !simple) row.values.pop_back();  // what is not simple nothing here knows
    } while (skip_blanks(), take(','));
    return take('}');
  }

  /// `simple` becomes false for what stands within brackets, which is passed over.
  bool read_value(std::string& value, bool& simple, int depth) {
    skip_blanks();
    if (at_ == end_ || depth > kDeepest) return false;
    if (*at_ == '"') return read_text(value);
    if (*at_ == '{' || *at_ == '[') {
      simple = false;
      return pass_over(*at_ == '{', depth);
    }
    const char* const begin = at_;
    while (at_ != end_ && !is_blank(*at_) && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
    value.assign(begin, at_);
    if (value == "null") value.clear();
    return at_ != begin && value.find_first_of("\"{[:") == std::string::npos;
  }

  bool pass_over(bool object, int depth) {
    ++at_;
    skip_blanks();
    if (take(object ? '}' : ']')) return true;
    do {
      std::string text;
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

  bool read_text(std::string& out) {
    if (!take('"')) return false;
    out.clear();
    while (true) {
      const char* const begin = at_;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
      out.append(begin, static_cast<std::size_t>(at_ - begin));
      if (at_ == end_) return false;
      if (*at_++ == '"') return true;
      if (!read_escape(out)) return false;
    }
  }

  bool read_escape(std::string& out) {
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
      append_utf8(out, *code);
      return true;
    }
    const std::size_t known = kLetters.find(letter);
    if (known == std::string_view::npos) return false;
    out += kMeant[known];
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

  const char* at_;
  const char* end_;
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

Result<std::vector<RestRow>> read_rest_rows(std::string_view body) {
  std::vector<RestRow> rows;
  if (!RowReader(body).read(rows)) {
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

bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void append_text(std::string& out, const std::string& text) {
  const std::size_t begin = out.size();
  out += '"';
  for (auto at = text.begin();; ++at) {
    const auto next = std::find_if_not(at, text.end(), is_plain);
    out.append(at, next);
    if (next == text.end()) break;
    if (*next != '"' && *next != '\\' && *next != '\n') {
      out.resize(begin);
      out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
      return;
    }
    out += '\\';
    out += *next == '\n' ? 'n' : *next;
    at = next;
  }
  out += '"';
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
