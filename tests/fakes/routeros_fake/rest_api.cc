#include "tests/fakes/routeros_fake/rest_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestScript = std::size_t{64} * 1024;
constexpr std::size_t kLongestContents = std::size_t{60} * 1024;

std::string unescape(std::string_view text) {
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

void append_json(std::string& out, std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const auto is_plain = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  };
  out += '"';
  while (true) {
    const auto special = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, special);
    if (special == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[special]);
    if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    } else {
      out += '\\';
      out += text[special];
    }
    text.remove_prefix(special + 1);
  }
  out += '"';
}

/// Which columns of a menu are asked for; none: all.
using Proplist = std::optional<std::vector<std::string>>;

/// Rows as JSON, by hand: 5,000 leases at every look.
class RowWriter {
 public:
  RowWriter(const Menu& menu, const Proplist& names) : menu_(menu) {
    with_id_ =
        !menu.single && (!names || std::find(names->begin(), names->end(), ".id") != names->end());
    for (std::size_t i = 0; i < menu.columns.size(); ++i) {
      if (names && std::find(names->begin(), names->end(), menu.columns[i].name) == names->end()) {
        continue;
      }
      columns_.push_back({i, key_of(menu.columns[i].name)});
    }
    marks_builtin_ = !menu.by_name.contains("dynamic");
  }

  void write(std::string& out, const DeviceRow& row) const {
    const std::size_t begin = out.size();
    if (with_id_) {
      out += kIdKey;
      append_json(out, id_text(row.id));
    }
    for (const auto& [column, key] : columns_) {
      const std::string& value = row.values[column];
      if (value.empty() && !menu_.columns[column].printed_empty) continue;
      out += key;
      append_json(out, value);
    }
    if (row.builtin && marks_builtin_) out += ",\"builtin\":\"true\"";
    if (out.size() == begin) out += ',';
    out[begin] = '{';
    out += '}';
  }

 private:
  static constexpr std::string_view kIdKey = ",\".id\":";
  static std::string key_of(const std::string& name) { return ",\"" + name + "\":"; }

  const Menu& menu_;
  std::vector<std::pair<std::size_t, std::string>> columns_;  // with the key before its value
  bool with_id_ = false, marks_builtin_ = false;
};

/// `a=b`, `>a=b`, `<a=b`, `a` (present), `-a` (absent), and `#|`, `#&`, `#!` over a stack.
bool matches(const Device& device, const Menu& menu, const DeviceRow& row,
             const std::vector<std::string>& query) {
  std::vector<bool> stack;
  for (const std::string& word : query) {
    if (word.starts_with('#')) {
      for (const char operation : word.substr(1)) {
        if (operation == '!' && !stack.empty()) stack.back() = !stack.back();
        if ((operation == '|' || operation == '&') && stack.size() >= 2) {
          const bool last = stack.back();
          stack.pop_back();
          stack.back() = operation == '|' ? (stack.back() || last) : (stack.back() && last);
        }
      }
      continue;
    }
    const char form = word.empty() ? ' ' : word.front();
    const bool prefixed = form == '>' || form == '<' || form == '-' || form == '=';
    const std::string_view rest = std::string_view(word).substr(prefixed ? 1 : 0);
    const std::size_t equals = rest.find('=');
    const std::string_view name = rest.substr(0, equals);
    const std::string value = name == ".id" ? id_text(row.id) : device.value(menu, row, name);
    if (equals == std::string_view::npos) {
      stack.push_back(form == '-' ? value.empty() : !value.empty());
      continue;
    }
    const std::string_view wanted = rest.substr(equals + 1);
    stack.push_back(form == '>' ? value > wanted : form == '<' ? value < wanted : value == wanted);
  }
  return std::all_of(stack.begin(), stack.end(), [](bool good) { return good; });
}

/// A JSON object as properties. Empty where it is none.
std::optional<Properties> properties_of(const json& object) {
  if (!object.is_object()) return std::nullopt;
  Properties properties;
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) {
      properties[name] = value.get<std::string>();
    } else if (value.is_boolean()) {
      properties[name] = value.get<bool>() ? "true" : "false";
    } else if (value.is_number()) {
      properties[name] = value.dump();
    } else if (value.is_array()) {
      std::vector<std::string> parts;
      for (const json& item : value)
        parts.push_back(item.is_string() ? item.get<std::string>() : item.dump());
      properties[name] = join_list(parts);
    } else {
      return std::nullopt;
    }
  }
  return properties;
}

