#include "reconciler/netbox/netbox_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

constexpr std::size_t kMostMessages = 6;
constexpr std::size_t kMostMessageBytes = 300;
constexpr int kDeepest = 8;
/// Of a refusal: more than that is somebody else's page.
constexpr std::size_t kMostSaidBytes = std::size_t{4} << 20U;

/// What NetBox said, on one line and not too much of it.
std::string one_line(std::string_view said) {
  std::string out;
  while (!said.empty() && out.size() < kMostMessageBytes) {
    const std::size_t length = std::max<std::size_t>(utf8_length(said), 1);
    const std::string_view one = said.substr(0, length);
    said.remove_prefix(length);
    if (length > 1 || std::isspace(static_cast<unsigned char>(one[0])) == 0) {
      out += shown(one);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return said.empty() ? out : out + "…";
}

/// Sentences of a 400: `field: what is said of it`, nested ones with dots.
void collect_messages(const json& said, const std::string& field, std::vector<std::string>& out,
                      int depth = 0) {
  if (out.size() > kMostMessages || depth > kDeepest) return;
  if (said.is_string()) {
    const std::string text = one_line(said.get_ref<const std::string&>());
    const bool whole = field.empty() || field == "__all__" || field == "non_field_errors" ||
                       field == "detail" || field == "error";
    out.push_back(whole ? text : shown(field) + ": " + text);
  } else if (said.is_array()) {
    for (const json& one : said) collect_messages(one, field, out, depth + 1);
  } else if (said.is_object()) {
    for (const auto& [key, value] : said.items()) {
      collect_messages(value, field.empty() ? key : field + '.' + key, out, depth + 1);
    }
  }
}

const json kNothing = json::object();  // NOLINT(cert-err58-cpp): allocates nothing

const json* member_of(const json& object, std::string_view member) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(member);
  return at == object.end() ? nullptr : &*at;
}

}  // namespace

std::string netbox_messages(const json& said) {
  std::vector<std::string> all;
  collect_messages(said, "", all);
  const bool more = all.size() > kMostMessages;
  if (more) all.resize(kMostMessages);
  return fmt::format("{}{}", fmt::join(all, "; "), more ? "; …" : "");
}

Error netbox_not_json(const HttpResponse& answer) {
  return fail(ErrorKind::unavailable, "netbox-failure",
              fmt::format("HTTP {} without JSON: is this the address of a NetBox", answer.status))
      .value();
}

Error netbox_error(const HttpResponse& answer) {
  const json said = answer.body.size() > kMostSaidBytes ? json(json::value_t::discarded)
                                                        : json::parse(answer.body, nullptr, false);
  const std::string text = said.is_discarded() ? "" : netbox_messages(said);
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
  return said.is_discarded() ? netbox_not_json(answer)
                             : make(ErrorKind::unavailable, "netbox-failure", "without saying why");
}

std::string text_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::int64_t> id_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  if (value == nullptr) return {};
  if (value->is_object()) return id_of(*value, "id");
  return value->is_number_integer() ? std::optional(value->get<std::int64_t>()) : std::nullopt;
}

std::string choice_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  return text_of(*value, "value");
}

const json& object_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  return value != nullptr && value->is_object() ? *value : kNothing;
}

}  // namespace metalwright::reconciler
