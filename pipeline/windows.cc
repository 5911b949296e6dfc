#include "pipeline/windows.h"

#include <array>
#include <cstdio>

namespace metalwright::pipeline {
namespace {

constexpr std::array kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

bool on_day(const MaintenanceWindow& window, int monday_based) {
  return (window.days >> static_cast<unsigned>(monday_based % 7) & 1U) != 0;
}

std::string clock_text(std::chrono::minutes minutes) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", static_cast<int>(minutes.count() / 60),
                static_cast<int>(minutes.count() % 60));
  return text;
}

}  // namespace

bool window_open(const std::vector<MaintenanceWindow>& windows, const std::tm& local) {
  if (windows.empty()) return true;
  const int today = (local.tm_wday + 6) % 7;
  const std::chrono::minutes now{local.tm_hour * 60 + local.tm_min};
  for (const MaintenanceWindow& window : windows) {
    if (window.from < window.to) {
      if (on_day(window, today) && window.from <= now && now < window.to) return true;
      continue;
    }
    // Over midnight: the evening of its day, or the morning after it.
    if (on_day(window, today) && now >= window.from) return true;
    if (on_day(window, today + 6) && now < window.to) return true;
  }
  return false;
}

std::string windows_text(const std::vector<MaintenanceWindow>& windows) {
  std::string text;
  for (const MaintenanceWindow& window : windows) {
    if (!text.empty()) text += "; ";
    std::string days;
    for (int day = 0; day < 7; ++day) {
      if (!on_day(window, day)) continue;
      if (!days.empty()) days += ',';
      days += kDays[static_cast<std::size_t>(day)];
    }
    text += days + ' ' + clock_text(window.from) + '-' + clock_text(window.to);
  }
  return text;
}

}  // namespace metalwright::pipeline
