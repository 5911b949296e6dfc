#include "pipeline/service/request_head.h"

#include <algorithm>

namespace metalwright::service {
namespace {

constexpr std::string_view kCrLf = "\r\n";

bool is_token_char(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool equal_fold(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.size() > 15) return {};
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::string_view wrong_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "not a request line";
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(line.substr(0, first))) return "not a method";
  if (target.empty() || target[0] != '/') return "the request target does not begin with '/'";
  const bool plain = std::all_of(target.begin(), target.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
  if (!plain) return "the request target holds a character that must be percent-encoded";
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "neither HTTP/1.1 nor HTTP/1.0";
  return {};
}

bool may_have_body(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE";
}

HeadVerdict refused(int status, std::string_view reason) {
  HeadVerdict verdict;
  verdict.status = status;
  verdict.reason = reason;
  return verdict;
}

}  // namespace

std::optional<std::size_t> end_of_head(std::string_view bytes, std::size_t from) {
  const std::size_t at = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  if (at == std::string_view::npos) return {};
  return at + 4;
}

std::optional<std::uint64_t> chunk_size(std::string_view line) {
  // Who takes a bare line end for one would see the chunk begin there, and another body than we do.
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return {};
  line = trimmed(line.substr(0, line.find(';')));
  if (line.empty() || line.size() > 8) return {};
  std::uint64_t size = 0;
  for (const char c : line) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return {};
    size = size * 16 + static_cast<std::uint64_t>(digit);
  }
  return size;
}

HeadVerdict judge_head(std::string_view head) {
  HeadVerdict verdict;
  const std::string_view line = head.substr(0, head.find(kCrLf));
  if (const std::string_view wrong = wrong_request_line(line); !wrong.empty()) {
    return refused(400, wrong);
  }
  const std::string_view method = line.substr(0, line.find(' '));
  const bool old = line.ends_with("/1.0");
  head.remove_prefix(std::min(head.size(), line.size() + kCrLf.size()));
  std::size_t headers = 0;
  bool has_length = false, has_host = false;
  while (true) {
    const std::size_t end = head.find(kCrLf);
    if (end == std::string_view::npos) return refused(400, "the head does not end");
    const std::string_view header = head.substr(0, end);
    head.remove_prefix(end + kCrLf.size());
    if (header.empty()) break;
    if (++headers > kMostHeaders) return refused(431, "too many header lines");
    const std::size_t colon = header.find(':');
    if (colon == std::string_view::npos || !is_token(header.substr(0, colon))) {
      return refused(400, "not a header line");
    }
    const std::string_view name = header.substr(0, colon);
    const std::string_view value = trimmed(header.substr(colon + 1));
    for (const char c : value) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) {
        return refused(400, "a header holds a control character");
      }
    }
    if (equal_fold(name, "content-length")) {
      const std::optional<std::uint64_t> length = number(value);
      if (!length || has_length) return refused(400, "not one Content-Length");
      has_length = true;
      verdict.framing.content_length = *length;
    } else if (equal_fold(name, "transfer-encoding")) {
      if (!equal_fold(value, "chunked") || verdict.framing.chunked) {
        return refused(501, "of transfer encodings only 'chunked' is understood");
      }
      verdict.framing.chunked = true;
    } else if (equal_fold(name, "content-encoding")) {
      // A few bytes could become gigabytes.
      if (!equal_fold(value, "identity")) return refused(415, "compressed bodies are not read");
    } else if (equal_fold(name, "expect")) {
      if (!equal_fold(value, "100-continue"))
        return refused(417, "only 100-continue is understood");
      verdict.framing.expects_continue = !old;
    } else if (equal_fold(name, "host")) {
      if (has_host) return refused(400, "more than one Host");
      has_host = true;
    }
  }
  if (verdict.framing.chunked && (has_length || old)) {
    return refused(400, "both Content-Length and chunks, or chunks in HTTP/1.0");
  }
  if (verdict.framing.has_body() && !may_have_body(method)) {
    return refused(400, "this method has no body");
  }
  if (!has_host && !old) return refused(400, "HTTP/1.1 wants a Host header");
  return verdict;
}

}  // namespace metalwright::service
