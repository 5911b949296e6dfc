#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/service/json_reply.h"

/// What the routes of boot profiles and assignments share: their errors' shape, how members are
/// read, and profiles as they are shown. Only for source files.
namespace metalwright::service {

struct Violation {
  std::string field, message;
};

/// `{"title":"Constraint Violation","status":400,"violations":[…]}`.
void reply_violations(Reply& reply, const std::vector<Violation>& violations);
/// 400 `VALIDATION_ERROR`, for what is wrong in the path, the query or the body as a whole.
void reply_validation(Reply& reply, std::string_view message);

/// Reads one member by its camelCase or snake_case name. Notes what is no text or too long.
[[nodiscard]] std::string read_member(const Json& body, std::string_view name,
                                      std::string_view snake, std::size_t most,
                                      std::vector<Violation>& violations);

/// The view; null with the reply made where there is none yet.
[[nodiscard]] std::shared_ptr<const BootView> view_of(Service& service, Reply& reply);

/// A profile of the API, by name or id; null where there is none.
[[nodiscard]] const store::ApiProfile* api_profile(const BootView& view, std::string_view key);
/// A profile of the repository, by name or id; null where there is none.
[[nodiscard]] const Profile* git_profile(const BootView& view, std::string_view key);

[[nodiscard]] Json shown(const store::ApiProfile& profile, bool in_force);
[[nodiscard]] Json shown(const BootView& view, const Profile& profile);
/// The profile of that name or id as it is shown; null where there is none.
[[nodiscard]] Json profile_by(const BootView& view, std::string_view key);

}  // namespace metalwright::service
