#include "reconciler/targets/netbox/netbox_kinds.h"

#include <array>

namespace metalwright::reconciler {
namespace {

using enum NetboxValue;

constexpr std::array kNameFields{NetboxField{.name = "name", .key = "name", .needed = true}};
constexpr std::array kTagFields{NetboxField{.name = "name", .key = "name", .needed = true},
                                NetboxField{.name = "description", .key = "description"}};
constexpr std::array kCustomFieldFields{
    NetboxField{.name = "type", .key = "type", .value = choice, .needed = true},
    NetboxField{.name = "description", .key = "description"}};
constexpr std::array kLocationFields{
    NetboxField{.name = "name", .key = "name", .needed = true},
    NetboxField{
        .name = "site", .key = "site", .value = reference, .kind = netbox::kSite, .needed = true}};
constexpr std::array kRackFields{
    NetboxField{.name = "name", .key = "name", .needed = true},
    NetboxField{
        .name = "site", .key = "site", .value = reference, .kind = netbox::kSite, .needed = true},
    NetboxField{
        .name = "location", .key = "location", .value = reference, .kind = netbox::kLocation}};
constexpr std::array kDeviceTypeFields{NetboxField{.name = "model", .key = "model", .needed = true},
                                       NetboxField{.name = "manufacturer",
                                                   .key = "manufacturer",
                                                   .value = reference,
                                                   .kind = netbox::kManufacturer,
                                                   .needed = true}};
constexpr std::array<NetboxField, 0> kClusterFields{};
constexpr std::array kPrefixFields{
    NetboxField{.name = "vlan", .key = "vlan", .value = reference, .kind = netbox::kVlan}};
constexpr std::array kDeviceFields{
    NetboxField{
        .name = "site", .key = "site", .value = reference, .kind = netbox::kSite, .needed = true},
    NetboxField{
        .name = "location", .key = "location", .value = reference, .kind = netbox::kLocation},
    NetboxField{.name = "rack", .key = "rack", .value = reference, .kind = netbox::kRack},
    NetboxField{.name = "position", .key = "position", .value = number},
    NetboxField{.name = "face", .key = "face", .value = choice},
    NetboxField{.name = "device-type",
                .key = "device_type",
                .value = reference,
                .kind = netbox::kDeviceType,
                .needed = true},
    NetboxField{
        .name = "role", .key = "role", .value = reference, .kind = netbox::kRole, .needed = true},
    NetboxField{
        .name = "platform", .key = "platform", .value = reference, .kind = netbox::kPlatform},
    NetboxField{.name = "tenant", .key = "tenant", .value = reference, .kind = netbox::kTenant},
    NetboxField{.name = "cluster", .key = "cluster", .value = reference, .kind = netbox::kCluster},
    NetboxField{.name = "serial", .key = "serial"},
    NetboxField{.name = "asset-tag", .key = "asset_tag"},
    NetboxField{.name = "primary-ip4",
                .key = "primary_ip4",
                .value = reference,
                .kind = netbox::kIpAddress,
                .late = true},
    NetboxField{.name = "primary-ip6",
                .key = "primary_ip6",
                .value = reference,
                .kind = netbox::kIpAddress,
                .late = true},
    NetboxField{.name = "oob-ip",
                .key = "oob_ip",
                .value = reference,
                .kind = netbox::kIpAddress,
                .late = true}};
constexpr std::array kInterfaceFields{
    NetboxField{.name = "type", .key = "type", .value = choice, .needed = true},
    NetboxField{.name = "mgmt-only", .key = "mgmt_only", .value = boolean},
    NetboxField{.name = "mtu", .key = "mtu", .value = number},
    NetboxField{
        .name = "lag", .key = "lag", .value = reference, .kind = netbox::kInterface, .late = true},
    NetboxField{.name = "parent",
                .key = "parent",
                .value = reference,
                .kind = netbox::kInterface,
                .late = true},
    NetboxField{.name = "bridge",
                .key = "bridge",
                .value = reference,
                .kind = netbox::kInterface,
                .late = true},
    // Of its own kind; `key` is right for versions before 4.2.
    NetboxField{.name = "mac", .key = "mac_address", .late = true}};
constexpr std::array kIpAddressFields{
    NetboxField{.name = "address", .key = "address", .needed = true},
    NetboxField{.name = "interface",
                .key = "assigned_object",
                .value = reference,
                .kind = netbox::kInterface},
    NetboxField{.name = "dns-name", .key = "dns_name"}};

constexpr std::array kKinds{
    NetboxKind{.kind = netbox::kTag,
               .path = "/api/extras/tags/",
               .filter = "slug",
               .read = "id,name,slug,description,last_updated",
               .fields = kTagFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kCustomField,
               .path = "/api/extras/custom-fields/",
               .filter = "name",
               .read = "id,name,type,object_types,description,last_updated",
               .fields = kCustomFieldFields},
    NetboxKind{.kind = netbox::kSite,
               .path = "/api/dcim/sites/",
               .object_type = "dcim.site",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kLocation,
               .path = "/api/dcim/locations/",
               .object_type = "dcim.location",
               .filter = "slug",
               .read = "id,name,slug,site,tags,custom_fields,last_updated",
               .fields = kLocationFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kRack,
               .path = "/api/dcim/racks/",
               .object_type = "dcim.rack",
               .filter = "name",
               .read = "id,name,site,location,tags,custom_fields,last_updated",
               .fields = kRackFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kManufacturer,
               .path = "/api/dcim/manufacturers/",
               .object_type = "dcim.manufacturer",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kDeviceType,
               .path = "/api/dcim/device-types/",
               .object_type = "dcim.devicetype",
               .filter = "slug",
               .read = "id,model,slug,manufacturer,tags,custom_fields,last_updated",
               .fields = kDeviceTypeFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kRole,
               .path = "/api/dcim/device-roles/",
               .object_type = "dcim.devicerole",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kPlatform,
               .path = "/api/dcim/platforms/",
               .object_type = "dcim.platform",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kTenant,
               .path = "/api/tenancy/tenants/",
               .object_type = "tenancy.tenant",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kClusterType,
               .path = "/api/virtualization/cluster-types/",
               .object_type = "virtualization.clustertype",
               .filter = "slug",
               .read = "id,name,slug,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true,
               .whole = true},
    NetboxKind{.kind = netbox::kCluster,
               .path = "/api/virtualization/clusters/",
               .object_type = "virtualization.cluster",
               .filter = "name",
               .read = "id,name,tags,custom_fields,last_updated",
               .fields = kClusterFields},
    NetboxKind{.kind = netbox::kVlan,
               .path = "/api/ipam/vlans/",
               .object_type = "ipam.vlan",
               .filter = "vid",
               .read = "id,vid,name,group,tags,custom_fields,last_updated",
               .fields = kNameFields,
               .shared = true},
    NetboxKind{.kind = netbox::kPrefix,
               .path = "/api/ipam/prefixes/",
               .object_type = "ipam.prefix",
               .filter = "prefix",
               .read = "id,prefix,vrf,vlan,tags,custom_fields,last_updated",
               .fields = kPrefixFields,
               .shared = true},
    NetboxKind{.kind = netbox::kDevice,
               .path = "/api/dcim/devices/",
               .object_type = "dcim.device",
               .filter = "name",
               .read = "id,name,status,site,location,rack,position,face,device_type,role,platform,"
                       "tenant,cluster,serial,asset_tag,primary_ip4,primary_ip6,oob_ip,tags,"
                       "custom_fields,last_updated",
               .fields = kDeviceFields},
    NetboxKind{.kind = netbox::kInterface,
               .path = "/api/dcim/interfaces/",
               .object_type = "dcim.interface",
               .filter = "device_id",
               .read = "id,name,device,type,mgmt_only,mtu,lag,parent,bridge,mac_address,tags,"
                       "custom_fields,last_updated",
               .fields = kInterfaceFields},
    NetboxKind{.kind = netbox::kIpAddress,
               .path = "/api/ipam/ip-addresses/",
               .object_type = "ipam.ipaddress",
               .filter = "address",
               .read = "id,address,vrf,assigned_object_type,assigned_object,dns_name,tags,"
                       "custom_fields,last_updated",
               .fields = kIpAddressFields},
};

}  // namespace

std::span<const NetboxKind> netbox_kinds() { return kKinds; }

std::size_t netbox_rank(std::string_view kind) {
  std::size_t rank = 0;
  while (rank < kKinds.size() && kKinds[rank].kind != kind) ++rank;
  return rank;
}

const NetboxKind* find_netbox_kind(std::string_view kind) {
  const std::size_t rank = netbox_rank(kind);
  return rank < kKinds.size() ? &kKinds[rank] : nullptr;
}

const NetboxField* find_netbox_field(const NetboxKind& kind, std::string_view name) {
  for (const NetboxField& field : kind.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace metalwright::reconciler
