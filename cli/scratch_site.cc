#include "cli/scratch_site.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "reconciler/run_program.h"

extern char** environ;  // NOLINT: POSIX

namespace metalwright::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kStart{120};
constexpr std::chrono::milliseconds kGlance{20};
constexpr std::size_t kKernelBytes = 64 * 1024, kInitrdBytes = 512 * 1024;

constexpr const char* kProfile =
    "type: rescue\nkernel: rescue/vmlinuz\ninitrd: rescue/initrd\n"
    "params: [\"url=http://127.0.0.1/boot/configs/rescue/${mac}\"]\ntemplate: node.cfg\n";

bool write(const fs::path& path, const std::string& text) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  return static_cast<bool>(std::ofstream(path, std::ios::binary) << text);
}

std::string inventory_of(std::size_t servers) {
  std::string text = "servers:\n";
  for (std::size_t i = 0; i < servers; ++i) {
    const std::size_t n = i + 1;
    text += fmt::format(
        "  node{0:05}:\n    ipv4: 10.{1}.{2}.{3}\n    profile: rescue\n    interfaces:\n"
        "      eth0: {{mac: \"52:54:00:{4:02x}:{5:02x}:{6:02x}\", role: primary}}\n",
        n, 64 + n / 62500, n / 250 % 250, n % 250 + 2, n >> 16U & 0xFFU, n >> 8U & 0xFFU,
        n & 0xFFU);
  }
  return text;
}

std::string whole(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Result<std::unique_ptr<ScratchSite>> ScratchSite::make(std::size_t servers,
                                                       const std::string& repository,
                                                       std::stop_token stop) {
  std::unique_ptr<ScratchSite> site(new ScratchSite());
  std::string folder = (fs::temp_directory_path() / "metalwright-sim-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return system_failure("sim-site", "making a temporary folder", errno);
  }
  site->folder_ = folder;
  if (auto filled = site->fill(servers, repository); !filled) {
    return tl::unexpected(filled.error());
  }
  if (auto started = site->start(stop); !started) return tl::unexpected(started.error());
  return site;
}

Result<void> ScratchSite::fill(std::size_t servers, const std::string& repository) {
  const fs::path fleet = folder_ + "/fleet";
  std::error_code failed;
  bool good = true;
  if (repository.empty()) {
    good = write(fleet / "inventory.yaml", inventory_of(servers)) &&
           write(fleet / "profiles/rescue.yaml", kProfile) &&
           write(fleet / "templates/node.cfg", "hostname {{hostname}}\n");
  } else {
    fs::create_directories(fleet, failed);
    for (const char* part :
         {"inventory.yaml", "inventory", "networks.yaml", "clusters", "profiles", "templates"}) {
      const fs::path from = fs::path(repository) / part;
      if (!fs::exists(from, failed)) continue;
      fs::copy(from, fleet / part, fs::copy_options::recursive, failed);
      good = good && !failed;
    }
  }
  good = good && write(folder_ + "/assets/rescue/vmlinuz", std::string(kKernelBytes, 'k')) &&
         write(folder_ + "/assets/rescue/initrd", std::string(kInitrdBytes, 'i')) &&
         write(folder_ + "/metalwright.yaml",
               fmt::format("source: {{git: {0}/fleet, branch: main, poll: 1h}}\n"
                           "state: sqlite:{0}/state.db\nsecrets: {0}/secrets\nassets: {0}/assets\n"
                           "targets:\n  - {{name: boot, type: files, root: {0}/boot, "
                           "render: [ipxe], boot-loaders: false, assets: false}}\n"
                           "service: {{url: 'http://127.0.0.1', auth: none, allow: {{api: "
                           "[127.0.0.0/8]}}, menu-timeout: 0s, "
                           "max-connections: 20000, rate: {{boot: 0, node: 0, api: 0}}}}\n",
                           folder_));
  if (!good) return system_failure("sim-site", "writing the fleet to " + folder_, errno);
  const std::string fleet_path = fleet.string();
  const std::vector<std::vector<std::string>> commands{
      {"git", "init", "--quiet", "--initial-branch=main", fleet_path},
      {"git", "-C", fleet_path, "add", "--all"},
      {"git", "-C", fleet_path, "-c", "user.name=sim", "-c", "user.email=sim@example.net", "commit",
       "--quiet", "--message", "Describe the fleet"}};
  for (const auto& command : commands) {
    const auto done = reconciler::run_program(command);
    if (!done) return tl::unexpected(done.error());
    if (done->exit_code != 0) return unavailable("sim-site", "git: " + done->err);
  }
  return {};
}

Result<void> ScratchSite::start(std::stop_token stop) {
  const std::string config = folder_ + "/metalwright.yaml", log = folder_ + "/serve.log";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A key at the terminal is for this program; the service ends when it is told.
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::array<std::string, 6> words{"metalwright", "-c", config, "serve", "--listen", "127.0.0.1:0"};
  std::array<char*, 7> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  const int failed =
      posix_spawn(&service_, "/proc/self/exe", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    service_ = -1;
    return system_failure("sim-site", "starting a service", failed);
  }
  const auto until = std::chrono::steady_clock::now() + kStart;
  while (std::chrono::steady_clock::now() < until && !stop.stop_requested()) {
    const std::string text = whole(log);
    constexpr std::string_view kAt = "listening at ";
    const std::size_t at = text.find(kAt);
    if (at != std::string::npos && text.find("serving revision") != std::string::npos) {
      const std::size_t begin = at + kAt.size();
      url_ = text.substr(begin, text.find('\n', begin) - begin);
      return {};
    }
    if (waitpid(service_, nullptr, WNOHANG) == service_) {
      service_ = -1;
      return unavailable("sim-site", "the service ended: " + text);
    }
    std::this_thread::sleep_for(kGlance);
  }
  return unavailable("sim-site", "the service does not begin to answer: " + whole(log));
}

ScratchSite::~ScratchSite() {
  if (service_ > 0) {
    kill(service_, SIGTERM);
    while (waitpid(service_, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

}  // namespace metalwright::cli
