#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "inventory/repository_files.h"

namespace metalwright::pipeline {

/// What an import made of another system's knowledge.
struct ImportedRepository {
  std::map<std::string, std::string> files;  ///< path to content
  std::vector<std::string> notes;            ///< what cannot be said in a repository, a line each
  std::size_t servers = 0, networks = 0, clusters = 0;
};

/// The files that were made, as the loader reads them.
[[nodiscard]] inline inventory::RepositoryFiles repository_files(const ImportedRepository& made) {
  inventory::RepositoryFiles files;
  for (const auto& [path, content] : made.files) {
    files.push_back(inventory::repository_file(path, content));
  }
  return files;
}

}  // namespace metalwright::pipeline
