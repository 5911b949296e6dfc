#pragma once

#include <string>
#include <string_view>

namespace metalwright::service {

/// `{"error":CODE,"message":…,"status":…,"timestamp":…,"details":null}`: every refusal looks so,
/// also of what no handler ever saw.
[[nodiscard]] std::string error_body(int status, std::string_view message);

}  // namespace metalwright::service
