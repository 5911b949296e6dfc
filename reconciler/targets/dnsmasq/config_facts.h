#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ip_address.h"

/// What the target has to know of a rendered `metalwright.conf` to ask dnsmasq about it: read from
/// the file that is live, because that is what dnsmasq runs with.
namespace metalwright::reconciler {

struct ConfigFacts {
  struct Range {
    Ipv4Prefix prefix;
    bool proxy = false;
  };
  bool tftp = false;
  std::string tftp_root;
  std::vector<std::string> interfaces;
  std::vector<Ipv4Address> listen_addresses;
  std::vector<Range> ranges;             ///< IPv4 only
  std::vector<std::string> hosts_files;  ///< paths, in the file's order
};

/// Takes from the text what it understands, and leaves the rest.
[[nodiscard]] ConfigFacts read_config_facts(std::string_view text);

}  // namespace metalwright::reconciler
