#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/compiler.h"
#include "schemas/digest.h"

/// What a run found the desired state to be, kept in a file, so that a `plan` a minute later does
/// not parse and render a fleet that did not change. Only a cache: lost or damaged it costs time.
namespace metalwright::pipeline {

struct KeptState {
  std::shared_ptr<const Compiled> compiled;     ///< without a model
  Digest key;                                   ///< of configuration and program
  std::map<std::string, Digest> secrets;        ///< keyed hashes, by name
  std::map<std::string, std::uint64_t> stamps;  ///< by target: the last-applied table was the
                                                ///< desired one at this stamp of the store's
};

/// The file's bytes. Everything in it can be had from the repository but the keyed hashes.
[[nodiscard]] std::string write_state_cache(const KeptState& state);

/// Empty for anything that is not whole: the file carries a digest of itself.
[[nodiscard]] std::optional<KeptState> read_state_cache(std::string bytes);

}  // namespace metalwright::pipeline
