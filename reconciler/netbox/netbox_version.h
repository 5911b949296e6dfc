#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace metalwright::reconciler {

/// Which NetBox answers, and what is different in it. From 3.7 on.
struct NetboxVersion {
  unsigned major = 0, minor = 0, patch = 0;
  friend auto operator<=>(const NetboxVersion&, const NetboxVersion&) = default;

  /// MAC addresses are objects, and an interface names one of them.
  [[nodiscard]] bool mac_objects() const { return at_least(4, 2); }
  /// `?fields=` chooses what a list tells of each object.
  [[nodiscard]] bool chooses_fields() const { return at_least(4, 0); }
  /// Custom fields and event rules name `object_types`; before that, `content_types`.
  [[nodiscard]] bool object_types() const { return at_least(4, 0); }
  [[nodiscard]] bool at_least(unsigned want_major, unsigned want_minor) const {
    return major != want_major ? major > want_major : minor >= want_minor;
  }
  [[nodiscard]] std::string text() const;
};

/// `4.6.8`, `4.6.8-Docker-3.1.1`, `4.2-beta1`; empty for anything else.
[[nodiscard]] std::optional<NetboxVersion> parse_netbox_version(std::string_view text);

}  // namespace metalwright::reconciler
