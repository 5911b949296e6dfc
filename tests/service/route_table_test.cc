#include "pipeline/service/route_table.h"

#include <gtest/gtest.h>

#include <set>

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

}  // namespace
}  // namespace metalwright::service
