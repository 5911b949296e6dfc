#include "tests/reconciler/lifecycle/fake_netbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace metalwright::lifecycle {
namespace {
using reconciler::HttpMethod;
using reconciler::HttpRequest;
using reconciler::HttpResponse;

const std::set<std::string> kStatuses{"offline", "active",    "planned",        "staged",
                                      "failed",  "inventory", "decommissioning"};

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::map<std::string, std::string> query_of(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) {
      query[std::string(pair.substr(0, equals))] = unescaped(pair.substr(equals + 1));
    }
  }
  return query;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string host_of(const std::string& address) { return address.substr(0, address.find('/')); }
}  // namespace

FakeNetbox::FakeNetbox(bool with_choices) : choices_(with_choices) {}

void FakeNetbox::use_field() {
  choices_ = false;
  field_ = true;
}

void FakeNetbox::touch(Json& object) {
  object["last_updated"] = fmt::format("2026-01-05T10:11:{:02}.{:06}Z", ticks_ / 1000 % 60, ticks_);
  ++ticks_;
}

std::int64_t FakeNetbox::add_server(const std::string& name, const std::string& status,
                                    const std::string& mac, const std::string& interface) {
  const std::int64_t id = next_++;
  devices_[id] = {{"id", id},          {"name", name},
                  {"status", status},  {"site", {{"id", 1}, {"name", "lab"}}},
                  {"oob_ip", nullptr}, {"custom_fields", Json::object()}};
  if (field_) devices_[id]["custom_fields"]["lifecycle"] = nullptr;
  touch(devices_[id]);
  std::string upper = mac;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  interfaces_[id + 100] = {{"id", id + 100},
                           {"name", interface},
                           {"mgmt_only", false},
                           {"mac_address", upper},
                           {"device", {{"id", id}, {"name", name}}}};
  return id;
}

std::int64_t FakeNetbox::add_address(const std::string& address,
                                     std::optional<std::int64_t> interface) {
  const std::int64_t id = 1000 + next_++;
  addresses_[id] = {{"id", id},
                    {"address", address},
                    {"vrf", nullptr},
                    {"description", ""},
                    {"assigned_object_type", interface ? Json("dcim.interface") : Json()},
                    {"assigned_object_id", interface ? Json(*interface) : Json()}};
  return id;
}

void FakeNetbox::add_prefix(const std::string& prefix) {
  const std::int64_t id = 2000 + next_++;
  prefixes_[id] = {{"id", id}, {"prefix", prefix}, {"vrf", nullptr}};
}

void FakeNetbox::change(std::int64_t id, const std::string& member, const Json& value) {
  devices_.at(id)[member] = value;
  touch(devices_.at(id));
}

std::vector<std::string> FakeNetbox::journal(std::int64_t device) const {
  std::vector<std::string> lines;
  for (const auto& [id, entry] : journal_) {
    if (entry.at("assigned_object_id") != device) continue;
    lines.push_back(entry.at("kind").get<std::string>() + ": " +
                    entry.at("comments").get<std::string>());
  }
  return lines;
}

std::vector<std::string> FakeNetbox::addresses(std::int64_t interface) const {
  std::vector<std::string> found;
  for (const auto& [id, address] : addresses_) {
    if (address.at("assigned_object_id") == interface) found.push_back(address.at("address"));
  }
  return found;
}

void FakeNetbox::send_all(std::span<const HttpRequest> requests_given, const OnAnswer& on_answer,
                          std::stop_token) {
  for (std::size_t i = 0; i < requests_given.size(); ++i) {
    const int number = requests++;
    if (before) before(number);
    const auto lost = [&] { on_answer(i, unavailable("http-unreachable", "connection refused")); };
    if (unreachable_after >= 0 && number >= unreachable_after) {
      lost();
      continue;
    }
    if (number == status_at) {
      on_answer(i, HttpResponse{status, R"({"detail": "on purpose"})", {}});
      continue;
    }
    std::string etag;
    const Answer made = answer(requests_given[i], etag);
    const HttpMethod method = requests_given[i].method;
    const bool reads = method == HttpMethod::get || method == HttpMethod::options;
    if (!reads && made.status < 300) {
      writes.push_back(std::string(word(method)) + ' ' + requests_given[i].path);
    }
    if (number == cut_at) {
      lost();
      continue;
    }
    HttpResponse response{made.status, made.body.is_null() ? "" : made.body.dump(), {}};
    if (etags && !etag.empty()) response.headers.emplace_back("etag", etag);
    on_answer(i, std::move(response));
  }
}

