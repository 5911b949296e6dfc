#include "pipeline/compiler.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>

#include "pipeline/boot_path.h"
#include "pipeline/secrets.h"

namespace metalwright::pipeline {
namespace {

using renderers::Artifact;
using renderers::Format;

constexpr std::size_t kMostProofErrors = 50;

void append(Errors& to, Errors from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// The boot-path proof: what the boot files name must be in the tree that they are published in.
/// It listens while artifacts are rendered, so that only what is new is read, and compares
/// afterwards, when the tree is known.
class BootPathProof {
 public:
  explicit BootPathProof(const std::vector<TargetLayout>& layouts) : layouts_(layouts) {}

  void observe(const ServerEntry* server, std::size_t target, Format format,
               const Artifact& artifact) {
    if (artifact.kind != renderers::kFileKind) return;
    if (format != Format::pxelinux && format != Format::grub && format != Format::ipxe) return;
    if (artifact.name.starts_with("configs/")) return;  // of a user's template: no boot file
    for (BootReference& reference : boot_references(format, artifact.name, artifact.content,
                                                    layouts_[target].settings.service_url)) {
      const std::lock_guard lock(mutex_);
      Users& users = found_[{target, std::move(reference.path)}];
      if (users.count++ > 0) continue;
      users.server = server;
      users.step = reference.step;
      users.file = artifact.name;
      users.line = reference.line;
    }
  }

  Errors check(const DesiredState& state, const Model& model) const {
    Errors errors;
    for (const auto& [where, users] : found_) {
      const TargetState& target = state.targets[where.first];
      if (target.table.find("file", where.second) != nullptr) continue;
      // A tree without assets (they are served from elsewhere) cannot be proved by itself.
      if (layouts_[where.first].host_files.empty()) continue;
      Error error;
      error.kind = ErrorKind::invalid;
      error.check = "boot-path";
      error.message = target.name + "/file/" + users.file + ':' + std::to_string(users.line) +
                      ": the " + std::string(users.step) + " '" + where.second +
                      "' is not in the tree" +
                      (users.count > 1 ? " (named " + std::to_string(users.count) + " times)" : "");
      if (users.server != nullptr) {
        error.origin = model.origin(*users.server);
        error.context.push_back("boot path of " + std::string(users.server->server->name.view()) +
                                ": " + users.file + " → " + where.second + " (missing)");
      }
      errors.push_back(std::move(error));
      if (errors.size() == kMostProofErrors) break;
    }
    return errors;
  }

 private:
  struct Users {
    const ServerEntry* server = nullptr;
    std::string_view step;
    std::string file;
    std::uint32_t line = 0;
    std::uint64_t count = 0;
  };
  const std::vector<TargetLayout>& layouts_;
  std::mutex mutex_;
  std::map<std::pair<std::size_t, std::string>, Users> found_;
};

/// Active machines whose boot would change although their own entry did not.
Errors check_active(const DesiredState& before, const DesiredState& after, const Model& model,
                    const std::vector<TargetLayout>& layouts,
                    const std::vector<std::string>& active) {
  Errors errors;
  if (active.empty()) return errors;
  std::map<std::string_view, const DesiredServer*> old;
  for (const DesiredServer& server : before.servers) old[server.name.view()] = &server;
  std::set<std::uint32_t> watched;
  for (std::uint32_t i = 0; i < after.servers.size(); ++i) {
    const auto at = old.find(after.servers[i].name.view());
    if (at == old.end() || at->second->entry != after.servers[i].entry) continue;
    if (std::binary_search(active.begin(), active.end(), at->first)) watched.insert(i);
  }
  for (std::size_t t = 0; t < after.targets.size(); ++t) {
    const TargetState* was = before.find_target(after.targets[t].name);
    if (was == nullptr || layouts[t].host_files.empty()) continue;
    for (std::size_t r = 0; r < after.targets[t].table.rows.size(); ++r) {
      const std::uint32_t unit = after.targets[t].units[r].unit;
      if (!watched.contains(unit)) continue;
      const reconciler::ResourceRow& row = after.targets[t].table.rows[r];
      const reconciler::ResourceRow* old_row = was->table.find(row.kind, row.name);
      if (old_row != nullptr && old_row->digest == row.digest) continue;
      Error error;
      error.kind = ErrorKind::refused;
      error.check = "active-boot-change";
      error.message = std::string(after.servers[unit].name.view()) +
                      " is active, and its boot would change although its own entry did not: " +
                      after.targets[t].name + "/file/" + std::string(row.name.view()) +
                      "; change the entry too, or give that server a profile of its own";
      error.origin = model.origin(model.servers[unit]);
      errors.push_back(std::move(error));
    }
  }
  return errors;
}

std::map<std::string, std::string, std::less<>> resolve_secrets(const HostConfig& config,
                                                                const Model& model,
                                                                Errors& errors) {
  std::map<std::string, std::string, std::less<>> values;
  for (const std::string& name : secrets_of(model)) {
    Result<std::string> value = resolve_secret(config.secrets, name);
    if (value) {
      values.emplace(name, std::move(*value));
    } else {
      errors.push_back(value.error());
    }
  }
  return values;
}

}  // namespace

const std::string& program_identity() {
  // The executable's own stat: it changes with every build, without reading 10 MB to hash it.
  static const std::string identity = [] {
    struct stat self = {};
    if (stat("/proc/self/exe", &self) != 0) return std::string("unknown");
    return std::to_string(self.st_size) + '-' + std::to_string(self.st_mtim.tv_sec) + '-' +
           std::to_string(self.st_mtim.tv_nsec) + '-' + std::to_string(self.st_ino);
  }();
  return identity;
}

Digest context_digest(const inventory::RepositoryFiles& files, const Digest& layouts) {
  Digester digester;
  digester.add(program_identity());
  const auto add = [&](const Digest& digest) {
    digester.add({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
  };
  add(layouts);
  for (const inventory::RepositoryFile& file : files) {
    const bool servers = file.path == "inventory.yaml" || file.path.starts_with("inventory/");
    digester.add(file.path);
    if (!servers) add(file.id);
  }
  return digester.finish();
}

CompileResult Compiler::compile(const std::string& revision,
                                const inventory::RepositoryFiles& files,
                                const std::vector<std::string>& active) {
  CompileResult result;
  inventory::LoadResult loaded = inventory::load(files, cache_.get(), host_.texts);
  cache_ = loaded.cache;
  if (loaded.model == nullptr) {
    result.errors = std::move(loaded.errors);
    return result;
  }
  const Model& model = *loaded.model;
  Errors of_repository = std::move(loaded.errors);

  std::vector<HostFile> loaders;
  if (wants_boot_loaders(host_.config)) {
    Result<std::vector<HostFile>> made = host_.boot_loaders();
    if (made) {
      loaders = std::move(*made);
    } else {
      result.errors.push_back(made.error());
    }
  }
  auto secrets = resolve_secrets(host_.config, model, result.errors);
  Layouts layouts = make_layouts({.config = host_.config,
                                  .model = model,
                                  .boot_loaders = loaders,
                                  .secrets = std::move(secrets),
                                  .digest = host_.digest});
  append(result.errors, std::move(layouts.errors));

  auto compiled = std::make_shared<Compiled>();
  compiled->revision = revision;
  compiled->model = loaded.model;
  compiled->layouts = std::move(layouts.targets);
  BootPathProof proof(compiled->layouts);
  BuildResult built = build_desired(
      {.revision = revision,
       .model = model,
       .context = context_digest(files, layouts_digest(compiled->layouts, host_.secret_hash)),
       .layouts = compiled->layouts,
       .previous = last_ == nullptr ? nullptr : &last_->state,
       .observer = [&](const ServerEntry* server, std::size_t target, Format format,
                       const Artifact& artifact) {
         proof.observe(server, target, format, artifact);
       }});
  append(of_repository, std::move(built.errors));
  compiled->state = std::move(built.state);
  if (!has_error(result.errors) && !has_error(of_repository)) {
    append(result.errors, proof.check(compiled->state, model));
    if (last_ != nullptr) {
      append(result.errors,
             check_active(last_->state, compiled->state, model, compiled->layouts, active));
    }
  }
  if (has_error(result.errors) || has_error(of_repository)) {
    append(result.errors, std::move(of_repository));
    sort_errors(result.errors);
    return result;
  }
  sort_errors(result.errors);
  sort_errors(of_repository);
  compiled->warnings = std::move(of_repository);
  last_ = compiled;
  result.compiled = std::move(compiled);
  return result;
}

}  // namespace metalwright::pipeline
