#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/checks.h"
#include "inventory/parallel.h"
#include "schemas/field_table.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
template <class T>
std::string nearest_of(const std::vector<T>& things, std::string_view name) {
  // A hint is not worth a comparison with thousands.
  constexpr std::size_t kMostCompared = 100;
  std::vector<std::string_view> names;
  for (const T& thing : things) {
    if (names.size() == kMostCompared) break;
    names.emplace_back(thing.name);
  }
  const std::string_view nearest = nearest_word(names, name);
  return nearest.empty() ? std::string() : fmt::format("; the nearest is '{}'", shown(nearest));
}

class ReferenceChecks {
 public:
  explicit ReferenceChecks(const CheckedModel& checked)
      : checked_(checked), model_(checked.model), errors_(checked.errors) {}

  void run() {
    for (const ServerEntry* entry : checked_.servers) {
      if (!errors_.full()) check_server(*entry);
    }
    members_.resize(model_.servers.size());
    for (const Cluster& cluster : model_.clusters) check_cluster(cluster);
    check_profiles();
    check_moves();
  }

 private:
  void check_server(const ServerEntry& entry) {
    const Server& server = *entry.server;
    if (!server.profile.empty() && model_.find_profile(server.profile) == nullptr) {
      errors_.add(checks::kUnknownProfile, model_.origin(entry, server.profile_mark),
                  fmt::format("servers.{}.profile: there is no profile {}{}", shown(server.name),
                              quoted(server.profile), nearest_of(model_.profiles, server.profile)));
    }
    if (server.cluster.empty()) return;
    if (model_.find_cluster(server.cluster) == nullptr) {
      errors_.add(checks::kUnknownCluster, model_.origin(entry, server.cluster_mark),
                  fmt::format("servers.{}.cluster: there is no cluster {}{}", shown(server.name),
                              quoted(server.cluster), nearest_of(model_.clusters, server.cluster)));
    }
  }

  void check_cluster(const Cluster& cluster) {
    if (!cluster.profile.empty() && model_.find_profile(cluster.profile) == nullptr) {
      errors_.add(checks::kUnknownProfile, cluster.profile_origin,
                  fmt::format("profile: there is no profile {}{}", quoted(cluster.profile),
                              nearest_of(model_.profiles, cluster.profile)));
    }
    for (const ClusterNode& node : cluster.nodes) check_node(cluster, node);
  }

  void check_node(const Cluster& cluster, const ClusterNode& node) {
    const std::string_view name = node.server.empty() ? node.name : node.server;
    const auto origin = [&] {
      return cluster.origin_of(node.server.empty() ? node.position : node.server_position);
    };
    const auto path = [&] {
      return fmt::format("nodes.{}{}", shown(node.name), node.server.empty() ? "" : ".server");
    };
    const ServerEntry* entry = model_.find_server(name);
    if (entry == nullptr) {
      if (node.server.empty()) return;  // a node need not be a server of ours
      errors_.add(checks::kUnknownServer, origin(),
                  fmt::format("{}: there is no server {}", path(), quoted(name)));
      return;
    }
    Member& first = members_[static_cast<std::size_t>(entry - model_.servers.data())];
    if (first.node != nullptr) {
      errors_.add(checks::kClusterMember, origin(),
                  fmt::format("{}: server {} is node {} of cluster {} already ({})", path(),
                              quoted(name), quoted(first.node->name), quoted(first.cluster->name),
                              first.cluster->origin_of(first.node->position).text()));
      return;
    }
    first = {&cluster, &node};
    const Server& server = *entry->server;
    if (!server.cluster.empty() && server.cluster != cluster.name) {
      errors_.add(checks::kClusterMember, model_.origin(*entry, server.cluster_mark),
                  fmt::format("servers.{}.cluster: is {}, but the server is node {} of cluster {} "
                              "({})",
                              shown(name), quoted(server.cluster), quoted(node.name),
                              quoted(cluster.name), cluster.origin_of(node.position).text()));
    }
  }

  void check_profiles() {
    const Profile* first = nullptr;
    std::vector<const Profile*> profiles;
    for (const Profile& profile : model_.profiles) profiles.push_back(&profile);
    std::sort(profiles.begin(), profiles.end(),
              [](const Profile* a, const Profile* b) { return a->origin < b->origin; });
    for (const Profile* profile : profiles) {
      if (!profile->template_name.empty() && !model_.templates.contains(profile->template_name)) {
        errors_.add(checks::kUnknownTemplate, profile->template_origin,
                    fmt::format("template: there is no file {}",
                                quoted("templates/" + profile->template_name)));
      }
      if (!profile->is_default) continue;
      if (first == nullptr) {
        first = profile;
        continue;
      }
      errors_.add(checks::kProfileDefault, profile->default_origin,
                  fmt::format("default: profile {} is the default already ({})",
                              quoted(first->name), first->default_origin.text()));
    }
  }

  void check_moves() {
    std::map<std::string_view, const Move*> from;
    std::map<std::string_view, const Move*> to;
    for (const Move& move : model_.moved) {
      const auto report = [&](const std::string& message) {
        errors_.add(checks::kMoved, move.origin, "moved: " + message);
      };
      if (move.from.empty() || move.to.empty()) continue;  // reported by the reader
      if (move.from == move.to) {
        report(fmt::format("{} is moved to itself", quoted(move.from)));
        continue;
      }
      if (const ServerEntry* entry = model_.find_server(move.from)) {
        report(fmt::format("server {} still exists ({})", quoted(move.from),
                           model_.origin(*entry).text()));
      }
      if (model_.find_server(move.to) == nullptr) {
        report(
            fmt::format("there is no server {} to move {} to", quoted(move.to), quoted(move.from)));
      }
      if (const auto [at, added] = from.emplace(move.from, &move); !added) {
        report(
            fmt::format("{} is moved already ({})", quoted(move.from), at->second->origin.text()));
      }
      if (const auto [at, added] = to.emplace(move.to, &move); !added) {
        report(fmt::format("another server is moved to {} already ({})", quoted(move.to),
                           at->second->origin.text()));
      }
    }
  }

  struct Member {
    const Cluster* cluster = nullptr;
    const ClusterNode* node = nullptr;
  };

  const CheckedModel& checked_;
  const Model& model_;
  ErrorList& errors_;
  std::vector<Member> members_;  // parallel to the model's servers
};
}  // namespace

void check_references(const CheckedModel& checked) { ReferenceChecks(checked).run(); }

void check_model(const CheckedModel& checked) {
  constexpr std::array kChecks = {check_addresses, check_duplicates, check_references,
                                  check_networks};
  constexpr std::size_t kWorthThreads = 1000;  // servers
  std::array<ErrorList, kChecks.size()> errors;
  const auto check = [&](std::size_t i) {
    kChecks[i]({checked.model, checked.servers, errors[i]});
  };
  if (checked.servers.size() >= kWorthThreads) {
    for_each_in_parallel(kChecks.size(), check);
  } else {
    for (std::size_t i = 0; i < kChecks.size(); ++i) check(i);
  }
  for (ErrorList& found : errors) checked.errors.add_all(std::move(found));
}

}  // namespace metalwright::inventory
