#include "reconciler/targets/netbox/netbox_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

constexpr NetboxVersion kOldest{3, 7, 0};
constexpr std::size_t kMostMessages = 6;
constexpr std::size_t kMostMessageBytes = 300;

/// What NetBox said, on one line and not too much of it.
std::string one_line(std::string_view said) {
  std::string out;
  for (const char c : said.substr(0, kMostMessageBytes)) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  std::string text = shown(out);
  if (said.size() > kMostMessageBytes) text += "…";
  return text;
}

/// Sentences of a 400: `field: what is said of it`, nested ones with dots.
void collect_messages(const json& said, const std::string& field, std::vector<std::string>& out) {
  if (out.size() > kMostMessages) return;
  if (said.is_string()) {
    const std::string text = one_line(said.get_ref<const std::string&>());
    const bool whole = field.empty() || field == "__all__" || field == "non_field_errors" ||
                       field == "detail" || field == "error";
    out.push_back(whole ? text : shown(field) + ": " + text);
  } else if (said.is_array()) {
    for (const json& one : said) collect_messages(one, field, out);
  } else if (said.is_object()) {
    for (const auto& [key, value] : said.items()) {
      collect_messages(value, field.empty() ? key : field + '.' + key, out);
    }
  }
}

std::string messages(const json& said) {
  std::vector<std::string> all;
  collect_messages(said, "", all);
  const bool more = all.size() > kMostMessages;
  if (more) all.resize(kMostMessages);
  return fmt::format("{}{}", fmt::join(all, "; "), more ? "; …" : "");
}

json parse(const std::string& body) { return json::parse(body, nullptr, false); }

Error not_json(const HttpResponse& answer) {
  return fail(ErrorKind::unavailable, "netbox-failure",
              fmt::format("HTTP {} without JSON: is this the address of a NetBox", answer.status))
      .value();
}

std::vector<NetboxOutcome> all_failed(std::size_t count, const Error& error) {
  return std::vector<NetboxOutcome>(count, tl::unexpected(error));
}

std::int64_t id_of(const json& object) {
  const auto id = object.find("id");
  return id != object.end() && id->is_number_integer() ? id->get<std::int64_t>() : 0;
}

NetboxWritten written(const json& object) {
  const auto updated = object.find("last_updated");
  return {.id = id_of(object),
          .last_updated = updated != object.end() && updated->is_string()
                              ? updated->get<std::string>()
                              : std::string()};
}

}  // namespace

std::string NetboxVersion::text() const { return fmt::format("{}.{}.{}", major, minor, patch); }

std::optional<NetboxVersion> parse_netbox_version(std::string_view text) {
  NetboxVersion version;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  unsigned* const parts[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
    const bool more = at != end && *at == '.' && i < 2;
    if (!more)
      return i == 0 || (at != end && *at != '-' && *at != '+') ? std::nullopt
                                                               : std::optional(version);
    ++at;
  }
  return std::nullopt;
}

std::string netbox_authorization(std::string_view token) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!token.empty() && blank(token.front())) token.remove_prefix(1);
  while (!token.empty() && blank(token.back())) token.remove_suffix(1);
  if (token.empty()) return {};
  return fmt::format("{} {}", token.starts_with("nbt_") ? "Bearer" : "Token", token);
}

Error netbox_error(const HttpResponse& answer) {
  const json said = parse(answer.body);
  const std::string text = said.is_discarded() ? "" : messages(said);
  const auto make = [&](ErrorKind kind, std::string_view check, std::string_view otherwise) {
    return fail(kind, check,
                fmt::format("NetBox answers HTTP {}: {}", answer.status,
                            text.empty() ? otherwise : text))
        .value();
  };
  switch (answer.status) {
    case 400:
      return make(ErrorKind::invalid, "netbox-refused", "without saying why");
    case 401:
    case 403:
      return make(ErrorKind::refused, "netbox-permission", "the token may not do this");
    case 404:
      return make(ErrorKind::conflict, "netbox-gone", "there is no such object");
    case 409:
      return make(ErrorKind::conflict, "netbox-protected", "other objects need it");
    case 412:
      return make(ErrorKind::conflict, "netbox-changed", "it was changed meanwhile");
    default:
      break;
  }
  if (answer.status >= 300 && answer.status < 400) {
    return fail(ErrorKind::unavailable, "netbox-failure",
                fmt::format("HTTP {} leads to {}: give that address instead", answer.status,
                            metalwright::quoted(answer.header("location"))))
        .value();
  }
  return said.is_discarded() ? not_json(answer)
                             : make(ErrorKind::unavailable, "netbox-failure", "without saying why");
}

