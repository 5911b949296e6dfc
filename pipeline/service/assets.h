#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/service/exchange.h"

/// Files beneath one folder, and nothing outside of it.
namespace metalwright::service {

struct Asset {
  std::shared_ptr<const OpenFile> file;
  std::uint64_t size = 0;
  std::string etag;      ///< in quotes; changes with the file's content
  std::string modified;  ///< as in `Last-Modified`
};

/// Opens `path` beneath `folder`; links that lead out of it do not exist. Empty where there is no
/// such regular file. Source: openat2(2), RESOLVE_BENEATH.
[[nodiscard]] std::optional<Asset> open_asset(const std::string& folder, const std::string& path);

/// What `Range` asks for of `size` bytes.
struct ByteRange {
  std::uint64_t first = 0, length = 0;
};
enum class RangeAnswer : std::uint8_t { whole, part, unsatisfiable };
/// Several ranges, other units and what is none are answered with the whole, as RFC 9110, section
/// 14.2 allows.
[[nodiscard]] RangeAnswer parse_range(std::string_view header, std::uint64_t size,
                                      ByteRange& range);

/// Is the tag one of the list that an `If-None-Match` has; weak ones are as good.
[[nodiscard]] bool names_tag(std::string_view list, std::string_view tag);

/// Answers with the file, by `Range`, `If-Range`, `If-None-Match`, `If-Modified-Since` and the
/// method.
void reply_asset(const Request& request, const Asset& asset, Reply& reply);

}  // namespace metalwright::service
