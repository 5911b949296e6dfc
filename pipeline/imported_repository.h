#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace metalwright::pipeline {

/// What an import made of another system's knowledge.
struct ImportedRepository {
  std::map<std::string, std::string> files;  ///< path to content
  std::vector<std::string> notes;            ///< what cannot be said in a repository, a line each
  std::size_t servers = 0, networks = 0, clusters = 0;
};

}  // namespace metalwright::pipeline
