#include <unistd.h>

#include <thread>

#include "tests/source/remote_fixture.h"

/// Remotes that are not there, let nobody in, move, lie, or take too long.
namespace metalwright::inventory {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

TEST_F(Remote, ThatDoesNotExistIsNamed) {
  const Error file = failure("file:///nowhere/fleet", options());
  EXPECT_EQ(file.text(),
            "error: '/nowhere/fleet' does not exist [source-not-found]\n  fetching "
            "file:///nowhere/fleet");
  const PortServer server(http_server());
  const std::string address = "http://127.0.0.1:" + std::to_string(server.port()) + "/none.git";
  const Error http = failure(address, options());
  EXPECT_EQ(http.text(),
            "error: the server has no repository there (HTTP 404), or none that it shows without a "
            "token [source-not-found]\n  fetching " +
                address);
  EXPECT_EQ(failure("http://127.0.0.1:1/fleet", options()).check, "source-unreachable");
  EXPECT_EQ(failure("http://fleet.invalid/fleet", options()).check, "source-unreachable");
}

TEST_F(Remote, ThatAnswersWithAFailureIsQuotedWithItsStatusOnly) {
  const PortServer server(http_server({"--mode", "status:503"}));
  const Error error = failure(http(server), options());
  EXPECT_EQ(error.text(),
            "error: the server answers HTTP 503 [source-unreachable]\n  fetching " + http(server));
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
}

TEST_F(Remote, ThatIsNoGitServerIsFoundOut) {
  const PortServer server(http_server({"--mode", "page"}));
  EXPECT_EQ(failure(http(server), options()).message,
            "the server answers, but not as a git server does: check the address");
}

TEST_F(Remote, NeedsTheRightPasswordAndNeverShowsIt) {
  const PortServer server(http_server({"--password", "ada:s3cret"}));
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(failure(http(server), options()).message,
            "the server refuses access without one (HTTP 401): give a user and a token");
  const Error wrong = failure("http://ada:hunter2@127.0.0.1:" + port + "/fleet.git", options());
  EXPECT_EQ(wrong.check, "source-auth");
  EXPECT_EQ(wrong.text(),
            "error: the server refuses the user and password (HTTP 401): check both, and whether "
            "the token has expired [source-auth]\n  fetching " +
                http(server));
  SourceOptions with = options();
  with.user = "ada";
  with.password = "s3cret";
  expect_tip(*opened(http(server), with), first_, "one\n");
  expect_tip(*opened("http://ada:s3cret@127.0.0.1:" + port + "/fleet.git", options()), first_,
             "one\n");
  EXPECT_EQ(run(folder_.path(), "grep -rlE 's3cret|hunter2' cache || true"), "");
}

TEST_F(Remote, GetsNoPasswordOverHttpThatIsNotOnThisMachine) {
  SourceOptions with = options();
  with.password = "s3cret";
  const Error error = failure("http://198.51.100.1/fleet.git", with);
  EXPECT_EQ(error.kind, ErrorKind::refused);
  EXPECT_EQ(error.message, "a password is not sent over http:// to '198.51.100.1': use https://");
}

TEST_F(Remote, MayHaveMoved) {
  const PortServer server(http_server({"--password", "ada:s3cret"}));
  SourceOptions with = options();
  with.user = "ada";
  with.password = "s3cret";
  // localhost and 127.0.0.1 are different hosts to a client.
  const PortServer elsewhere(http_server({"--mode", "redirect:" + http(server)}));
  const std::string from = "http://localhost:" + std::to_string(elsewhere.port()) + "/old.git";
  const Error error = failure(from, with);
  EXPECT_EQ(error.check, "source-auth") << error.text();
  EXPECT_EQ(log().find("/fleet.git/info/refs?service=git-upload-pack right"), std::string::npos)
      << "the password went to another host\n"
      << log();

  const PortServer open(http_server());
  const PortServer moved(http_server({"--mode", "redirect:" + http(open)}));
  expect_tip(*opened("http://127.0.0.1:" + std::to_string(moved.port()) + "/old.git", options()),
             first_, "one\n");
  const PortServer away(http_server({"--mode", "redirect:file://" + folder_.path()}));
  EXPECT_FALSE(failure(http(away), options()).message.empty());
}

TEST_F(Remote, OverHttpsNeedsACertificateThatIsTrusted) {
  run(folder_.path(),
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-keyout key.pem -out ca.pem -subj /CN=test -addext 'subjectAltName=IP:127.0.0.1'");
  const PortServer server(
      http_server({"--tls", folder_ / "ca.pem", folder_ / "key.pem", "--password", "git:s3cret"}));
  SourceOptions with = options();
  with.password = "s3cret";
  const Error untrusted = failure(http(server, "https"), with);
  EXPECT_EQ(untrusted.check, "source-tls");
  EXPECT_EQ(untrusted.kind, ErrorKind::refused);
  EXPECT_NE(untrusted.message.find("name the certificates to trust in a CA file"),
            std::string::npos);
  EXPECT_EQ(log(), "") << "nothing was sent";
  with.ca_file = folder_ / "ca.pem";
  expect_follows(http(server, "https"), with);

  // The right certificate for another name is not enough.
  const Error other_name =
      failure("https://localhost:" + std::to_string(server.port()) + "/fleet.git", with);
  EXPECT_EQ(other_name.check, "source-tls") << other_name.text();
}

TEST_F(Remote, MayNotLeadFromHttpsToHttp) {
  run(folder_.path(),
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-keyout key.pem -out ca.pem -subj /CN=test -addext 'subjectAltName=IP:127.0.0.1'");
  const PortServer plain(http_server());
  const PortServer server(http_server(
      {"--tls", folder_ / "ca.pem", folder_ / "key.pem", "--mode", "redirect:" + http(plain)}));
  SourceOptions with = options();
  with.ca_file = folder_ / "ca.pem";
  EXPECT_EQ(failure(http(server, "https"), with).message,
            "the server redirects from https to an address that is not https");
}

TEST_F(Remote, ThatSaysNothingIsGivenUp) {
  const PortServer hanging(http_server({"--mode", "hang"}));
  const PortServer stalling(http_server({"--mode", "stall"}));
  SourceOptions patient = options();
  patient.silence_timeout = milliseconds(400);
  for (const std::string& address : {http(hanging), http(stalling)}) {
    const auto begin = std::chrono::steady_clock::now();
    const Error error = failure(address, patient);
    EXPECT_EQ(error.text(),
              "error: the remote sent nothing for 400ms [source-timeout]\n  "
              "fetching " +
                  address);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  }
  EXPECT_TRUE(packs().empty()) << "no half of a pack stays";
}

TEST_F(Remote, ThatSpeaksTooSlowlyIsGivenUp) {
  const PortServer dripping(http_server({"--mode", "drip"}));
  SourceOptions patient = options();
  patient.fetch_timeout = milliseconds(600);
  EXPECT_EQ(failure(http(dripping), patient).message, "fetching took longer than 600ms");
}

TEST_F(Remote, ThatSendsTooMuchIsGivenUp) {
  const PortServer flooding(http_server({"--mode", "flood"}));
  SourceOptions bounded = options();
  bounded.fetch_bytes = 3 << 20;
  const Error error = failure(http(flooding), bounded);
  EXPECT_EQ(error.check, "source-too-big");
  EXPECT_EQ(error.message, "the remote sends more than one fetch may bring");
  bounded.fetch_bytes = 100'000;
  EXPECT_EQ(failure("file://" + (folder_ / "fleet.git"), bounded).check, "source-too-big");
}

TEST_F(Remote, IsLeftAtOnceWhenStopped) {
  const PortServer hanging(http_server({"--mode", "hang"}));
  auto source = opened(http(hanging), options());
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(300));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto refreshed = source->refresh(stop.get_token());
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().check, "source-stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace
}  // namespace metalwright::inventory
