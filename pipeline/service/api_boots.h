#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "reconciler/store/boot_api.h"
#include "renderers/artifact.h"
#include "schemas/error.h"
#include "schemas/model.h"

/// What the API made, as values of the model: so that the renderers that write the boot tree write
/// its scripts too.
namespace metalwright::service {

/// The profile as one of a repository. Errors: `invalid` for what a boot script cannot hold.
[[nodiscard]] Result<Profile> profile_of_api(const store::ApiProfile& made);

/// A template of the API under our names: `{{nodeName}}` is `{{hostname}}`, `{{macAddress}}` is
/// `{{mac}}`.
[[nodiscard]] std::string template_of_api(std::string text);

/// The id under which the API shows a profile of the repository: a UUID made of its name.
[[nodiscard]] std::string profile_id(std::string_view name);

/// A profile's parameters with members of a JSON object put over them: a member replaces the
/// arguments of its name (`"ttyS0"` for `console` gives `console=ttyS0`, true and the empty text
/// the name alone), null and false take them out. Error: `invalid` for what is no such object.
[[nodiscard]] Result<std::vector<std::string>> override_params(
    const std::vector<std::string>& params, const std::string& json);

/// One machine that boots by an assignment of the API: a model of one server and one profile.
class AssignedMachine {
 public:
  explicit AssignedMachine(Model model) : model_(std::move(model)) {}
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const Profile& profile() const { return model_.profiles.front(); }
  [[nodiscard]] std::string hostname() const {
    return std::string(model_.servers.front().server->hostname.view());
  }

 private:
  Model model_;
};

[[nodiscard]] std::unique_ptr<AssignedMachine> make_assigned_machine(
    const Profile& profile, const store::ApiAssignment& assignment,
    const std::map<std::string, std::string>& templates);
[[nodiscard]] Result<std::string> assigned_script(const AssignedMachine& machine,
                                                  const std::string& service_url);
[[nodiscard]] Errors assigned_config(const AssignedMachine& machine, const std::string& service_url,
                                     const renderers::ArtifactSink& sink);

}  // namespace metalwright::service
