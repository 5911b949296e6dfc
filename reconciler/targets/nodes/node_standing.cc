#include "reconciler/targets/nodes/node_standing.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/printable.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostWords = 120;

std::string member(const nlohmann::json& report, const char* name) {
  const auto at = report.find(name);
  return at != report.end() && at->is_string() ? at->get<std::string>() : std::string();
}

nlohmann::json report_of(const store::Node& node) {
  nlohmann::json report = nlohmann::json::parse(node.report, nullptr, false);
  return report.is_object() ? report : nlohmann::json::object();
}

/// The two largest units: `3h20m`, `2d4h`, `45s`.
std::string age(std::chrono::microseconds since) {
  constexpr std::array<std::pair<std::int64_t, char>, 4> kUnits{
      {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  std::int64_t left = std::chrono::floor<std::chrono::seconds>(since).count();
  std::string text;
  int units = 0;
  for (const auto& [size, unit] : kUnits) {
    if (left < size && (units == 0 || left == 0)) continue;
    if (++units > 2) break;
    if (left >= size) text += fmt::format("{}{}", left / size, unit);
    left %= size;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace

std::string_view word(Standing standing) {
  constexpr std::array<std::string_view, 5> kWords{"converged", "behind", "failed", "silent",
                                                   "unknown"};
  return kWords[static_cast<std::size_t>(standing)];
}

Standing standing_of(const store::Node& node, const NodeWish& wish, Time now,
                     std::chrono::seconds silent_after) {
  if (now - node.last_seen > silent_after) return Standing::silent;
  if (node.state == "Failed") return Standing::failed;
  if (!node.reported) {
    if (wish.config_hash.empty() || node.config_hash.empty()) return Standing::unknown;
    return node.config_hash == wish.config_hash ? Standing::converged : Standing::behind;
  }
  if (member(report_of(node), "health") == "failed") return Standing::failed;
  return node.applied_hash == wish.hash ? Standing::converged : Standing::behind;
}

std::string standing_text(const store::Node& node, Standing standing, Time now) {
  const std::string heard = "heard of last at " + utc_text(node.last_seen);
  switch (standing) {
    case Standing::silent:
      return fmt::format("silent for {}, {}", age(now - node.last_seen), heard);
    case Standing::failed: {
      if (node.state == "Failed") return "failed: it did not arrive in time, " + heard;
      const std::string why = member(report_of(node), "message");
      return why.empty() ? "failed, as it reported at " + utc_text(*node.reported)
                         : "failed: " + printable(why, kMostWords);
    }
    case Standing::behind:
      return "behind, " + heard;
    case Standing::unknown:
      return "never said what it has, " + heard;
    case Standing::converged:
      break;
  }
  return "converged, " + heard;
}

}  // namespace metalwright::reconciler
