#pragma once

#include <string>

#include "inventory/loader.h"
#include "inventory/repository_files.h"
#include "renderers/render.h"

/// A small repository whose network a router serves, for the tests of what becomes of it.
namespace metalwright::test {

inline inventory::RepositoryFiles router_repository(const std::string& address = "192.168.1.41",
                                                    const std::string& lease = "24h") {
  return {inventory::repository_file("inventory.yaml",
                                     "servers:\n"
                                     "  orion:\n"
                                     "    hostname: orion.example.net\n"
                                     "    ipv4: " +
                                         address +
                                         "\n"
                                         "    interfaces:\n"
                                         "      eth0: {mac: 'D0:94:66:24:96:7E', role: primary}\n"),
          inventory::repository_file(
              "networks.yaml",
              "networks:\n"
              "  lab:\n"
              "    prefix: 192.168.1.0/24\n"
              "    gateway: 192.168.1.1\n"
              "    dns: [192.168.1.1]\n"
              "    boot-server: 192.168.1.146\n"
              "    dhcp: {server: 'routeros:edge-1', range: 192.168.1.100-192.168.1.199, lease: " +
                  lease +
                  "}\n"
                  "  hall:\n"
                  "    prefix: 192.168.2.0/24\n"
                  "    vlan: 20\n"
                  "    boot-server: 192.168.1.146\n"
                  "    dhcp: {server: 'fs:core-1', range: 192.168.2.100-192.168.2.199}\n")};
}

inline renderers::RenderSettings router_settings() {
  renderers::RenderSettings settings;
  settings.service_url = "http://192.168.1.146:8000";
  settings.boot_loaders = {"ipxe.efi", "undionly.kpxe"};
  return settings;
}

}  // namespace metalwright::test
