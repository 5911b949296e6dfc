#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/lifecycle/registry.h"
#include "reconciler/netbox/netbox_answer.h"
#include "reconciler/netbox/netbox_api.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpMethod;
using reconciler::id_of;
using reconciler::NetboxApi;
using reconciler::object_of;
using reconciler::text_of;
using reconciler::url_escape;

constexpr std::string_view kLeased = "Leased by DHCP to a management controller";
}  // namespace

Result<std::vector<Bound>> Registry::addresses(std::int64_t interface, std::stop_token stop) {
  std::vector<Bound> found;
  const auto look = [&](const json& object) {
    const auto address = parse_ipv4_interface(text_of(object, "address"));
    if (!address || id_of(object, "assigned_object_id") != interface ||
        text_of(object, "assigned_object_type") != "dcim.interface") {
      return;
    }
    found.push_back(
        {id_of(object, "id").value_or(0), *address, text_of(object, "description") == kLeased});
  };
  if (Result<void> listed = netbox_.each("/api/ipam/ip-addresses/",
                                         fmt::format("interface_id={}", interface), look, stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "reading a controller's addresses"));
  }
  std::sort(found.begin(), found.end(), [](const Bound& a, const Bound& b) { return a.id < b.id; });
  return found;
}

namespace {
/// An address as NetBox has it, wherever it is bound.
struct Record {
  std::int64_t id = 0;
  Ipv4Interface address;
  std::string type;  ///< of what it is bound to; empty: nothing
  std::optional<std::int64_t> object;
  std::int64_t device = 0;  ///< of the interface that it is bound to
  std::string device_name;
  bool leased = false;
};

Result<std::optional<Record>> find_address(NetboxApi& netbox, Ipv4Address ip,
                                           std::int64_t interface, std::stop_token stop) {
  std::vector<Record> found;
  const auto look = [&](const json& object) {
    const auto address = parse_ipv4_interface(text_of(object, "address"));
    const auto vrf = object.find("vrf");
    if (!address || address->address != ip || (vrf != object.end() && !vrf->is_null())) return;
    const json& device = object_of(object_of(object, "assigned_object"), "device");
    Record record{.id = id_of(object, "id").value_or(0), .address = *address};
    record.type = text_of(object, "assigned_object_type");
    record.object = id_of(object, "assigned_object_id");
    record.device = id_of(device, "id").value_or(0);
    record.device_name = text_of(device, "name");
    record.leased = text_of(object, "description") == kLeased;
    found.push_back(std::move(record));
  };
  if (Result<void> listed =
          netbox.each("/api/ipam/ip-addresses/", "address=" + url_escape(ip.text()), look, stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "looking for an address"));
  }
  if (found.empty()) return std::optional<Record>();
  // With duplicates allowed there may be several: ours first, then a free one.
  const auto rank = [&](const Record& record) {
    if (record.object == interface && record.type == "dcim.interface") return 0;
    if (!record.object) return 1;
    return record.leased ? 2 : 3;
  };
  return *std::min_element(found.begin(), found.end(),
                           [&](const Record& a, const Record& b) { return rank(a) < rank(b); });
}

/// The longest prefix around the address that NetBox has, of the global table.
Result<std::uint8_t> prefix_length(NetboxApi& netbox, Ipv4Address ip, std::uint8_t fallback,
                                   std::stop_token stop) {
  int longest = -1;
  const auto look = [&](const json& object) {
    const auto prefix = parse_ipv4_prefix(text_of(object, "prefix"));
    const auto vrf = object.find("vrf");
    if (!prefix || !prefix->contains(ip) || (vrf != object.end() && !vrf->is_null())) return;
    longest = std::max(longest, static_cast<int>(prefix->length));
  };
  if (Result<void> listed =
          netbox.each("/api/ipam/prefixes/", "contains=" + url_escape(ip.text()), look, stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "looking for an address's prefix"));
  }
  return longest > 0 ? static_cast<std::uint8_t>(longest) : fallback;
}

json binding(std::int64_t interface) {
  return {{"assigned_object_type", "dcim.interface"}, {"assigned_object_id", interface}};
}

