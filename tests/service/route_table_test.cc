#include "pipeline/service/route_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <tuple>

#include "pipeline/service/openapi.h"

namespace metalwright::service {
namespace {

using Parts = std::vector<std::string>;

TEST(RoutePatterns, NamesStandForPartsOfASegment) {
  Parts parts;
  EXPECT_TRUE(match_pattern("/boot/{profile}.ipxe", "/boot/talos.v1.ipxe", parts));
  EXPECT_EQ(parts, Parts{"talos.v1"});
  EXPECT_TRUE(match_pattern("/a/{x}/{y}", "/a/1/2", parts));
  EXPECT_EQ(parts, (Parts{"1", "2"}));
  EXPECT_TRUE(match_pattern("/a/{x}/bundle", "/a/node/bundle", parts));
  for (const char* path : {"/boot/.ipxe", "/boot/a/b.ipxe", "/boot/a", "/boot/a.ipxe/", "/boot/"}) {
    EXPECT_FALSE(match_pattern("/boot/{profile}.ipxe", path, parts)) << path;
  }
  for (const char* path : {"/a//2", "/a/1", "/a/1/", "/a/1/2/3", "/b/1/2"}) {
    EXPECT_FALSE(match_pattern("/a/{x}/{y}", path, parts)) << path;
  }
}

TEST(RouteTable, FixedPathsComeBeforePatterns) {
  const RouteTable table(all_routes());
  EXPECT_EQ(table.match(Method::get, "/boot/menu.ipxe").route->pattern, "/boot/menu.ipxe");
  EXPECT_EQ(table.match(Method::head, "/boot/x.ipxe").route->pattern, "/boot/{profile}.ipxe");
  const RouteMatch wrong = table.match(Method::post, "/boot/menu.ipxe");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allowed, "GET, HEAD");
  EXPECT_TRUE(table.match(Method::get, "/none").allowed.empty());
}

TEST(RouteTable, HasEachRouteOnceAndSaysWhatItIs) {
  std::set<std::pair<Method, std::string_view>> seen;
  for (const Route& route : all_routes()) {
    EXPECT_TRUE(seen.emplace(route.method, route.pattern).second) << route.pattern;
    EXPECT_FALSE(route.summary.empty()) << route.pattern;
    EXPECT_FALSE(route.summary.ends_with('.')) << route.pattern;
    EXPECT_NE(route.handler, nullptr) << route.pattern;
    if (route.method == Method::post || route.method == Method::put) {
      EXPECT_TRUE(route.body) << route.pattern;
    }
  }
}

TEST(RouteTable, SaysWhatEachRouteAnswersAndOfNoOther) {
  std::set<std::pair<Method, std::string_view>> routes, described;
  for (const Route& route : all_routes()) routes.emplace(route.method, route.pattern);
  std::set<std::tuple<Method, std::string_view, int, std::string_view>> seen;
  for (const AnswerShape& shape : answer_shapes()) {
    described.emplace(shape.method, shape.pattern);
    EXPECT_TRUE(seen.emplace(shape.method, shape.pattern, shape.status, shape.media).second)
        << shape.pattern;
    EXPECT_TRUE(shape.schema.empty() || shape.media == "application/json") << shape.pattern;
    if (shape.schema.empty()) continue;
    EXPECT_NE(answer_schemas().find(fmt::format("\n\"{}\":", shape.schema)), std::string::npos)
        << shape.schema;
  }
  EXPECT_EQ(routes, described);
}

TEST(RouteTable, IsDescribedAsItIs) {
  const std::string path = METALWRIGHT_SOURCE_DIR "/docs/reference/routes.md";
  const std::string wanted = routes_reference(all_routes());
  const char* const regenerate = std::getenv("METALWRIGHT_REGENERATE");
  if (regenerate != nullptr && *regenerate == '1') {
    std::ofstream(path, std::ios::binary) << wanted;
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string published{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(published, wanted) << "run the test with METALWRIGHT_REGENERATE=1";
}

}  // namespace
}  // namespace metalwright::service
