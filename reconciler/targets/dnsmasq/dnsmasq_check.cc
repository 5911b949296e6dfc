#include "reconciler/targets/dnsmasq/dnsmasq_check.h"

#include <dirent.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include "reconciler/run_program.h"
#include "reconciler/targets/dnsmasq/config_facts.h"
#include "reconciler/targets/dnsmasq/site_state.h"
#include "reconciler/targets/dnsmasq/syntax_check.h"

namespace metalwright::reconciler {
namespace {

using Check = Target::Check;

// `dhcp-ignore-clid` came with 2.81, and SIGHUP forgets what left a dhcp-hostsfile long before.
constexpr int kOldestMajor = 2, kOldestMinor = 81;
constexpr std::uint16_t kDhcpPort = 67, kTftpPort = 69;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Error problem(std::string_view check, std::string message) {
  return unavailable(check, std::move(message)).value();
}

Error warning(std::string_view check, std::string message) {
  Error error = problem(check, std::move(message));
  error.severity = Severity::warning;
  return error;
}

Check check_program(const DnsmasqTargetSettings& settings) {
  Check check{.what = fmt::format("program {}", settings.program), .problems = {}};
  const auto outcome = run_program({settings.program, "--version"});
  if (!outcome || outcome->exit_code != 0) {
    check.problems.push_back(dnsmasq_missing(settings.program).value());
    return check;
  }
  // `Dnsmasq version 2.90  Copyright …`
  std::istringstream words(outcome->out);
  std::string name, version, number;
  words >> name >> version >> number;
  int major = 0, minor = 0;
  const char* end = number.data() + number.size();
  const auto first = std::from_chars(number.data(), end, major);
  if (first.ec == std::errc() && first.ptr < end) std::from_chars(first.ptr + 1, end, minor);
  check.what = fmt::format("program {} {}", settings.program, number);
  if (major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor)) {
    check.problems.push_back(
        problem("dnsmasq-version", fmt::format("dnsmasq {} is too old: {}.{} or later is needed",
                                               number, kOldestMajor, kOldestMinor)));
  }
  return check;
}

/// Empty for a user that is not there: it is somebody else in any case.
std::optional<uid_t> uid_of(const std::string& user) {
  passwd entry{}, *found = nullptr;
  std::array<char, 4096> buffer{};
  if (::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return {};
  }
  return entry.pw_uid;
}

/// Every folder on the way to a path must be open to dnsmasq's own user, who reads the hosts files
/// at SIGHUP. Its group is left out: dnsmasq chooses it by itself where none is configured.
std::optional<std::string> closed_to(const std::string& user, const std::string& path) {
  const std::optional<uid_t> uid = uid_of(user);
  if (uid == 0) return {};
  struct stat status {};
  const auto lacks = [&](mode_t others) {  // the owner's bits stand six places higher
    const mode_t needed = status.st_uid == uid ? others << 6 : others;
    return (status.st_mode & needed) != needed;
  };
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::stat(folder.c_str(), &status) == 0 && lacks(S_IXOTH)) return folder;
  }
  if (::stat(path.c_str(), &status) != 0) return {};
  if (lacks(S_ISDIR(status.st_mode) ? S_IXOTH | S_IROTH : S_IROTH)) return path;
  return {};
}

void check_folder(const std::string& path, std::string_view key, Errors& problems) {
  struct stat status {};
  std::string there = path;
  while (there.size() > 1 && ::stat(there.c_str(), &status) != 0) {
    there = path_parts(there).folder;
  }
  if (::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    problems.push_back(
        problem("dnsmasq-folder", fmt::format("{}: '{}' is not a folder", key, path)));
  } else if (::access(there.c_str(), W_OK | X_OK) != 0) {
    problems.push_back(problem(
        "dnsmasq-folder",
        fmt::format("{}: '{}' cannot be written to: run as root, or give this user the folder", key,
                    there)));
  }
}

bool names_folder(const std::string& text, const std::string& folder, const std::string& file) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line[begin] == '#') continue;
    for (const std::string& wanted :
         {"conf-dir=" + folder, "CONFIG_DIR=" + folder, "conf-file=" + file}) {
      const std::size_t at = line.find(wanted);
      if (at == std::string::npos) continue;
      const std::size_t end = at + wanted.size();
      if (end == line.size() || line[end] == ',' || line[end] == '/' || line[end] == ' ') {
        return true;
      }
    }
  }
  return false;
}

/// Only where Debian's own service runs dnsmasq is it known what dnsmasq reads.
Check check_config(const DnsmasqTargetSettings& settings) {
  Check check{.what = fmt::format("configuration {}", settings.config), .problems = {}};
  const PathParts parts = path_parts(settings.config);
  check_folder(parts.folder, "config", check.problems);
  const bool debian =
      settings.reload.by == Reload::By::systemd &&
      (settings.reload.value == "dnsmasq" || settings.reload.value == "dnsmasq.service");
  if (!debian) return check;
  const std::string etc = settings.root + "/etc/";
  const std::string defaults = read_text(etc + "default/dnsmasq");
  const std::string main = read_text(etc + "dnsmasq.conf");
  const bool included = names_folder(defaults, parts.folder, settings.config) ||
                        names_folder(main, parts.folder, settings.config);
  if (included) return check;
  check.problems.push_back(problem(
      "dnsmasq-included",
      fmt::format("dnsmasq does not read '{}': put 'conf-dir={},*.conf' into /etc/dnsmasq.conf, or "
                  "the file into a folder that CONFIG_DIR in /etc/default/dnsmasq names",
                  settings.config, parts.folder)));
  return check;
}

