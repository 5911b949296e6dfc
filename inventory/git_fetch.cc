#include "inventory/git_fetch.h"

#include <git2/sys/transport.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inventory/fetch_connection.h"
#include "inventory/git_copy.h"
#include "inventory/git_references.h"
#include "inventory/libgit2.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

/// What one fetch shares between libgit2's callbacks. They can only return a number, so the error
/// behind it waits here.
struct Fetching {
  const SourceLocation& from;
  const SourceOptions& options;
  FetchBounds bounds;
  std::unique_ptr<FetchConnection> connection;
  git_smart_subtransport_definition definition{};
  std::optional<Error> error;

  int keep(Error failed) {
    if (!error) error = std::move(failed);
    git_error_set_str(GIT_ERROR_NET, error->message.c_str());
    return GIT_EUSER;
  }
};

// libgit2's side of a connection: C structures that it frees through their own functions.
struct Stream : git_smart_subtransport_stream {
  Fetching* fetching = nullptr;
};
struct Subtransport : git_smart_subtransport {
  Fetching* fetching = nullptr;
  Stream* stream = nullptr;  // the one that libgit2 holds
};

int stream_read(git_smart_subtransport_stream* stream, char* buffer, std::size_t size,
                std::size_t* got) {
  Fetching& fetching = *static_cast<Stream*>(stream)->fetching;
  *got = 0;
  auto read = fetching.connection->read({buffer, size});
  if (!read) return fetching.keep(std::move(read.error()));
  *got = *read;
  return 0;
}

int stream_write(git_smart_subtransport_stream* stream, const char* bytes, std::size_t size) {
  Fetching& fetching = *static_cast<Stream*>(stream)->fetching;
  // After a failure libgit2 still says goodbye; there is nobody to say it to.
  if (fetching.error) return GIT_EUSER;
  auto wrote = fetching.connection->write({bytes, size});
  return wrote ? 0 : fetching.keep(std::move(wrote.error()));
}

void stream_free(git_smart_subtransport_stream* stream) {
  static_cast<Subtransport*>(stream->subtransport)->stream = nullptr;
  delete static_cast<Stream*>(stream);
}

int begin_request(git_smart_subtransport_stream** out, git_smart_subtransport* transport,
                  const char*, git_smart_service_t service) {
  auto* ours = static_cast<Subtransport*>(transport);
  Fetching& fetching = *ours->fetching;
  if (service != GIT_SERVICE_UPLOADPACK_LS && service != GIT_SERVICE_UPLOADPACK) return GIT_ERROR;
  auto begun = fetching.connection->begin(service == GIT_SERVICE_UPLOADPACK
                                              ? FetchConnection::Request::pack
                                              : FetchConnection::Request::references);
  if (!begun) return fetching.keep(std::move(begun.error()));
  // Over one connection libgit2 expects the stream that it has.
  if (!fetching.connection->stateless() && ours->stream != nullptr) {
    *out = ours->stream;
    return 0;
  }
  auto stream = std::make_unique<Stream>();
  stream->subtransport = transport;
  stream->read = stream_read;
  stream->write = stream_write;
  stream->free = stream_free;
  stream->fetching = &fetching;
  ours->stream = stream.release();
  *out = ours->stream;
  return 0;
}

int close_transport(git_smart_subtransport*) { return 0; }
void free_transport(git_smart_subtransport* transport) {
  delete static_cast<Subtransport*>(transport);
}

int make_subtransport(git_smart_subtransport** out, git_transport*, void* payload) {
  auto transport = std::make_unique<Subtransport>();
  transport->action = begin_request;
  transport->close = close_transport;
  transport->free = free_transport;
  transport->fetching = static_cast<Fetching*>(payload);
  *out = transport.release();
  return 0;
}

int make_transport(git_transport** out, git_remote* owner, void* payload) {
  Fetching& fetching = *static_cast<Fetching*>(payload);
  fetching.definition = {.callback = make_subtransport,
                         .rpc = fetching.connection->stateless() ? 1U : 0U,
                         .param = &fetching};
  return git_transport_smart(out, owner, &fetching.definition);
}

