#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "inventory/git_push.h"
#include "inventory/repository_files.h"
#include "pipeline/bell.h"
#include "pipeline/service/exported.h"
#include "reconciler/store/store.h"
#include "schemas/host_config.h"

namespace metalwright::service {

/// What a commit is to change in the branch's files as they are; nothing: no commit is made.
using PlanEdits = std::function<Result<inventory::FileEdits>(const inventory::RepositoryFiles&)>;

/// Commits to the branch that `service.write-back` names, and pushes; where the branch moved on
/// meanwhile it is done again on the new tip, never by force. A branch that is not there begins at
/// the source's. A commit whose revision would not be usable is not made.
/// Returns the commit; empty where there was nothing to change. Errors: `invalid` [write-back]
/// with what is wrong with the revision; as inventory::push_commit.
[[nodiscard]] Result<std::optional<std::string>> commit_to_branch(const HostConfig& config,
                                                                  const std::string& message,
                                                                  const PlanEdits& plan,
                                                                  std::stop_token stop = {});

/// What the API made, as edits of these files; `left_out` is told of what cannot be written.
[[nodiscard]] Result<inventory::FileEdits> api_edits(
    const HostConfig& config, store::Store& store, const inventory::RepositoryFiles& files,
    const std::function<void(const std::string&)>& left_out);

/// An adopted machine's file, `inventory/NAME.yaml`. Error: `invalid` where the repository has a
/// server of that name or a machine with this MAC address.
[[nodiscard]] Result<inventory::FileEdits> adoption_edits(const store::PendingMachine& machine,
                                                          const Adoption& adoption,
                                                          const inventory::RepositoryFiles& files);

/// Keeps the branch as the API has it, in a thread of its own: at the start, after every change,
/// and again where it did not work. Of instances that share a state the one that `leads` does it.
class WriteBack {
 public:
  WriteBack(const HostConfig& config, store::Store& store,
            std::function<void(const std::string&)> say, std::function<bool()> leads);
  ~WriteBack();
  WriteBack(const WriteBack&) = delete;
  WriteBack& operator=(const WriteBack&) = delete;

  /// The API made something.
  void wake();

 private:
  void run(std::stop_token stop);
  [[nodiscard]] bool write(std::stop_token stop);

  const HostConfig& config_;
  store::Store& store_;
  std::function<void(const std::string&)> say_;
  std::function<bool()> leads_;
  pipeline::Bell bell_;
  std::string trouble_;  // what was said last
  std::jthread thread_;  // last: it uses the others
};

}  // namespace metalwright::service
