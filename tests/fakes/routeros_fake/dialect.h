#pragma once

#include <optional>

#include "tests/fakes/routeros_fake/rest_api.h"

namespace metalwright::fakes {

/// Ways in which a router, or what stands in front of it, may say the same things otherwise.
struct Dialect {
  bool json_types = false;  ///< numbers and truths as such, not as texts
  bool extras = false;  ///< every property there is, and some that nobody knows, nested ones too
  bool bare_writes = false;     ///< PUT answers `{"ret":"*5"}`, PATCH `[]`, DELETE 200
  bool silent_writes = false;   ///< writes answer with an empty body
  bool message_only = false;    ///< what is wrong stands in `message`
  bool low_ids = false;         ///< `*1a`
  bool no_bang = false;         ///< `!name` is an unknown parameter; there is `unset`
  bool strict = false;          ///< refuses to be asked for properties that the menu does not have
  bool hides_defaults = false;  ///< `lease-time=10m`, `disabled=false` and such are not shown
  bool hangs_up = false;        ///< closes the connection behind each answer, and does not say so
  bool jealous = false;         ///< a dynamic lease holds its MAC and address against a new row

  [[nodiscard]] bool plain() const;
  /// The request as the router takes it; or an answer right away.
  [[nodiscard]] std::optional<RestReply> hear(const Device& device, RestRequest& request) const;
  /// The reply as it is given.
  void say(const RestRequest& request, RestReply& reply) const;
};

}  // namespace metalwright::fakes