FakeNetbox::Table* FakeNetbox::table_of(const std::string& path) {
  if (path.starts_with("/api/dcim/devices/")) return &devices_;
  if (path.starts_with("/api/dcim/interfaces/")) return &interfaces_;
  if (path.starts_with("/api/ipam/ip-addresses/")) return &addresses_;
  if (path.starts_with("/api/ipam/prefixes/")) return &prefixes_;
  if (path.starts_with("/api/extras/journal-entries/")) return &journal_;
  return nullptr;
}

FakeNetbox::Json FakeNetbox::seen(const std::string& path, const Json& object) const {
  Json copy = object;
  if (copy.contains("status") && path.starts_with("/api/dcim/devices/")) {
    copy["status"] = {{"value", object["status"]}, {"label", "x"}};
  }
  if (copy.contains("assigned_object_id") && copy["assigned_object_id"].is_number_integer()) {
    const auto at = interfaces_.find(copy["assigned_object_id"]);
    if (at != interfaces_.end()) copy["assigned_object"] = {{"device", at->second["device"]}};
  }
  return copy;
}

FakeNetbox::Answer FakeNetbox::answer(const HttpRequest& request, std::string& etag) {
  const std::size_t mark = request.path.find('?');
  const std::string path = request.path.substr(0, mark);
  const auto query = mark == std::string::npos
                         ? std::map<std::string, std::string>{}
                         : query_of(std::string_view(request.path).substr(mark + 1));
  std::string if_match;
  for (const std::string& header : request.headers) {
    if (header.starts_with("If-Match: ")) if_match = header.substr(10);
  }
  switch (request.method) {
    case HttpMethod::options: {
      if (!tells_choices) return {200, {{"name", "Device List"}}};
      Json offered = Json::array();
      for (const std::string& each : kStatuses) offered.push_back({{"value", each}});
      if (choices_) offered.push_back({{"value", "discovered"}});
      if (choices_) offered.push_back({{"value", "ready"}});
      return {200, {{"actions", {{"POST", {{"status", {{"choices", offered}}}}}}}}};
    }
    case HttpMethod::get:
      if (path.ends_with("s/") &&
          !std::isdigit(static_cast<unsigned char>(path[path.size() - 2]))) {
        return list(path, query);
      }
      return read(path, etag);
    case HttpMethod::patch:
      return patch(path, Json::parse(request.body), if_match);
    case HttpMethod::post:
      return post(path, Json::parse(request.body));
    case HttpMethod::del:
      return remove(path);
    default:
      return {405, {{"detail", "no"}}};
  }
}

FakeNetbox::Answer FakeNetbox::list(const std::string& path,
                                    const std::map<std::string, std::string>& query) {
  const auto asked = [&](const char* name) {
    const auto at = query.find(name);
    return at == query.end() ? std::optional<std::string>() : std::optional(at->second);
  };
  Json results = Json::array();
  if (path == "/api/extras/custom-fields/") {
    if (field_) results.push_back({{"name", "lifecycle"}, {"object_types", {"dcim.device"}}});
    return {200, {{"count", results.size()}, {"next", nullptr}, {"results", results}}};
  }
  if (const auto status = asked("status")) {
    const bool known = kStatuses.contains(*status) ||
                       (choices_ && (*status == "discovered" || *status == "ready"));
    if (!known) return {400, {{"status", {"Select a valid choice."}}}};
  }
  const Table* const table = table_of(path);
  if (table == nullptr) return {404, {{"detail", "Not found."}}};
  for (const auto& [id, object] : *table) {
    const auto differs = [&](const char* filter, const std::string& value) {
      const auto wanted = asked(filter);
      return wanted && *wanted != value;
    };
    if (path == "/api/dcim/interfaces/" && differs("mac_address", object["mac_address"])) continue;
    if (const auto name = asked("name__ie"); name && lower(*name) != lower(object["name"]))
      continue;
    if (differs("interface_id", object.value("assigned_object_id", Json()).dump())) continue;
    if (differs("assigned_object_id", object.value("assigned_object_id", Json()).dump())) continue;
    if (path == "/api/ipam/ip-addresses/" && differs("address", host_of(object["address"])))
      continue;
    if (const auto q = asked("q"); q && object.value("comments", "").find(*q) == std::string::npos)
      continue;
    results.push_back(seen(path, object));
  }
  return {200, {{"count", results.size()}, {"next", nullptr}, {"results", results}}};
}

