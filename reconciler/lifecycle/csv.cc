#include "reconciler/lifecycle/csv.h"

#include <algorithm>

namespace metalwright::lifecycle {
namespace {
constexpr std::size_t kMostBytes = 65536, kMostFields = 256;
bool ends_line(char c) { return c == '\n' || c == '\r'; }
}  // namespace

bool CsvRow::blank() const {
  return problem.empty() && std::all_of(fields.begin(), fields.end(), [](const std::string& field) {
           return field.find_first_not_of(" \t") == std::string::npos;
         });
}

CsvReader::CsvReader(std::string_view bytes) : bytes_(bytes) {
  if (bytes_.starts_with("\xEF\xBB\xBF")) bytes_.remove_prefix(3);
}

void CsvReader::take_line_end() {
  if (at_end()) return;
  if (bytes_[at_] == '\r' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

void CsvReader::skip_line() {
  while (!at_end() && !ends_line(bytes_[at_])) ++at_;
  take_line_end();
}

std::string CsvReader::quoted_field(CsvRow& row) {
  const std::size_t begin = ++at_, begin_line = line_;
  std::string field;
  while (!at_end() && field.size() <= kMostBytes) {
    const char c = bytes_[at_];
    if (c == '"') {
      ++at_;
      if (at_end() || bytes_[at_] != '"') {
        if (!at_end() && bytes_[at_] != ',' && !ends_line(bytes_[at_])) {
          row.problem = "something follows a closing quote";
        }
        return field;
      }
    } else if (c == '\n' || (c == '\r' && !(at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n'))) {
      ++line_;
    }
    field += c;
    ++at_;
  }
  // Go on behind its first line: the quote swallowed all others.
  row.problem = at_end() ? "a quote is not closed" : "a field has more than 64 KiB";
  at_ = begin;
  line_ = begin_line;
  return {};
}

std::string CsvReader::plain_field(CsvRow& row) {
  const std::size_t begin = at_;
  while (!at_end() && bytes_[at_] != ',' && !ends_line(bytes_[at_])) {
    if (bytes_[at_] == '"') row.problem = "a quote stands inside a field without quotes";
    ++at_;
  }
  if (at_ - begin > kMostBytes) row.problem = "a field has more than 64 KiB";
  return std::string(bytes_.substr(begin, std::min(at_ - begin, kMostBytes)));
}

std::optional<CsvRow> CsvReader::next() {
  if (at_end()) return std::nullopt;
  CsvRow row;
  row.line = line_;
  while (true) {
    const bool quoted = !at_end() && bytes_[at_] == '"';
    row.fields.push_back(quoted ? quoted_field(row) : plain_field(row));
    if (row.fields.size() > kMostFields) row.problem = "a row has more than 256 fields";
    if (!row.problem.empty()) {
      skip_line();
      return row;
    }
    if (at_end() || bytes_[at_] != ',') break;
    ++at_;
  }
  take_line_end();
  return row;
}

}  // namespace metalwright::lifecycle
