#include "tests/fakes/routeros_fake/dialect.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

using nlohmann::json;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 && (text == "0" || text[0] != '0') &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

void each_row(json& document, const auto& work) {
  if (document.is_object()) work(document);
  if (!document.is_array()) return;
  for (json& row : document) {
    if (row.is_object()) work(row);
  }
}

bool is_default(const std::string& name, const json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return (name == "disabled" && text == "false") || (name == "lease-time" && text == "10m") ||
         (name == "force" && text == "false") || (name == "ttl" && text == "1d") ||
         (name == "type" && text == "A") || (name == "matching-type" && text == "exact") ||
         (name == "allow" && text == "true") || (name == "read-only" && text == "true") ||
         (name == "vlan-id" && text == "1") || (name == "mtu" && text == "1500");
}

}  // namespace

bool Dialect::plain() const {
  return !json_types && !extras && !bare_writes && !silent_writes && !message_only && !low_ids &&
         !no_bang && !strict && !hides_defaults && !jealous;
}

std::optional<RestReply> Dialect::hear(const Device& device, RestRequest& request) const {
  std::string& target = request.target;
  const std::size_t question = target.find('?');
  const std::string path = target.substr(0, question);
  const Menu* const menu = path.starts_with("/rest/") ? device.menu(path.substr(5)) : nullptr;
  if (request.method == "GET" && menu != nullptr && question != std::string::npos) {
    constexpr std::string_view kList = ".proplist=";
    const std::size_t at = target.find(kList);
    if (strict && at != std::string::npos) {
      for (const std::string& name : split_list(target.substr(at + kList.size()))) {
        if (name != ".id" && !menu->column(name)) {
          return error_reply(400, "unknown parameter " + name);
        }
      }
    }
    if (extras) target.erase(question);
  }
  if (no_bang && request.method == "PATCH") {
    const json body = json::parse(request.body, nullptr, false);
    for (const auto& [name, value] : body.items()) {
      if (name.starts_with('!')) return error_reply(400, "unknown parameter " + name);
    }
  }
  if (jealous && request.method == "PUT" && menu != nullptr &&
      menu->path == "/ip/dhcp-server/lease") {
    const json body = json::parse(request.body, nullptr, false);
    for (const DeviceRow& row : device.rows(*menu)) {
      if (device.value(*menu, row, "dynamic") != "true") continue;
      if (device.value(*menu, row, "address") == body.value("address", "") ||
          device.value(*menu, row, "mac-address") == body.value("mac-address", "")) {
        return error_reply(400, "failure: already have static lease with this address");
      }
    }
  }
  return std::nullopt;
}

void Dialect::say(const RestRequest& request, RestReply& reply) const {
  if (reply.body.empty()) {
    if (bare_writes && reply.status == 204) reply.status = 200;
    return;
  }
  json document = json::parse(reply.body, nullptr, false);
  if (document.is_discarded()) return;
  if (reply.status >= 400) {
    if (!message_only || !document.contains("detail")) return;
    document["message"] = std::exchange(document["detail"], nullptr);
    document.erase("detail");
    reply.body = document.dump();
    return;
  }
  if (silent_writes && request.method != "GET") {
    reply.body.clear();
    return;
  }
  if (bare_writes && request.method == "PUT") document = {{"ret", document.value(".id", "")}};
  if (bare_writes && request.method == "PATCH") document = json::array();
  each_row(document, [&](json& row) {
    for (auto it = row.begin(); it != row.end();) {
      json& value = it.value();
      if (hides_defaults && is_default(it.key(), value)) {
        it = row.erase(it);
        continue;
      }
      if (value.is_string()) {
        const std::string text = value.get<std::string>();
        if (low_ids && it.key() == ".id") {
          std::string low = text;
          std::transform(low.begin(), low.end(), low.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
          value = low;
        } else if (json_types && (text == "true" || text == "false")) {
          value = text == "true";
        } else if (json_types && is_number(text)) {
          value = std::stol(text);
        }
      }
      ++it;
    }
    if (extras) {
      row["zz-new"] = {{"nested", {1, 2, {{"deeper", "x"}}}}};
      row["about"] = json::array({"a", "b"});
      row["nothing"] = nullptr;
      row["load"] = 0.25;
    }
  });
  reply.body = document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace metalwright::fakes
