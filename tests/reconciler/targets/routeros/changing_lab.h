#pragma once

#include <string>

#include "tests/reconciler/targets/routeros/routeros_world.h"

namespace metalwright::reconciler {

/// All that can happen in a plan: rows come, go, change, change places and names.
inline RouterosWorld::Objects changed_lab() {
  RouterosWorld::Objects objects = lab();
  objects.erase({"dhcp-matcher", "metalwright-efi"});
  objects.erase({"dhcp-option-set", "metalwright-efi"});
  objects.erase({"dns-static", "beta.example.net"});
  set_field(objects[{"dhcp-lease", "alpha"}], "address", "192.168.1.12");
  set_field(objects[{"dhcp-lease", "beta"}], "address", "192.168.1.11");
  set_field(objects[{"dhcp-network", "lab"}], "domain", "");
  set_field(objects[{"dhcp-network", "lab"}], "gateway", "192.168.1.254");
  objects[{"pool", "metalwright-more"}] = {{"name", "metalwright-more"},
                                           {"ranges", "192.168.1.200-192.168.1.210"}};
  set_field(objects[{"dhcp-server", "metalwright-lab"}], "address-pool", "metalwright-more");
  objects[{"dhcp-lease", "gamma"}] = {{"address", "192.168.1.13"},
                                      {"disabled", "no"},
                                      {"mac-address", "52:54:00:00:00:13"},
                                      {"server", "metalwright-lab"}};
  objects[{"dhcp-server", "metalwright-new"}] = {{"address-pool", "metalwright-lab"},
                                                 {"disabled", "no"},
                                                 {"interface", "ether3"},
                                                 {"name", "metalwright-new"}};
  objects[{"dhcp-lease", "epsilon"}] = {{"address", "192.168.3.15"},
                                        {"disabled", "no"},
                                        {"mac-address", "52:54:00:00:00:15"},
                                        {"server", "metalwright-new"}};
  objects.erase({"tftp", "b.efi"});
  objects[{"tftp", "d.efi"}] = {{"real-filename", "d.efi"}, {"req-filename", "d.efi"}};
  objects[{"dhcp-lease", "delta"}] = {{"address", "192.168.1.14"},
                                      {"disabled", "no"},
                                      {"mac-address", "52:54:00:00:00:14"},
                                      {"server", "metalwright-lab"}};
  return objects;
}

inline RouterosWorld::Objects first_lab() {
  RouterosWorld::Objects objects = lab();
  for (const char* name : {"a.efi", "b.efi", "c.efi"}) {
    objects[{"tftp", name}] = {{"real-filename", name}, {"req-filename", name}};
  }
  objects[{"dhcp-lease", "old-delta"}] = {{"address", "192.168.1.24"},
                                          {"disabled", "no"},
                                          {"mac-address", "52:54:00:00:00:14"},
                                          {"server", "metalwright-lab"}};
  // Its server will be another one, on the same interface.
  objects[{"dhcp-server", "metalwright-old"}] = {{"address-pool", "metalwright-lab"},
                                                 {"disabled", "no"},
                                                 {"interface", "ether3"},
                                                 {"name", "metalwright-old"}};
  objects[{"dhcp-lease", "epsilon"}] = {{"address", "192.168.3.15"},
                                        {"disabled", "no"},
                                        {"mac-address", "52:54:00:00:00:15"},
                                        {"server", "metalwright-old"}};
  return objects;
}

}  // namespace metalwright::reconciler
