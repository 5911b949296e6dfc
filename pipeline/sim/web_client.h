#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/sim/faults.h"
#include "schemas/error.h"

namespace metalwright::sim {

/// HTTP as one machine speaks it: one connection, kept open; large files are counted and thrown
/// away as they come. Used by one thread.
class WebClient {
 public:
  /// `source`: an address of this host that the machine speaks from; empty: any.
  WebClient(std::string source, std::uint64_t bytes_a_second);
  ~WebClient();
  WebClient(const WebClient&) = delete;
  WebClient& operator=(const WebClient&) = delete;

  struct Answer {
    int status = 0;
    std::string body;         ///< at most `keep` bytes of it
    std::uint64_t bytes = 0;  ///< of the whole body
    std::string etag;
  };
  struct Ask {
    std::string url, body, token;
    bool post = false;
    std::size_t keep = 1 << 20;
    std::uint64_t cut_after = 0;  ///< bytes behind which the machine is switched off; 0: never
  };
  /// Error: `unavailable`, there was no whole answer.
  [[nodiscard]] Result<Answer> ask(const Ask& ask);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
  std::string source_;
  std::uint64_t bytes_a_second_;
};

}  // namespace metalwright::sim
