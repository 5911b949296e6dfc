#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/lifecycle/registry.h"
#include "reconciler/netbox/netbox_answer.h"
#include "reconciler/netbox/netbox_api.h"
#include "schemas/netbox.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpMethod;
using reconciler::HttpResponse;
using reconciler::object_of;
using reconciler::text_of;

constexpr std::string_view kField = netbox::kLifecycleField;
constexpr int kBadRequest = 400, kServerFault = 500;
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
  // What is to be copied begins its lines, for Python minds blanks there.
  return {
      "either add to NetBox's configuration.py (to its FIELD_CHOICES, where it has some), and "
      "restart netbox and netbox-rq:\n"
      "FIELD_CHOICES = {\n"
      "    'dcim.Device.status+': (\n"
      "        ('discovered', 'Discovered', 'teal'),\n"
      "        ('ready', 'Ready', 'green'),\n"
      "    ),\n"
      "}",
      "or, in NetBox, make a choice set (Customization > Custom Field Choices) with these lines:\n"
      "offline:Offline\n"
      "discovered:Discovered\n"
      "staged:Staged\n"
      "ready:Ready\n"
      "active:Active\n"
      "planned:Planned\n"
      "inventory:Inventory\n"
      "failed:Failed\n"
      "decommissioning:Decommissioning",
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
  const auto failed = [](Error error) {
    return tl::unexpected(with_context(std::move(error), "looking for the servers' states"));
  };
  const Result<HttpResponse> answer =
      netbox_.ask({.method = HttpMethod::options, .path = "/api/dcim/devices/"}, stop);
  if (!answer) return failed(answer.error());
  std::optional<bool> offered;
  if (answer->status >= kServerFault) return failed(reconciler::netbox_error(*answer));
  if (answer->good()) offered = offers_choices(json::parse(answer->body, nullptr, false));
  for (const char* const state : {"discovered", "ready"}) {
    // Who may not create devices is not told the choices; but a filter by one that is none is
    // wrong.
    if (offered) break;
    const Result<HttpResponse> filtered = netbox_.ask(
        {.path = fmt::format("/api/dcim/devices/?status={}&limit=1&brief=true", state)}, stop);
    if (!filtered) return failed(filtered.error());
    if (filtered->status == kBadRequest) offered = false;
    if (!filtered->good() && filtered->status != kBadRequest) {
      return failed(reconciler::netbox_error(*filtered));
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
  if (Result<void> listed =
          netbox_.each("/api/extras/custom-fields/", "name=lifecycle", look, stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "looking for the custom field 'lifecycle'"));
  }
  return found(field ? StateSetup::field : StateSetup::none);
}

}  // namespace metalwright::lifecycle
