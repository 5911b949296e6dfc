#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "reconciler/resource.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "tests/reconciler/targets/files_world.h"
#include "tests/reconciler/targets/target_contract.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {

/// A configuration and three networks with a reservation each, for a dnsmasq that nobody runs.
class DnsmasqWorld : public TargetWorld {
 public:
  DnsmasqWorld() {
    // dnsmasq's own user must be able to come here.
    ::chmod(folder_.path().c_str(), 0755);
    std::filesystem::create_directories(folder_ / "state");
    std::filesystem::create_directories(folder_ / "tftp");
  }

  virtual DnsmasqTargetSettings settings() {
    DnsmasqTargetSettings settings;
    settings.name = "dhcp";
    settings.config = folder_ / "etc/dnsmasq.d/metalwright.conf";
    settings.hosts_folder = folder_ / "etc/hosts";
    settings.state_folder = folder_ / "state";
    return settings;
  }
  std::unique_ptr<Target> make() override { return std::make_unique<DnsmasqTarget>(settings()); }

  Key key(int i) override {
    if (i == 0) return {"file", "metalwright.conf"};
    return {"host", host_name_of(network(i), mac(i))};
  }
  Content content(int i, int version) override {
    Content content;
    content.bytes = i == 0 ? config(version)
                           : fmt::format("{},10.0.{}.{},host-{}-{},3600", mac(i).text(), i,
                                         10 * version, i, version);
    return content;
  }
  Digest digest(int i, int version) override {
    const Content one = content(i, version);
    return file_digest(one.mode, one.bytes);
  }

  std::string visible(int i) override {
    if (i == 0) return read_plainly(settings().config);
    const std::string text = read_plainly(hosts_path(i));
    for (const HostLine& line : parse_hosts_file(text).lines) {
      if (line.mac == mac(i)) return std::string(line.text);
    }
    return {};
  }
  void tamper(int i) override {
    if (i == 0) {
      write_plainly(settings().config, read_plainly(settings().config) + "no-ping\n");
    } else {
      write_plainly(hosts_path(i),
                    fmt::format("{}{},10.0.{}.99,tampered,3600\n", kHostsHeader, mac(i).text(), i));
    }
  }
  void take_away(int i) override {
    if (i == 0) {
      std::filesystem::remove(settings().config);
    } else {
      write_plainly(hosts_path(i), kHostsHeader);
    }
  }
  bool place_foreign(int i, int version) override {
    write_plainly(hosts_path(i), "# Mine.\n" + content(i, version).bytes + "\n");
    return true;
  }
  std::map<std::string, std::string> everything() override {
    std::filesystem::create_directories(folder_ / "etc");
    return files_of(folder_ / "etc");
  }

  [[nodiscard]] static std::string network(int i) { return fmt::format("net-{}", i); }
  [[nodiscard]] static MacAddress mac(int i) {
    return MacAddress{{0x52, 0x54, 0, 0, 0, static_cast<std::uint8_t>(i)}};
  }
  [[nodiscard]] std::string hosts_path(int i) {
    return settings().hosts_folder + '/' + network(i) + ".hosts";
  }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }

 protected:
  virtual std::string config(int version) {
    std::string text = std::string(kGeneratedMark) + " from networks.yaml.\nport=0\nuser=root\n";
    text += "pid-file=" + (folder_ / "pid") + "\n";
    text += "dhcp-leasefile=" + (folder_ / "leases") + "\n";
    text += "log-facility=" + (folder_ / "log") + "\n";
    text += fmt::format("dhcp-lease-max={}\n", 1000 * version);
    text += "enable-tftp\ntftp-root=" + (folder_ / "tftp") + "\n";
    for (int i = 1; i <= 3; ++i) {
      text += fmt::format("dhcp-hostsfile={}\n", hosts_path(i));
      text += fmt::format("dhcp-range=set:net-{},10.0.{}.0,static,255.255.255.0,3600\n", i, i);
    }
    return text;
  }
  TempFolder folder_;
};

}  // namespace metalwright::reconciler
