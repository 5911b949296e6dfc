#include "reconciler/lifecycle/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/netbox/netbox_answer.h"
#include "reconciler/netbox/netbox_api.h"
#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::choice_of;
using reconciler::HttpMethod;
using reconciler::HttpRequest;
using reconciler::HttpResponse;
using reconciler::id_of;
using reconciler::object_of;
using reconciler::text_of;
using reconciler::url_escape;

constexpr std::string_view kField = netbox::kLifecycleField;
constexpr int kNotFound = 404;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

bool same_in_any_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

void read_state(const json& object, StateSetup setup, Device& device) {
  device.status = choice_of(object, "status");
  device.state_word =
      setup == StateSetup::field
          ? state_word(device.status, choice_of(object_of(object, "custom_fields"), kField))
          : device.status;
  device.state = parse_state(device.state_word);
}

Device read_device(const json& object, StateSetup setup) {
  Device device;
  device.id = id_of(object, "id").value_or(0);
  device.name = text_of(object, "name");
  device.site = text_of(object_of(object, "site"), "name");
  device.last_updated = text_of(object, "last_updated");
  device.oob_ip = id_of(object, "oob_ip");
  read_state(object, setup, device);
  return device;
}

bool has_mac(const json& interface, const std::string& wanted) {
  if (upper(text_of(interface, "mac_address")) == wanted) return true;
  // From 4.2 on an interface may have several, of which one is its primary.
  const auto all = interface.find("mac_addresses");
  if (all == interface.end() || !all->is_array()) return false;
  return std::any_of(all->begin(), all->end(), [&](const json& each) {
    return upper(text_of(each, "mac_address")) == wanted;
  });
}
}  // namespace

std::string_view status_of(State state) {
  switch (state) {
    case State::discovered:
      return "offline";
    case State::ready:
      return "staged";
    default:
      return word(state);
  }
}

std::string state_word(std::string_view status, std::string_view field) {
  const bool counts = !field.empty() && status_of(parse_state(field)) == status;
  return std::string(counts ? field : status);
}

std::string_view word(JournalKind kind) {
  switch (kind) {
    case JournalKind::info:
      return "info";
    case JournalKind::success:
      return "success";
    case JournalKind::warning:
      return "warning";
    case JournalKind::danger:
      return "danger";
  }
  return {};
}

Result<std::vector<Controller>> Registry::controllers(const MacAddress& mac, std::stop_token stop) {
  std::vector<Controller> found;
  const std::string wanted = upper(mac.text());
  const auto look = [&](const json& object) {
    if (!has_mac(object, wanted)) return;  // an old NetBox ignores filters that it does not know
    Controller controller;
    controller.interface = id_of(object, "id").value_or(0);
    controller.interface_name = text_of(object, "name");
    controller.device = id_of(object, "device").value_or(0);
    controller.device_name = text_of(object_of(object, "device"), "name");
    const auto only = object.find("mgmt_only");
    controller.management = (only != object.end() && only->is_boolean() && only->get<bool>()) ||
                            std::any_of(options_.interfaces.begin(), options_.interfaces.end(),
                                        [&](const std::string& name) {
                                          return same_in_any_case(name, controller.interface_name);
                                        });
    found.push_back(std::move(controller));
  };
  if (Result<void> listed =
          netbox_.each("/api/dcim/interfaces/", "mac_address=" + url_escape(wanted), look, stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "looking for a controller"));
  }
  return found;
}

Result<std::vector<Device>> Registry::named(std::string_view name, std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  std::vector<Device> found;
  if (Result<void> listed = netbox_.each(
          "/api/dcim/devices/", fmt::format("name__ie={}&exclude=config_context", url_escape(name)),
          [&](const json& object) {
            Device device = read_device(object, *how);
            if (same_in_any_case(device.name, name)) found.push_back(std::move(device));
          },
          stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "looking for a server"));
  }
  return found;
}

Result<Device> Registry::device(std::int64_t id, std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  const Result<HttpResponse> answer =
      netbox_.ask({.path = fmt::format("/api/dcim/devices/{}/", id)}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->good()) {
    Error error = with_context(reconciler::netbox_error(*answer), "reading a server");
    if (answer->status == kNotFound) error.kind = ErrorKind::invalid;
    return tl::unexpected(std::move(error));
  }
  const json object = json::parse(answer->body, nullptr, false);
  if (id_of(object, "id") != id) return tl::unexpected(reconciler::netbox_not_json(*answer));
  Device device = read_device(object, *how);
  device.etag = answer->header("etag");
  return device;
}

Result<std::vector<Device>> Registry::devices(std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  std::vector<Device> found;
  if (Result<void> listed = netbox_.each(
          "/api/dcim/devices/",
          "exclude=config_context&fields=id,name,site,status,custom_fields,last_updated,oob_ip",
          [&](const json& object) {
            Device device = read_device(object, *how);
            if (!device.name.empty()) found.push_back(std::move(device));
          },
          stop);
      !listed) {
    return tl::unexpected(with_context(listed.error(), "reading the servers' states"));
  }
  std::sort(found.begin(), found.end(),
            [](const Device& a, const Device& b) { return a.id < b.id; });
  return found;
}

Result<void> Registry::change_state(const Device& seen, State state, std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  if (*how == StateSetup::none && status_of(state) != word(state)) {
    return tl::unexpected<Error>(missing_states());
  }
  const bool field = *how == StateSetup::field;
  json body{{"status", field ? status_of(state) : word(state)}};
  if (field) body["custom_fields"] = {{kField, word(state)}};
  HttpRequest request{.method = HttpMethod::patch,
                      .path = fmt::format("/api/dcim/devices/{}/", seen.id),
                      .body = body.dump()};
  // Not blindly again: after a time-out it may be done, and a repetition would find another ETag.
  request.repeat = reconciler::HttpRepeat::refused;
  if (!seen.etag.empty()) request.headers.push_back("If-Match: " + seen.etag);
  const Result<json> changed = netbox_.send(request, stop);
  if (!changed) {
    return tl::unexpected(with_context(changed.error(), "changing a server's state"));
  }
  Device now = read_device(*changed, *how);
  if (now.state == state) return {};
  // Members that it does not know NetBox ignores in silence.
  return invalid("netbox-refused",
                 fmt::format("a server's state was to become {}, and NetBox still says {}",
                             word(state), metalwright::quoted(now.state_word)));
}

Result<void> Registry::journal(std::int64_t device, JournalKind kind, std::string_view text,
                               std::string_view key, bool look_first, std::stop_token stop) {
  const std::string mark = fmt::format("(event {})", key);
  if (look_first) {
    bool there = false;
    const auto look = [&](const json& object) {
      there |= id_of(object, "assigned_object_id") == device &&
               text_of(object, "comments").find(mark) != std::string::npos;
    };
    if (Result<void> listed =
            netbox_.each("/api/extras/journal-entries/",
                         fmt::format("assigned_object_type=dcim.device&assigned_object_id={}&q={}",
                                     device, url_escape(key)),
                         look, stop);
        !listed) {
      return tl::unexpected(with_context(listed.error(), "looking for a journal entry"));
    }
    if (there) return {};
  }
  const Result<json> made = netbox_.write(HttpMethod::post, "/api/extras/journal-entries/",
                                          {{"assigned_object_type", "dcim.device"},
                                           {"assigned_object_id", device},
                                           {"kind", word(kind)},
                                           {"comments", fmt::format("{} {}", text, mark)}},
                                          stop);
  if (!made) return tl::unexpected(with_context(made.error(), "writing a journal entry"));
  return {};
}

}  // namespace metalwright::lifecycle