std::optional<Properties> body_of(std::string_view body) {
  if (body.empty()) return Properties();
  const json document = json::parse(body, nullptr, false);
  return document.is_discarded() ? std::nullopt : properties_of(document);
}

RestReply reply(const Refusal& refusal) { return error_reply(refusal.status, refusal.detail); }

}  // namespace

RestReply error_reply(int status, std::string_view detail) {
  std::string_view message = "Bad Request";
  if (status == 401) message = "Unauthorized";
  if (status == 404) message = "Not Found";
  if (status == 405) message = "Method Not Allowed";
  if (status == 406) message = "Not Acceptable";
  if (status >= 500) message = "Internal Server Error";
  std::string body = "{";
  if (!detail.empty()) {
    body += "\"detail\":";
    append_json(body, detail);
    body += ',';
  }
  body += "\"error\":" + std::to_string(status) + ",\"message\":\"" + std::string(message) + "\"}";
  return {.status = status, .body = std::move(body)};
}

/// What a path names: a menu, and a row or command of it.
struct RestApi::Place {
  const Menu* menu = nullptr;
  std::string rest;  ///< id, name or command; empty: the menu itself
  std::string path;  ///< without `/rest`
};

RestReply RestApi::answer(const RestRequest& request) {
  const std::size_t question = request.target.find('?');
  const std::string path = unescape(request.target.substr(0, question));
  const std::string query =
      question == std::string::npos ? std::string() : request.target.substr(question + 1);
  if (!path.starts_with("/rest/")) return {.status = 200, .body = "<html>RouterOS</html>"};
  Place place;
  place.path = path.substr(5);
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  place.menu = device_.menu(place.path);
  if (place.menu == nullptr) {
    const std::size_t slash = place.path.rfind('/');
    place.rest = place.path.substr(slash + 1);
    place.menu = device_.menu(place.path.substr(0, slash));
  }
  if (request.method == "POST") return post(place, request.body);
  if (place.menu == nullptr) return error_reply(400, "no such command prefix");
  if (request.method == "GET") return get(place, query);
  if (request.method == "PUT") return put(place, request.body);
  if (request.method == "PATCH") return patch(place, request.body);
  if (request.method == "DELETE") return remove(place);
  return error_reply(405, "");
}

RestReply RestApi::get(const Place& place, std::string_view query) {
  const Menu& menu = *place.menu;
  if (!menu.has("print") && !menu.has("get")) return error_reply(400, "no such command");
  Proplist names;
  std::vector<std::string> filters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string word = unescape(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (word.starts_with(".proplist=")) {
      names = split_list(word.substr(10));
    } else if (!word.empty()) {
      filters.push_back(word);
    }
  }
  const RowWriter writer(menu, names);
  std::string body;
  if (menu.single && place.rest.empty()) {
    writer.write(body, device_.rows(menu).front());
    return {.status = 200, .body = std::move(body)};
  }
  if (!place.rest.empty()) {
    const DeviceRow* row = device_.find(menu, place.rest);
    if (row == nullptr) return error_reply(404, "");
    writer.write(body, *row);
    return {.status = 200, .body = std::move(body)};
  }
  body = "[";
  const auto write_all = [&](const Menu& from, const RowWriter& with) {
    constexpr std::size_t kUsualRow = 256;
    body.reserve(body.size() + device_.rows(from).size() * kUsualRow);
    for (const DeviceRow& row : device_.rows(from)) {
      if (!filters.empty() && !matches(device_, from, row, filters)) continue;
      if (body.size() > 1) body += ',';
      with.write(body, row);
    }
  };
  write_all(menu, writer);
  // What has menus of its own is an interface as well.
  if (menu.path == "/interface") {
    for (const char* other : {"/interface/bridge", "/interface/vlan"}) {
      const Menu& from = *device_.menu(other);
      write_all(from, RowWriter(from, names));
    }
  }
  body += ']';
  return {.status = 200, .body = std::move(body)};
}

