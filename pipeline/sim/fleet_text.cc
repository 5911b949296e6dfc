#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/sim/fleet.h"

namespace metalwright::sim {
namespace {

constexpr std::size_t kMostFailures = 10;

std::string time_text(std::chrono::microseconds time) {
  const double milliseconds = static_cast<double>(time.count()) / 1000;
  return milliseconds < 10000 ? fmt::format("{:.1f} ms", milliseconds)
                              : fmt::format("{:.1f} s", milliseconds / 1000);
}

std::string stage_line(std::string_view name, const StageSummary& stage) {
  return fmt::format("  {:<12}{:>8}  {:>12}  {:>12}  {:>12}\n", name, stage.times,
                     time_text(stage.median), time_text(stage.p99), time_text(stage.longest));
}

nlohmann::ordered_json stage_json(const StageSummary& stage) {
  return {{"machines", stage.times},
          {"median_us", stage.median.count()},
          {"p99_us", stage.p99.count()},
          {"longest_us", stage.longest.count()}};
}

}  // namespace

std::string progress_text(const FleetProgress& progress) {
  std::string text =
      fmt::format("{:>5.1f} s  {}/{} ended", static_cast<double>(progress.since.count()) / 1000,
                  progress.ended, progress.machines);
  if (progress.failed > 0) text += fmt::format(", {} failed", progress.failed);
  for (std::size_t i = 0; i < kStages; ++i) {
    if (progress.at[i] > 0) {
      text += fmt::format("  {} {}", word(static_cast<Stage>(i)), progress.at[i]);
    }
  }
  return text;
}

std::string summary_text(const FleetSummary& summary) {
  std::string text = fmt::format("  {:<12}{:>8}  {:>12}  {:>12}  {:>12}\n", "", "machines",
                                 "median", "p99", "longest");
  for (std::size_t i = 0; i < kStages; ++i) {
    if (summary.stages[i].times > 0) {
      text += stage_line(word(static_cast<Stage>(i)), summary.stages[i]);
    }
  }
  text += stage_line("whole boot", summary.whole);
  for (std::size_t i = 0; i < std::min(kMostFailures, summary.failures.size()); ++i) {
    const FleetSummary::Failure& failure = summary.failures[i];
    text += fmt::format("failed {} times, {} for one: {}\n", failure.times, failure.machine,
                        failure.reason);
  }
  if (summary.failures.size() > kMostFailures) {
    text += fmt::format("and {} other reasons\n", summary.failures.size() - kMostFailures);
  }
  const double seconds = static_cast<double>(summary.took.count()) / 1000;
  text += fmt::format("{:.1f} s, {:.1f} MB", seconds, static_cast<double>(summary.bytes) / 1e6);
  if (summary.rebooted > 0) text += fmt::format(", {} rebooted in the middle", summary.rebooted);
  if (summary.not_begun > 0) text += fmt::format(", {} not begun", summary.not_begun);
  text += ": ";
  std::string ends;
  for (std::size_t i = 0; i < kEndings; ++i) {
    if (summary.endings[i] == 0) continue;
    ends += fmt::format("{}{} {}", ends.empty() ? "" : ", ", summary.endings[i],
                        word(static_cast<Ending>(i)));
  }
  return text + (ends.empty() ? "no machine" : ends) + '\n';
}

std::string summary_json(const FleetSummary& summary) {
  nlohmann::ordered_json body;
  body["seconds"] = static_cast<double>(summary.took.count()) / 1000;
  body["bytes"] = summary.bytes;
  body["rebooted"] = summary.rebooted;
  body["not_begun"] = summary.not_begun;
  for (std::size_t i = 0; i < kEndings; ++i) {
    body["endings"][std::string(word(static_cast<Ending>(i)))] = summary.endings[i];
  }
  for (std::size_t i = 0; i < kStages; ++i) {
    body["stages"][std::string(word(static_cast<Stage>(i)))] = stage_json(summary.stages[i]);
  }
  body["whole"] = stage_json(summary.whole);
  body["failures"] = nlohmann::ordered_json::array();
  for (const FleetSummary::Failure& failure : summary.failures) {
    body["failures"].push_back(
        {{"reason", failure.reason}, {"machine", failure.machine}, {"times", failure.times}});
  }
  return body.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace metalwright::sim
