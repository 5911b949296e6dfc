#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// NetBox's webhooks: a POST for each object that was made, changed or deleted. One is a hint to
/// look again and never taken as state: their order is not kept, and a lost one is not repeated.
/// Source: NetBox's documentation, integrations/webhooks, and extras/webhooks.py.
namespace metalwright::reconciler {

struct NetboxHook {
  std::string event;        ///< `created`, `updated`, `deleted`
  std::string object_type;  ///< `dcim.device`; before 4.5 also given as `model`: `device`
  std::int64_t id = 0;      ///< of the object; 0 where it is not told
  std::string user, request_id;
  /// It is of a kind that we keep: the target is to be looked at.
  bool concerns_us = false;
};

/// Reads a webhook. `signature` is the header `X-Hook-Signature`: the HMAC-SHA512 of the body as it
/// came, in hexadecimal, keyed with the secret that the webhook was made with.
/// Errors: `refused` [hook-signature] where it is not the secret's, missing, or the secret empty;
/// `invalid` [hook-body] where the body is not a webhook's. Nothing of the body is in a message
/// before its signature was found good.
[[nodiscard]] Result<NetboxHook> read_netbox_hook(std::string_view body, std::string_view signature,
                                                  std::string_view secret);

}  // namespace metalwright::reconciler
