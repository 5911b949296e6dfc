#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// Is a window open at this local time (`tm_wday`, `tm_hour`, `tm_min` count). True where there are
/// none.
[[nodiscard]] bool window_open(const std::vector<MaintenanceWindow>& windows, const std::tm& local);

/// `mon,tue 22:00-04:00; sat 00:00-24:00`, for messages.
[[nodiscard]] std::string windows_text(const std::vector<MaintenanceWindow>& windows);

}  // namespace metalwright::pipeline
