#include "reconciler/lifecycle/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/lifecycle/netbox_answers.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpMethod;
using reconciler::HttpRequest;
using reconciler::HttpResponse;
using reconciler::url_escape;

constexpr std::string_view kField = "lifecycle";

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

/// The state and its word: of the custom field while the status is the one that goes along with it.
/// Where somebody changed the status by hand, the status is what counts.
void read_state(const json& object, StateSetup setup, Device& device) {
  device.status = choice_of(object, "status");
  device.state_word = device.status;
  if (setup == StateSetup::field) {
    const std::string field = choice_of(object_of(object, "custom_fields"), kField);
    const State state = parse_state(field);
    if (!field.empty() && status_of(state) == device.status) device.state_word = field;
  }
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
  if (Result<void> listed = each_object(
          http_, fmt::format("/api/dcim/interfaces/?mac_address={}&", url_escape(wanted)),
          "looking for a controller", look, stop);
      !listed) {
    return tl::unexpected<Error>(std::move(listed).error());
  }
  return found;
}

Result<std::vector<Device>> Registry::named(std::string_view name, std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  std::vector<Device> found;
  if (Result<void> listed = each_object(
          http_,
          fmt::format("/api/dcim/devices/?name__ie={}&exclude=config_context&", url_escape(name)),
          "looking for a server",
          [&](const json& object) {
            Device device = read_device(object, *how);
            if (same_in_any_case(device.name, name)) found.push_back(std::move(device));
          },
          stop);
      !listed) {
    return tl::unexpected<Error>(std::move(listed).error());
  }
  return found;
}

Result<Device> Registry::device(std::int64_t id, std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  const Result<HttpResponse> answer =
      http_.send(get_request(fmt::format("/api/dcim/devices/{}/", id)), stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->good()) return tl::unexpected<Error>(answer_error(*answer, "reading a server"));
  const json object = json::parse(answer->body, nullptr, false);
  if (id_of(object, "id") != id) {
    return unavailable("netbox-answer", "reading a server: the answer is none");
  }
  Device device = read_device(object, *how);
  device.etag = answer->header("etag");
  return device;
}

Result<std::vector<Device>> Registry::devices(std::stop_token stop) {
  const Result<StateSetup> how = setup(stop);
  if (!how) return tl::unexpected<Error>(how.error());
  std::vector<Device> found;
  if (Result<void> listed = each_object(
          http_,
          "/api/dcim/devices/?exclude=config_context&fields=id,name,site,status,"
          "custom_fields,last_updated,oob_ip&",
          "reading the servers' states",
          [&](const json& object) {
            Device device = read_device(object, *how);
            if (!device.name.empty()) found.push_back(std::move(device));
          },
          stop);
      !listed) {
    return tl::unexpected<Error>(std::move(listed).error());
  }
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
  HttpRequest request =
      write_request(HttpMethod::patch, fmt::format("/api/dcim/devices/{}/", seen.id), body);
  // Not blindly again: after a time-out it may be done, and a repetition would find another ETag.
  request.repeat = reconciler::HttpRepeat::refused;
  if (!seen.etag.empty()) request.headers.push_back("If-Match: " + seen.etag);
  const Result<json> changed = ask(http_, request, "changing a server's state", stop);
  if (!changed) return tl::unexpected<Error>(changed.error());
  Device now = read_device(*changed, *how);
  if (now.state == state) return {};
  // Members that it does not know NetBox ignores in silence.
  return invalid("netbox-invalid",
                 fmt::format("changing a server's state to {}: NetBox still says '{}'", word(state),
                             now.state_word));
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
            each_object(http_,
                        fmt::format("/api/extras/journal-entries/?assigned_object_type=dcim.device&"
                                    "assigned_object_id={}&q={}&",
                                    device, url_escape(key)),
                        "looking for a journal entry", look, stop);
        !listed) {
      return listed;
    }
    if (there) return {};
  }
  const Result<json> made = ask(http_,
                                write_request(HttpMethod::post, "/api/extras/journal-entries/",
                                              {{"assigned_object_type", "dcim.device"},
                                               {"assigned_object_id", device},
                                               {"kind", word(kind)},
                                               {"comments", fmt::format("{} {}", text, mark)}}),
                                "writing a journal entry", stop);
  if (!made) return tl::unexpected<Error>(made.error());
  return {};
}

}  // namespace metalwright::lifecycle
