#include "reconciler/netbox/netbox_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/netbox/netbox_answer.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

constexpr NetboxVersion kOldest{3, 7, 0};
constexpr std::size_t kMostPages = 100'000;

tl::unexpected<Error> not_a_list() {
  return unavailable("netbox-failure",
                     "the answer is not a list of NetBox's: is this the address of a NetBox");
}

/// Visits the results of a page.
NetboxApi::OnPage visit_each(const NetboxApi::OnObject& visit) {
  return [&visit](std::string& body) -> Result<NetboxApi::Page> {
    const json page = json::parse(body, nullptr, false);
    if (!page.is_object() || !page.contains("count") || !page["count"].is_number_unsigned() ||
        !page.contains("results") || !page["results"].is_array()) {
      return not_a_list();
    }
    for (const json& object : page["results"]) visit(object);
    return NetboxApi::Page{.results = page["results"].size(),
                           .count = page["count"].get<std::size_t>()};
  };
}

void sort_by_id(std::vector<json>& all) {
  std::sort(all.begin(), all.end(),
            [](const json& a, const json& b) { return id_of(a, "id") < id_of(b, "id"); });
}

}  // namespace

std::string netbox_authorization(std::string_view token) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!token.empty() && blank(token.front())) token.remove_prefix(1);
  while (!token.empty() && blank(token.back())) token.remove_suffix(1);
  if (token.empty()) return {};
  return fmt::format("{} {}", token.starts_with("nbt_") ? "Bearer" : "Token", token);
}

struct NetboxApi::State {
  State(std::unique_ptr<HttpClient> client, Limits given)
      : http(std::move(client)), limits(given), bulk(*http, given.write_silence) {}

  std::unique_ptr<HttpClient> http;
  Limits limits;
  NetboxBulk bulk;
  std::optional<NetboxVersion> version;
};

NetboxApi::NetboxApi(std::unique_ptr<HttpClient> http) : NetboxApi(std::move(http), Limits{}) {}
NetboxApi::NetboxApi(std::unique_ptr<HttpClient> http, Limits limits)
    : state_(std::make_unique<State>(std::move(http), limits)) {}
NetboxApi::~NetboxApi() = default;
NetboxApi::NetboxApi(NetboxApi&&) noexcept = default;
NetboxApi& NetboxApi::operator=(NetboxApi&&) noexcept = default;

const NetboxApi::Limits& NetboxApi::limits() const { return state_->limits; }

void NetboxApi::forget_version() { state_->version.reset(); }

Result<NetboxVersion> NetboxApi::version(std::stop_token stop) {
  if (state_->version) return *state_->version;
  const Result<json> status = get("/api/status/", std::move(stop));
  if (!status) return tl::unexpected(status.error());
  const std::string text = text_of(*status, "netbox-version");
  if (text.empty()) {
    return invalid("netbox-version", "what answers there does not say that it is a NetBox");
  }
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

Result<HttpResponse> NetboxApi::ask(const HttpRequest& request, std::stop_token stop) {
  return state_->http->send(request, std::move(stop));
}

Result<json> NetboxApi::send(const HttpRequest& request, std::stop_token stop) {
  const Result<HttpResponse> answer = ask(request, std::move(stop));
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->good()) {
    return tl::unexpected(with_context(netbox_error(*answer),
                                       fmt::format("{} {}", word(request.method), request.path)));
  }
  if (answer->body.empty()) return json();
  json said = json::parse(answer->body, nullptr, false);
  if (said.is_discarded()) return tl::unexpected(netbox_not_json(*answer));
  return said;
}

Result<json> NetboxApi::get(const std::string& path, std::stop_token stop) {
  return send({.path = path}, std::move(stop));
}

Result<json> NetboxApi::write(HttpMethod method, const std::string& path, const json& body,
                              std::stop_token stop) {
  return send({.method = method,
               .path = path,
               .body = body.dump(-1, ' ', false, json::error_handler_t::replace)},
              std::move(stop));
}

Result<json> NetboxApi::options(const std::string& path, std::stop_token stop) {
  return send({.method = HttpMethod::options, .path = path}, std::move(stop));
}

