#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

namespace metalwright::reconciler {

/// What dnsmasq has against a configuration, in its own words.
struct SyntaxComplaint {
  std::string words;       ///< such as `bad dhcp-host`
  std::uint32_t line = 0;  ///< of the text that was checked, from 1; 0: it named none
};

/// Runs `dnsmasq --test` over the text, by way of a file in `scratch_folder`. Empty: it has nothing
/// against it. `--test` opens no hosts file: give their lines with `dhcp-host=` in front.
/// Errors: `unavailable` [dnsmasq-missing] naming the package, and those of running a program and
/// of writing the file.
[[nodiscard]] Result<std::optional<SyntaxComplaint>> check_syntax(const std::string& program,
                                                                  const std::string& scratch_folder,
                                                                  std::string_view name,
                                                                  std::string_view text,
                                                                  std::stop_token stop);

/// Finds `… at line 3 of FILE` in a message of dnsmasq. Empty where it is about another file.
[[nodiscard]] std::optional<SyntaxComplaint> read_complaint(std::string_view message,
                                                            std::string_view file);

/// The error for a dnsmasq that cannot be started.
[[nodiscard]] tl::unexpected<Error> dnsmasq_missing(const std::string& program);

}  // namespace metalwright::reconciler
