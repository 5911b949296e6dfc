#include "reconciler/targets/dnsmasq/config_facts.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace metalwright::reconciler {
namespace {

/// A value without the quotes that the renderer put around it.
std::string unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string out;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 't' ? '\t' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view value) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = value.find(',');
    fields.push_back(value.substr(0, comma));
    if (comma == std::string_view::npos) return fields;
    value.remove_prefix(comma + 1);
  }
}

std::optional<Ipv4Prefix> prefix_of(Ipv4Address address, Ipv4Address netmask) {
  const int length = std::countl_one(netmask.value);
  Ipv4Prefix prefix;
  prefix.length = static_cast<std::uint8_t>(length);
  if (prefix.netmask() != netmask) return {};
  prefix.address.value = address.value & netmask.value;
  return prefix;
}

/// `[tag:…,]set:…,<first>,<last|static|proxy>,<netmask>[,…]`; empty for IPv6.
std::optional<ConfigFacts::Range> range_of(std::string_view value) {
  std::vector<std::string_view> fields = fields_of(value);
  std::erase_if(fields, [](std::string_view field) {
    return field.starts_with("tag:") || field.starts_with("set:");
  });
  if (fields.size() < 3) return {};
  const auto first = parse_ipv4(fields[0]);
  const auto netmask = parse_ipv4(fields[2]);
  if (!first || !netmask) return {};
  const auto prefix = prefix_of(*first, *netmask);
  if (!prefix) return {};
  return ConfigFacts::Range{*prefix, fields[1] == "proxy"};
}

}  // namespace

ConfigFacts read_config_facts(std::string_view text) {
  ConfigFacts facts;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
    if (key == "enable-tftp") {
      facts.tftp = true;
    } else if (key == "tftp-root") {
      facts.tftp_root = unquoted(value);
    } else if (key == "interface") {
      facts.interfaces.emplace_back(value);
    } else if (key == "listen-address") {
      if (const auto address = parse_ipv4(value)) facts.listen_addresses.push_back(*address);
    } else if (key == "dhcp-hostsfile") {
      facts.hosts_files.push_back(unquoted(value));
    } else if (key == "dhcp-range") {
      if (const auto range = range_of(value)) facts.ranges.push_back(*range);
    }
  }
  return facts;
}

}  // namespace metalwright::reconciler
