#include "cli/host_access.h"

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "cli/load_repository.h"
#include "reconciler/engine.h"

namespace metalwright::cli {
namespace {

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

tl::expected<std::unique_ptr<pipeline::Host>, Errors> open_host(const Globals& globals,
                                                                pipeline::Access access) {
  auto config = read_host_config(globals.config);
  if (!config) return tl::unexpected(config.error());
  auto host = pipeline::Host::open(std::move(*config), access);
  if (!host) return tl::unexpected(Errors{host.error()});
  return std::move(*host);
}

tl::expected<std::unique_ptr<pipeline::Lives>, Errors> open_lives(const Globals& globals,
                                                                  const std::string& command) {
  auto config = read_host_config(globals.config);
  if (!config) return tl::unexpected(config.error());
  auto lives = pipeline::Lives::open(std::move(*config), command);
  if (!lives) return tl::unexpected(Errors{lives.error()});
  return std::move(*lives);
}

tl::expected<std::unique_ptr<store::Store>, Errors> open_state(const Globals& globals,
                                                               bool writes) {
  auto config = read_host_config(globals.config);
  if (!config) return tl::unexpected(config.error());
  auto store = store::Store::open({.state = config->state, .read_only = !writes});
  if (!store) return tl::unexpected(Errors{store.error()});
  return std::move(*store);
}

Result<store::RunLock> take_lock(const HostConfig& config, const std::string& command) {
  return store::RunLock::take(config.state, store::this_process(command, now_utc()),
                              store::LockFor::run, config.service.lease);
}

Result<std::unique_ptr<pipeline::Host>> open_with(const store::RunLock& lock, HostConfig config) {
  auto host = pipeline::Host::open(std::move(config), pipeline::Access::write);
  if (!host) return host;
  (*host)->store().fence(lock.fence());
  if (auto closed = reconciler::close_interrupted_runs((*host)->store(), now_utc()); !closed) {
    return tl::unexpected<Error>(std::move(closed).error());
  }
  return host;
}

std::string who_am_i() {
  const passwd* user = getpwuid(getuid());
  const std::string name = user == nullptr ? std::to_string(getuid()) : user->pw_name;
  return name + '@' + host_name();
}

Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

}  // namespace metalwright::cli
