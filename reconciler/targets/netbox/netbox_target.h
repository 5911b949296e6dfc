#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "reconciler/http_client.h"
#include "reconciler/target.h"

/// A NetBox. Kinds and names of its objects: schemas/netbox.h.
///
/// What is ours has the tag `metalwright` and says in a custom field where in the repository it
/// stands. Vocabulary (sites, racks, makers, roles, tags, VLANs, prefixes, …) that people made is
/// used as it is and stays theirs, always; of everything else, what somebody else made is taken
/// over only where it is as the repository says, or where the configuration says `adopt: true`.
namespace metalwright::reconciler {

/// A device's state as NetBox tells it; the second is empty where there is no such custom field.
struct NetboxDeviceState {
  std::string device, status, lifecycle_field;
};

struct NetboxTargetSettings {
  std::string name;
  HttpOptions http;         ///< without the token
  std::string memory_file;  ///< absolute path; what the last look found
  bool may_write = false;   ///< the memory's file
  bool adopt = false;       ///< what stands on devices that are taken over is so as well
  std::chrono::seconds compare_all{3600};  ///< after so long a cheap look is a full one
  /// Resolved when it is needed, so that a secret that is missing stops this target alone.
  std::function<Result<std::string>()> token;
  std::function<void(const HttpTry&)> on_try;  ///< may be empty
  /// Is told in `flush` what the looks since found; may be empty.
  std::function<void(const std::vector<NetboxDeviceState>&)> on_states;
};

class NetboxTarget : public Target {
 public:
  explicit NetboxTarget(NetboxTargetSettings settings);
  ~NetboxTarget() override;

  [[nodiscard]] const std::string& name() const override;
  /// Errors: the HTTP client's; `refused` [netbox-permission]; `invalid` [netbox-version].
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  /// Objects that were changed since the look are left alone (`conflict`). An object that other
  /// people's objects need is handed over to them instead of being deleted, where it is vocabulary.
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  /// Address and certificate, token, version, and what the token may do with each kind of object.
  [[nodiscard]] std::vector<Check> check() override;
  [[nodiscard]] Result<void> flush() override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::reconciler
