#include "inventory/git_transport.h"

#include <string>
#include <utility>

#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

// libgit2's side of a connection: C structures that it frees through their own functions.
struct Stream : git_smart_subtransport_stream {
  GitTalk* talk = nullptr;
};
struct Subtransport : git_smart_subtransport {
  GitTalk* talk = nullptr;
  Stream* stream = nullptr;  // the one that libgit2 holds
};

int stream_read(git_smart_subtransport_stream* stream, char* buffer, std::size_t size,
                std::size_t* got) {
  GitTalk& talk = *static_cast<Stream*>(stream)->talk;
  *got = 0;
  auto read = talk.connection->read({buffer, size});
  if (!read) return talk.keep(std::move(read.error()));
  *got = *read;
  return 0;
}

int stream_write(git_smart_subtransport_stream* stream, const char* bytes, std::size_t size) {
  GitTalk& talk = *static_cast<Stream*>(stream)->talk;
  // After a failure libgit2 still says goodbye; there is nobody to say it to.
  if (talk.error) return GIT_EUSER;
  auto wrote = talk.connection->write({bytes, size});
  return wrote ? 0 : talk.keep(std::move(wrote.error()));
}

void stream_free(git_smart_subtransport_stream* stream) {
  static_cast<Subtransport*>(stream->subtransport)->stream = nullptr;
  delete static_cast<Stream*>(stream);
}

int begin_request(git_smart_subtransport_stream** out, git_smart_subtransport* transport,
                  const char*, git_smart_service_t service) {
  auto* ours = static_cast<Subtransport*>(transport);
  GitTalk& talk = *ours->talk;
  const bool pack = service == GIT_SERVICE_UPLOADPACK || service == GIT_SERVICE_RECEIVEPACK;
  auto begun = talk.connection->begin(pack ? FetchConnection::Request::pack
                                           : FetchConnection::Request::references);
  if (!begun) return talk.keep(std::move(begun.error()));
  // Over one connection libgit2 expects the stream that it has.
  if (!talk.connection->stateless() && ours->stream != nullptr) {
    *out = ours->stream;
    return 0;
  }
  auto stream = std::make_unique<Stream>();
  stream->subtransport = transport;
  stream->read = stream_read;
  stream->write = stream_write;
  stream->free = stream_free;
  stream->talk = &talk;
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
  transport->talk = static_cast<GitTalk*>(payload);
  *out = transport.release();
  return 0;
}

}  // namespace

Result<void> GitTalk::connect(GitService service) {
  auto made = from.transport == Transport::ssh ? connect_ssh(from, options, bounds, service)
                                               : connect_http(from, options, bounds, service);
  if (!made) return tl::unexpected(made.error());
  connection = std::move(*made);
  return {};
}

int GitTalk::keep(Error kept) {
  if (!error) error = std::move(kept);
  git_error_set_str(GIT_ERROR_NET, error->message.c_str());
  return GIT_EUSER;
}

Error GitTalk::failed(std::string_view doing) const {
  if (error) return *error;
  const git_error* last = git_error_last();
  // What is neither the network nor the remote's words is our own disk.
  const bool ours =
      last != nullptr && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_FILESYSTEM);
  return git_failure(ours ? checks::kSourceCache.id : checks::kSourceUnreachable.id, doing).value();
}

int make_transport(git_transport** out, git_remote* owner, void* payload) {
  GitTalk& talk = *static_cast<GitTalk*>(payload);
  talk.definition = {
      .callback = make_subtransport, .rpc = talk.connection->stateless() ? 1U : 0U, .param = &talk};
  return git_transport_smart(out, owner, &talk.definition);
}

Result<RemotePointer> make_remote(git_repository* repository, const GitTalk& talk) {
  RemotePointer remote;
  git_remote_create_options create = GIT_REMOTE_CREATE_OPTIONS_INIT;
  create.repository = repository;
  create.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  const std::string url = talk.from.text();
  if (git_make(remote, git_remote_create_with_opts, url.c_str(),
               static_cast<const git_remote_create_options*>(&create)) < 0) {
    return tl::unexpected(talk.failed("the address cannot be used"));
  }
  return remote;
}

}  // namespace metalwright::inventory
