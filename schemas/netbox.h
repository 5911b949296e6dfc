#pragma once

#include <string>
#include <string_view>

/// What the renderer and the target of NetBox both have to know: the kinds of objects, how their
/// names as resources are made, and how an object is marked as ours.
///
/// | kind           | name                      | that is, in NetBox                            |
/// |----------------|---------------------------|-----------------------------------------------|
/// | `tag`          | slug                      | also one a service and a label of a server    |
/// | `custom-field` | name                      | the field that names the repository's path    |
/// | `site` … `cluster-type` | slug             | site, manufacturer, role, platform, tenant;   |
/// |                |                           | where nothing has it, that of the title       |
/// | `location`     | `<site>/<slug>`           |                                               |
/// | `rack`         | `<site>/<name>`           | in a location `<site>/<location>/<name>`, and |
/// |                |                           | by the short name where nobody says which     |
/// | `device-type`  | `<manufacturer>/<slug>`   |                                               |
/// | `cluster`      | name                      |                                               |
/// | `vlan`         | VLAN id                   | of several ours, or the one most like ours    |
/// | `prefix`       | prefix                    | in the global table                           |
/// | `device`       | name                      |                                               |
/// | `interface`    | `<device>/<name>`         | with its MAC address, object or not           |
/// | `ip-address`   | address without length    | in the global table                           |
///
/// A field that refers to another object holds that object's name; `lag`, `parent` and `bridge` of
/// an interface hold the name of an interface of the same device.
namespace metalwright::netbox {

inline constexpr std::string_view kTag = "tag", kCustomField = "custom-field", kSite = "site",
                                  kLocation = "location", kRack = "rack",
                                  kManufacturer = "manufacturer", kDeviceType = "device-type",
                                  kRole = "role", kPlatform = "platform", kTenant = "tenant",
                                  kClusterType = "cluster-type", kCluster = "cluster",
                                  kVlan = "vlan", kPrefix = "prefix", kDevice = "device",
                                  kInterface = "interface", kIpAddress = "ip-address";

/// The tag of all that is ours, and the custom field that says where in the repository it stands.
inline constexpr std::string_view kOwnerTag = "metalwright";
inline constexpr std::string_view kOwnerField = "metalwright";
/// The field of a resource that stands for that custom field, and for a tag (`tag.<slug>`).
inline constexpr std::string_view kSourceField = "source";
inline constexpr std::string_view kTagField = "tag.";
inline constexpr std::string_view kOwnerTagField = "tag.metalwright";
/// The value of a field that can only be there or not.
inline constexpr std::string_view kSet = "set";
/// Tags and custom fields have neither tags nor custom fields: theirs stands in `description`.
inline constexpr std::string_view kOwnedDescription = "Kept by metalwright";
/// The value of a custom field's `objects` when it may be used on every kind that we write.
inline constexpr std::string_view kAllObjects = "all";

/// NetBox wants a device to have these; where the repository does not say, a device is created with
/// them, and what people make of it later is left alone.
inline constexpr std::string_view kDefaultSite = "Default", kDefaultRole = "Server",
                                  kDefaultManufacturer = "Unknown", kDefaultModel = "Unknown",
                                  kDefaultClusterType = "Bare metal";

/// NetBox's form of a name for addresses: lower-case letters, digits, `-` and `_`, at most 100; a
/// name without a single one of these becomes a digest of it. Blanks and other characters become
/// one `-`.
[[nodiscard]] std::string slug(std::string_view name);

/// Without blanks around it, as NetBox keeps every text.
[[nodiscard]] std::string trimmed(std::string_view text);

/// The custom field that holds a device's state where NetBox's statuses do not have all of them.
inline constexpr std::string_view kLifecycleField = "lifecycle";

}  // namespace metalwright::netbox