tl::unexpected<Error> elsewhere(const Record& record) {
  return fail(ErrorKind::conflict, "address-elsewhere",
              fmt::format("{} belongs to {} in NetBox", record.address.text(),
                          record.device_name.empty() ? record.type : record.device_name));
}

/// A device that names an address as its out-of-band one lets go of it, or it could not be moved
/// (and where it could, before 4.5, the device would go on naming it). One that people made its
/// primary address stays.
Result<void> let_go(NetboxApi& netbox, const Record& record, const std::stop_token& stop) {
  const std::string path = fmt::format("/api/dcim/devices/{}/", record.device);
  const Result<json> device = netbox.get(path, stop);
  if (!device) return tl::unexpected(with_context(device.error(), "reading a server"));
  if (id_of(*device, "primary_ip4") == record.id) return elsewhere(record);
  if (id_of(*device, "oob_ip") != record.id) return {};
  const Result<json> freed = netbox.write(HttpMethod::patch, path, {{"oob_ip", nullptr}}, stop);
  if (freed) return {};
  return tl::unexpected(with_context(freed.error(), "taking a server's out-of-band address away"));
}
}  // namespace

Result<Ipv4Interface> Registry::bind(const Device& device, const Controller& controller,
                                     Ipv4Address ip, std::stop_token stop) {
  using Failed = tl::unexpected<Error>;
  const std::int64_t interface = controller.interface;
  const Result<std::vector<Bound>> before = addresses(interface, stop);
  if (!before) return Failed(before.error());
  Result<std::optional<Record>> there = find_address(netbox_, ip, interface, stop);
  if (!there) return Failed(there.error());
  std::int64_t id = 0;
  Ipv4Interface bound{ip, {}};
  if (!*there) {
    const Result<std::uint8_t> length = prefix_length(netbox_, ip, options_.prefix_length, stop);
    if (!length) return Failed(length.error());
    bound.length = *length;
    json body = binding(interface);
    body["address"] = bound.text();
    body["status"] = "dhcp";
    body["description"] = kLeased;
    const Result<json> made =
        netbox_.write(HttpMethod::post, "/api/ipam/ip-addresses/", body, stop);
    if (!made) return Failed(with_context(made.error(), "recording the address " + bound.text()));
    id = id_of(*made, "id").value_or(0);
  } else {
    const Record& record = **there;
    id = record.id;
    bound = record.address;
    const bool ours = record.type == "dcim.interface" && record.object == interface;
    if (!ours && record.object && !record.leased) return elsewhere(record);
    if (!ours && record.type == "dcim.interface" && record.device != device.id) {
      if (Result<void> freed = let_go(netbox_, record, stop); !freed) return Failed(freed.error());
    }
    if (!ours) {
      const Result<json> moved =
          netbox_.write(HttpMethod::patch, fmt::format("/api/ipam/ip-addresses/{}/", id),
                        binding(interface), stop);
      if (!moved) {
        return Failed(with_context(moved.error(), "assigning the address " + bound.text()));
      }
    }
  }
  const auto goes = [&](const Bound& each) { return each.leased && each.address.address != ip; };
  const bool oob_goes = std::any_of(before->begin(), before->end(), [&](const Bound& each) {
    return goes(each) && each.id == device.oob_ip;
  });
  if (!device.oob_ip || oob_goes) {
    const Result<json> set = netbox_.write(
        HttpMethod::patch, fmt::format("/api/dcim/devices/{}/", device.id), {{"oob_ip", id}}, stop);
    if (!set) return Failed(with_context(set.error(), "setting a server's out-of-band address"));
  }
  for (const Bound& each : *before) {
    if (!goes(each)) continue;
    const Result<json> removed = netbox_.send(
        {.method = HttpMethod::del, .path = fmt::format("/api/ipam/ip-addresses/{}/", each.id)},
        stop);
    if (!removed && removed.error().check != "netbox-gone") {
      return Failed(with_context(removed.error(), "removing an address that was leased before"));
    }
  }
  return bound;
}

}  // namespace metalwright::lifecycle
