#include "renderers/render.h"

#include <gtest/gtest.h>

#include <thread>

#include "renderers/comment.h"
#include "tests/renderers/fleet.h"

namespace metalwright::renderers {
namespace {

TEST(Render, FormatsHaveWords) {
  for (const Format format : kFormats) EXPECT_EQ(parse_format(word(format)), format);
  EXPECT_EQ(word(Format::cluster_config), "cluster-config");
  EXPECT_EQ(parse_format("PXELINUX"), std::nullopt);
  EXPECT_EQ(parse_format(""), std::nullopt);
}

void make(Fleet& fleet, int servers) {
  fleet.network("lab", "10.0.0.0/16", "10.0.0.1");
  fleet.profile("p", {"m=${mac}", "h=${hostname}"});
  Cluster cluster{.name = "c"};
  for (int i = 0; i < servers; ++i) {
    const std::string name = "s" + std::to_string(100 + i);
    Server& server = fleet.server(name);
    server.profile = fleet.text("p");
    server.ipv4 = parse_ipv4_interface("10.0.1." + std::to_string(i));
    fleet.interfaces(server, {fleet.interface("eth0", "52:54:00:00:01:" + std::to_string(10 + i))});
    cluster.nodes.push_back(
        {.name = fleet.text(name), .ip = fleet.text("10.0.1." + std::to_string(i))});
  }
  fleet.model.clusters.push_back(cluster);
}

TEST(Render, IsTheSameAlone) {
  Fleet fleet;
  make(fleet, 20);
  build_index(fleet.model);
  const Rendering rendering(fleet.model, fleet.settings);
  for (const Format format : kFormats) {
    for (const ServerEntry& entry : fleet.model.servers) {
      std::map<std::string, std::string> shared, alone;
      EXPECT_TRUE(rendering
                      .server(format, entry,
                              [&](const Artifact& a) {
                                EXPECT_EQ(a.origin, nullptr);
                                shared[std::string(a.name)] = a.content;
                              })
                      .empty());
      EXPECT_TRUE(render_server(format, fleet.model, fleet.settings, entry, [&](const Artifact& a) {
                    alone[std::string(a.name)] = a.content;
                  }).empty());
      EXPECT_EQ(shared, alone);
    }
    EXPECT_TRUE(render_site(format, fleet.model, fleet.settings, [](const Artifact& a) {
                  EXPECT_NE(a.origin, nullptr);
                }).empty());
  }
}

TEST(Render, OneServersFilesDependOnNoOtherServer) {
  Fleet few, many;
  make(few, 3);
  make(many, 20);
  few.model.clusters = many.model.clusters;  // a cluster's nodes are no servers
  for (const Format format : kFormats) {
    const auto small = few.render(format).files;
    const auto large = many.render(format).files;
    for (const auto& [path, content] : small) {
      if (format == Format::dnsmasq && path == "metalwright.conf") continue;
      ASSERT_TRUE(large.contains(path)) << path;
      EXPECT_EQ(large.at(path), content) << path;
    }
  }
}

TEST(Render, MayBeCalledFromSeveralThreads) {
  Fleet fleet;
  make(fleet, 50);
  fleet.model.profiles[0].template_name = "t";
  fleet.model.templates["t"] = "{{name}} {{#interfaces}}{{mac}}{{/interfaces}}\n";
  build_index(fleet.model);
  const Rendering rendering(fleet.model, fleet.settings);
  const auto all = [&] {
    std::map<std::string, std::string> files;
    for (const Format format : kFormats) {
      for (const ServerEntry& entry : fleet.model.servers) {
        const Errors errors = rendering.server(
            format, entry, [&](const Artifact& a) { files[std::string(a.name)] = a.content; });
        EXPECT_TRUE(errors.empty());
      }
    }
    return files;
  };
  std::map<std::string, std::string> other;
  std::thread thread([&] { other = all(); });
  const auto files = all();
  thread.join();
  EXPECT_EQ(files, other);
  EXPECT_EQ(files.at("configs/p/52:54:00:00:01:10"), "s100 52:54:00:00:01:10\n");
}

TEST(Comment, HoldsNothingThatAReaderCouldTakeUp) {
  std::string out;
  append_comment(out, {"a\nb\r\tc ${x} `d` \\ \x7f \xc3\xa9 ", std::string(300, 'x')});
  EXPECT_EQ(out, "# a?b??c ?{x} ?d? ? ? ?? " + std::string(300 - 100, 'x').substr(0, 0) +
                     out.substr(out.find("xx")));
  EXPECT_EQ(out.size(), 2 + 23 + 200 + 3 + 1 + 0U);
  EXPECT_EQ(out.find_first_of("\\$`\r\t"), std::string::npos);
  EXPECT_EQ(out.find('\n'), out.size() - 1);
}

}  // namespace
}  // namespace metalwright::renderers
