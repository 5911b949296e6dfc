#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/targets/routeros/router_view.h"

/// What a repository could say of a router, as read off its rows: a first draft, which the import
/// tries out and takes back in parts where the router would have to change for it.
namespace metalwright::pipeline {

struct DraftNetwork {
  std::string name, prefix, gateway, domain, boot_server;
  std::vector<std::string> resolvers;
  std::string dhcp_server, pool, range, lease, interface;
  std::optional<std::uint16_t> vlan;
  std::string bridge;  ///< empty: VLANs are left alone
  std::vector<std::string> tagged, untagged;
  std::string ipv6_prefix, ipv6_ra, ipv6_range;
  std::size_t loader = 0;  ///< into kBootLoaderWords
  bool boot = false, tftp = false, dns = false;
  std::string address_list;
  const reconciler::RestRow* row = nullptr;  ///< of /ip/dhcp-server/network
};

struct DraftInterface {
  std::string name, mac, ipv4, ipv6;
  std::string network;
  std::string dns_name;
  const reconciler::RestRow* row = nullptr;  ///< its lease
};

struct DraftServer {
  std::string name, hostname;
  std::vector<DraftInterface> interfaces;  ///< the primary one first
};

struct RouterDraft {
  std::vector<DraftNetwork> networks;
  std::vector<DraftServer> servers;
  /// Why a row is no part of it, where more can be said than that nothing says it.
  std::map<const reconciler::RestRow*, std::string> reasons;
};

/// `rows` must live as long as the draft.
[[nodiscard]] RouterDraft draft_of_router(const reconciler::RouterRows& rows);

}  // namespace metalwright::pipeline
