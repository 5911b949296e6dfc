#pragma once

#include <sys/types.h>

#include <memory>
#include <stop_token>
#include <string>

#include "schemas/error.h"

namespace metalwright::cli {

/// A service of its own for `sim`, with everything it needs in a temporary folder, which is removed
/// with it.
class ScratchSite {
 public:
  /// A fleet of `servers`, or the one of `repository` (a folder or a git repository) where that is
  /// named. Returns once the service answers from it. Error: `unavailable`, with the service's own
  /// words.
  [[nodiscard]] static Result<std::unique_ptr<ScratchSite>> make(std::size_t servers,
                                                                 const std::string& repository,
                                                                 std::stop_token stop);
  ~ScratchSite();
  ScratchSite(const ScratchSite&) = delete;
  ScratchSite& operator=(const ScratchSite&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string repository() const { return folder_ + "/fleet"; }

 private:
  ScratchSite() = default;
  [[nodiscard]] Result<void> fill(std::size_t servers, const std::string& repository);
  [[nodiscard]] Result<void> start(std::stop_token stop);

  std::string folder_, url_;
  pid_t service_ = -1;
};

}  // namespace metalwright::cli