Result<NetboxApi::Listed> NetboxApi::pages(const std::string& path, const std::string& query,
                                           const OnPage& on_page, std::stop_token stop) {
  Listed listed;
  std::optional<std::size_t> count;
  std::optional<Error> error;
  const auto address = [&](std::size_t offset, std::size_t limit) {
    // The address of the next page that NetBox tells is made of what a proxy told it: it may be
    // wrong, so pages are counted.
    return fmt::format("{}?{}{}ordering=id&limit={}&offset={}", path, query,
                       query.empty() ? "" : "&", limit, offset);
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
  const std::string first = address(0, state_->limits.page);
  const std::size_t got = take(state_->http->send({.path = first}, stop), first);
  if (error) return tl::unexpected(*error);
  // A page may be shorter than was asked for: NetBox has a limit of its own.
  if (got > 0 && *count / got > kMostPages) return not_a_list();
  struct Piece {
    std::size_t from, to;
  };
  std::vector<Piece> pieces;
  for (std::size_t from = got; got > 0 && from < *count; from += got) {
    pieces.push_back({from, std::min(from + got, *count)});
  }
  while (!pieces.empty() && !error) {
    std::vector<HttpRequest> requests;
    for (const Piece& piece : pieces) {
      requests.push_back({.path = address(piece.from, piece.to - piece.from)});
    }
    std::vector<Piece> left;
    state_->http->send_all(
        requests,
        [&](std::size_t index, Result<HttpResponse> answer) {
          const std::size_t taken = take(std::move(answer), requests[index].path);
          const Piece& piece = pieces[index];
          // And this one is shorter than the first: what it left out is asked for as well.
          if (taken > 0 && piece.from + taken < piece.to) {
            left.push_back({piece.from + taken, piece.to});
          }
        },
        stop);
    pieces = std::move(left);
  }
  if (error) return tl::unexpected(*error);
  if (listed.results != *count) listed.whole = false;
  return listed;
}

Result<std::size_t> NetboxApi::count(const std::string& address, std::stop_token stop) {
  const Result<json> page = get(address, std::move(stop));
  if (!page) return tl::unexpected(page.error());
  if (!page->is_object() || !page->contains("count") || !(*page)["count"].is_number_unsigned()) {
    return not_a_list();
  }
  return (*page)["count"].get<std::size_t>();
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

Result<void> NetboxApi::each(const std::string& path, const std::string& query,
                             const OnObject& visit, std::stop_token stop) {
  const Result<Listed> listed = pages(path, query, visit_each(visit), std::move(stop));
  if (!listed) return tl::unexpected(listed.error());
  return {};
}

Result<void> NetboxApi::each_of(const std::string& path, const std::string& filter,
                                std::span<const std::string> values, const std::string& query,
                                const OnObject& visit, std::stop_token stop) {
  return pages_of(path, filter, values, query, visit_each(visit), std::move(stop));
}

Result<std::vector<json>> NetboxApi::list(const std::string& path, const std::string& query,
                                          std::stop_token stop) {
  std::vector<json> all;
  const Result<void> listed = each(
      path, query, [&](const json& object) { all.push_back(object); }, std::move(stop));
  if (!listed) return tl::unexpected(listed.error());
  sort_by_id(all);
  return all;
}

Result<std::vector<json>> NetboxApi::list_of(const std::string& path, const std::string& filter,
                                             std::span<const std::string> values,
                                             const std::string& query, std::stop_token stop) {
  std::vector<json> all;
  const Result<void> listed = each_of(
      path, filter, values, query, [&](const json& object) { all.push_back(object); },
      std::move(stop));
  if (!listed) return tl::unexpected(listed.error());
  sort_by_id(all);
  return all;
}

std::vector<NetboxOutcome> NetboxApi::create(const std::string& path, std::span<const json> objects,
                                             std::size_t most, std::stop_token stop) {
  return state_->bulk.write(HttpMethod::post, path, objects, most, stop);
}

std::vector<NetboxOutcome> NetboxApi::update(const std::string& path, std::span<const json> objects,
                                             std::size_t most, std::stop_token stop) {
  return state_->bulk.write(HttpMethod::patch, path, objects, most, stop);
}

std::vector<NetboxOutcome> NetboxApi::remove(const std::string& path,
                                             std::span<const std::int64_t> ids, std::size_t most,
                                             std::stop_token stop) {
  std::vector<json> objects;
  objects.reserve(ids.size());
  for (const std::int64_t id : ids) objects.push_back({{"id", id}});
  return state_->bulk.write(HttpMethod::del, path, objects, most, stop);
}

}  // namespace metalwright::reconciler
