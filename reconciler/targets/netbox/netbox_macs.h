#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/netbox/netbox_api.h"

/// MAC addresses of interfaces where they are objects of their own (from 4.2 on): an interface has
/// any number of them, and names one as its primary.
namespace metalwright::reconciler {

struct NetboxMacChange {
  std::int64_t interface = 0;  ///< the interface's id
  bool made_now = false;       ///< the interface was made a moment ago: it has none yet
  std::string before, after;   ///< in our spelling; empty: none
  std::string source;          ///< for the custom field of an object that is made
};

/// Gives each interface its primary MAC address. One that the interface has already becomes the
/// primary; else the object that we made for the old address gets the new one; else one is made.
/// An interface that shall have none lets go of its primary, and an object that we made goes.
/// The outcomes are those of the interfaces, in order.
[[nodiscard]] std::vector<NetboxOutcome> set_netbox_macs(NetboxApi& api,
                                                         std::span<const NetboxMacChange> changes,
                                                         std::size_t chunk, std::stop_token stop);

}  // namespace metalwright::reconciler