struct NetboxApi::State {
  std::unique_ptr<HttpClient> http;
  Limits limits;
  std::optional<NetboxVersion> version;

  Result<json> send(const HttpRequest& request, std::stop_token stop) {
    const Result<HttpResponse> answer = http->send(request, std::move(stop));
    if (!answer) return tl::unexpected(answer.error());
    if (!answer->good()) {
      return tl::unexpected(with_context(netbox_error(*answer),
                                         fmt::format("{} {}", word(request.method), request.path)));
    }
    if (answer->status == 204) return json();
    json said = parse(answer->body);
    if (said.is_discarded()) return tl::unexpected(not_json(*answer));
    return said;
  }

  /// Sends one chunk, and where NetBox says no finds out to which object. `indices` count into
  /// `outcomes`; `objects` are in the same order.
  void write(HttpMethod method, const std::string& path, const std::vector<const json*>& objects,
             const std::vector<std::size_t>& indices, std::vector<NetboxOutcome>& outcomes,
             const std::stop_token& stop) {
    if (objects.empty()) return;
    json body = json::array();
    for (const json* object : objects) body.push_back(*object);
    HttpRequest request{
        .method = method, .path = path, .body = body.dump(), .silence = limits.write_silence};
    const Result<HttpResponse> answer = http->send(request, stop);
    const auto fail_all = [&](const Error& error) {
      for (const std::size_t index : indices) outcomes[index] = tl::unexpected(error);
    };
    if (!answer) return fail_all(answer.error());
    if (answer->good()) return take_written(method, *answer, objects, indices, outcomes);
    const json said = parse(answer->body);
    if (answer->status == 400 && said.is_array() && said.size() == objects.size()) {
      return write_others(method, path, objects, indices, said, outcomes, stop);
    }
    // One of them is at fault, and NetBox does not say which; a failure inside NetBox (500) may
    // be one object's as well.
    const bool of_one = answer->status == 400 || answer->status == 404 || answer->status == 409 ||
                        (answer->status == 500 && method != HttpMethod::post);
    if (objects.size() == 1 || !of_one) {
      return fail_all(
          with_context(netbox_error(*answer), fmt::format("{} {}", word(method), path)));
    }
    const auto half = static_cast<std::ptrdiff_t>(objects.size() / 2);
    write(method, path, {objects.begin(), objects.begin() + half},
          {indices.begin(), indices.begin() + half}, outcomes, stop);
    write(method, path, {objects.begin() + half, objects.end()},
          {indices.begin() + half, indices.end()}, outcomes, stop);
  }

  /// NetBox told what is wrong with each of them: those that are good are sent again.
  void write_others(HttpMethod method, const std::string& path,
                    const std::vector<const json*>& objects,
                    const std::vector<std::size_t>& indices, const json& said,
                    std::vector<NetboxOutcome>& outcomes, const std::stop_token& stop) {
    std::vector<const json*> good;
    std::vector<std::size_t> good_indices;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (said[i].empty()) {
        good.push_back(objects[i]);
        good_indices.push_back(indices[i]);
      } else {
        outcomes[indices[i]] = tl::unexpected(with_context(
            invalid("netbox-refused", "NetBox answers HTTP 400: " + messages(said[i])).value(),
            fmt::format("{} {}", word(method), path)));
      }
    }
    if (good.size() < objects.size()) {
      return write(method, path, good, good_indices, outcomes, stop);
    }
    const Error error =
        invalid("netbox-refused", "NetBox answers HTTP 400 without saying why").value();
    for (const std::size_t index : indices) outcomes[index] = tl::unexpected(error);
  }

  static void take_written(HttpMethod method, const HttpResponse& answer,
                           const std::vector<const json*>& objects,
                           const std::vector<std::size_t>& indices,
                           std::vector<NetboxOutcome>& outcomes) {
    if (method == HttpMethod::del) {
      for (std::size_t i = 0; i < indices.size(); ++i) {
        outcomes[indices[i]] = NetboxWritten{.id = id_of(*objects[i])};
      }
      return;
    }
    json said = parse(answer.body);
    if (said.is_object()) said = json::array({std::move(said)});
    if (!said.is_array()) {
      for (const std::size_t index : indices) outcomes[index] = tl::unexpected(not_json(answer));
      return;
    }
    if (method == HttpMethod::post) {
      for (std::size_t i = 0; i < indices.size(); ++i) {
        if (i < said.size() && id_of(said[i]) != 0) outcomes[indices[i]] = written(said[i]);
      }
      return;
    }
    // The answer's order is the model's, and an id that is not there is left out without a word.
    std::map<std::int64_t, const json*> by_id;
    for (const json& object : said) by_id[id_of(object)] = &object;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto found = by_id.find(id_of(*objects[i]));
      if (found != by_id.end()) {
        outcomes[indices[i]] = written(*found->second);
      } else {
        outcomes[indices[i]] =
            fail(ErrorKind::conflict, "netbox-gone", "the object is not there any more");
      }
    }
  }

  std::vector<NetboxOutcome> bulk(HttpMethod method, const std::string& path,
                                  std::span<const json> objects, std::size_t chunk,
                                  const std::stop_token& stop) {
    std::vector<NetboxOutcome> outcomes = all_failed(
        objects.size(),
        fail(ErrorKind::unavailable, "netbox-failure", "NetBox's answer does not name it").value());
    for (std::size_t from = 0; from < objects.size(); from += chunk) {
      const std::size_t to = std::min(objects.size(), from + chunk);
      std::vector<const json*> part;
      std::vector<std::size_t> indices;
      for (std::size_t i = from; i < to; ++i) {
        part.push_back(&objects[i]);
        indices.push_back(i);
      }
      write(method, path, part, indices, outcomes, stop);
      if (outcomes[to - 1] || outcomes[to - 1].error().kind != ErrorKind::unavailable) continue;
      // It cannot be reached: the rest would wait for nothing.
      for (std::size_t i = to; i < objects.size(); ++i) {
        outcomes[i] = tl::unexpected(outcomes[to - 1].error());
      }
      break;
    }
    return outcomes;
  }
};

