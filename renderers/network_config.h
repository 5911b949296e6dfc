#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "renderers/render.h"
#include "schemas/model.h"

/// What `GET /api/v1/boot/network-config?vendor=mikrotik|fs` answers: the configuration that a
/// router or switch needs so that machines boot, with a short how-to on top as comments.
namespace metalwright::renderers {

enum class NetworkVendor : std::uint8_t { mikrotik, fs };
/// `mikrotik`, `fs`; empty for anything else.
[[nodiscard]] std::optional<NetworkVendor> parse_network_vendor(std::string_view word);

/// `device` is a router or switch as networks.yaml names it; empty: the first one by name. Where
/// the networks name none of that vendor, it is shown how one would serve all of them, as `router`
/// or `switch`. Errors: `invalid` [network-config-device] for a device that no network names; those
/// of the renderers.
[[nodiscard]] Result<std::string> render_network_config(const Model& model,
                                                        const RenderSettings& settings,
                                                        NetworkVendor vendor,
                                                        std::string_view device);

}  // namespace metalwright::renderers
