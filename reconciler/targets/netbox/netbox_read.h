#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "reconciler/netbox/netbox_api.h"
#include "reconciler/targets/netbox/netbox_kinds.h"
#include "schemas/error.h"

/// What NetBox tells of objects, in our words: the one place that takes its lists apart.
namespace metalwright::reconciler {

/// One object as it is in NetBox.
struct NetboxSeen {
  std::int64_t id = 0;
  std::string name;    ///< as a resource; see schemas/netbox.h
  std::string fields;  ///< encoded: all that could be managed, people's tags among them
  std::string last_updated;
  /// Of a device: its status, and behind a line end the word of the custom field `lifecycle`. Not
  /// ours to change, but who looks may as well know it.
  std::string state;
  std::int64_t device = 0;  ///< of an interface, and of an address on one; not remembered
  bool tagged = false;      ///< it has our tag (a tag and a custom field: our description)
  bool sourced = false;     ///< it says where in the repository it stands

  /// Both: a copy that somebody made of an object of ours has the tag, and not the source.
  [[nodiscard]] bool ours() const { return tagged && sourced; }
};

/// The resource's name of an object by its id, for the references that NetBox tells by less than
/// that; null where it is not known.
using NetboxNameOf = std::function<const std::string*(std::string_view kind, std::int64_t id)>;

/// Is told what an object is that has no name as a resource, for people to read.
using NetboxNameless = std::function<void(std::string what)>;

/// Reads a page of objects of one kind. The page's memory may grow. Objects that cannot be ours to
/// name are left out: a device without a name, an address or a prefix of a VRF.
/// Error: `unavailable` [netbox-failure] for what is no page of such objects.
[[nodiscard]] Result<NetboxApi::Page> read_netbox_page(
    const NetboxKind& kind, const NetboxVersion& version, std::string& body,
    const NetboxNameOf& name_of, const std::function<void(NetboxSeen&&)>& sink,
    const NetboxNameless& nameless = {});

/// The kinds of objects that our custom field is for: `dcim.site`, …, in order.
[[nodiscard]] std::vector<std::string> netbox_owned_types(const NetboxVersion& version);

}  // namespace metalwright::reconciler
