#include "pipeline/routeros_draft_rows.h"

#include <algorithm>

#include "renderers/routeros/menu.h"

namespace metalwright::pipeline {

using reconciler::RestRow;
using reconciler::RouterRows;

bool is_routers_own(const RestRow& row) {
  return std::any_of(routeros::kRowMarks.begin(), routeros::kRowMarks.end(),
                     [&](std::string_view mark) { return row.is_true(mark); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string_view marked(const RestRow& row, std::string_view kind) {
  std::string_view comment = row.value("comment");
  if (!comment.starts_with(routeros::kOwnerMark)) return {};
  comment.remove_prefix(routeros::kOwnerMark.size());
  if (!comment.starts_with(kind) || comment.size() <= kind.size()) return {};
  return comment[kind.size()] == '/' ? comment.substr(kind.size() + 1) : std::string_view();
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> items;
  for (const std::string_view item : routeros::split_list(text)) items.emplace_back(item);
  return items;
}

std::string key_of(std::string_view text) {
  std::string key;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    key += plain ? c : '-';
  }
  return key;
}

const std::vector<RestRow>& rows_in(const RouterRows& rows, std::string_view menu) {
  static const std::vector<RestRow> none;
  const auto found = rows.menus.find(menu);
  return found == rows.menus.end() ? none : found->second;
}

const RestRow* find_row(const RouterRows& rows, std::string_view menu, std::string_view property,
                        std::string_view value) {
  for (const RestRow& row : rows_in(rows, menu)) {
    if (!is_routers_own(row) && row.value(property) == value) return &row;
  }
  return nullptr;
}

}  // namespace metalwright::pipeline
