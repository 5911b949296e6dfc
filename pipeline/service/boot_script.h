#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Whole iPXE scripts around what the renderers wrote for a machine. Pure; whatever the texts are,
/// what comes out is a script that iPXE reads to its end.
namespace metalwright::service {

/// Text that an `echo` line shows as it is: what iPXE would take for its own becomes `?`. Source:
/// iPXE, src/image/script.c.
[[nodiscard]] std::string echo_text(std::string_view text);

/// `echo` lines before the script's own commands.
[[nodiscard]] std::string script_saying(const std::vector<std::string>& words,
                                        std::string_view script);

/// The same behind a menu that waits for `wait` and then goes on; the other choice is the local
/// disk. Without a wait there is no menu.
[[nodiscard]] std::string script_with_menu(std::string_view title, std::string_view choice,
                                           std::chrono::seconds wait,
                                           const std::vector<std::string>& words,
                                           std::string_view script);

/// Boots the local disk, and says why.
[[nodiscard]] std::string local_script(const std::vector<std::string>& words);

/// Signs the addresses of machines' configurations in a script: `sign(profile, mac)` is what is put
/// behind each `/boot/configs/<profile>/<mac>`, such as `?expires=…&signature=…`.
[[nodiscard]] std::string with_signed_configs(
    std::string script,
    const std::function<std::string(std::string_view profile, std::string_view mac)>& sign);

}  // namespace metalwright::service
