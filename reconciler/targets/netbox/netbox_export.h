#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/netbox/netbox_api.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "schemas/object_fields.h"

namespace metalwright::reconciler {

/// All that a NetBox has of the kinds that we keep, whoever made it: for writing a repository.
struct NetboxExport {
  /// By kind; ordered by name. The fields are as in plans.
  std::map<std::string, std::vector<std::pair<std::string, ObjectFields>>, std::less<>> objects;
  /// The id of the one VLAN that a virtual interface is in, by the interface's name.
  std::map<std::string, std::string, std::less<>> vlans;
  /// By kind: the names that were made for a second object of one name (kNetboxNamesake). People's
  /// own names may look like them.
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> namesakes;
  /// What of a kind has no name as a resource, such as addresses of a VRF, for people to read.
  std::map<std::string, std::vector<std::string>, std::less<>> unnamed;
  /// How many there are of kinds that we do not keep, such as virtual machines.
  std::vector<std::pair<std::string, std::size_t>> others;
};

/// Reads everything. Errors: those of the API.
[[nodiscard]] Result<NetboxExport> read_netbox_export(NetboxApi& api, std::stop_token stop);

}  // namespace metalwright::reconciler
