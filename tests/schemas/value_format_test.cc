#include "schemas/value_format.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace metalwright {
namespace {
using namespace std::string_view_literals;

void expect(ValueType type, std::initializer_list<std::string_view> good,
            std::initializer_list<std::string_view> bad) {
  for (const std::string_view text : good) EXPECT_TRUE(has_format(type, text)) << text;
  for (const std::string_view text : bad) EXPECT_FALSE(has_format(type, text)) << text;
}

TEST(ValueFormat, NumbersAreDecimalAndNothingElse) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-7"), -7);
  EXPECT_EQ(parse_integer("4294967295"), 4294967295);
  for (const std::string_view text :
       {"", "-", "012", "-0", "+1", "0x10", "0o17", "1_000", "1e3", "1.0", "1:30", " 1", "1 ",
        "one", "99999999999999999999", "٣"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
}

TEST(ValueFormat, SwitchesAreTrueOrFalse) {
  expect(ValueType::boolean, {"true", "false"},
         {"yes", "no", "on", "off", "True", "TRUE", "1", ""});
}

TEST(ValueFormat, PathsOfAssetsStayBeneathTheirFolder) {
  expect(ValueType::asset_path, {"vmlinuz", "a/b.c/d_e-f", "..a", "a..b/c"},
         {"", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a//b", "a/", "a\\..\\b", "a\nb",
          "a\0b"sv});
}

TEST(ValueFormat, RepositoriesAreAddressesOrPaths) {
  expect(ValueType::git,
         {"/srv/git/fleet.git", "fleet.git", "./a:b", "file:///srv/git", "http://h/x",
          "https://h/x", "ssh://git@h:2222/x"},
         {"", "git@github.example:fleet.git", "https://", "https:///x", "ssh://h/a b",
          "ext::sh -c id", "host:path"});
}

TEST(ValueFormat, AddressesToListenAtHaveAPort) {
  expect(ValueType::listen_address,
         {"[::]:8000", "[::1]:1", "0.0.0.0:65535", ":80", "localhost:8000"},
         {"", "8000", "[::]", "::1:8000", "0.0.0.0:0", "0.0.0.0:65536", "host.example:80", "[x]:1",
          "[]:1", "[:1", "1.2.3.4:08"});
}

TEST(ValueFormat, InterfaceNamesFitTheKernel) {
  expect(ValueType::interface_name, {"eth0", "enp3s0f1np1", "bond0.20", "fifteen-bytes-x"},
         {"", ".", "..", "sixteen-bytes-xx", "a b", "a/b", "a:b", "\tx", "ü"});
}

TEST(ValueFormat, DhcpServersNameTheRouter) {
  expect(ValueType::dhcp_server, {"dnsmasq", "external", "proxy", "none", "routeros:edge-1"},
         {"", "routeros", "routeros:", "routeros:Edge", "routeros:a b", "kea"});
}

TEST(ValueFormat, TheRestAsTheReferenceSays) {
  expect(ValueType::time_of_day, {"00:00", "23:59"}, {"24:00", "1:30", "01:60", "0130", ""});
  expect(ValueType::instant, {"2030-01-31T12:00:00Z"}, {"2030-01-31", "2030-13-01T00:00:00Z", ""});
  expect(ValueType::url, {"http://192.0.2.1:8000", "https://[2001:db8::1]/x"},
         {"", "http://", "ftp://x", "http://a b", "https:///x", "http://a\nb"});
  expect(ValueType::sha256, {std::string(64, 'a'), std::string(64, 'F')},
         {"", std::string(63, 'a'), std::string(64, 'g')});
  expect(
      ValueType::state,
      {"sqlite:/a", "sqlite:a.db", "postgresql://u@h/db", "postgresql:///db?host=/run/postgresql"},
      {"", "sqlite:", "mysql://h", "/a", "postgresql://", "postgresql:///"});
  expect(ValueType::reload,
         {"none", "systemd:dnsmasq", "pidfile:/run/x.pid", "command:/bin/true x"},
         {"", "systemd:", "systemd", "restart:x"});
  expect(ValueType::route_target, {"default", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32"},
         {"", "10.0.0.1", "10.0.0.1/8", "Default"});
  expect(ValueType::ip_interface, {"10.0.0.1/8", "2001:db8::1/64"},
         {"10.0.0.1", "2001:db8::1", ""});
  expect(ValueType::host, {"192.0.2.1", "2001:db8::1", "boot.example.net"}, {"", "a_b", "1.2.3"});
  expect(ValueType::serial, {"ABC 123", "a/b"}, {"", " a", "a ", "a\tb", "ü"});
}

}  // namespace
}  // namespace metalwright
