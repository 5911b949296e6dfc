#pragma once

#include <string>

#include "pipeline/imported_repository.h"

namespace metalwright::pipeline {

/// Takes out of an import's files what the loader does not accept, such as a serial number that two
/// devices have: line by line, or with what stands below a line, until a repository is left that
/// loads without an error. Notes what was taken out and why, and counts what is left.
void mend_import(ImportedRepository& made);

/// A message without the places ` (inventory.yaml:2:3)`: those of a draft that nobody sees.
[[nodiscard]] std::string without_places(const std::string& message);

}  // namespace metalwright::pipeline
