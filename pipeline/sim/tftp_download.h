#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pipeline/sim/faults.h"
#include "schemas/error.h"

namespace metalwright::sim {

/// Fetches a file by TFTP as firmware does: one block at a time, each asked for again where it does
/// not come (RFC 1350, 2347 to 2349). Errors: `unavailable`; `refused` with the server's words.
[[nodiscard]] Result<std::string> tftp_download(const std::string& server, const std::string& file,
                                                Dice& dice, double loss, std::uint16_t port = 69);

}  // namespace metalwright::sim
