#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/compiler.h"
#include "pipeline/service/node_files.h"
#include "reconciler/store/boot_api.h"
#include "schemas/error.h"
#include "schemas/host_config.h"
#include "schemas/mac_address.h"
#include "schemas/model.h"

namespace metalwright::service {

/// Something that the API made, told apart from what the repository has.
struct ApiBoots {
  std::vector<store::ApiProfile> profiles;        ///< by name
  std::vector<store::ApiAssignment> assignments;  ///< by MAC address
};

/// Which server has a MAC address, and on which of its interfaces.
struct MacOwner {
  const ServerEntry* entry = nullptr;
  const Interface* interface = nullptr;
};

/// A boot script's part that belongs to a machine, and why it is that.
struct MachineBoot {
  std::string subject;     ///< the server's name, or the MAC address of an assignment of the API
  std::string name;        ///< how people call it
  std::string profile;     ///< empty: it boots its local disk
  std::string assignment;  ///< what is handed out once: another one may be installed again
  bool install = false;
  std::string reason;  ///< where that stands, such as `inventory.yaml:3`
  std::string script;  ///< an iPXE script, as the boot tree has it
};

/// What the service answers from: one revision with what the API made beside it, and an index by
/// MAC address. Never changed once made, so any number of threads read it without a lock, and an
/// answer costs the same however many servers there are.
class BootView {
 public:
  [[nodiscard]] static std::shared_ptr<const BootView> make(
      std::shared_ptr<const pipeline::Compiled> compiled, const HostConfig& config, ApiBoots api);
  ~BootView();

  [[nodiscard]] const std::string& revision() const;
  /// The repository's, with the profiles of the API that it has no profile of that name for.
  [[nodiscard]] const Model& model() const;
  [[nodiscard]] const std::shared_ptr<const pipeline::Compiled>& compiled() const;
  [[nodiscard]] const ApiBoots& api() const;
  /// True for a profile that the API made and the repository does not have.
  [[nodiscard]] bool from_api(std::string_view profile) const;
  [[nodiscard]] const store::ApiAssignment* assignment(MacAddress mac) const;

  /// The server with this MAC address; null entries where there is none.
  [[nodiscard]] MacOwner owner(MacAddress mac) const;
  /// What the machine boots; empty for one that neither the repository nor the API knows.
  [[nodiscard]] std::optional<Result<MachineBoot>> boot(MacAddress mac) const;
  /// The menu of a machine that nobody knows.
  [[nodiscard]] Result<std::string> menu() const;
  /// A profile's own script, for any machine. Empty: there is no such profile, or it has no kernel.
  [[nodiscard]] std::optional<Result<std::string>> profile_script(std::string_view name) const;
  /// The file beneath the assets folder that `/boot/assets/FOLDER/FILE` means: a profile's kernel
  /// or initrd, else the same path.
  [[nodiscard]] std::string asset(std::string_view folder, std::string_view file) const;
  /// Where on this host the boot loader lies that `/boot/PATH` means, which is its path in a target's
  /// tree (`efi64/grubx64.efi`); empty where no tree has it.
  [[nodiscard]] std::string loader(std::string_view path) const;
  /// The machine's filled-in template; empty where it does not boot the profile or has none.
  [[nodiscard]] std::optional<Result<std::string>> config(std::string_view profile,
                                                          MacAddress mac) const;
  /// The files that a server is to have.
  [[nodiscard]] Result<Bundle> bundle(const ServerEntry& entry) const;

 private:
  BootView();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::service