RestReply RestApi::put(const Place& place, std::string_view body) {
  if (!place.rest.empty()) return error_reply(400, "no such command");
  const std::optional<Properties> properties = body_of(body);
  if (!properties) return error_reply(400, "invalid JSON");
  const auto contents = properties->find("contents");
  if (place.path == "/file" && contents != properties->end() &&
      contents->second.size() > kLongestContents) {
    return error_reply(400, "failure: contents too long");
  }
  const Outcome<std::uint32_t> id = device_.add(*place.menu, *properties);
  if (!id) return reply(id.error());
  host_.changed(*place.menu, *id);
  RestReply answer{.status = 201, .body = {}};
  RowWriter(*place.menu, std::nullopt).write(answer.body, *device_.find(*place.menu, id_text(*id)));
  return answer;
}

RestReply RestApi::patch(const Place& place, std::string_view body) {
  const DeviceRow* row = place.rest.empty() ? nullptr : device_.find(*place.menu, place.rest);
  if (row == nullptr) return error_reply(404, "");
  const std::optional<Properties> properties = body_of(body);
  if (!properties) return error_reply(400, "invalid JSON");
  const std::uint32_t id = row->id;
  if (const Outcome<void> done = device_.set(*place.menu, id, *properties); !done) {
    return reply(done.error());
  }
  host_.changed(*place.menu, id);
  RestReply answer;
  RowWriter(*place.menu, std::nullopt).write(answer.body, *device_.find(*place.menu, id_text(id)));
  return answer;
}

RestReply RestApi::remove(const Place& place) {
  const DeviceRow* row = place.rest.empty() ? nullptr : device_.find(*place.menu, place.rest);
  if (row == nullptr) return error_reply(404, "");
  const std::uint32_t id = row->id;
  if (const Outcome<void> done = device_.remove(*place.menu, id); !done) return reply(done.error());
  host_.changed(*place.menu, id);
  return {.status = 204, .body = {}};
}

RestReply RestApi::post(const Place& place, std::string_view body) {
  if (place.path == "/execute") {
    const std::optional<Properties> arguments = body_of(body);
    if (!arguments || !arguments->contains("script")) return error_reply(400, "missing script");
    const std::string& script = arguments->find("script")->second;
    if (script.size() > kLongestScript) return error_reply(400, "failure: script too long");
    const std::string out = host_.execute(script);
    json answer;
    answer["ret"] = arguments->contains("as-string") ? out : "*B546";
    return {.status = 200, .body = answer.dump(-1, ' ', false, json::error_handler_t::replace)};
  }
  if (place.path == "/system/reboot") {
    host_.reboot();
    return {.status = 200, .body = "[]"};
  }
  if (place.path == "/tool/fetch") {
    const std::optional<Properties> arguments = body_of(body);
    return arguments ? fetch(*arguments) : error_reply(400, "invalid JSON");
  }
  if (place.menu == nullptr || place.rest.empty()) return error_reply(400, "no such command");
  if (place.rest == "print") {
    const json document = body.empty() ? json::object() : json::parse(body, nullptr, false);
    if (document.is_discarded() || !document.is_object()) return error_reply(400, "invalid JSON");
    const auto list = [&](const char* name) {
      std::vector<std::string> out;
      if (!document.contains(name)) return out;
      const json& value = document.at(name);
      if (value.is_string()) return split_list(value.get<std::string>());
      for (const json& item : value) out.push_back(item.get<std::string>());
      return out;
    };
    const Proplist names =
        document.contains(".proplist") ? Proplist(list(".proplist")) : std::nullopt;
    const std::vector<std::string> query = list(".query");
    const RowWriter writer(*place.menu, names);
    std::string out = "[";
    for (const DeviceRow& row : device_.rows(*place.menu)) {
      if (!matches(device_, *place.menu, row, query)) continue;
      if (out.size() > 1) out += ',';
      writer.write(out, row);
    }
    return {.status = 200, .body = out + ']'};
  }
  std::optional<Properties> arguments = body_of(body);
  if (!arguments) return error_reply(400, "invalid JSON");
  return command(*place.menu, place.rest, *arguments);
}