NetboxApi::NetboxApi(std::unique_ptr<HttpClient> http) : NetboxApi(std::move(http), Limits{}) {}
NetboxApi::NetboxApi(std::unique_ptr<HttpClient> http, Limits limits)
    : state_(std::make_unique<State>()) {
  state_->http = std::move(http);
  state_->limits = limits;
}
NetboxApi::~NetboxApi() = default;
NetboxApi::NetboxApi(NetboxApi&&) noexcept = default;
NetboxApi& NetboxApi::operator=(NetboxApi&&) noexcept = default;

const NetboxApi::Limits& NetboxApi::limits() const { return state_->limits; }

void NetboxApi::forget_version() { state_->version.reset(); }

Result<NetboxVersion> NetboxApi::version(std::stop_token stop) {
  if (state_->version) return *state_->version;
  const Result<json> status = get("/api/status/", std::move(stop));
  if (!status) return tl::unexpected(status.error());
  const auto said = status->find("netbox-version");
  if (!status->is_object() || said == status->end() || !said->is_string()) {
    return invalid("netbox-version", "what answers there does not say that it is a NetBox");
  }
  const std::string text = said->get<std::string>();
  const std::optional<NetboxVersion> version = parse_netbox_version(text);
  if (!version) {
    return invalid("netbox-version",
                   fmt::format("{} is not a version of NetBox", metalwright::quoted(text)));
  }
  if (!version->at_least(kOldest.major, kOldest.minor)) {
    return invalid("netbox-version", fmt::format("NetBox {} is too old: 3.7 is the oldest", text));
  }
  state_->version = *version;
  return *version;
}

Result<json> NetboxApi::get(const std::string& path, std::stop_token stop) {
  return state_->send({.path = path}, std::move(stop));
}

Result<json> NetboxApi::options(const std::string& path, std::stop_token stop) {
  return state_->send({.method = HttpMethod::options, .path = path}, std::move(stop));
}

Result<NetboxApi::Listed> NetboxApi::pages(const std::string& path, const std::string& query,
                                           const OnPage& on_page, std::stop_token stop) {
  Listed listed;
  std::optional<std::size_t> count;
  std::optional<Error> error;
  const auto address = [&](std::size_t offset) {
    return fmt::format("{}?{}{}ordering=id&limit={}&offset={}", path, query,
                       query.empty() ? "" : "&", state_->limits.page, offset);
  };
  const auto take = [&](Result<HttpResponse> answer, const std::string& asked) -> std::size_t {
    if (answer && !answer->good()) answer = tl::unexpected(netbox_error(*answer));
    Result<Page> page = answer ? on_page(answer->body) : tl::unexpected(answer.error());
    if (!page) {
      if (!error) error = with_context(page.error(), "GET " + asked);
      return 0;
    }
    if (count && *count != page->count) listed.whole = false;
    count = page->count;
    listed.results += page->results;
    return page->results;
  };
  const std::string first = address(0);
  const std::size_t got = take(state_->http->send({.path = first}, stop), first);
  if (error) return tl::unexpected(*error);
  std::vector<HttpRequest> rest;
  // A page may be shorter than was asked for: NetBox has a limit of its own.
  for (std::size_t offset = got; got > 0 && offset < *count; offset += got) {
    rest.push_back({.path = address(offset)});
  }
  state_->http->send_all(
      rest,
      [&](std::size_t index, Result<HttpResponse> answer) {
        take(std::move(answer), rest[index].path);
      },
      stop);
  if (error) return tl::unexpected(*error);
  if (listed.results != *count) listed.whole = false;
  return listed;
}

