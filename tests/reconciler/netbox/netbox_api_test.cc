#include "reconciler/netbox/netbox_api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reconciler/netbox/netbox_answer.h"
#include "tests/support/scripted_http_server.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;
using Server = ScriptedHttpServer;
using Reply = Server::Reply;

Reply say(const std::string& status, const json& body) {
  return {Server::answer(status, body.dump())};
}

NetboxApi api_for(const Server& server, NetboxApi::Limits limits = {}) {
  HttpOptions options;
  options.url = server.url();
  options.first_wait = std::chrono::milliseconds(1);
  options.tries = 2;
  auto client = make_http_client(options);
  EXPECT_TRUE(client);
  return NetboxApi(std::move(*client), limits);
}

TEST(NetboxVersion, IsReadWithWhateverStandsBehindIt) {
  EXPECT_EQ(parse_netbox_version("4.6.8"), (NetboxVersion{4, 6, 8}));
  EXPECT_EQ(parse_netbox_version("4.6.8-Docker-3.1.1"), (NetboxVersion{4, 6, 8}));
  EXPECT_EQ(parse_netbox_version("4.2-beta1"), (NetboxVersion{4, 2, 0}));
  for (const char* text : {"", "4", "x", "4.x", "4.6.8x", "4.6.", ".4"}) {
    EXPECT_FALSE(parse_netbox_version(text)) << text;
  }
  EXPECT_TRUE((NetboxVersion{4, 2, 0}).mac_objects());
  EXPECT_FALSE((NetboxVersion{4, 1, 11}).mac_objects());
}

TEST(NetboxApi, KnowsBothFormsOfTokens) {
  EXPECT_EQ(netbox_authorization("0123456789abcdef\n"), "Token 0123456789abcdef");
  EXPECT_EQ(netbox_authorization(" nbt_abc.def"), "Bearer nbt_abc.def");
  EXPECT_EQ(netbox_authorization("\n"), "");
}

TEST(NetboxApi, RefusesWhatIsNoNetboxOrTooOld) {
  json status = {{"netbox-version", "3.6.9"}};
  Server server([&](const Server::Request&, unsigned) { return say("200 OK", status); });
  NetboxApi api = api_for(server);
  EXPECT_EQ(api.version({}).error().message, "NetBox 3.6.9 is too old: 3.7 is the oldest");
  status = {{"version", "1"}};
  EXPECT_EQ(api.version({}).error().message, "what answers there does not say that it is a NetBox");
  status = {{"netbox-version", "4.6.8"}};
  EXPECT_EQ(api.version({}), (NetboxVersion{4, 6, 8}));
}

TEST(NetboxApi, SaysWhatNetboxSaysOfEachField) {
  const auto text = [](int status, const std::string& body) {
    return netbox_error({.status = status, .body = body}).text();
  };
  EXPECT_EQ(text(400, R"({"name":["This field is required."],"__all__":["Not so."]})"),
            "error: NetBox answers HTTP 400: Not so.; name: This field is required. "
            "[netbox-refused]");
  EXPECT_EQ(text(400, R"({"tags":[{"slug":["bad\nline"]}]})"),
            "error: NetBox answers HTTP 400: tags.slug: bad line [netbox-refused]");
  EXPECT_EQ(text(403, R"({"detail":"Invalid v1 token"})"),
            "error: NetBox answers HTTP 403: Invalid v1 token [netbox-permission]");
  EXPECT_EQ(text(409, R"({"detail":"2 dependent objects"})"),
            "error: NetBox answers HTTP 409: 2 dependent objects [netbox-protected]");
  EXPECT_EQ(text(404, "<html>"),
            "error: NetBox answers HTTP 404: there is no such object [netbox-gone]");
  EXPECT_EQ(text(502, "<html>"),
            "error: HTTP 502 without JSON: is this the address of a NetBox [netbox-failure]");
  EXPECT_LT(text(400, json{{"name", {std::string(10000, 'x')}}}.dump()).size(), 500u);
}

