#include "reconciler/targets/dnsmasq/reload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>

#include "reconciler/file_system.h"
#include "reconciler/run_program.h"

namespace metalwright::reconciler {
namespace {

constexpr ProgramLimits kMeansLimits{.time = std::chrono::seconds(60)};
constexpr std::size_t kMostLog = std::size_t{1} << 20;
constexpr std::size_t kLongestWords = 400;
constexpr std::int64_t kMicroseconds = 1'000'000;

std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : command) {
    if (c != ' ' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, kLongestWords)) line += c == '\n' ? ' ' : c;
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

Result<void> run(const std::vector<std::string>& arguments, const std::stop_token& stop) {
  const auto outcome = run_program(arguments, kMeansLimits, stop);
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->exit_code == 0) return {};
  return unavailable(
      "dnsmasq-reload",
      fmt::format("'{}' ended with {}: {}", fmt::join(arguments, " "), outcome->exit_code,
                  one_line(outcome->err.empty() ? outcome->out : outcome->err)));
}

Result<void> by_systemd(const std::string& systemctl, const std::string& unit, ReloadKind kind,
                        const std::stop_token& stop) {
  if (kind == ReloadKind::hosts) {
    // Not `reload`: what a unit's ExecReload does is the unit's own affair.
    if (run({systemctl, "kill", "--kill-who=main", "--signal=HUP", unit}, stop)) return {};
    // It does not run: then it reads everything when it is started.
  }
  // A unit that failed often is not started again until its failures are forgotten.
  static_cast<void>(run_program({systemctl, "reset-failed", unit}, kMeansLimits, stop));
  return run({systemctl, "restart", unit}, stop);
}

std::string first_word_of(const std::string& path) {
  std::ifstream in(path);
  std::string word;
  in >> word;
  return word;
}

Result<void> by_pidfile(const std::string& path) {
  const auto not_running = [&](const std::string& why) {
    return unavailable("dnsmasq-not-running",
                       fmt::format("dnsmasq does not run ({}): start it, and it reads what was "
                                   "written",
                                   why));
  };
  const std::string word = first_word_of(path);
  pid_t process = 0;
  const auto end = std::from_chars(word.data(), word.data() + word.size(), process);
  if (word.empty() || end.ec != std::errc() || process <= 1) {
    return not_running(fmt::format("'{}' names no process", path));
  }
  // A number that was given to another program since must not be signalled: SIGHUP would end it.
  const std::string program = first_word_of(fmt::format("/proc/{}/comm", process));
  if (program != "dnsmasq") {
    return not_running(fmt::format("'{}' says {}, which is {}", path, process,
                                   program.empty() ? std::string("no process") : program));
  }
  if (::kill(process, SIGHUP) != 0) {
    return system_failure("dnsmasq-reload", fmt::format("cannot signal dnsmasq ({})", process),
                          errno);
  }
  return {};
}

}  // namespace

const Reload& ReloadMeans::means_for(ReloadKind kind) const {
  return kind == ReloadKind::restart ? restart : reload;
}

ReloadMeans reload_means(const Reload& reload, const Reload& restart) {
  ReloadMeans means;
  means.reload = reload;
  means.restart = restart;
  if (restart.by == Reload::By::none) means.restart = reload;
  return means;
}

Result<void> can_reload(const ReloadMeans& means, ReloadKind kind) {
  if (kind != ReloadKind::restart || means.restart.by != Reload::By::pidfile) return {};
  return invalid("dnsmasq-restart",
                 "the configuration changed, dnsmasq reads it only at the start, and a signal by "
                 "pidfile starts nothing: give the target 'restart: systemd:UNIT' or 'restart: "
                 "command:…' beside its 'reload'",
                 means.restart.origin);
}

Result<void> reload_dnsmasq(const ReloadMeans& means, ReloadKind kind, std::stop_token stop) {
  if (kind == ReloadKind::none) return {};
  const Reload& chosen = means.means_for(kind);
  switch (chosen.by) {
    case Reload::By::none:
      return {};
    case Reload::By::systemd:
      return by_systemd(means.systemctl, chosen.value, kind, stop);
    case Reload::By::pidfile:
      return by_pidfile(chosen.value);
    case Reload::By::command:
      return run(words_of(chosen.value), stop);
  }
  return {};
}

LogReader::LogReader(std::string file, const ReloadMeans& means)
    : file_(std::move(file)), journalctl_(means.journalctl) {
  if (!file_.empty()) {
    struct stat status {};
    if (::stat(file_.c_str(), &status) == 0) offset_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  for (const Reload* chosen : {&means.reload, &means.restart}) {
    if (chosen->by == Reload::By::systemd) unit_ = chosen->value;
  }
  since_us_ = std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count();
}

std::vector<std::string> LogReader::lines() const {
  std::string text;
  if (!file_.empty()) {
    const FileDescriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) return {};
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    // A file that shrank was rotated: all of it is new.
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t from = size < offset_ ? 0 : offset_;
    text.resize(std::min<std::uint64_t>(size - from, kMostLog));
    const ssize_t got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(from));
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  } else if (!unit_.empty()) {
    static_cast<void>(run_program({journalctl_, "--sync"}, kMeansLimits));
    const auto outcome = run_program(
        {journalctl_, "--quiet", "--no-pager", "--output=cat",
         fmt::format("--since=@{}.{:06}", since_us_ / kMicroseconds, since_us_ % kMicroseconds),
         "--unit=" + unit_},
        kMeansLimits);
    if (outcome && outcome->exit_code == 0) text = outcome->out;
  }
  std::vector<std::string> lines;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return lines;
}

}  // namespace metalwright::reconciler
