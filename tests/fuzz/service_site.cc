#include "tests/fuzz/service_site.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "inventory/host_config.h"
#include "pipeline/service/http_answers.h"
#include "tests/fuzz/fuzz_target.h"

namespace metalwright {
namespace {

constexpr std::size_t kAskedOfOne = 4000;
constexpr int kBufferBytes = 4 << 20;  // so that one thread can be both ends

constexpr std::string_view kInventory = R"(servers:
  alpha:
    hostname: alpha.example.net
    ipv4: 192.0.2.11
    ipv6: 2001:DB8:1::1/64
    profile: rescue
    services: [kubernetes_worker]
    interfaces:
      eth0: {mac: "52:54:00:00:00:11", role: primary}
  beta:
    ipv4: 192.0.2.12
    interfaces:
      eth0: {mac: "52:54:00:00:00:12", role: primary}
  gamma:
    ipv4: 192.0.2.13
    profile: ubuntu
    interfaces:
      eth0: {mac: "52:54:00:00:00:13", role: primary}
)";

void write_file(const std::string& path, std::string_view content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

HostConfig config_of(const std::string& root, bool netbox) {
  const std::string text = "source: {git: " + root +
                           "/fleet.git, branch: main}\nstate: sqlite:" + root +
                           "/state.db\nsecrets: " + root + "/secrets\nassets: " + root +
                           "/assets\ntargets:\n"
                           "  - {name: nodes, type: nodes}\n" +
                           (netbox ? "  - {name: box, type: netbox, url: 'http://127.0.0.1:9', "
                                     "token: {secret: hook}}\n"
                                   : "") +
                           "service:\n  url: http://192.0.2.1:8000\n"
                           "  rate: {boot: 0, node: 0, api: 0}\n"
                           "  git-hook: {secret: hook}\n  netbox-hook: {secret: hook}\n";
  auto read = inventory::load_host_config(root + "/metalwright.yaml", text);
  for (const Error& error : read.errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  require(read.config.has_value(), "the site's configuration is good");
  read.config->state = "sqlite::memory:";
  read.config->service.listen = {{.host = "127.0.0.1", .port = 0}};
  return *read.config;
}

std::shared_ptr<const pipeline::Compiled> compiled_of(const HostConfig& config) {
  inventory::RepositoryFiles files{
      inventory::repository_file("inventory.yaml", std::string(kInventory)),
      inventory::repository_file("networks.yaml",
                                 "networks:\n  lab:\n    prefix: 192.0.2.0/24\n"
                                 "    gateway: 192.0.2.1\n"
                                 "    dhcp: {server: dnsmasq, range: 192.0.2.100-192.0.2.199}\n"),
      inventory::repository_file(
          "profiles/rescue.yaml",
          "type: rescue\nkernel: {path: rescue/vmlinuz}\ninitrd: {path: rescue/initrd}\n"),
      inventory::repository_file(
          "profiles/ubuntu.yaml",
          "type: ubuntu\nkernel: ubuntu/vmlinuz\ninitrd: ubuntu/initrd\n"
          "params: [\"url=http://192.0.2.1:8000/boot/configs/ubuntu/${mac}\"]\n"
          "template: preseed.cfg\n"),
      inventory::repository_file("templates/preseed.cfg", "hostname {{hostname}}\n")};
  pipeline::Compiler compiler(
      {.config = config,
       .boot_loaders = [] { return std::vector<pipeline::HostFile>(); },
       .digest = [](const std::string&, std::uint16_t) -> Result<pipeline::HostFileDigests> {
         return unavailable("none", "no files");
       },
       .secret_hash = [](std::string_view text) { return sha256(text); }});
  auto result = compiler.compile(std::string(40, 'a'), files, {});
  for (const Error& error : result.errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  require(result.compiled != nullptr, "the site's repository is good");
  return result.compiled;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

ServiceSite::ServiceSite(bool netbox) : netbox_(netbox) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "metalwright-fuzz-XXXXXX").string();
  require(mkdtemp(folder.data()) != nullptr, "there is a temporary folder");
  root_ = folder;
  write_file(root_ + "/secrets/hook", kSecret);
  write_file(root_ + "/assets/rescue/vmlinuz", "kernel of 20 bytes..");
  write_file(root_ + "/assets/rescue/initrd", "");
  write_file(root_ + "/outside", kOutside);
  std::filesystem::create_symlink("../../outside", root_ + "/assets/rescue/link");
  begin();
}

ServiceSite::~ServiceSite() {
  service_.reset();
  std::filesystem::remove_all(root_);
}

void ServiceSite::begin() {
  const HostConfig config = config_of(root_, netbox_);
  auto opened = service::Service::open(config, {});
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().text().c_str());
  require(opened.has_value(), "the service opens");
  service_ = std::move(*opened);
  require(service_->store()
              .tokens()
              .add({"ada", sha256(kToken), "admin", "tests", service::service_time(), {}})
              .has_value(),
          "there is a token");
  const auto compiled = compiled_of(config);
  service_->publish(compiled);
  service_->publish_files({inventory::repository_file("inventory.yaml", std::string(kInventory))});
  asked_ = 0;
}

std::string ServiceSite::answer(std::string_view bytes) {
  if (++asked_ > kAskedOfOne) begin();
  std::array<int, 2> ends{};
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "sockets");
  for (const int end : ends) {
    setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  }
  require(send(ends[0], bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
              static_cast<ssize_t>(bytes.size()),
          "the question fits");
  shutdown(ends[0], SHUT_WR);
  {
    static const service::ConnectionLimits limits;
    const service::Handle handle = [this](service::Request& request, service::Reply& reply) {
      service_->handle(request, reply);
    };
    service::HttpAnswers answers(limits, handle);
    service::HttpConnection connection({ends[1], "192.0.2.50", 4000}, nullptr, limits,
                                       std::make_shared<const ListenAddress>());
    answers.serve(connection, std::atomic<bool>(false));
  }
  std::string answer;
  std::array<char, 65536> part{};
  for (ssize_t got = 0; (got = recv(ends[0], part.data(), part.size(), 0)) > 0;) {
    answer.append(part.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  return answer;
}

const std::string* WireAnswer::header(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    require(found == nullptr, "such a header stands once");
    found = &value;
  }
  return found;
}

std::vector<WireAnswer> read_answers(std::string_view bytes, bool head) {
  std::vector<WireAnswer> answers;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find("\r\n\r\n");
    require(end != std::string_view::npos, "the head ends");
    std::string_view lines = bytes.substr(0, end + 2);
    bytes.remove_prefix(end + 4);
    const auto next = [&lines] {
      const std::string_view line = lines.substr(0, lines.find("\r\n"));
      lines.remove_prefix(line.size() + 2);
      require(
          std::all_of(line.begin(), line.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }),
          "no control character stands in a head");
      return line;
    };
    WireAnswer& answer = answers.emplace_back();
    const std::string_view first = next();
    require(first.starts_with("HTTP/1.1 ") && first.size() >= 12, "a status line");
    std::from_chars(first.data() + 9, first.data() + 12, answer.status);
    require(answer.status >= 100 && answer.status < 600, "a status");
    while (!lines.empty()) {
      const std::string_view line = next();
      const std::size_t colon = line.find(": ");
      require(colon != std::string_view::npos && colon > 0, "a header line");
      answer.headers.emplace_back(lower(line.substr(0, colon)), line.substr(colon + 2));
    }
    if (answer.status < 200 || answer.status == 204 || answer.status == 304) continue;
    const std::string* const length = answer.header("content-length");
    require(length != nullptr, "a body's length is said");
    if (head) {
      require(bytes.empty(), "HEAD has no body");
      break;
    }
    std::size_t size = 0;
    std::from_chars(length->data(), length->data() + length->size(), size);
    require(size <= bytes.size(), "the body is as long as was said");
    answer.body = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  return answers;
}

}  // namespace metalwright
