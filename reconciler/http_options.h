#pragma once

#include <string>

#include "reconciler/http_client.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// What a client can be told. Only for the client's own sources.
namespace metalwright::reconciler {

/// Error: `invalid` [http-options]; see `make_http_client`.
[[nodiscard]] Result<void> check_http_options(const HttpOptions& options);

/// The fingerprint that a pin is, without its colons; empty where it is none.
[[nodiscard]] Digest pinned_fingerprint(std::string pin);

}  // namespace metalwright::reconciler
