#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "pipeline/service/service.h"

/// JSON in and out of handlers. Only for source files: nlohmann/json is heavy.
namespace metalwright::service {

using Json = nlohmann::ordered_json;

/// Text that is not UTF-8 is written with U+FFFD: what a client said never breaks an answer.
[[nodiscard]] std::string json_text(const Json& value);

void reply_json(Reply& reply, const Json& value, int status = 200);

/// The body as a JSON object; discarded (`is_discarded()`) where it is none.
[[nodiscard]] Json object_body(const Request& request);

/// A member as text, cut at `most` bytes: a text as it is, a number as it is written; else empty.
/// Quotes around it that some clients leave are taken off.
[[nodiscard]] std::string text_member(const Json& object, std::string_view name,
                                      std::size_t most = 255);

/// `2026-01-05T10:11:12.123456`, as the cluster bootstrap listener writes times: UTC, no zone.
[[nodiscard]] std::string bare_time(Time time);

/// `http://host:port` as the client called us, where that is plain; else the configured address.
[[nodiscard]] std::string own_address(const Service& service, const Request& request);

/// No control characters.
[[nodiscard]] bool is_plain_text(std::string_view text);

/// `limit` and `offset` of a list; empty where they are no numbers, with the reply made.
struct Page {
  std::size_t limit = 100, offset = 0;
};
[[nodiscard]] std::optional<Page> page_of(const Request& request, Reply& reply);

}  // namespace metalwright::service
