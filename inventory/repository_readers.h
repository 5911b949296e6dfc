#pragma once

#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "schemas/model.h"

/// The readers of the small files of a repository. Each takes a whole file, reports what is wrong
/// with it alone, and adds what it holds; checks across files come after (`inventory/checks.h`).
namespace metalwright::inventory {

/// `networks.yaml`. Adds in the file's order.
void read_networks(std::string_view file, std::string_view bytes, ErrorList& errors,
                   std::vector<Network>& networks);

/// `clusters/<name>.yaml`; `name` is the file's. Its nodes live in `arena`.
void read_cluster(std::string_view file, std::string_view name, std::string_view bytes,
                  Arena& arena, ErrorList& errors, std::vector<Cluster>& clusters);

/// `profiles/<name>.yaml`; `name` is the file's.
void read_profile(std::string_view file, std::string_view name, std::string_view bytes,
                  ErrorList& errors, std::vector<Profile>& profiles);

}  // namespace metalwright::inventory
