#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/git_push.h"
#include "inventory/repository_files.h"
#include "pipeline/service/boot_view.h"
#include "reconciler/store/provisioning.h"
#include "schemas/model.h"

/// What stands in the state alone, as files of a repository. Pure.
///
/// A file that was written for the API begins with a line that says so. As long as it does the file
/// follows the API: changed there, it changes here, and what is removed there goes here. Whoever
/// takes the line away has the file for himself, and the repository's word is the last.
namespace metalwright::service {

struct Exported {
  inventory::FileEdits files;         ///< by path; never a deletion
  std::vector<std::string> left_out;  ///< lines for people: what, and why
};

/// `profiles/NAME.yaml`, `templates/NAME.api` and `inventory/api-NAME.yaml` for what the API made.
/// `others` is the model of the repository without the API's files: what it has under a name or a
/// MAC address is left out, and so is a profile whose files `has_asset` does not know, because a
/// revision that names a missing kernel would not be applied.
[[nodiscard]] Exported export_api(const ApiBoots& api, const Model& others,
                                  const std::function<bool(std::string_view path)>& has_asset);

/// True for a file that the API made and nobody took over.
[[nodiscard]] bool is_exported(const inventory::RepositoryFiles& files,
                               const inventory::RepositoryFile& file);
/// The files of the others.
[[nodiscard]] inventory::RepositoryFiles without_exported(const inventory::RepositoryFiles& files);

/// What makes `files` have the exported ones and no other ones of the API's.
[[nodiscard]] inventory::FileEdits edits_for(const Exported& exported,
                                             const inventory::RepositoryFiles& files);
/// `files` with the edits made.
[[nodiscard]] inventory::RepositoryFiles edited(const inventory::RepositoryFiles& files,
                                                const inventory::FileEdits& edits);

/// A machine's first entry in the inventory.
struct Adoption {
  std::string name, profile, interface = "eth0";
};
/// The entry below `servers:`, with two blanks before it. What the machine said of itself is in it
/// only where it is what it is to be.
[[nodiscard]] std::string adopted_entry(const store::PendingMachine& machine,
                                        const Adoption& adoption);

}  // namespace metalwright::service
