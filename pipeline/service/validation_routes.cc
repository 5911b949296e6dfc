#include <fmt/format.h>

#include <string>
#include <vector>

#include "pipeline/lives.h"
#include "pipeline/service/json_reply.h"
#include "pipeline/service/validation.h"
#include "reconciler/lifecycle/happening.h"

/// The scripts that validate a server's hardware say how it went. What follows is the lifecycle's
/// business: here it is written down, durably, before it is answered.
namespace metalwright::service {
namespace {

constexpr std::chrono::hours kSameWithin{24};  // the same words once more are a repeat

void refuse(Reply& reply, int status, std::string_view why) {
  reply_json(reply, Json{{"error", why}}, status);
}

/// The device's name in NetBox. Error: `invalid` where there is none; others where NetBox does not
/// say.
Result<std::string> name_in_netbox(const HostConfig& config, std::int64_t id) {
  auto netbox = pipeline::lifecycle_netbox(config);
  if (!netbox) return tl::unexpected(netbox.error());
  lifecycle::Registry registry(*netbox, {});
  const Result<lifecycle::Device> device = registry.device(id, {});
  if (!device) return tl::unexpected(device.error());
  return device->name;
}

/// True: it is written down, or nothing follows from it. False: with the reply made.
bool keep(Service& service, const Request& request, const Validation& validation,
          const std::string& name, Reply& reply) {
  if (validation.passed) {
    if (auto kept = keep_validation(service, validation, name, request.client); !kept) {
      service.say("a validation cannot be kept: " + kept.error().text());
      refuse(reply, 500, "the state does not answer");
      return false;
    }
  }
  service.audit(request, "validation", name.empty() ? validation.device_text : name,
                !validation.passed   ? "without a result"
                : *validation.passed ? "passed"
                                     : "failed");
  return true;
}

bool has_netbox(Service& service, Reply& reply) {
  if (service.config().lifecycle_target() != nullptr) return true;
  refuse(reply, 503, "no NetBox holds the servers' states");
  return false;
}

void event(Service& service, Request& request, Reply& reply) {
  const std::optional<Validation> validation = read_validation_event(request.body());
  // The published script's body is empty: it takes this answer and goes on.
  if (!validation || validation->device_text.empty()) {
    return refuse(reply, 400, "device_id required");
  }
  if (validation->device == 0) return refuse(reply, 400, "device_id is not a number");
  if (!has_netbox(service, reply)) return;
  std::string name = validation->device_name;
  if (name.empty()) {
    name = name_in_netbox(service.config(), validation->device).value_or(validation->device_text);
  }
  if (!keep(service, request, *validation, validation->device_name, reply)) return;
  reply_json(reply, Json{{"status", "accepted"}, {"device", name}, {"event", validation->event}});
}

void report(Service& service, Request& request, Reply& reply) {
  const std::optional<Validation> validation = read_validation_report(request.body());
  if (!validation) return refuse(reply, 400, "No JSON data provided");
  if (validation->device_text.empty()) return refuse(reply, 400, "device_id is required");
  const auto not_found = [&] {
    refuse(reply, 404, "Device not found: " + validation->device_text);
  };
  if (validation->device == 0) return not_found();
  if (!has_netbox(service, reply)) return;
  const Result<std::string> name = name_in_netbox(service.config(), validation->device);
  if (!name && name.error().kind == ErrorKind::invalid) return not_found();
  // Where NetBox does not answer it waits in the state, and the name is told another time.
  const std::string known = name.value_or(validation->device_name);
  if (!keep(service, request, *validation, known, reply)) return;
  reply_json(reply, Json{{"status", "success"},
                         {"device_id", validation->device_text},
                         {"device_name", known.empty() ? validation->device_text : known},
                         {"message", "Validation data processed"}});
}

}  // namespace

Result<void> keep_validation(Service& service, const Validation& validation,
                             const std::string& name, const std::string& cause) {
  lifecycle::EventFacts facts;
  facts.device = validation.device;
  facts.evidence = validation.evidence;
  store::LifecycleEvent event;
  event.at = service_time();
  event.event = word(*validation.passed ? lifecycle::Event::validation_passed
                                        : lifecycle::Event::validation_failed);
  event.subject =
      is_plain_text(name) && !name.empty() ? name : fmt::format("device {}", validation.device);
  event.facts = lifecycle::facts_text(facts);
  event.cause = "validation from " + cause;
  const auto added = service.store().lifecycle().add(event, event.at - kSameWithin);
  if (!added) return tl::unexpected(added.error());
  service.wake_lives();
  return {};
}

void add_validation_routes(std::vector<Route>& routes) {
  const RouteClass node = RouteClass::node;
  routes.push_back({Method::post, "/api/event", node, event,
                    "A validation of hardware says how it went", Role::none, true});
  routes.push_back({Method::post, "/api/v1/validation/report", node, report,
                    "A validation of hardware says what it found", Role::none, true});
}

}  // namespace metalwright::service
