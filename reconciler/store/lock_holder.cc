#include "reconciler/store/lock_holder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

namespace metalwright::store {

std::string LockHolder::text() const {
  if (pid == 0) return "another process";
  std::string text = fmt::format("process {} on {}", pid, host.empty() ? "this host" : host);
  if (!command.empty()) text += fmt::format(" ({})", command);
  return text + ", since " + utc_text(since);
}

LockHolder this_process(std::string command, Time now) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return {::getpid(), host, now, std::move(command)};
}

tl::unexpected<Error> run_locked(const LockHolder& holder) {
  return unavailable(
      "run-locked",
      fmt::format("the run lock is held by {}: wait for it, or end that process", holder.text()));
}

}  // namespace metalwright::store