FakeNetbox::Answer FakeNetbox::read(const std::string& path, std::string& etag) {
  Table* const table = table_of(path);
  const std::int64_t id = std::stoll(path.substr(path.rfind('/', path.size() - 2) + 1));
  if (table == nullptr || !table->contains(id)) return {404, {{"detail", "Not found."}}};
  const Json& object = table->at(id);
  if (object.contains("last_updated")) {
    etag = "W/\"" + object["last_updated"].get<std::string>() + '"';
  }
  return {200, seen(path, object)};
}

FakeNetbox::Answer FakeNetbox::patch(const std::string& path, const Json& body,
                                     const std::string& if_match) {
  std::string etag;
  const Answer before_it = read(path, etag);
  if (before_it.status != 200) return before_it;
  if (etags && !if_match.empty() && if_match != etag) {
    return {412, {{"detail", "Precondition failed."}}};
  }
  Table& table = *table_of(path);
  Json& object = table.at(before_it.body["id"]);
  if (body.contains("status") && &table == &devices_) {
    const std::string status = body["status"];
    const bool known =
        kStatuses.contains(status) || (choices_ && (status == "discovered" || status == "ready"));
    if (!known) return {400, {{"status", {status + " is not a valid choice."}}}};
  }
  if (&table == &addresses_ && body.contains("assigned_object_id") &&
      body["assigned_object_id"] != object["assigned_object_id"]) {
    for (const auto& [id, device] : devices_) {
      if (device["oob_ip"] == object["id"]) {
        return {400, {{"__all__", {"Cannot reassign IP address while it is the OOB IP"}}}};
      }
    }
  }
  for (const auto& [member, value] : body.items()) {
    if (member == "custom_fields") {
      for (const auto& [name, field] : value.items()) {
        if (!field_) return {400, {{"custom_fields", {"Custom field does not exist"}}}};
        object["custom_fields"][name] = field;
      }
    } else {
      object[member] = value;
    }
  }
  touch(object);
  return {200, seen(path, object)};
}

FakeNetbox::Answer FakeNetbox::post(const std::string& path, const Json& body) {
  Table* const table = table_of(path);
  if (table == nullptr) return {404, {{"detail", "Not found."}}};
  if (table == &addresses_) {
    const std::string host = host_of(body["address"]);
    for (const auto& [id, address] : addresses_) {
      if (host_of(address["address"]) == host) {
        return {400, {{"address", {"Duplicate IP address found in global table"}}}};
      }
    }
    if (host.ends_with(".0")) return {400, {{"address", {"is a network ID"}}}};
  }
  Json object = body;
  const std::int64_t id = 5000 + next_++;
  object["id"] = id;
  if (table == &addresses_) object["vrf"] = nullptr;
  touch(object);
  (*table)[id] = object;
  return {201, seen(path, object)};
}

FakeNetbox::Answer FakeNetbox::remove(const std::string& path) {
  std::string etag;
  const Answer there = read(path, etag);
  if (there.status != 200) return there;
  table_of(path)->erase(there.body["id"].get<std::int64_t>());
  return {204, Json()};
}

namespace {
class Forwards : public reconciler::HttpClient {
 public:
  explicit Forwards(FakeNetbox& netbox) : netbox_(netbox) {}
  void send_all(std::span<const HttpRequest> requests, const OnAnswer& on_answer,
                std::stop_token stop) override {
    netbox_.send_all(requests, on_answer, std::move(stop));
  }

 private:
  FakeNetbox& netbox_;
};
}  // namespace

reconciler::NetboxApi api_for(FakeNetbox& netbox) {
  return reconciler::NetboxApi(std::make_unique<Forwards>(netbox));
}

}  // namespace metalwright::lifecycle
