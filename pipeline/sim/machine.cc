#include "pipeline/sim/machine.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "pipeline/sim/dhcp_client.h"
#include "pipeline/sim/ipxe_script.h"
#include "pipeline/sim/tftp_download.h"
#include "pipeline/sim/web_client.h"
#include "schemas/quote.h"

namespace metalwright::sim {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::uint16_t kBios = 0, kUefi = 7, kArm64 = 11;

/// Can a socket speak from this address: true where it is one of this host's.
bool is_ours(const std::string& address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) return false;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool bound = bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  close(socket);
  return bound;
}

/// Made of the MAC address, as firmware without a serial number does.
std::string uuid_of(MacAddress mac) {
  std::string digits = mac.text();
  std::erase(digits, ':');
  return "00000000-0000-0000-0000-" + digits;
}

std::string member(const Json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

class Machine {
 public:
  Machine(const MachineOrder& order, const Site& site, const std::function<void(Stage)>& on_stage)
      : order_(order), site_(site), on_stage_(on_stage), dice_(order.seed) {
    wrong_ = dice_.falls(site.faults.wrong_architecture);
    if (dice_.falls(site.faults.slow)) speed_ = site.faults.slow_bytes_a_second;
    if (dice_.falls(site.faults.reboot)) {
      cut_at_ = dice_.below(2) == 0 ? Stage::kernel : Stage::initrd;
    }
    uefi_ = dice_.below(2) == 0;
  }

  MachineResult run() {
    while (attempt()) {
      result_.rebooted = true;
      cut_at_.reset();
      off_ = false;
    }
    return std::move(result_);
  }

 private:
  /// True: it was switched off in the middle, and is switched on again.
  bool attempt() {
    web_ = std::make_unique<WebClient>(order_.source, speed_);
    std::string file = site_.url + "/boot/menu.ipxe?mac=${net0/mac}&uuid=${uuid}";
    if (site_.dhcp != nullptr && !find_boot_file(file)) return false;
    settings_ = {{"net0/mac", order_.mac.text()},
                 {"netX/mac", order_.mac.text()},
                 {"mac", order_.mac.text()},
                 {"platform", uefi_ ? "efi" : "pcbios"},
                 {"net0/ip", address_},
                 {"netX/ip", address_},
                 {"ip", address_},
                 {"hostname", order_.name},
                 {"uuid", uuid_of(order_.mac)}};
    file = expand_settings(file, settings_);
    const std::optional<std::string> script = fetch_script(file);
    if (!script) return off_;
    ScriptActions actions;
    actions.kernel = [this](const std::string& url) { return image(Stage::kernel, url); };
    actions.initrd = [this](const std::string& url) { return image(Stage::initrd, url); };
    actions.chain = [this](const std::string& url) { return fetch_script(url, true); };
    const ScriptRun run = run_script(*script, file, settings_, actions);
    if (off_) return true;
    return finish(run);
  }

  bool finish(const ScriptRun& run) {
    if (run.end == ScriptEnd::failed) return fail(Stage::menu, run.reason);
    // A script that could not load its kernel ends at the local disk; that is no success.
    if (run.end == ScriptEnd::local && !problem_.empty()) return fail(problem_at_, problem_);
    if (run.end == ScriptEnd::local) {
      result_.ending = Ending::local;
      return false;
    }
    if (wrong_) {
      result_.ending = Ending::wrong_architecture;
      return false;
    }
    if (!fetch_configs(run.arguments)) return off_;
    if (!order_.name.empty() && !(callback() && phone_home() && report())) return false;
    result_.ending = Ending::booted;
    return false;
  }

  bool fail(Stage stage, const std::string& reason) {
    result_.ending = Ending::failed;
    result_.reason = fmt::format("{}: {}", word(stage), reason);
    return false;
  }

  /// Runs one stage and notes how long it took.
  template <class Body>
  auto staged(Stage stage, Body&& body) {
    on_stage_(stage);
    const Clock::time_point begin = Clock::now();
    auto value = body();
    const auto at = static_cast<std::size_t>(stage);
    result_.took[at] += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    ++result_.times[at];
    return value;
  }

  /// DHCP as the firmware, the loader that it names, and DHCP once more as that loader.
  bool find_boot_file(std::string& file) {
    const std::uint16_t firmware = wrong_ ? kArm64 : uefi_ ? kUefi : kBios;
    const double loss = site_.faults.loss;
    auto lease = staged(Stage::dhcp, [&] {
      return site_.dhcp->lease(order_.mac, {firmware, false}, dice_, loss);
    });
    if (!lease) return fail(Stage::dhcp, lease.error().message);
    if (lease->boot_file.empty()) {
      if (!wrong_) return fail(Stage::dhcp, "the DHCP server names no boot file");
      result_.ending = Ending::wrong_architecture;
      return false;
    }
    if (!lease->boot_file.starts_with("http")) {
      const auto loader = staged(Stage::tftp, [&] {
        return tftp_download(lease->boot_server, lease->boot_file, dice_, loss);
      });
      if (!loader) return fail(Stage::tftp, loader.error().message);
      result_.bytes += loader->size();
    }
    lease = staged(Stage::dhcp, [&] {
      return site_.dhcp->lease(order_.mac, {firmware, true}, dice_, loss);
    });
    if (!lease) return fail(Stage::dhcp, lease.error().message);
    if (lease->boot_file.empty()) {
      if (!wrong_) return fail(Stage::dhcp, "the DHCP server names no boot script to iPXE");
      result_.ending = Ending::wrong_architecture;
      return false;
    }
    address_ = lease->address;
    if (order_.source.empty() && is_ours(address_)) {
      web_ = std::make_unique<WebClient>(address_, speed_);
    }
    file = lease->boot_file.find("://") != std::string::npos
               ? lease->boot_file
               : fmt::format("tftp://{}/{}", lease->boot_server, lease->boot_file);
    return true;
  }

  /// Where an address of a script is asked: at `Site::url`, where that is given.
  [[nodiscard]] std::string asked_at(const std::string& url) const {
    if (site_.url.empty() || !url.starts_with("http")) return url;
    const std::size_t path = url.find('/', url.find("://") + 3);
    return path == std::string::npos ? site_.url : site_.url + url.substr(path);
  }

  std::optional<std::string> fetch_script(const std::string& address, bool may_fail = false) {
    if (address.starts_with("tftp://")) {
      const std::size_t slash = address.find('/', 7);
      const auto got = staged(Stage::tftp, [&] {
        return tftp_download(address.substr(7, slash - 7), address.substr(slash + 1), dice_,
                             site_.faults.loss);
      });
      if (got) return *got;
      if (!may_fail) fail(Stage::tftp, got.error().message);
      return {};
    }
    const auto answer = staged(Stage::menu, [&] { return web_->ask({.url = asked_at(address)}); });
    if (answer && answer->status == 200) {
      if (service_.empty()) service_ = asked_at(address);
      result_.bytes += answer->bytes;
      return answer->body;
    }
    if (!may_fail) {
      fail(Stage::menu,
           answer ? fmt::format("the service answers {}", answer->status) : answer.error().message);
    }
    return {};
  }

  bool image(Stage stage, const std::string& url) {
    // Whoever is switched off in the middle leaves a connection behind that just ends.
    const bool cut = cut_at_ == stage;
    const auto answer = staged(stage, [&] {
      return web_->ask({.url = asked_at(url), .keep = 0, .cut_after = cut ? 1u : 0u});
    });
    if (cut) {
      off_ = true;
      return false;
    }
    if (answer && answer->status == 200) {
      result_.bytes += answer->bytes;
      return true;
    }
    problem_at_ = stage;
    problem_ = answer ? fmt::format("{} answers {}", url, answer->status) : answer.error().message;
    return false;
  }

  /// Addresses among the kernel's arguments are what its installer reads.
  bool fetch_configs(const std::string& arguments) {
    for (std::size_t at = 0; (at = arguments.find("http", at)) != std::string::npos;) {
      const std::size_t end = std::min(arguments.find_first_of(" ;\"", at), arguments.size());
      const std::string url = arguments.substr(at, end - at);
      at = end;
      if (url.find("/boot/configs/") == std::string::npos) continue;
      const auto answer = staged(Stage::config, [&] { return web_->ask({.url = asked_at(url)}); });
      if (!answer) return fail(Stage::config, answer.error().message);
      if (answer->status != 200) {
        return fail(Stage::config, fmt::format("the service answers {}", answer->status));
      }
      result_.bytes += answer->bytes;
    }
    return true;
  }

  [[nodiscard]] std::string service(const std::string& path) const {
    const std::string& base = site_.url.empty() ? service_ : site_.url;
    const std::size_t scheme = base.find("://");
    return base.substr(0, base.find('/', scheme + 3)) + path;
  }

  bool post(Stage stage, const std::string& path, const Json& body, int wanted, Json& answer) {
    const auto got = staged(stage, [&] {
      return web_->ask({.url = service(path),
                        .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
                        .token = site_.token,
                        .post = true});
    });
    if (!got) return fail(stage, got.error().message);
    if (got->status != wanted) {
      return fail(stage, fmt::format("{} answers {}", path, got->status));
    }
    answer = Json::parse(got->body, nullptr, false);
    return true;
  }

  bool callback() {
    Json answer;
    return post(Stage::callback, "/callback/boot-complete",
                {{"mac", order_.mac.text()}, {"hostname", order_.name}}, 200, answer);
  }

  bool phone_home() {
    Json answer;
    return post(Stage::phone_home, "/api/v1/phone-home",
                {{"node_id", order_.name},
                 {"ip", address_.empty() ? "192.0.2.1" : address_},
                 {"role", "worker"},
                 {"mac", order_.mac.text()}},
                200, answer);
  }

  /// Fetches what the node is to have and says that it has it.
  bool report() {
    const std::string path = "/api/v1/nodes/" + order_.name;
    const auto bundle = staged(Stage::report, [&] {
      return web_->ask({.url = service(path + "/bundle"), .token = site_.token});
    });
    if (!bundle) return fail(Stage::report, bundle.error().message);
    if (bundle->status != 200) {
      return fail(Stage::report, fmt::format("the bundle is answered with {}", bundle->status));
    }
    const Json made = Json::parse(bundle->body, nullptr, false);
    Json answer;
    if (!post(Stage::report, path + "/report",
              {{"applied_hash", member(made, "hash")}, {"health", "ok"}}, 200, answer)) {
      return false;
    }
    if (member(answer, "convergence") == "converged") return true;
    return fail(Stage::report, "the service takes the node for " +
                                   metalwright::quoted(member(answer, "convergence")) +
                                   " after its report");
  }

  const MachineOrder& order_;
  const Site& site_;
  const std::function<void(Stage)>& on_stage_;
  Dice dice_;
  MachineResult result_;
  std::unique_ptr<WebClient> web_;
  std::map<std::string, std::string> settings_;
  std::string address_, service_, problem_;
  Stage problem_at_ = Stage::kernel;
  std::optional<Stage> cut_at_;
  std::uint64_t speed_ = 0;
  bool wrong_ = false, uefi_ = false, off_ = false;
};

}  // namespace

std::string_view word(Stage stage) {
  constexpr std::array<std::string_view, kStages> kWords{
      "dhcp", "tftp", "menu", "kernel", "initrd", "config", "callback", "phone-home", "report"};
  return kWords[static_cast<std::size_t>(stage)];
}

std::string_view word(Ending ending) {
  constexpr std::array<std::string_view, kEndings> kWords{"booted", "local disk",
                                                          "wrong architecture", "failed"};
  return kWords[static_cast<std::size_t>(ending)];
}

MachineResult boot_machine(const MachineOrder& order, const Site& site,
                           const std::function<void(Stage)>& on_stage) {
  return Machine(order, site, on_stage).run();
}

}  // namespace metalwright::sim
