#pragma once

#include <span>

#include "inventory/error_list.h"
#include "schemas/model.h"

/// What only the repository as a whole can say: nothing twice, nothing that points nowhere, every
/// address where it belongs. All of it runs again at every load, so it works on flat arrays that
/// are sorted once: a fleet of 100,000 servers takes some tens of milliseconds.
namespace metalwright::inventory {

/// A model under check: complete and indexed, with every name once. `servers` are its servers in
/// the order of the files, so that of two that claim one thing the later one is told.
struct CheckedModel {
  const Model& model;
  std::span<const ServerEntry* const> servers;
  ErrorList& errors;
};

/// Runs all of them.
void check_model(const CheckedModel& checked);

void check_duplicates(const CheckedModel& checked);  ///< host names, serial numbers, MACs
void check_addresses(const CheckedModel& checked);   ///< of servers, nodes and virtual ones
void check_networks(const CheckedModel& checked);    ///< overlaps, VLAN ids
void check_references(const CheckedModel& checked);  ///< profiles, clusters, servers, templates

}  // namespace metalwright::inventory
