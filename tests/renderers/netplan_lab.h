#pragma once

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string_view>

#include "tests/renderers/fleet.h"

namespace metalwright::renderers {

/// The file of the server of a NetplanLab.
inline constexpr const char* kPath = "orion/etc/netplan/99-metalwright.yaml";

/// A server in a network with a gateway and names.
struct NetplanLab : Fleet {
  Server* orion = nullptr;

  NetplanLab() {
    Network& lab = network("lab", "10.0.0.0/24", "10.0.0.1");
    lab.dns = {"10.0.0.53"};
    lab.domain = "example.net";
    orion = &server("orion");
  }

  YAML::Node yaml() {
    const Output output = render(Format::netplan);
    for (const Error& error : output.errors) ADD_FAILURE() << error.text();
    if (!output.files.contains(kPath)) return {};
    EXPECT_EQ(output.modes.at(kPath), 0600);
    return YAML::Load(output.files.at(kPath))["network"];
  }
};

inline Wifi wifi_of(NetplanLab& lab, std::string_view ssid, std::string_view secret) {
  Wifi wifi;
  wifi.name = lab.text("wlan0");
  wifi.ssid = lab.text(ssid);
  wifi.password.name = lab.text(secret);
  wifi.mark = {3, 7};
  return wifi;
}

}  // namespace metalwright::renderers
