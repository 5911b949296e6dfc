#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::pipeline {

/// Looks up what `{secret: NAME}` stands for, in this order: a file NAME in the secrets folder, a
/// systemd credential NAME (systemd.exec(5), $CREDENTIALS_DIRECTORY), the environment variable
/// METALWRIGHT_SECRET_NAME with the name in capitals and every other character as `_`. One line end
/// at the end is dropped. Errors: `unavailable`, naming the secret and where it was looked for;
/// `invalid` for a name that is no plain file name.
[[nodiscard]] Result<std::string> resolve_secret(const std::string& folder, std::string_view name);

/// The names of the secrets that the servers of a model refer to.
[[nodiscard]] std::set<std::string, std::less<>> secrets_of(const Model& model);

}  // namespace metalwright::pipeline
