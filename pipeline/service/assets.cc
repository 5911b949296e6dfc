#include "pipeline/service/assets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace metalwright::service {
namespace {

std::string http_date(std::time_t time) {
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 64> text{};
  // The names of days and months are English whatever the locale: RFC 9110, section 5.6.7.
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &utc);
  return fmt::format("{}, {:02} {} {} {} GMT", kDays[static_cast<std::size_t>(utc.tm_wday)],
                     utc.tm_mday, kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                     text.data());
}

/// One that is larger than any file is as good as another that is.
std::optional<std::uint64_t> number(std::string_view text) {
  constexpr std::uint64_t kEnough = std::uint64_t{1} << 62U;
  if (text.empty()) return {};
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = std::min(value, kEnough / 16) * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool names_tag(std::string_view list, std::string_view tag) {
  if (trimmed(list) == "*") return true;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    std::string_view named = trimmed(item);
    if (named.starts_with("W/")) named.remove_prefix(2);
    if (named == tag) return true;
  }
  return false;
}

std::optional<Asset> open_asset(const std::string& folder, const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return {};
  const int root = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return {};
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto opened = static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
  close(root);
  if (opened < 0) return {};
  Asset asset;
  asset.file = std::make_shared<OpenFile>(opened);
  struct stat status {};
  if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  asset.size = static_cast<std::uint64_t>(status.st_size);
  asset.etag = fmt::format("\"{:x}-{:x}-{:x}{:08x}\"", status.st_ino, asset.size,
                           status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  asset.modified = http_date(status.st_mtim.tv_sec);
  return asset;
}

RangeAnswer parse_range(std::string_view header, std::uint64_t size, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  if (header.size() < kUnit.size() || strncasecmp(header.data(), kUnit.data(), kUnit.size()) != 0) {
    return RangeAnswer::whole;
  }
  header = trimmed(header.substr(kUnit.size()));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) {
    return RangeAnswer::whole;
  }
  const std::string_view from = header.substr(0, dash), to = header.substr(dash + 1);
  const auto last = number(to);
  if (from.empty()) {
    if (!last) return RangeAnswer::whole;
    if (*last == 0 || size == 0) return RangeAnswer::unsatisfiable;
    range.length = std::min(*last, size);
    range.first = size - range.length;
    return RangeAnswer::part;
  }
  const auto first = number(from);
  if (!first || (!to.empty() && (!last || *last < *first))) return RangeAnswer::whole;
  if (*first >= size) return RangeAnswer::unsatisfiable;
  range.first = *first;
  range.length = (last ? std::min(*last, size - 1) : size - 1) - *first + 1;
  return RangeAnswer::part;
}

void reply_asset(const Request& request, const Asset& asset, Reply& reply) {
  reply.header("ETag", asset.etag);
  reply.header("Last-Modified", asset.modified);
  reply.header("Accept-Ranges", "bytes");
  reply.content_type = "application/octet-stream";
  const std::string known = request.header("If-None-Match");
  // A date is asked about only where there is no tag; ours, as we said it: no other is from us.
  if (known.empty() ? request.header("If-Modified-Since") == asset.modified
                    : names_tag(known, asset.etag)) {
    reply.status = 304;
    reply.header("Content-Length", std::to_string(asset.size));
    return;
  }
  ByteRange range{0, asset.size};
  const std::string condition = request.header("If-Range");
  const bool current = condition.empty() || condition == asset.etag || condition == asset.modified;
  // `Range`, as the connection renamed it.
  const std::string wanted = request.method() == Method::get ? request.header("Rang_") : "";
  const RangeAnswer answer =
      current && !wanted.empty() ? parse_range(wanted, asset.size, range) : RangeAnswer::whole;
  if (answer == RangeAnswer::unsatisfiable) {
    reply.status = 416;
    reply.header("Content-Range", fmt::format("bytes */{}", asset.size));
    reply.content_type = "text/plain; charset=utf-8";
    reply.body = "the file is shorter\n";
    return;
  }
  if (answer == RangeAnswer::part) {
    reply.status = 206;
    reply.header("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                              range.first + range.length - 1, asset.size));
  }
  reply.file = FileBody{asset.file, range.first, range.length};
}

}  // namespace metalwright::service
