#pragma once

#include "inventory/server_archive.h"
#include "schemas/model.h"

/// The one list of what a cluster is made of; see `server_archive.h`. Beside the calls there, an
/// archive is called with `archive.string(text)` for plain strings and with
/// `archive.list(values, transfer_one)` for vectors.
namespace metalwright::inventory {

template <class Archive>
void transfer(Archive& archive, Position& position) {
  archive(position.line);
  archive(position.column);
}

template <class Archive>
void transfer(Archive& archive, ClusterNode& node) {
  for (Text* text : {&node.name, &node.ip, &node.server}) transfer(archive, *text);
  archive.span(node.services);
  archive(node.role);
  for (Position* position : {&node.position, &node.ip_position, &node.server_position}) {
    transfer(archive, *position);
  }
}

/// A place in the cluster's own file, which all of its values come from.
template <class Archive>
void transfer_origin(Archive& archive, const Cluster& cluster, Origin& origin) {
  archive(origin.line);
  archive(origin.column);
  origin.file = cluster.origin.file;
}

template <class Archive>
void transfer(Archive& archive, Cluster& cluster) {
  const auto string = [&](std::string& value) { archive.string(value); };
  const auto origin = [&](Origin& value) { transfer_origin(archive, cluster, value); };
  archive.string(cluster.name);
  archive.string(cluster.origin.file);
  origin(cluster.origin);
  archive.list(cluster.nodes, [&](ClusterNode& node) { transfer(archive, node); });
  archive.list(cluster.initial_peers, string);
  archive.list(cluster.initial_peer_origins, origin);
  archive.optional(cluster.bgp_asn);
  archive.list(cluster.bgp_peers, [&](BgpPeer& peer) {
    archive.string(peer.address);
    archive(peer.asn);
    origin(peer.origin);
  });
  archive(cluster.fiberlb_bgp);
  archive.list(cluster.vips, string);
  archive.list(cluster.vip_origins, origin);
  archive(cluster.prismnet_integration);
  archive.string(cluster.profile);
  origin(cluster.profile_origin);
}

}  // namespace metalwright::inventory
