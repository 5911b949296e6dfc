// The judge of requests' heads: whatever it takes, a second reader that knows nothing of it frames
// in the same way.
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/service/request_head.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using metalwright::require;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// The headers of that name by a plain split at CR LF and at the first colon.
std::size_t count_headers(std::string_view head, std::string_view name) {
  std::size_t count = 0;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && lower(line.substr(0, colon)) == name) ++count;
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::service;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto end = end_of_head(text, 0);
  if (end) {
    require(*end <= size, "the head is part of the bytes");
    for (std::size_t shorter = *end >= 4 ? *end - 4 : 0; shorter < *end; ++shorter) {
      require(!end_of_head(text.substr(0, shorter), 0), "no end before the end");
    }
    const std::string_view head = text.substr(0, *end);
    const HeadVerdict verdict = judge_head(head);
    if (verdict.status != 0) {
      require(verdict.status >= 400 && verdict.status < 600, "a refusal is an error of HTTP");
      require(!verdict.reason.empty(), "a refusal says why");
    } else {
      require(head.ends_with("\r\n\r\n"), "a good head ends with an empty line");
      require(head.find('\0') == std::string_view::npos, "no NUL in a good head");
      for (std::size_t at = 0; at < head.size(); ++at) {
        if (head[at] == '\n') require(at > 0 && head[at - 1] == '\r', "no bare line feed");
        if (head[at] == '\r') require(head[at + 1] == '\n', "no bare carriage return");
      }
      const std::size_t lengths = count_headers(head, "content-length");
      const std::size_t encodings = count_headers(head, "transfer-encoding");
      require(lengths <= 1 && encodings <= 1, "the length is said once");
      require(lengths + encodings <= 1, "and in one way");
      require(verdict.framing.chunked == (encodings == 1), "chunked where it is said");
      require(lengths == 1 || verdict.framing.content_length == 0, "a length where it is said");
    }
  }
  if (const auto chunk = chunk_size(text)) {
    require(text.find_first_of("\r\n") == std::string_view::npos, "a chunk's line is one line");
    (void)*chunk;
  }
  return 0;
}
