#include "pipeline/lives.h"

#include <chrono>
#include <utility>

#include "pipeline/secrets.h"
#include "reconciler/http_client.h"

namespace metalwright::pipeline {
namespace {
Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

tl::unexpected<Error> no_netbox(const HostConfig& config) {
  return invalid(
      "lifecycle-netbox",
      "no NetBox holds the servers' states: add a target of type netbox, or name one of "
      "several in 'lifecycle.netbox'",
      config.lifecycle.origin.file.empty() ? Origin{config.file, 0, 0} : config.lifecycle.origin);
}
}  // namespace

Result<reconciler::NetboxApi> lifecycle_netbox(const HostConfig& config) {
  const TargetConfig* const target = config.lifecycle_target();
  if (target == nullptr) return no_netbox(config);
  const Result<std::string> token = resolve_secret(config.secrets, target->token.name);
  if (!token) {
    Error error = token.error();
    error.origin = target->token.origin;
    return tl::unexpected<Error>(std::move(error));
  }
  reconciler::HttpOptions options;
  options.url = target->url;
  options.authorization = reconciler::netbox_authorization(*token);
  options.ca_file = target->ca_file;
  options.pin = target->pin;
  options.silence = target->timeout;
  // A hook should not be held up: what NetBox does not answer now waits in the state.
  options.tries = 3;
  auto client = reconciler::make_http_client(std::move(options));
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  return reconciler::NetboxApi(std::move(*client));
}

Lives::Lives(HostConfig config, std::string command)
    : config_(std::move(config)), command_(std::move(command)) {}
Lives::~Lives() = default;

Result<std::unique_ptr<Lives>> Lives::open(HostConfig config, std::string command) {
  std::unique_ptr<Lives> lives(new Lives(std::move(config), std::move(command)));
  if (Result<void> ready = lives->set_up(); !ready) {
    return tl::unexpected<Error>(std::move(ready).error());
  }
  return lives;
}

Result<void> Lives::set_up() {
  auto netbox = lifecycle_netbox(config_);
  if (!netbox) return tl::unexpected<Error>(std::move(netbox).error());
  netbox_.emplace(std::move(*netbox));
  auto store = store::Store::open({.state = config_.state});
  if (!store) return tl::unexpected<Error>(std::move(store).error());
  store_ = std::move(*store);
  lifecycle::RegistryOptions options;
  options.interfaces = config_.lifecycle.bmc_interfaces;
  options.prefix_length = config_.lifecycle.bmc_prefix_length;
  registry_ = std::make_unique<lifecycle::Registry>(*netbox_, std::move(options));
  return {};
}

Result<void> Lives::keep_lock() {
  auto lock = store::RunLock::take(config_.state, store::this_process(command_, now_utc()),
                                   store::LockFor::lifecycle);
  if (!lock) return tl::unexpected<Error>(std::move(lock).error());
  lock_ = std::move(*lock);
  return {};
}

Result<Lives::Drained> Lives::drain(std::stop_token stop, const lifecycle::Runner::OnEnd& on_end) {
  Drained drained;
  // Who finds the lock taken leaves its event to the holder; so the holder looks once more after it
  // let go, or an event that came in between would wait for the next one.
  while (!stop.stop_requested()) {
    std::optional<store::RunLock> lock;
    if (!lock_) {
      auto taken = store::RunLock::take(config_.state, store::this_process(command_, now_utc()),
                                        store::LockFor::lifecycle);
      if (!taken && taken.error().check == "run-locked") {
        drained.elsewhere = true;
        return drained;
      }
      if (!taken) return tl::unexpected<Error>(std::move(taken).error());
      lock = std::move(*taken);
    }
    const Result<std::size_t> took =
        lifecycle::Runner(*store_, *registry_, now_utc, on_end).drain(stop);
    if (!took) return tl::unexpected<Error>(took.error());
    drained.taken += *took;
    lock.reset();
    const Result<std::size_t> waiting = store_->lifecycle().waiting();
    if (!waiting) return tl::unexpected<Error>(waiting.error());
    if (*waiting == 0) return drained;
  }
  return drained;
}

Result<std::size_t> Lives::learn_states(std::stop_token stop) {
  const Result<std::vector<lifecycle::Device>> devices = registry_->devices(stop);
  if (!devices) return tl::unexpected<Error>(devices.error());
  const Time now = now_utc();
  const Result<void> kept = store_->transaction([&]() -> Result<void> {
    for (const lifecycle::Device& device : *devices) {
      if (auto set = store_->machines().set(device.name, device.state_word, now); !set) return set;
    }
    return {};
  });
  if (!kept) return tl::unexpected<Error>(kept.error());
  return devices->size();
}

}  // namespace metalwright::pipeline
