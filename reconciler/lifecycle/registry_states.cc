#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/lifecycle/netbox_answers.h"
#include "reconciler/lifecycle/registry.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpMethod;
using reconciler::HttpRequest;
using reconciler::HttpResponse;

constexpr std::string_view kField = "lifecycle";
}  // namespace

std::string_view word(StateSetup setup) {
  switch (setup) {
    case StateSetup::choices:
      return "choices of the devices' status (FIELD_CHOICES)";
    case StateSetup::field:
      return "the custom field 'lifecycle' of devices";
    case StateSetup::none:
      return "neither choices of the status nor a custom field";
  }
  return {};
}

std::vector<std::string> state_setup_remedy() {
  return {
      "either add to NetBox's configuration.py, and restart netbox and netbox-rq:",
      "  FIELD_CHOICES = {",
      "      'dcim.Device.status+': (",
      "          ('discovered', 'Discovered', 'teal'),",
      "          ('ready', 'Ready', 'green'),",
      "      ),",
      "  }",
      "or, in NetBox, make a choice set (Customization > Custom Field Choices) with these lines:",
      "  offline:Offline",
      "  discovered:Discovered",
      "  staged:Staged",
      "  ready:Ready",
      "  active:Active",
      "  planned:Planned",
      "  inventory:Inventory",
      "  failed:Failed",
      "  decommissioning:Decommissioning",
      "and a custom field (Customization > Custom Fields) of it: object type DCIM > device, name "
      "lifecycle, type Selection"};
}

Error missing_states() {
  Error error = fail(ErrorKind::refused, "lifecycle-states",
                     "NetBox has no states 'discovered' and 'ready' for servers")
                    .value();
  error.context = state_setup_remedy();
  return error;
}

namespace {
/// Which of the choices of a device's status are there, by what NetBox says of writing devices;
/// empty where this user may not know.
std::optional<bool> offers_choices(const json& options) {
  const json& post = object_of(object_of(options, "actions"), "POST");
  const json& status = object_of(post, "status");
  const auto choices = status.find("choices");
  if (choices == status.end() || !choices->is_array()) return {};
  const auto has = [&](std::string_view wanted) {
    return std::any_of(choices->begin(), choices->end(),
                       [&](const json& each) { return text_of(each, "value") == wanted; });
  };
  return has("discovered") && has("ready");
}
}  // namespace

Result<StateSetup> Registry::setup(std::stop_token stop) {
  if (setup_) return *setup_;
  const auto found = [&](StateSetup setup) {
    if (setup != StateSetup::none) setup_ = setup;
    return setup;
  };
  HttpRequest options = get_request("/api/dcim/devices/");
  options.method = HttpMethod::options;
  const Result<HttpResponse> answer = http_.send(options, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::optional<bool> offered;
  if (answer->status >= 500) {
    return tl::unexpected<Error>(answer_error(*answer, "looking for the servers' states"));
  }
  if (answer->good()) offered = offers_choices(json::parse(answer->body, nullptr, false));
  for (const char* const state : {"discovered", "ready"}) {
    // Who may not create devices is not told the choices; but a filter by one that is none is
    // wrong.
    if (offered) break;
    const Result<HttpResponse> filtered = http_.send(
        get_request(fmt::format("/api/dcim/devices/?status={}&limit=1&brief=true", state)), stop);
    if (!filtered) return tl::unexpected<Error>(filtered.error());
    if (filtered->status == 400) offered = false;
    if (!filtered->good() && filtered->status != 400) {
      return tl::unexpected<Error>(answer_error(*filtered, "looking for the servers' states"));
    }
  }
  if (offered.value_or(true)) return found(StateSetup::choices);
  bool field = false;
  const auto look = [&](const json& object) {
    if (text_of(object, "name") != kField) return;
    for (const char* const member : {"object_types", "content_types"}) {  // before 4.0
      const auto types = object.find(member);
      if (types == object.end() || !types->is_array()) continue;
      field |= std::find(types->begin(), types->end(), "dcim.device") != types->end();
    }
  };
  if (Result<void> listed = each_object(http_, "/api/extras/custom-fields/?name=lifecycle&",
                                        "looking for the custom field 'lifecycle'", look, stop);
      !listed) {
    return tl::unexpected<Error>(std::move(listed).error());
  }
  return found(field ? StateSetup::field : StateSetup::none);
}

}  // namespace metalwright::lifecycle
