#pragma once

#include <git2/sys/transport.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "inventory/fetch_connection.h"
#include "inventory/libgit2.h"
#include "inventory/source_location.h"

/// libgit2's smart protocol over our own connections. For .cc files only.
namespace metalwright::inventory {

/// What one conversation shares between libgit2's callbacks. They can only return a number, so the
/// error behind it waits here.
struct GitTalk {
  GitTalk(const SourceLocation& location, const SourceOptions& with, const std::stop_token& stop)
      : from(location), options(with), bounds(with, stop) {}

  /// Reaches the remote over the network. Errors: as connect_http and connect_ssh.
  [[nodiscard]] Result<void> connect(GitService service);
  /// Keeps an error, for the callback that may only say that there was one.
  int keep(Error kept);
  /// The error of a step that libgit2 says failed.
  [[nodiscard]] Error failed(std::string_view doing) const;

  const SourceLocation& from;
  const SourceOptions& options;
  FetchBounds bounds;
  std::unique_ptr<FetchConnection> connection;
  git_smart_subtransport_definition definition{};
  std::optional<Error> error;
};

/// For `git_remote_callbacks::transport`, with a `GitTalk` as its payload.
int make_transport(git_transport** out, git_remote* owner, void* talk);

/// The remote as libgit2 has it, without a configuration.
[[nodiscard]] Result<RemotePointer> make_remote(git_repository* repository, const GitTalk& talk);

}  // namespace metalwright::inventory