TEST(NetboxApi, ReadsAllPagesOfWhateverSizeNetboxGives) {
  Server server([&](const Server::Request& request, unsigned) {
    const std::size_t at = request.path.find("offset=") + 7;
    const int offset = std::stoi(request.path.substr(at));
    json results = json::array();
    for (int i = offset; i < std::min(offset + 3, 8); ++i) results.push_back({{"id", i + 1}});
    // The address that it gives is its own business: it may be wrong behind a proxy.
    return say("200 OK", {{"count", 8}, {"next", "http://192.0.2.1/"}, {"results", results}});
  });
  NetboxApi api = api_for(server);
  const auto all = api.list("/api/dcim/sites/", "tag=a", {});
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 8u);
  for (int i = 0; i < 8; ++i) EXPECT_EQ((*all)[static_cast<std::size_t>(i)]["id"], i + 1);
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(server.requests()[0].path, "/api/dcim/sites/?tag=a&ordering=id&limit=1000&offset=0");
}

TEST(NetboxApi, AsksForWhatAShortPageLeftOut) {
  Server server([&](const Server::Request& request, unsigned) {
    const int offset = std::stoi(request.path.substr(request.path.find("offset=") + 7));
    const int limit = std::stoi(request.path.substr(request.path.find("limit=") + 6));
    const int most = std::min(limit, offset == 0 ? 4 : 3);
    json results = json::array();
    for (int i = offset; i < std::min(offset + most, 11); ++i) results.push_back({{"id", i + 1}});
    return say("200 OK", {{"count", 11}, {"results", results}});
  });
  NetboxApi api = api_for(server);
  const auto all = api.list("/api/dcim/sites/", "", {});
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 11u);
  for (int i = 0; i < 11; ++i) EXPECT_EQ((*all)[static_cast<std::size_t>(i)]["id"], i + 1);
}

TEST(NetboxApi, NoticesThatAListMovedWhileItWasRead) {
  int count = 4;
  Server server([&](const Server::Request&, unsigned) {
    const json page = {{"count", count--}, {"results", {{{"id", 1}}, {{"id", 2}}}}};
    return say("200 OK", page);
  });
  NetboxApi api = api_for(server);
  const auto listed =
      api.pages("/", "",
                [](std::string& body) -> Result<NetboxApi::Page> {
                  const json page = json::parse(body);
                  return NetboxApi::Page{page["results"].size(), page["count"].get<std::size_t>()};
                },
                {});
  ASSERT_TRUE(listed);
  EXPECT_FALSE(listed->whole);
}

TEST(NetboxApi, AsksForManyValuesInAsFewRequestsAsFit) {
  Server server([&](const Server::Request&, unsigned) {
    return say("200 OK", {{"count", 0}, {"results", json::array()}});
  });
  NetboxApi api = api_for(server, {.address_bytes = 200});
  const std::vector<std::string> names(30, "a-long-name");
  ASSERT_TRUE(api.list_of("/api/dcim/devices/", "name", names, "", {}));
  EXPECT_GT(server.requests().size(), 2u);
  EXPECT_LT(server.requests().size(), 6u);
  for (const auto& request : server.requests()) EXPECT_LT(request.path.size(), 250u);
}