Check check_hosts(const DnsmasqTargetSettings& settings) {
  Check check{.what = fmt::format("hosts files in {}", settings.hosts_folder), .problems = {}};
  check_folder(settings.hosts_folder, "hosts", check.problems);
  if (const auto closed = closed_to(settings.user, settings.hosts_folder)) {
    check.problems.push_back(problem(
        "dnsmasq-readable",
        fmt::format("'{}' is closed to user {}, whom dnsmasq runs as and who reads the hosts files "
                    "when they change: chmod o+rx '{}'",
                    *closed, settings.user, *closed)));
  }
  return check;
}

Check check_means(const DnsmasqTargetSettings& settings) {
  Check check{.what = "telling dnsmasq of changes", .problems = {}};
  const ReloadMeans means = reload_means(settings);
  if (auto possible = can_reload(means, ReloadKind::restart); !possible) {
    check.problems.push_back(possible.error());
  }
  for (const Reload* chosen : {&means.reload, &means.restart}) {
    if (chosen == &means.restart && chosen->value == means.reload.value) continue;
    switch (chosen->by) {
      case Reload::By::none:
        check.problems.push_back(warning(
            "dnsmasq-reload", "'reload' is none: changes wait until dnsmasq is started again"));
        break;
      case Reload::By::systemd: {
        const auto shown = run_program({settings.systemctl, "cat", chosen->value});
        if (!shown || shown->exit_code != 0) {
          check.problems.push_back(problem(
              "dnsmasq-reload",
              fmt::format("systemd knows no unit '{}': apt install dnsmasq", chosen->value)));
        }
        break;
      }
      case Reload::By::pidfile:
        if (::access(chosen->value.c_str(), R_OK) != 0) {
          check.problems.push_back(warning(
              "dnsmasq-not-running",
              fmt::format("'{}' is not there: dnsmasq does not run, or writes another pid-file",
                          chosen->value)));
        }
        break;
      case Reload::By::command: {
        const std::string program = chosen->value.substr(0, chosen->value.find(' '));
        if (program.starts_with('/') && ::access(program.c_str(), X_OK) != 0) {
          check.problems.push_back(problem(
              "dnsmasq-reload", fmt::format("'{}' is no program that can be run", program)));
        }
        break;
      }
    }
  }
  return check;
}

/// The inode of the UDP socket that is bound to a port, by /proc/net/udp; 0: none.
std::uint64_t socket_at(const std::string& root, std::uint16_t port) {
  std::istringstream lines(read_text(root + "/proc/net/udp"));
  std::string line;
  std::getline(lines, line);
  const std::string wanted = fmt::format(":{:04X}", port);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::array<std::string, 10> field;
    for (std::string& text : field) fields >> text;
    if (field[1].ends_with(wanted)) return std::strtoull(field[9].c_str(), nullptr, 10);
  }
  return 0;
}

struct Holder {
  std::string pid, program;
};

std::optional<Holder> holder_of(const std::string& root, std::uint64_t inode) {
  namespace fs = std::filesystem;
  const std::string wanted = fmt::format("socket:[{}]", inode);
  std::error_code failed;
  for (const auto& process : fs::directory_iterator(root + "/proc", failed)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code closed;
    for (const auto& file : fs::directory_iterator(process.path() / "fd", closed)) {
      std::error_code gone;
      if (fs::read_symlink(file.path(), gone) != wanted) continue;
      std::string program = read_text(process.path() / "comm");
      while (program.ends_with('\n')) program.pop_back();
      return Holder{pid, program};
    }
  }
  return {};
}

Check check_port(const DnsmasqTargetSettings& settings, std::uint16_t port, std::string_view use) {
  Check check{.what = fmt::format("port {}/udp ({})", port, use), .problems = {}};
  const std::uint64_t inode = socket_at(settings.root, port);
  if (inode == 0) return check;
  const std::optional<Holder> holder = holder_of(settings.root, inode);
  // A holder that cannot be seen is another user's: nothing is known against it.
  if (!holder || holder->program == "dnsmasq") return check;
  check.problems.push_back(problem(
      "dnsmasq-port", fmt::format("port {} is held by '{}' (process {}), not by dnsmasq: stop it, "
                                  "or let the network's 'dhcp.server' name it",
                                  port, holder->program, holder->pid)));
  return check;
}

Check check_tftp_root(const DnsmasqTargetSettings& settings, const std::string& root) {
  Check check{.what = fmt::format("TFTP root {}", root), .problems = {}};
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) {
    check.problems.push_back(
        problem("dnsmasq-tftp-root",
                fmt::format("'{}' is not there: dnsmasq serves no file until it is", root)));
  } else if (const auto closed = closed_to(settings.user, root)) {
    check.problems.push_back(
        problem("dnsmasq-readable",
                fmt::format("'{}' is closed to user {}, whom dnsmasq runs as: chmod o+rx '{}'",
                            *closed, settings.user, *closed)));
  }
  return check;
}

}  // namespace

std::vector<Check> check_dnsmasq(const DnsmasqTargetSettings& settings) {
  std::vector<Check> checks{check_program(settings), check_config(settings)};
  if (!settings.hosts_folder.empty()) checks.push_back(check_hosts(settings));
  checks.push_back(check_means(settings));
  const auto config = look_at_config(settings.config);
  const ConfigFacts facts = config ? read_config_facts(config->bytes) : ConfigFacts{};
  if (facts.tftp) checks.push_back(check_tftp_root(settings, facts.tftp_root));
  checks.push_back(check_port(settings, kTftpPort, "TFTP"));
  if (!settings.hosts_folder.empty()) checks.push_back(check_port(settings, kDhcpPort, "DHCP"));
  for (Check& check : checks) check.what = settings.name + ": " + check.what;
  return checks;
}

}  // namespace metalwright::reconciler
