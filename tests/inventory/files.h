#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "inventory/error_list.h"
#include "inventory/loader.h"
#include "schemas/diagnostics.h"

namespace metalwright::inventory {

/// A revision from literals.
inline RepositoryFiles files(std::initializer_list<std::pair<std::string, std::string>> contents) {
  RepositoryFiles out;
  for (const auto& [path, bytes] : contents) out.push_back(repository_file(path, bytes));
  std::sort(out.begin(), out.end(),
            [](const RepositoryFile& a, const RepositoryFile& b) { return a.path < b.path; });
  return out;
}

/// A revision with an inventory only.
inline RepositoryFiles inventory_file(std::string bytes) {
  return files({{"inventory.yaml", std::move(bytes)}});
}

/// Diagnostics as `validate` prints them.
inline std::string lines(const Errors& errors) {
  return format_diagnostics(errors, DiagnosticFormat::text);
}

}  // namespace metalwright::inventory