TEST(NetboxApi, MakesTheGoodOnesWhereNetboxTellsWhichIsBad) {
  Server server([&](const Server::Request& request, unsigned) {
    const json given = json::parse(request.body);
    json errors = json::array(), made = json::array();
    bool bad = false;
    for (const json& one : given) {
      const bool wrong = one["name"] == "bad";
      bad = bad || wrong;
      errors.push_back(wrong ? json{{"name", {"Not this."}}} : json::object());
      made.push_back({{"id", one["name"].get<std::string>().size()}});
    }
    return bad ? say("400 Bad", errors) : say("201 Created", made);
  });
  NetboxApi api = api_for(server);
  const std::vector<json> objects = {{{"name", "a"}}, {{"name", "bad"}}, {{"name", "cc"}}};
  const auto outcomes = api.create("/", objects, 100, {});
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0]->id, 1);
  EXPECT_EQ(outcomes[2]->id, 2);
  EXPECT_EQ(outcomes[1].error().message, "NetBox answers HTTP 400: name: Not this.");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(NetboxApi, FindsTheBadOneWhereNetboxDoesNotTell) {
  Server server([&](const Server::Request& request, unsigned) {
    const json given = json::parse(request.body);
    json made = json::array();
    for (const json& one : given) {
      if (one["id"] == 5) return say("400 Bad", {{"serial", {"No."}}});
      made.push_back({{"id", one["id"]}, {"last_updated", "t"}});
    }
    return say("200 OK", made);
  });
  NetboxApi api = api_for(server);
  std::vector<json> objects;
  for (int id = 1; id <= 8; ++id) objects.push_back({{"id", id}, {"serial", "x"}});
  const auto outcomes = api.update("/", objects, 100, {});
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(outcomes[i].has_value(), i != 4) << i;
  EXPECT_EQ(outcomes[4].error().check, "netbox-refused");
}

TEST(NetboxApi, SendsFewerAtATimeWhereSoManyAreTooMuch) {
  Server server([&](const Server::Request& request, unsigned) {
    const json given = json::parse(request.body);
    json made = json::array();
    for (std::size_t i = 0; i < given.size(); ++i) made.push_back({{"id", i + 1}});
    if (given.size() > 2) return Reply{Server::answer("413 Request Entity Too Large", "<html>")};
    return say("201 Created", made);
  });
  NetboxApi api = api_for(server);
  const std::vector<json> objects(7, {{"name", "a"}});
  for (const auto& outcome : api.create("/", objects, 100, {})) EXPECT_TRUE(outcome);
}

TEST(NetboxPace, MakesRequestsAsLongAsTheyTakeSomeSeconds) {
  using std::chrono::milliseconds;
  NetboxPace pace;
  EXPECT_EQ(pace.next("POST /a/", 1000), NetboxPace::kFirst);
  EXPECT_EQ(pace.next("POST /a/", 40), 40u);
  pace.took("POST /a/", 100, milliseconds(500));
  EXPECT_EQ(pace.next("POST /a/", 1000), 1000u) << "quick";
  EXPECT_EQ(pace.next("DELETE /a/", 1000), 300u) << "and others may take ten times as long";
  pace.took("POST /a/", 100, milliseconds(30'000));
  EXPECT_EQ(pace.next("POST /a/", 1000), 50u) << "slow";
  EXPECT_EQ(pace.next("POST /b/", 1000), NetboxPace::kFirst) << "as if nothing were known";
  pace.took("POST /b/", 1, milliseconds(900));
  EXPECT_EQ(pace.next("POST /b/", 1000), NetboxPace::kFirst) << "one object tells nothing";
}

TEST(NetboxApi, AnIdThatIsLeftOutOfTheAnswerIsGone) {
  Server server([&](const Server::Request&, unsigned) {
    return say("200 OK", json::array({{{"id", 2}}}));
  });
  NetboxApi api = api_for(server);
  const std::vector<json> objects = {{{"id", 1}}, {{"id", 2}}};
  const auto outcomes = api.update("/", objects, 100, {});
  EXPECT_EQ(outcomes[0].error().check, "netbox-gone");
  EXPECT_TRUE(outcomes[1]);
}

TEST(NetboxApi, NeverRepeatsACreateWhoseAnswerIsLost) {
  Server server([&](const Server::Request&, unsigned) { return Reply{"", Reply::Then::reset}; });
  NetboxApi api = api_for(server);
  const std::vector<json> objects = {{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}};
  const auto outcomes = api.create("/", objects, 1, {});
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(server.requests().size(), 1u) << "and the rest is not tried";
}

}  // namespace
}  // namespace metalwright::reconciler
