#include "reconciler/http_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

#include "tests/reconciler/temp_folder.h"
#include "tests/support/scripted_http_server.h"

namespace metalwright::reconciler {
namespace {

using namespace std::chrono_literals;
using Server = ScriptedHttpServer;
using Reply = Server::Reply;

HttpOptions options_for(const std::string& url) {
  HttpOptions options;
  options.url = url;
  options.first_wait = 1ms;
  return options;
}

Result<HttpResponse> send(HttpOptions options, const HttpRequest& request) {
  auto client = make_http_client(std::move(options));
  if (!client) return tl::unexpected(client.error());
  return (*client)->send(request, {});
}

Reply say(const std::string& status, const std::string& body, const std::string& headers = {}) {
  return {Server::answer(status, body, headers)};
}

TEST(HttpClient, SendsARequestAndReadsItsAnswer) {
  Server server([](const Server::Request&, unsigned) {
    return say("201 Created", R"({"id":7})", "X-Request-ID:  abc \r\n");
  });
  HttpOptions options = options_for(server.url() + "/base/");
  options.authorization = "Token 0123";
  const auto answer = send(options, {.method = HttpMethod::post, .path = "/api/", .body = "{}"});
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, R"({"id":7})");
  EXPECT_EQ(answer->header("x-request-id"), "abc");
  const Server::Request seen = server.requests().at(0);
  EXPECT_EQ(seen.method + ' ' + seen.path + ' ' + seen.body, "POST /base/api/ {}");
  EXPECT_NE(seen.head.find("Authorization: Token 0123\r\n"), std::string::npos);
  EXPECT_NE(seen.head.find("Content-Type: application/json\r\n"), std::string::npos);
}

TEST(HttpClient, SendsEveryMethodWithItsBody) {
  Server server([](const Server::Request&, unsigned) { return say("200 OK", "[]"); });
  auto client = make_http_client(options_for(server.url()));
  ASSERT_TRUE(client);
  for (const HttpMethod method :
       {HttpMethod::get, HttpMethod::post, HttpMethod::put, HttpMethod::patch, HttpMethod::del}) {
    const std::string body = method == HttpMethod::get ? "" : "[{\"id\":1}]";
    ASSERT_TRUE((*client)->send({.method = method, .path = "/", .body = body}, {}));
    EXPECT_EQ(server.requests().back().method, word(method));
    EXPECT_EQ(server.requests().back().body, body);
  }
  ASSERT_TRUE((*client)->send({.method = HttpMethod::options, .path = "/"}, {}));
  EXPECT_EQ(server.requests().back().method, "OPTIONS");
  ASSERT_TRUE((*client)->send({.method = HttpMethod::del, .path = "/1"}, {}));
  EXPECT_EQ(server.requests().back().method, "DELETE");
  EXPECT_EQ(server.connections(), 1u) << "the connection is kept";
}

TEST(HttpClient, SendsBasicCredentials) {
  Server server([](const Server::Request&, unsigned) { return say("200 OK", "{}"); });
  HttpOptions options = options_for(server.url());
  options.user = "admin";
  options.password = "p:w";
  ASSERT_TRUE(send(options, {.path = "/"}));
  EXPECT_NE(server.requests().at(0).head.find("Authorization: Basic YWRtaW46cDp3\r\n"),
            std::string::npos);
}

TEST(HttpClient, TriesAgainWhereTheServerIsBusy) {
  for (const std::string status : {"429 Too Many Requests", "500 Oops", "502 Bad Gateway",
                                   "503 Service Unavailable", "504 Gateway Timeout"}) {
    Server server([&](const Server::Request&, unsigned count) {
      return count < 3 ? say(status, "<html>") : say("200 OK", "good");
    });
    const auto answer = send(options_for(server.url()), {.path = "/"});
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->body, "good");
    EXPECT_EQ(server.requests().size(), 3u) << status;
  }
}

TEST(HttpClient, WaitsAsLongAsItIsAskedTo) {
  Server server([&](const Server::Request&, unsigned count) {
    return count < 2 ? say("429 Too Many Requests", "", "Retry-After: 1\r\n") : say("200 OK", "");
  });
  const auto from = std::chrono::steady_clock::now();
  ASSERT_TRUE(send(options_for(server.url()), {.path = "/"}));
  EXPECT_GE(std::chrono::steady_clock::now() - from, 1s);
}

