#pragma once

#include "schemas/model.h"

/// The one list of what a server is made of, for whoever carries servers from one place to another.
/// An archive is called with each value in turn: `archive(value)` for plain values and texts,
/// `archive.span(values)` for spans, `archive.pointer(value)` for what may be null.
namespace metalwright::inventory {

template <class Archive>
void transfer(Archive& archive, Mark& mark) {
  archive(mark.line);
  archive(mark.column);
}

template <class Archive>
void transfer(Archive& archive, Text& text) {
  archive.text(text);
}

template <class Archive>
void transfer(Archive& archive, Label& label) {
  transfer(archive, label.key);
  transfer(archive, label.value);
}

template <class Archive>
void transfer(Archive& archive, Interface& nic) {
  transfer(archive, nic.name);
  transfer(archive, nic.role);
  archive.optional(nic.mac);
  archive.optional(nic.ipv4);
  archive.optional(nic.ipv6);
  archive(nic.mtu_bytes);
  for (Mark* mark : {&nic.mark, &nic.mac_mark, &nic.ipv4_mark, &nic.ipv6_mark}) {
    transfer(archive, *mark);
  }
}

template <class Archive>
void transfer(Archive& archive, Boot& boot) {
  archive(boot.firmware);
  archive.span(boot.params);
  transfer(archive, boot.console);
  transfer(archive, boot.mark);
}

template <class Archive>
void transfer(Archive& archive, Route& route) {
  transfer(archive, route.to);
  transfer(archive, route.via);
  archive.optional(route.metric);
  archive(route.on_link);
  transfer(archive, route.mark);
}

template <class Archive>
void transfer(Archive& archive, VirtualInterface& nic) {
  transfer(archive, nic.name);
  archive.span(nic.interfaces);
  archive.span(nic.addresses);
  archive.span(nic.dns);
  archive(nic.dhcp4);
  archive(nic.mtu_bytes);
  archive.optional(nic.mac);
  for (Text* text :
       {&nic.mode, &nic.lacp_rate, &nic.transmit_hash_policy, &nic.primary, &nic.link}) {
    transfer(archive, *text);
  }
  archive.optional(nic.mii_monitor_ms);
  archive(nic.vlan_id);
  archive.optional(nic.stp);
  archive.optional(nic.forward_delay_s);
  archive.span(nic.routes);
  transfer(archive, nic.mark);
}

template <class Archive>
void transfer(Archive& archive, Wifi& wifi) {
  transfer(archive, wifi.name);
  transfer(archive, wifi.ssid);
  transfer(archive, wifi.password.name);
  archive(wifi.hidden);
  archive(wifi.dhcp4);
  archive.span(wifi.addresses);
  transfer(archive, wifi.regulatory_domain);
  transfer(archive, wifi.mark);
}

template <class Archive>
void transfer(Archive& archive, NetworkConfig& config) {
  archive.span(config.bonds);
  archive.span(config.vlans);
  archive.span(config.bridges);
  archive.span(config.wifis);
  archive.span(config.routes);
}

template <class Archive>
void transfer(Archive& archive, Server& server) {
  transfer(archive, server.name);
  transfer(archive, server.hostname);
  archive.optional(server.ipv4);
  archive.optional(server.ipv6);
  archive.span(server.interfaces);
  archive.span(server.services);
  archive.span(server.labels);
  for (Text* text :
       {&server.serial, &server.manufacturer, &server.model, &server.asset_tag, &server.site,
        &server.location, &server.rack, &server.role, &server.platform, &server.tenant,
        &server.profile, &server.cluster}) {
    transfer(archive, *text);
  }
  archive(server.position);
  archive(server.drift);
  archive.pointer(server.boot);
  archive.pointer(server.network);
  for (Mark* mark : {&server.hostname_mark, &server.ipv4_mark, &server.ipv6_mark,
                     &server.serial_mark, &server.profile_mark, &server.cluster_mark}) {
    transfer(archive, *mark);
  }
}

}  // namespace metalwright::inventory