RestReply RestApi::command(const Menu& menu, std::string_view name, const Properties& arguments) {
  const RestReply done{.status = 200, .body = "[]"};
  if (!menu.has(name)) return error_reply(400, "no such command");
  if (name == "set" && menu.single) {
    const Outcome<void> set = device_.set(menu, arguments);
    return set ? done : reply(set.error());
  }
  if (name == "add") {
    const Outcome<std::uint32_t> id = device_.add(menu, arguments);
    if (!id) return reply(id.error());
    host_.changed(menu, *id);
    return {.status = 200, .body = "{\"ret\":\"" + id_text(*id) + "\"}"};
  }
  Properties rest = arguments;
  std::vector<std::uint32_t> ids;
  for (const char* selector : {"numbers", ".id", "number"}) {
    const auto at = rest.find(selector);
    if (at == rest.end()) continue;
    for (const std::string& one : split_list(at->second)) {
      const DeviceRow* row = device_.find(menu, one);
      if (row == nullptr) return error_reply(400, "no such item");
      ids.push_back(row->id);
    }
    rest.erase(at);
  }
  for (const std::uint32_t id : ids) {
    Outcome<void> outcome;
    if (name == "set") {
      outcome = device_.set(menu, id, rest);
    } else if (name == "remove") {
      outcome = device_.remove(menu, id);
    } else if (name == "enable" || name == "disable") {
      outcome = device_.set(menu, id, {{"disabled", name == "disable" ? "true" : "false"}});
    } else if (name == "comment") {
      outcome = device_.set(menu, id, {{"comment", rest["comment"]}});
    } else if (name == "unset") {
      outcome = device_.set(menu, id, {{'!' + rest["value-name"], ""}});
    } else if (name == "move") {
      const DeviceRow* before = device_.find(menu, rest["destination"]);
      outcome = device_.move(menu, id, before == nullptr ? 0 : before->id);
    } else if (name == "make-static") {
      return make_static(menu, id);
    } else if (name == "run" && menu.path == "/system/script") {
      const std::string source = device_.value(menu, *device_.find(menu, id_text(id)), "source");
      outcome = host_.run_script(source);
    } else {
      return error_reply(400, "no such command");
    }
    if (!outcome) return reply(outcome.error());
    host_.changed(menu, id);
  }
  return done;
}

/// Tells of its progress, a row each time; what was a file of that name is another one now.
RestReply RestApi::fetch(const Properties& arguments) {
  static const std::set<std::string, std::less<>> known{"check-certificate", "dst-path", "mode",
                                                        "output", "url"};
  for (const auto& [name, value] : arguments) {
    if (!known.contains(name)) return error_reply(400, "unknown parameter " + name);
  }
  const auto url = arguments.find("url"), path = arguments.find("dst-path");
  if (url == arguments.end() || path == arguments.end() || path->second.starts_with('/')) {
    return error_reply(400, "missing value(s) of argument(s) url");
  }
  const Outcome<std::string> bytes = host_.fetch(url->second);
  if (!bytes) return reply(bytes.error());
  const Menu& files = *device_.menu("/file");
  const DeviceRow* const there = device_.find(files, path->second);
  const std::uint32_t id = there != nullptr
                               ? there->id
                               : device_.put("/file", {{"name", path->second}, {"type", "file"}});
  device_.force(files, id, "size", std::to_string(bytes->size()));
  const std::string size = std::to_string(bytes->size() / 1024);
  return {.status = 200,
          .body = R"([{".section":"0","downloaded":"0","status":"connecting"},)"
                  R"({".section":"1","downloaded":")" +
                  size + R"(","duration":"1s","status":"finished","total":")" + size + R"("}])"};
}

RestReply RestApi::make_static(const Menu& menu, std::uint32_t id) {
  const DeviceRow* row = device_.find(menu, id_text(id));
  if (device_.value(menu, *row, "dynamic") != "true") {
    return error_reply(400, "failure: at least one dynamic lease identifier should be specified");
  }
  device_.force(menu, id, "dynamic", "false");
  return {.status = 200, .body = "[]"};
}

}  // namespace metalwright::fakes
