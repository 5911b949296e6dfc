#include "inventory/git_fetch.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inventory/fetch_connection.h"
#include "inventory/git_copy.h"
#include "inventory/git_references.h"
#include "inventory/git_transport.h"
#include "inventory/libgit2.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

/// Called while a pack comes in and while its deltas are resolved, which needs no remote.
int on_progress(const git_indexer_progress*, void* payload) {
  GitTalk& talk = *static_cast<GitTalk*>(payload);
  if (!talk.bounds.stop().stop_requested()) return 0;
  return talk.keep(
      unavailable(checks::kSourceStopped.id, "fetching was stopped on request").value());
}

Result<GitReferences> listed(git_remote* remote, GitTalk& talk) {
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (git_remote_ls(&heads, &count, remote) < 0) {
    return tl::unexpected(talk.failed("the remote's references cannot be read"));
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

Result<void> fetch_over_network(git_repository* into, GitTalk& talk) {
  auto made = make_remote(into, talk);
  if (!made) return tl::unexpected(made.error());
  const RemotePointer remote = std::move(*made);
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.callbacks.transport = make_transport;
  options.callbacks.transfer_progress = on_progress;
  options.callbacks.payload = &talk;
  if (git_remote_connect(remote.get(), GIT_DIRECTION_FETCH, &options.callbacks, nullptr, nullptr) <
      0) {
    return tl::unexpected(talk.failed("the remote does not speak as a git server does"));
  }
  auto wanted = listed(remote.get(), talk);
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
      return tl::unexpected(talk.failed("the objects could not be fetched"));
    }
  }
  git_remote_disconnect(remote.get());
  return write_references(into, *wanted);
}

}  // namespace

Result<void> fetch(GitRepository& into, const SourceLocation& from, const SourceOptions& options,
                   const std::stop_token& stop) {
  GitTalk talk(from, options, stop);
  if (from.transport == Transport::file) return copy_from_folder(into, from.path, talk.bounds);
  if (auto connected = talk.connect(GitService::upload_pack); !connected) return connected;
  return fetch_over_network(into.handle(), talk);
}

}  // namespace metalwright::inventory
