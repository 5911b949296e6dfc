#include "reconciler/fault_injection.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "reconciler/fault.h"

namespace metalwright::reconciler {
namespace {

struct Installed {
  std::mutex mutex;  // fault points are passed from several threads; counts must not skip
  Fault fault;
  unsigned long passes = 0;
  int log = -1;
};

Installed& installed() {
  static Installed value;
  return value;
}

int on_pass(const char* point) {
  Installed& at = installed();
  const std::lock_guard lock(at.mutex);
  if (at.log >= 0) {
    const std::string line = std::string(point) + '\n';
    // One write a line with O_APPEND: whole lines even where several processes share the log.
    if (::write(at.log, line.data(), line.size()) < 0) std::abort();
  }
  if (at.fault.point.empty() || (at.fault.point != "*" && at.fault.point != point)) return 0;
  ++at.passes;
  if (at.passes != at.fault.pass && !(at.fault.onwards && at.passes > at.fault.pass)) return 0;
  if (at.fault.error == 0) {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
  return at.fault.error;
}

constexpr std::pair<std::string_view, int> kActions[] = {
    {"kill", 0}, {"enospc", ENOSPC}, {"eio", EIO}, {"eacces", EACCES}, {"erofs", EROFS}};

}  // namespace

Result<Fault> parse_fault(std::string_view text) {
  const auto bad = [&] {
    return invalid("fault", "'" + std::string(text) +
                                "' is not a fault: name[:N[+]][=kill|enospc|eio|eacces|erofs]");
  };
  Fault fault;
  std::string_view rest = text;
  if (const auto equals = rest.find('='); equals != std::string_view::npos) {
    const std::string_view action = rest.substr(equals + 1);
    bool known = false;
    for (const auto& [word, error] : kActions) {
      if (word != action) continue;
      known = true;
      fault.error = error;
    }
    if (!known) return bad();
    rest = rest.substr(0, equals);
  }
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    std::string_view count = rest.substr(colon + 1);
    if (count.ends_with('+')) {
      fault.onwards = true;
      count.remove_suffix(1);
    }
    const auto [end, error] =
        std::from_chars(count.data(), count.data() + count.size(), fault.pass);
    if (error != std::errc() || end != count.data() + count.size() || fault.pass == 0) return bad();
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return bad();
  fault.point = rest;
  return fault;
}

void install_fault(Fault fault, const std::string& log) {
  Installed& at = installed();
  const std::lock_guard lock(at.mutex);
  if (at.log >= 0) ::close(at.log);
  at.log = log.empty() ? -1 : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (!log.empty() && at.log < 0) std::abort();  // a test that asks for a log needs it
  at.fault = std::move(fault);
  at.passes = 0;
  fault_hook.store(&on_pass);
}

void remove_fault() {
  fault_hook.store(nullptr);
  Installed& at = installed();
  const std::lock_guard lock(at.mutex);
  if (at.log >= 0) ::close(at.log);
  at.log = -1;
  at.fault = {};
}

Result<void> install_fault_from_environment() {
  const char* const text = std::getenv("METALWRIGHT_FAULT");
  const char* const log = std::getenv("METALWRIGHT_FAULT_LOG");
  if (text == nullptr && log == nullptr) return {};
  Fault fault;
  if (text != nullptr) {
    Result<Fault> parsed = parse_fault(text);
    if (!parsed) return tl::unexpected(std::move(parsed.error()));
    fault = std::move(*parsed);
  }
  install_fault(std::move(fault), log == nullptr ? "" : log);
  return {};
}

}  // namespace metalwright::reconciler
