#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// A boot profile that was made over the API. What the repository has under the same name wins.
struct ApiProfile {
  std::string name;  ///< unique
  std::string id;    ///< a UUID; never changes
  std::string type, kernel_path, initrd_path, boot_params, config_template;
  Time made;
  friend bool operator==(const ApiProfile&, const ApiProfile&) = default;
};

/// What one machine boots, as it was said over the API.
struct ApiAssignment {
  std::string mac;  ///< unique; `52:54:00:ab:cd:ef`
  std::string node_name;
  std::string profile_id;
  std::string params_override;  ///< a JSON object
  Time made;
  friend bool operator==(const ApiAssignment&, const ApiAssignment&) = default;
};

class BootApi {
 public:
  explicit BootApi(Connection& connection) : connection_(connection) {}

  /// Writes a profile under its name, or changes the one that has its id, whose name may change.
  /// Error: `conflict`, check `boot-profile-name`, where another profile has that name.
  [[nodiscard]] Result<void> write(const ApiProfile& profile);
  /// Removes the profile and the assignments that name it. False: there was none.
  [[nodiscard]] Result<bool> remove_profile(std::string_view id);
  /// By name.
  [[nodiscard]] Result<std::vector<ApiProfile>> profiles() const;

  /// True: it is a new one; false: it took the place of one with the same MAC address.
  [[nodiscard]] Result<bool> write(const ApiAssignment& assignment);
  [[nodiscard]] Result<bool> remove_assignment(std::string_view mac);
  /// By MAC address.
  [[nodiscard]] Result<std::vector<ApiAssignment>> assignments() const;

  /// Another one after each write, also of another process. Empty: nothing was ever written.
  [[nodiscard]] Result<std::string> version() const;

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