Result<std::size_t> NetboxApi::count(const std::string& address, std::stop_token stop) {
  const Result<json> page = get(address, std::move(stop));
  if (!page) return tl::unexpected(page.error());
  if (!page->is_object() || !page->contains("count") || !(*page)["count"].is_number_unsigned()) {
    return unavailable("netbox-failure", "the answer is not a list of NetBox's");
  }
  return (*page)["count"].get<std::size_t>();
}

namespace {

/// Takes the results of each page.
NetboxApi::OnPage collect_into(std::vector<json>& all) {
  return [&all](std::string& body) -> Result<NetboxApi::Page> {
    json page = parse(body);
    if (!page.is_object() || !page.contains("count") || !page["count"].is_number_unsigned() ||
        !page.contains("results") || !page["results"].is_array()) {
      return unavailable("netbox-failure", "the answer is not a list of NetBox's");
    }
    const std::size_t results = page["results"].size();
    for (json& object : page["results"]) all.push_back(std::move(object));
    return NetboxApi::Page{.results = results, .count = page["count"].get<std::size_t>()};
  };
}

void sort_by_id(std::vector<json>& all) {
  std::sort(all.begin(), all.end(),
            [](const json& a, const json& b) { return id_of(a) < id_of(b); });
}

}  // namespace

Result<std::vector<json>> NetboxApi::list(const std::string& path, const std::string& query,
                                          std::stop_token stop) {
  std::vector<json> all;
  const Result<Listed> listed = pages(path, query, collect_into(all), std::move(stop));
  if (!listed) return tl::unexpected(listed.error());
  sort_by_id(all);
  return all;
}

Result<std::vector<json>> NetboxApi::list_of(const std::string& path, const std::string& filter,
                                             std::span<const std::string> values,
                                             const std::string& query, std::stop_token stop) {
  std::vector<json> all;
  const Result<void> listed =
      pages_of(path, filter, values, query, collect_into(all), std::move(stop));
  if (!listed) return tl::unexpected(listed.error());
  sort_by_id(all);
  return all;
}

Result<void> NetboxApi::pages_of(const std::string& path, const std::string& filter,
                                 std::span<const std::string> values, const std::string& query,
                                 const OnPage& on_page, std::stop_token stop) {
  std::string addresses;
  const auto ask = [&]() -> Result<void> {
    if (addresses.empty()) return {};
    const Result<Listed> listed =
        pages(path, query.empty() ? addresses : query + '&' + addresses, on_page, stop);
    addresses.clear();
    if (!listed) return tl::unexpected(listed.error());
    return {};
  };
  const std::size_t room = state_->limits.address_bytes - path.size() - query.size();
  for (const std::string& value : values) {
    const std::string one = filter + '=' + url_escape(value);
    if (addresses.size() + one.size() + 1 > room) {
      if (Result<void> asked = ask(); !asked) return asked;
    }
    if (!addresses.empty()) addresses += '&';
    addresses += one;
  }
  return ask();
}

std::vector<NetboxOutcome> NetboxApi::create(const std::string& path, std::span<const json> objects,
                                             std::size_t chunk, std::stop_token stop) {
  return state_->bulk(HttpMethod::post, path, objects, chunk, stop);
}

std::vector<NetboxOutcome> NetboxApi::update(const std::string& path, std::span<const json> objects,
                                             std::size_t chunk, std::stop_token stop) {
  return state_->bulk(HttpMethod::patch, path, objects, chunk, stop);
}

std::vector<NetboxOutcome> NetboxApi::remove(const std::string& path,
                                             std::span<const std::int64_t> ids, std::size_t chunk,
                                             std::stop_token stop) {
  std::vector<json> objects;
  objects.reserve(ids.size());
  for (const std::int64_t id : ids) objects.push_back({{"id", id}});
  return state_->bulk(HttpMethod::del, path, objects, chunk, stop);
}

}  // namespace metalwright::reconciler
