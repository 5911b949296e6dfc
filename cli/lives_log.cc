#include "cli/lives_log.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace metalwright::cli {
namespace {

void log_end(const store::LifecycleEvent& event) {
  std::string states;
  if (!event.from.empty() && event.from != event.to) {
    states = fmt::format("{} → {}, ", event.from, event.to);
  }
  spdlog::info("{} of {}: {}, {}{}", event.event,
               event.server.empty() ? event.subject : event.server, word(event.outcome), states,
               event.result);
}

void log_trouble(const Error& error, std::size_t waiting) {
  spdlog::warn("events wait for NetBox ({} now): {}", waiting, error.text());
}

}  // namespace

pipeline::LivesWorker::Told lives_log() {
  return {.on_end = log_end, .on_trouble = log_trouble, .on_recovery = [] {
            spdlog::info("NetBox answers again");
          }};
}

}  // namespace metalwright::cli
