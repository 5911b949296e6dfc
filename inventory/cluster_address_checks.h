#pragma once

#include "inventory/address_index.h"
#include "inventory/checks.h"

namespace metalwright::inventory {

/// The addresses of clusters: a node's is its server's and nobody else's, a virtual one is
/// nobody's, and none is what a network has or gives away. A part of `check_addresses`, which made
/// the index.
void check_cluster_addresses(const CheckedModel& checked, const AddressIndex& index);

}  // namespace metalwright::inventory