/// Called while a pack comes in and while its deltas are resolved, which needs no remote.
int on_progress(const git_indexer_progress*, void* payload) {
  Fetching& fetching = *static_cast<Fetching*>(payload);
  if (!fetching.bounds.stop().stop_requested()) return 0;
  return fetching.keep(
      unavailable(checks::kSourceStopped.id, "fetching was stopped on request").value());
}

/// The error of a step that libgit2 says failed.
Error failed(Fetching& fetching, std::string_view doing) {
  if (fetching.error) return *fetching.error;
  const git_error* last = git_error_last();
  // What is neither the network nor the remote's words is our own disk.
  const bool ours =
      last != nullptr && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM);
  return git_failure(ours ? checks::kSourceCache.id : checks::kSourceUnreachable.id, doing).value();
}

Result<GitReferences> listed(git_remote* remote, Fetching& fetching) {
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (git_remote_ls(&heads, &count, remote) < 0) {
    return tl::unexpected(failed(fetching, "the remote's references cannot be read"));
  }
  GitReferences found;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = heads[i]->name;
    if (name == "HEAD") found.head_id = heads[i]->oid;
    if (is_fetched_reference(name)) found.tips.emplace(name, heads[i]->oid);
  }
  git_buf branch = GIT_BUF_INIT;
  if (git_remote_default_branch(&branch, remote) == 0 &&
      is_fetched_reference(std::string(branch.ptr, branch.size))) {
    found.head.assign(branch.ptr, branch.size);
    found.head_id = git_oid{};
  }
  git_buf_dispose(&branch);
  return found;
}

Result<void> fetch_over_network(git_repository* into, Fetching& fetching) {
  RemotePointer remote;
  git_remote_create_options create = GIT_REMOTE_CREATE_OPTIONS_INIT;
  create.repository = into;
  create.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  const std::string url = fetching.from.text();
  if (git_make(remote, git_remote_create_with_opts, url.c_str(),
               static_cast<const git_remote_create_options*>(&create)) < 0) {
    return tl::unexpected(failed(fetching, "the address cannot be used"));
  }
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.callbacks.transport = make_transport;
  options.callbacks.transfer_progress = on_progress;
  options.callbacks.payload = &fetching;
  if (git_remote_connect(remote.get(), GIT_DIRECTION_FETCH, &options.callbacks, nullptr, nullptr) <
      0) {
    return tl::unexpected(failed(fetching, "the remote does not speak as a git server does"));
  }
  auto wanted = listed(remote.get(), fetching);
  if (!wanted) return tl::unexpected(wanted.error());
  if (!has_all(into, *wanted)) {
    std::vector<std::string> names = {"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"};
    if (wanted->head.empty() && git_oid_is_zero(&wanted->head_id) == 0) {
      names.emplace_back("+HEAD:refs/metalwright/head");
    }
    std::vector<char*> words;
    for (std::string& name : names) words.push_back(name.data());
    const git_strarray refspecs{words.data(), words.size()};
    if (git_remote_download(remote.get(), &refspecs, &options) < 0) {
      return tl::unexpected(failed(fetching, "the objects could not be fetched"));
    }
  }
  git_remote_disconnect(remote.get());
  return write_references(into, *wanted);
}

}  // namespace

Result<void> fetch(GitRepository& into, const SourceLocation& from, const SourceOptions& options,
                   const std::stop_token& stop) {
  Fetching fetching{.from = from, .options = options, .bounds = FetchBounds(options, stop)};
  if (from.transport == Transport::file) return copy_from_folder(into, from.path, fetching.bounds);
  auto connection = from.transport == Transport::ssh ? connect_ssh(from, options, fetching.bounds)
                                                     : connect_http(from, options, fetching.bounds);
  if (!connection) return tl::unexpected(connection.error());
  fetching.connection = std::move(*connection);
  return fetch_over_network(into.handle(), fetching);
}

}  // namespace metalwright::inventory
