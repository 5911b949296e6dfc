#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// iPXE's scripts, as far as a machine that boots needs them: what is loaded, in which order, and
/// how it ends. Source: ipxe.org/cmd, iPXE's src/image/script.c and src/core/exec.c.
namespace metalwright::sim {

/// What a script's commands do. Each returns whether it went well, which is what `||` asks.
struct ScriptActions {
  std::function<bool(const std::string&url)> kernel, initrd;
  /// The script at this address; empty where it could not be had.
  std::function<std::optional<std::string>(const std::string& url)> chain;
};

enum class ScriptEnd {
  boot,    ///< a kernel was started
  local,   ///< the next boot device, or the disk
  failed,  ///< a command failed and nobody asked whether, or the script never ends
};

struct ScriptRun {
  ScriptEnd end = ScriptEnd::failed;
  std::string arguments;          ///< of the kernel
  std::vector<std::string> said;  ///< its `echo` lines
  std::string reason;             ///< of a failure
};

/// Runs a script that came from `address`, relative names in it being beside that. Menus take their
/// default; nothing waits. `settings` are iPXE's: `net0/mac`, `uuid`, `platform`, …
[[nodiscard]] ScriptRun run_script(std::string_view script, const std::string& address,
                                   std::map<std::string, std::string> settings,
                                   const ScriptActions& actions);

/// `name` as seen from `base`: an address as it is, a path on the same host, or a file beside it.
[[nodiscard]] std::string resolve_address(std::string_view base, std::string_view name);

/// The text with `${setting}` filled in; `${mac:hexhyp}` writes a MAC address with dashes.
[[nodiscard]] std::string expand_settings(std::string_view text,
                                          const std::map<std::string, std::string>& settings);

}  // namespace metalwright::sim
