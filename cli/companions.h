#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "pipeline/lives.h"
#include "pipeline/lives_worker.h"
#include "pipeline/service/messenger.h"
#include "pipeline/service/write_back.h"
#include "reconciler/store/store.h"
#include "schemas/host_config.h"

namespace metalwright::cli {

/// What runs beside the loop and the service, each in a thread of its own: taking the events of the
/// servers' lives to their end, telling people and forges, writing back what the API made. None of
/// it holds up a boot, and each goes on where another one fails.
class Companions {
 public:
  explicit Companions(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

  /// Begins, or begins anew by another configuration. Both must outlive it, or the next `begin`.
  void begin(const HostConfig& config, store::Store& store);
  void end();
  /// Whether this is the instance that leads: others tell nobody and write nothing back.
  void lead(bool leads);

  // From any thread, also before `begin`.
  void wake_lives();
  void api_made();
  void begin_round(const pipeline::Wanted& wanted);
  void end_round(const pipeline::Round& round);

 private:
  std::function<void(const std::string&)> say_;
  std::atomic<bool> leads_{false};
  std::mutex mutex_;
  std::unique_ptr<pipeline::Lives> lives_;
  std::unique_ptr<pipeline::LivesWorker> worker_;
  std::unique_ptr<service::Messenger> messenger_;
  std::unique_ptr<service::WriteBack> write_back_;
};

}  // namespace metalwright::cli
