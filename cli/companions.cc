#include "cli/companions.h"

#include <utility>

#include "cli/lives_log.h"

namespace metalwright::cli {

void Companions::begin(const HostConfig& config, store::Store& store) {
  end();
  const std::lock_guard lock(mutex_);
  if (config.lifecycle_target() != nullptr) {
    auto opened = pipeline::Lives::open(config, "serve");
    // Boots go on without: what is reported meanwhile waits in the state.
    if (opened) {
      lives_ = std::move(*opened);
      worker_ = std::make_unique<pipeline::LivesWorker>(*lives_, lives_log());
    } else {
      say_(opened.error().text());
    }
  }
  const auto leads = [this] { return leads_.load(); };
  messenger_ = std::make_unique<service::Messenger>(config, store, say_, leads);
  write_back_ = std::make_unique<service::WriteBack>(config, store, say_, leads);
}

void Companions::end() {
  // Their threads end outside of the lock: a handler that wakes one waits for nobody.
  std::unique_ptr<pipeline::LivesWorker> worker;
  std::unique_ptr<service::Messenger> messenger;
  std::unique_ptr<service::WriteBack> write_back;
  {
    const std::lock_guard lock(mutex_);
    worker = std::move(worker_);
    messenger = std::move(messenger_);
    write_back = std::move(write_back_);
  }
  write_back.reset();
  messenger.reset();
  worker.reset();
  const std::lock_guard lock(mutex_);
  lives_.reset();
}

void Companions::lead(bool leads) {
  if (leads_.exchange(leads) != leads && leads) api_made();
}

void Companions::wake_lives() {
  const std::lock_guard lock(mutex_);
  if (worker_ != nullptr) worker_->wake();
}

void Companions::api_made() {
  const std::lock_guard lock(mutex_);
  if (write_back_ != nullptr) write_back_->wake();
}

void Companions::begin_round(const pipeline::Wanted& wanted) {
  const std::lock_guard lock(mutex_);
  if (messenger_ != nullptr) messenger_->begin(wanted);
}

void Companions::end_round(const pipeline::Round& round) {
  const std::lock_guard lock(mutex_);
  if (messenger_ != nullptr) messenger_->end(round);
}

}  // namespace metalwright::cli