TEST(HttpClient, DoesNotWaitLongerThanItMay) {
  Server server([&](const Server::Request&, unsigned) {
    return say("503 Service Unavailable", "", "Retry-After: 3600\r\n");
  });
  const auto answer = send(options_for(server.url()), {.path = "/a?b=c"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text(),
            "error: " + server.url() +
                " answers HTTP 503, and asks to wait for 3600 s [http-busy]\n  GET /a?b=c")
      << "and the request is named";
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, GivesUpAfterItsTries) {
  Server server([&](const Server::Request&, unsigned) { return say("502 Bad Gateway", ""); });
  HttpOptions options = options_for(server.url());
  options.tries = 3;
  const auto answer = send(options, {.path = "/"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(answer.error().message, server.url() + " answers HTTP 502 to each of 3 tries");
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpClient, OtherStatusesAreAnswers) {
  for (const int status : {301, 400, 401, 403, 404, 409, 412}) {
    Server server([&](const Server::Request&, unsigned) {
      return say(std::to_string(status) + " X", "{\"detail\":\"x\"}", "Location: /other\r\n");
    });
    const auto answer = send(options_for(server.url()), {.path = "/"});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(HttpClient, NeverSendsACreateTwiceWhenTheConnectionBreaks) {
  for (const Reply::Then then : {Reply::Then::close, Reply::Then::reset}) {
    // The first request leaves a kept connection behind: that is where curl would send it again.
    Server server([&](const Server::Request& request, unsigned) {
      if (request.method == "GET") return say("200 OK", "");
      return Reply{"", then};
    });
    auto client = make_http_client(options_for(server.url()));
    ASSERT_TRUE(client);
    ASSERT_TRUE((*client)->send({.path = "/"}, {}));
    const std::string long_body = '"' + std::string(100'000, 'x') + '"';
    for (const std::string& body : {std::string("{}"), std::string(), long_body}) {
      const std::size_t before = server.requests().size();
      const auto answer =
          (*client)->send({.method = HttpMethod::post, .path = "/", .body = body}, {});
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().check, "http-unreachable");
      EXPECT_EQ(server.requests().size(), before + 1);
      ASSERT_TRUE((*client)->send({.path = "/"}, {}));
    }
    for (const HttpMethod method : {HttpMethod::patch, HttpMethod::del}) {
      const std::size_t before = server.requests().size();
      EXPECT_FALSE((*client)->send(
          {.method = method, .path = "/", .body = "", .repeat = HttpRepeat::refused}, {}));
      EXPECT_EQ(server.requests().size(), before + 1);
      ASSERT_TRUE((*client)->send({.path = "/"}, {}));
    }
  }
}

TEST(HttpClient, NeverSendsACreateTwiceAfterA5xx) {
  Server server([&](const Server::Request&, unsigned) { return say("503 Busy", ""); });
  const auto answer =
      send(options_for(server.url()), {.method = HttpMethod::post, .path = "/", .body = "{}"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().check, "http-busy");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, SendsACreateAgainThatWasRefused) {
  Server server([&](const Server::Request&, unsigned count) {
    return count == 1 ? say("429 Slow Down", "") : say("201 Created", "");
  });
  const auto answer =
      send(options_for(server.url()), {.method = HttpMethod::post, .path = "/", .body = "{}"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
}

TEST(HttpClient, SendsWhatMayBeRepeatedAgainWhenTheConnectionBreaks) {
  Server server([&](const Server::Request&, unsigned count) {
    if (count == 1) return Reply{"", Reply::Then::reset};
    if (count == 2) {  // cut in the middle of a body
      return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,2", Reply::Then::close};
    }
    return say("200 OK", "whole");
  });
  const auto answer =
      send(options_for(server.url()), {.method = HttpMethod::patch, .path = "/", .body = "[]"});
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->body, "whole");
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(server.requests().back().body, "[]");
}

TEST(HttpClient, DoesNotWaitForAServerThatSaysNothing) {
  Server server([&](const Server::Request&, unsigned) { return Reply{"", Reply::Then::hold}; });
  HttpOptions options = options_for(server.url());
  options.silence = 200ms;
  options.tries = 1;
  const auto answer = send(options, {.path = "/"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().check, "http-timeout");
}

TEST(HttpClient, BoundsAnAnswer) {
  Server server(
      [&](const Server::Request&, unsigned) { return say("200 OK", std::string(1000, 'x')); });
  HttpOptions options = options_for(server.url());
  options.body_bytes = 999;
  const auto answer = send(options, {.path = "/"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().check, "http-too-big");
  EXPECT_EQ(server.requests().size(), 1u);
  options.body_bytes = 1000;
  EXPECT_TRUE(send(options, {.path = "/"}));
}

TEST(HttpClient, SendsSeveralAtATimeAndAnswersEach) {
  Server server(
      [&](const Server::Request& request, unsigned) { return say("200 OK", request.path); });
  HttpOptions options = options_for(server.url());
  options.connections = 3;
  auto client = make_http_client(options);
  ASSERT_TRUE(client);
  std::vector<HttpRequest> requests(50);
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].path = "/" + std::to_string(i);
  std::map<std::size_t, std::string> answers;
  (*client)->send_all(
      requests,
      [&](std::size_t index, Result<HttpResponse> answer) { answers[index] = answer->body; }, {});
  ASSERT_EQ(answers.size(), requests.size());
  for (const auto& [index, body] : answers) EXPECT_EQ(body, "/" + std::to_string(index));
  EXPECT_LE(server.connections(), 3u);
}

TEST(HttpClient, GivesUpWhatIsNotBegunWhenAskedToStop) {
  std::stop_source stop;
  Server server([&](const Server::Request&, unsigned) {
    stop.request_stop();
    return say("200 OK", "");
  });
  HttpOptions options = options_for(server.url());
  options.connections = 1;
  auto client = make_http_client(options);
  ASSERT_TRUE(client);
  const std::vector<HttpRequest> requests(
      3, HttpRequest{.method = HttpMethod::post, .path = "/", .body = "{}"});
  std::vector<std::string> checks;
  (*client)->send_all(
      requests,
      [&](std::size_t, Result<HttpResponse> answer) {
        checks.push_back(answer ? "done" : answer.error().check);
      },
      stop.get_token());
  std::sort(checks.begin(), checks.end());
  EXPECT_EQ(checks, (std::vector<std::string>{"done", "http-stopped", "http-stopped"}));
}

TEST(HttpClient, TellsAboutEachTryWithoutASecret) {
  Server server([&](const Server::Request&, unsigned count) {
    return count == 1 ? say("503 Busy", "") : say("200 OK", "");
  });
  std::string log;
  HttpOptions options = options_for(server.url());
  options.authorization = "Token secret";
  auto client = make_http_client(options, [&](const HttpTry& one) {
    log += std::string(word(one.method)) + ' ' + std::string(one.path) + ' ' +
           std::to_string(one.status) + ' ' + std::to_string(one.attempt) + '\n';
  });
  ASSERT_TRUE(client);
  ASSERT_TRUE((*client)->send({.path = "/x"}, {}));
  EXPECT_EQ(log, "GET /x 503 1\nGET /x 200 2\n");
}

TEST(HttpClient, SaysThatNobodyListens) {
  std::string url;
  {
    Server server([](const Server::Request&, unsigned) { return Reply{}; });
    url = server.url();
  }
  HttpOptions options = options_for(url);
  options.tries = 2;
  unsigned tries = 0;
  auto client = make_http_client(options, [&](const HttpTry&) { ++tries; });
  ASSERT_TRUE(client);
  const auto answer = (*client)->send({.method = HttpMethod::post, .path = "/", .body = "{}"}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().check, "http-unreachable");
  EXPECT_EQ(tries, 2u) << "no connection, so a create may be tried again";
}

TEST(HttpClient, RefusesOptionsThatCannotWork) {
  const auto message = [](HttpOptions options) {
    const auto client = make_http_client(std::move(options));
    return client ? std::string() : client.error().text();
  };
  EXPECT_EQ(message({.url = "ftp://192.0.2.1"}),
            "error: 'ftp://192.0.2.1' is not an http or https address [http-options]");
  EXPECT_EQ(message({.url = "https://me:secret@192.0.2.1"}),
            "error: an address holds no user and no password [http-options]");
  EXPECT_EQ(message({.url = "https://192.0.2.1/?a=b"}),
            "error: 'https://192.0.2.1/?a=b' holds a query or a fragment [http-options]");
  EXPECT_EQ(message({.url = "https://192.0.2.1", .ca_file = "/no/such"}),
            "error: the CA file '/no/such' cannot be read [http-options]");
  EXPECT_EQ(message({.url = "http://192.0.2.1", .pin = std::string(64, 'a')}),
            "error: a certificate is pinned, but the address is not https [http-options]");
  EXPECT_NE(message({.url = "https://192.0.2.1", .pin = "abc"}), "");
  EXPECT_EQ(message({.url = "https://192.0.2.1/netbox/"}), "");
}

class HttpTls : public testing::Test {
 protected:
  /// A self-signed certificate with its key in `<name>.pem`; the certificate alone in `<name>.crt`.
  void make_certificate(const std::string& name, const std::string& host) {
    const std::string command =
        "cd " + folder_.path() + " && openssl req -x509 -newkey ec -pkeyopt " +
        "ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + host +
        " -addext subjectAltName=" + host + " -keyout " + name + ".key -out " + name +
        ".crt 2>/dev/null && cat " + name + ".crt " + name + ".key > " + name + ".pem" +
        " && openssl x509 -in " + name + ".crt -noout -fingerprint -sha256 | cut -d= -f2 > " +
        name + ".print && openssl x509 -in " + name +
        ".crt -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | " +
        "base64 > " + name + ".spki";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::string line(const std::string& name) {
    std::string text = read_plainly(folder_ / name);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  static std::string outcome(HttpOptions options) {
    const auto answer = send(std::move(options), {.path = "/"});
    return answer ? answer->body : answer.error().check;
  }
  TempFolder folder_;
};

TEST_F(HttpTls, TrustsTheCertificatesThatAreNamedAndNoOthers) {
  make_certificate("good", "IP:127.0.0.1");
  make_certificate("other", "IP:127.0.0.1");
  Server server([](const Server::Request&, unsigned) { return say("200 OK", "good"); },
                folder_ / "good.pem");
  HttpOptions options = options_for(server.url());
  EXPECT_EQ(outcome(options), "http-tls");
  options.ca_file = folder_ / "other.crt";
  EXPECT_EQ(outcome(options), "http-tls");
  options.ca_file = folder_ / "good.crt";
  EXPECT_EQ(outcome(options), "good");
}

TEST_F(HttpTls, ComparesTheHostsName) {
  make_certificate("named", "DNS:netbox.example.net");
  Server server([](const Server::Request&, unsigned) { return say("200 OK", "good"); },
                folder_ / "named.pem");
  HttpOptions options = options_for(server.url());
  options.ca_file = folder_ / "named.crt";
  EXPECT_EQ(outcome(options), "http-tls");
}

TEST_F(HttpTls, TrustsThePinnedCertificateWhateverItsName) {
  make_certificate("pinned", "DNS:router.example.net");
  make_certificate("other", "IP:127.0.0.1");
  Server server([](const Server::Request&, unsigned) { return say("200 OK", "good"); },
                folder_ / "pinned.pem");
  HttpOptions options = options_for(server.url());
  options.pin = line("pinned.print");
  EXPECT_EQ(outcome(options), "good");
  options.pin = "sha256//" + line("pinned.spki");
  EXPECT_EQ(outcome(options), "good");
  options.pin = line("other.print");
  EXPECT_EQ(outcome(options), "http-tls");
  options.pin = "sha256//" + line("other.spki");
  EXPECT_EQ(outcome(options), "http-tls");
}

TEST(HttpClient, EscapesWhatGoesIntoAnAddress) {
  EXPECT_EQ(url_escape("a b/c?d=e&f-._~\xc3\xa4"), "a%20b%2Fc%3Fd%3De%26f-._~%C3%A4");
  EXPECT_EQ(url_escape(std::string_view("\0", 1)), "%00");
}

TEST(HttpClient, ReadsRetryAfter) {
  const std::chrono::sys_seconds now{std::chrono::seconds(784111770)};
  EXPECT_EQ(retry_after("120", now), 120s);
  EXPECT_EQ(retry_after(" 0 ", now), 0s);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 7s);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0s);
  EXPECT_EQ(retry_after("", now), std::nullopt);
  EXPECT_EQ(retry_after("soon", now), std::nullopt);
  EXPECT_EQ(retry_after("-1", now), std::nullopt);
}

}  // namespace
}  // namespace metalwright::reconciler
