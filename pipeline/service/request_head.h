#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// What frames a request, judged before anything else reads it. Two readers that disagree about
/// where a request ends can be made to see two different requests, so whatever is not plain is
/// refused here: cpp-httplib 0.11 takes repeated lengths, folded lines and bare line feeds.
namespace metalwright::service {

inline constexpr std::size_t kMostHeaders = 64;

/// How much belongs to a request beyond its head.
struct Framing {
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool expects_continue = false;  ///< its body comes when it is told so
  [[nodiscard]] bool has_body() const { return chunked || content_length > 0; }
};

/// The answer to a head: `status` 0 is a good one, others are the HTTP status to refuse it with.
struct HeadVerdict {
  int status = 0;
  std::string_view reason;  ///< for the refusal's body
  Framing framing;
};

/// Judges a head: request line and header lines, with the empty line that ends it.
/// Source: RFC 9112, sections 2.2, 3, 5 and 6.
[[nodiscard]] HeadVerdict judge_head(std::string_view head);

/// Where the head ends (behind its empty line) in `bytes`, looking from `from` on; empty where it
/// is not complete yet.
[[nodiscard]] std::optional<std::size_t> end_of_head(std::string_view bytes, std::size_t from);

/// The size that a chunk's first line says (without its CR LF); empty where it is none.
[[nodiscard]] std::optional<std::uint64_t> chunk_size(std::string_view line);

}  // namespace metalwright::service
