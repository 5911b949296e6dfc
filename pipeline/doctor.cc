#include "pipeline/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>

#include "pipeline/host.h"
#include "pipeline/host_targets.h"
#include "pipeline/lives.h"
#include "pipeline/secrets.h"

namespace metalwright::pipeline {
namespace {

Error note(Severity severity, std::string check, std::string message, Origin origin = {}) {
  Error error;
  error.kind = ErrorKind::unavailable;
  error.severity = severity;
  error.check = std::move(check);
  error.message = std::move(message);
  error.origin = std::move(origin);
  return error;
}

Diagnosis folder(std::string what, const std::string& path, int access_mode, Severity severity,
                 const std::string& remedy) {
  Diagnosis diagnosis{std::move(what) + " '" + path + "'", {}};
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    diagnosis.problems.push_back(
        note(severity, "folder-missing", "'" + path + "' is not there; " + remedy));
  } else if (!S_ISDIR(status.st_mode)) {
    diagnosis.problems.push_back(
        note(Severity::error, "folder-missing", "'" + path + "' is not a folder; " + remedy));
  } else if (access(path.c_str(), access_mode) != 0) {
    diagnosis.problems.push_back(note(Severity::error, "folder-permission",
                                      "'" + path + "' cannot be used by user " +
                                          std::to_string(geteuid()) +
                                          ": give it to that user, or run as another"));
  }
  return diagnosis;
}

std::vector<SecretRef> secrets_of(const HostConfig& config) {
  std::vector<SecretRef> refs{config.source.password, config.source.ssh_key};
  for (const TargetConfig& target : config.targets) {
    refs.push_back(target.token);
    refs.push_back(target.password);
  }
  std::erase_if(refs, [](const SecretRef& ref) { return ref.name.empty(); });
  return refs;
}

Diagnosis secrets(const HostConfig& config) {
  Diagnosis diagnosis{"secrets", {}};
  for (const SecretRef& ref : secrets_of(config)) {
    const Result<std::string> value = resolve_secret(config.secrets, ref.name);
    if (value) continue;
    Error error = value.error();
    error.origin = ref.origin;
    diagnosis.problems.push_back(std::move(error));
  }
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(config.secrets, failure)) {
    struct stat status = {};
    if (stat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if ((status.st_mode & S_IRWXO) == 0) continue;
    diagnosis.problems.push_back(
        note(Severity::error, "secret-permission",
             "'" + entry.path().string() + "' can be read by everybody: chmod o= it"));
  }
  return diagnosis;
}

/// Whether the NetBox that holds the servers' states can tell them all.
Diagnosis states(const HostConfig& config, std::stop_token stop) {
  Diagnosis diagnosis{"servers' states in NetBox", {}};
  auto netbox = lifecycle_netbox(config);
  if (!netbox) {
    diagnosis.problems.push_back(netbox.error());
    return diagnosis;
  }
  lifecycle::Registry registry(*netbox, {});
  const auto setup = registry.setup(std::move(stop));
  if (!setup) {
    diagnosis.problems.push_back(setup.error());
  } else {
    diagnosis.what += ": " + std::string(lifecycle::word(*setup));
    if (*setup == lifecycle::StateSetup::none) {
      diagnosis.problems.push_back(lifecycle::missing_states());
      // Who only keeps NetBox as the repository says needs no lives.
      if (config.lifecycle.origin.file.empty()) {
        diagnosis.problems.back().severity = Severity::warning;
      }
    }
  }
  return diagnosis;
}

}  // namespace

std::vector<Diagnosis> examine(const HostConfig& config, std::stop_token stop) {
  std::vector<Diagnosis> checks;
  checks.push_back({"configuration '" + config.file + "'", {}});
  checks.push_back(secrets(config));
  if (!config.assets.empty()) {
    checks.push_back(folder("assets", config.assets, R_OK | X_OK, Severity::warning,
                            "kernels and initrds are looked for there"));
  }
  if (config.lifecycle_target() != nullptr) checks.push_back(states(config, stop));
  auto host = Host::open(config, Access::read);
  if (!host) {
    checks.push_back({"state, source and targets", {host.error()}});
    return checks;
  }
  const std::string& state = (*host)->state_folder();
  const bool state_there = std::filesystem::exists(state);
  checks.push_back(
      folder("state", state, R_OK | W_OK | X_OK, Severity::warning, "the first 'apply' makes it"));
  if (state_there) {
    Diagnosis store{"state database", {}};
    if (const auto good = (*host)->store().revisions().last_good(); !good) {
      store.problems.push_back(good.error());
    }
    checks.push_back(std::move(store));
  }
  Diagnosis source{"source '" + config.source.git + "'", {}};
  Wanted wanted = (*host)->wanted(stop);
  source.problems = std::move(wanted.errors);
  if (wanted.compiled != nullptr) {
    const Errors& warnings = wanted.compiled->warnings;
    source.problems.insert(source.problems.end(), warnings.begin(), warnings.end());
  }
  checks.push_back(std::move(source));
  for (const auto& target : (*host)->targets()) {
    for (reconciler::Target::Check& check : target->check()) {
      checks.push_back({"target " + target->name() + ": " + check.what, std::move(check.problems)});
    }
  }
  return checks;
}

}  // namespace metalwright::pipeline
