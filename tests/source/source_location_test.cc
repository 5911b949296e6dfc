#include "inventory/source_location.h"

#include <gtest/gtest.h>

#include <set>

#include "inventory/message_text.h"

namespace metalwright::inventory {
namespace {

SourceLocation parsed(std::string_view text) {
  auto location = parse_source_location(text);
  EXPECT_TRUE(location) << text << ": " << (location ? "" : location.error().text());
  return location ? *location : SourceLocation{};
}

std::string refusal(std::string_view text) {
  const auto location = parse_source_location(text);
  return location ? "accepted: " + location->text() : location.error().text();
}

TEST(SourceLocation, ReadsPaths) {
  for (const char* path : {".", "/srv/fleet", "../fleet", "./a:b", "/srv/a:b", "fleet"}) {
    EXPECT_EQ(parsed(path), (SourceLocation{.transport = Transport::path, .path = path}));
    EXPECT_FALSE(parsed(path).remote());
  }
}

TEST(SourceLocation, ReadsAddresses) {
  EXPECT_EQ(
      parsed("https://Example.net/fleet.git/"),
      (SourceLocation{.transport = Transport::https, .host = "example.net", .path = "/fleet.git"}));
  EXPECT_EQ(parsed("http://ada:s%2Fcret@[2001:db8::1]:8080/fleet"),
            (SourceLocation{.transport = Transport::http,
                            .host = "2001:db8::1",
                            .port = 8080,
                            .user = "ada",
                            .password = "s/cret",
                            .path = "/fleet"}));
  EXPECT_EQ(parsed("ssh://git@example.net:2222/srv/my%20fleet.git"),
            (SourceLocation{.transport = Transport::ssh,
                            .host = "example.net",
                            .port = 2222,
                            .user = "git",
                            .path = "/srv/my fleet.git"}));
  EXPECT_EQ(parsed("ssh://example.net/~ada/fleet").path, "~ada/fleet");
  EXPECT_EQ(parsed("file:///srv/fleet"),
            (SourceLocation{.transport = Transport::file, .path = "/srv/fleet"}));
  EXPECT_EQ(parsed("file://localhost/srv/fleet").path, "/srv/fleet");
}

TEST(SourceLocation, ReadsTheShortFormOfSsh) {
  EXPECT_EQ(parsed("git@example.net:org/fleet.git"), (SourceLocation{.transport = Transport::ssh,
                                                                     .host = "example.net",
                                                                     .user = "git",
                                                                     .path = "org/fleet.git"}));
  EXPECT_EQ(parsed("example.net:/srv/fleet").path, "/srv/fleet");
  EXPECT_EQ(parsed("git@[2001:db8::1]:fleet").host, "2001:db8::1");
}

TEST(SourceLocation, RefusesWhatWouldRunAProgramOrBeAnOption) {
  EXPECT_EQ(refusal("ext::sh -c true"),
            "error: 'ext::' addresses are not read: they run a program [source-unsupported]");
  EXPECT_EQ(refusal("git://example.net/fleet"),
            "error: 'git://' addresses are not read: use a path, https://, ssh://, http:// or "
            "file:// [source-unsupported]");
  EXPECT_EQ(refusal("ssh://-oProxyCommand=true/fleet"),
            "error: '-oProxyCommand=true' is not a host name [source-address]");
  EXPECT_EQ(refusal("-oProxyCommand=true:fleet"),
            "error: '-oProxyCommand=true' is not a host name [source-address]");
  EXPECT_EQ(refusal("example.net:--upload-pack=true"),
            "error: the path '--upload-pack=true' begins with '-' [source-address]");
  EXPECT_EQ(refusal("ssh://-l@example.net/fleet"),
            "error: the user before the '@' of the address is not one [source-address]");
}

TEST(SourceLocation, RefusesWhatIsNoAddress) {
  EXPECT_EQ(refusal(""), "error: the address of the repository is empty [source-address]");
  EXPECT_EQ(refusal("https://example.net:99999/f"),
            "error: '99999' is not a port [source-address]");
  EXPECT_EQ(refusal("https:///fleet"), "error: '' is not a host name [source-address]");
  EXPECT_EQ(refusal("https://[2001:db8::1/f"),
            "error: '[2001:db8::1' is not an IPv6 address in brackets [source-address]");
  EXPECT_EQ(refusal("https://example.net/f?ref=main"),
            "error: the address of a repository has no '?' and no '#' [source-address]");
  EXPECT_EQ(refusal("ssh://example.net"),
            "error: the address names no path on its host [source-address]");
  EXPECT_EQ(refusal("ssh://example.net/a%0ab"),
            "error: '/a%0ab' has a broken '%' escape [source-address]");
  EXPECT_EQ(refusal("file://fleet"),
            "error: a file:// address has three slashes and an absolute path [source-address]");
  EXPECT_EQ(refusal("https://example.net/\nHost: x"),
            "error: the address of the repository has a control character in it [source-address]");
  EXPECT_EQ(refusal("/" + std::string(3000, 'a')),
            "error: the address of the repository is longer than 2048 bytes [source-address]");
}

TEST(SourceLocation, ShowsNoPassword) {
  EXPECT_EQ(parsed("https://ada:s3cret@example.net/fleet.git").text(),
            "https://example.net/fleet.git");
  for (const char* text : {"https://ada:s3cret@:x/f", "https://ada:s3cret@exa mple.net/f",
                           "https://ada:s3cret%@example.net/f", "https://-a:s3cret@example.net/f",
                           "git://ada:s3cret@example.net/f", "ada:s3cret@example.net:f?"}) {
    EXPECT_EQ(refusal(text).find("s3cret@"), std::string::npos) << refusal(text);
  }
}

TEST(SourceLocation, NamesACacheByWhatIsFetched) {
  std::set<std::string> names;
  for (const char* text : {"https://example.net/a", "https://example.net/b", "ssh://x@h.example/a",
                           "ssh://y@h.example/a", "ssh://h.example:22/a", "file:///a"}) {
    names.insert(parsed(text).cache_name());
    EXPECT_EQ(parsed(text).cache_name().size(), 36U);
  }
  EXPECT_EQ(names.size(), 6U);
  EXPECT_EQ(parsed("https://ada:1@example.net/a").cache_name(),
            parsed("https://bob:2@EXAMPLE.net/a/").cache_name());
}

TEST(MessageText, IsOneLineWithoutControlCharacters) {
  EXPECT_EQ(one_line("  fatal:\r\n\tno \x1b[31m such\x9b thing \n"), "fatal: no [31m such thing");
  EXPECT_EQ(one_line("häfen", 3), "hä…");
  EXPECT_EQ(one_line(""), "");
  EXPECT_EQ(quoted_path("/srv/a\nb"), "'/srv/a b'");
}

}  // namespace
}  // namespace metalwright::inventory
