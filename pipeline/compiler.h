#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inventory/loader.h"
#include "inventory/repository_files.h"
#include "pipeline/desired_state.h"
#include "pipeline/layout.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// A revision, loaded, checked, rendered and proved: what the engine is asked to make true.
struct Compiled {
  std::string revision;
  std::shared_ptr<const Model> model;  ///< null in one that came from the cache file; see Compiler
  std::vector<TargetLayout> layouts;
  DesiredState state;
  Errors warnings;  ///< of the repository alone, as `validate` says them; a cache file keeps none
};

/// What a compile gave: a state to make true, or why there is none.
struct CompileResult {
  std::shared_ptr<const Compiled> compiled;  ///< null where `errors` has an error
  /// With their warnings, in file order. Of a revision that is good only the host's: what the
  /// repository's authors may want to know stands in `compiled`, and is no news at each plan.
  Errors errors;
};

/// What the host brings into a compile.
struct CompileHost {
  const HostConfig& config;
  /// The boot loaders for a boot tree; asked at most once a compile, and only if a target wants
  /// them.
  std::function<Result<std::vector<HostFile>>()> boot_loaders;
  DigestHostFile digest;
  /// Keyed, so that what is kept of a secret says nothing about it.
  std::function<Digest(std::string_view)> secret_hash;
  /// For who compiles one revision after the other; see inventory::Texts.
  inventory::Texts texts = inventory::Texts::forget;
};

/// Compiles revisions, each with what the one before it gave: unchanged servers are neither parsed
/// nor rendered again. One thread at a time.
class Compiler {
 public:
  explicit Compiler(CompileHost host) : host_(std::move(host)) {}

  /// `active` are the servers whose boot may not change unless their own entry does: sorted.
  [[nodiscard]] CompileResult compile(const std::string& revision,
                                      const inventory::RepositoryFiles& files,
                                      const std::vector<std::string>& active);

  /// Starts from a state that was kept in a file, so that the first compile renders only what
  /// changed since.
  void resume(std::shared_ptr<const Compiled> kept) { last_ = std::move(kept); }
  [[nodiscard]] const std::shared_ptr<const Compiled>& last() const { return last_; }

  /// What the last load learnt, to be kept for the next process; and from an earlier one, back.
  [[nodiscard]] const std::shared_ptr<const inventory::LoadCache>& load_cache() const {
    return cache_;
  }
  void keep_texts() { host_.texts = inventory::Texts::keep; }
  void resume_load(std::shared_ptr<const inventory::LoadCache> cache) { cache_ = std::move(cache); }

 private:
  CompileHost host_;
  std::shared_ptr<const inventory::LoadCache> cache_;
  std::shared_ptr<const Compiled> last_;
};

/// Digest of everything of a revision but the servers' entries that rendering depends on, and of
/// this very program.
[[nodiscard]] Digest context_digest(const inventory::RepositoryFiles& files, const Digest& layouts);

/// Names this build of the program: results of another one are not taken over.
[[nodiscard]] const std::string& program_identity();

}  // namespace metalwright::pipeline
