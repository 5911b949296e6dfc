#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace metalwright::test {

/// A real dnsmasq in the foreground, for as long as this object lives. Its log goes to a file.
class DnsmasqProcess {
 public:
  /// `extra` are options for the command line. Throws where it does not come up.
  DnsmasqProcess(const std::string& config, std::string log,
                 const std::vector<std::string>& extra = {});
  ~DnsmasqProcess();
  DnsmasqProcess(const DnsmasqProcess&) = delete;
  DnsmasqProcess& operator=(const DnsmasqProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string log() const;

 private:
  pid_t pid_ = -1;
  std::string log_;
};

/// True where `dnsmasq` can be run here.
[[nodiscard]] bool have_dnsmasq();

}  // namespace metalwright::test
