#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "renderers/netplan_links.h"

/// Which links a server has and which stands on which, before any of them has an address: what
/// `netplan_links.cc` begins with.
namespace metalwright::renderers {

class LinkTopology {
 public:
  LinkTopology(LinkTopology&&) = default;  // a copy's links would name the masters of the first
  /// All links of a server, each name once, with `kind`, `made`, `wifi`, `interface`, `member` and
  /// `primary`, and `dhcp4` where a made one asks for it. Errors: as `links_of`.
  [[nodiscard]] static Result<LinkTopology> of(const Model& model, const ServerEntry& entry);

  [[nodiscard]] std::span<Link> links() { return links_; }
  /// The bond or bridge that a link is a member of; null where it is of none.
  [[nodiscard]] const Link* master_of(const Link& link) const;
  /// The link that has the addresses of this one: its outermost master, else itself.
  [[nodiscard]] Link& carrier_of(Link& link) const;

  /// The links, each kind in one piece and behind what its links stand on, where that can be; the
  /// last call.
  [[nodiscard]] std::vector<Link> take_sorted();

 private:
  class Builder;
  LinkTopology() = default;

  [[nodiscard]] Link* find(std::string_view name);
  [[nodiscard]] Link* master(const Link& link) const;
  [[nodiscard]] std::size_t height(const Link& link);
  [[nodiscard]] bool runs_in_a_loop(const Link& start);

  std::vector<Link> links_;
  std::vector<Link*> masters_;  // as links_, of which they are
};

}  // namespace metalwright::renderers
