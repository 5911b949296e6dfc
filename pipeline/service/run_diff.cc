#include "pipeline/service/run_diff.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace metalwright::service {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostBytes = 256 * 1024;

std::string_view style_word(reconciler::LineStyle style) {
  constexpr std::string_view kWords[] = {"plain", "create", "update",  "remove", "record",
                                         "alert", "hunk",   "removed", "added",  "note"};
  return kWords[static_cast<std::size_t>(style)];
}

}  // namespace

std::string diff_text(const std::vector<reconciler::PlanSection>& sections) {
  Json out = Json::array();
  std::size_t bytes = 0, left_out = 0;
  for (const reconciler::PlanSection& section : sections) {
    Json lines = Json::array();
    for (const reconciler::PlanLine& line : section.lines) {
      bytes += line.text.size() + 48;  // with its names and quotes
      if (bytes > kMostBytes) {
        ++left_out;
        continue;
      }
      lines.push_back(
          {{"style", style_word(line.style)}, {"depth", line.depth}, {"text", line.text}});
    }
    out.push_back({{"title", section.title}, {"lines", std::move(lines)}});
  }
  if (left_out > 0) {
    out.back()["lines"].push_back(
        {{"style", "note"}, {"depth", 0}, {"text", std::to_string(left_out) + " more lines"}});
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace metalwright::service
