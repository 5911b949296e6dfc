#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace metalwright::service {

/// Asks a listener of this host as a client does, and says whether any answer comes within
/// `patience`: for a watchdog, which no lock or flag can tell that the threads behind a socket are
/// alive. `host` empty or a wildcard: by loopback. With `tls` a connection is enough.
[[nodiscard]] bool listener_answers(const std::string& host, std::uint16_t port, bool tls,
                                    std::chrono::milliseconds patience);

}  // namespace metalwright::service
