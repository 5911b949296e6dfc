#include "reconciler/targets/netbox/netbox_memory.h"

#include <gtest/gtest.h>

namespace metalwright::reconciler {
namespace {

NetboxSeen seen(std::int64_t id, const std::string& name, bool ours) {
  return {.id = id,
          .name = name,
          .fields = "serial=S\n",
          .last_updated = "2026-01-05T10:11:12Z",
          .tagged = ours,
          .sourced = ours};
}

TEST(NetboxMemory, IsReadBackAsItWasWritten) {
  NetboxMemory memory;
  memory.url = "https://netbox.example.net";
  memory.version = {4, 6, 8};
  memory.compared = std::chrono::sys_seconds{std::chrono::seconds(1767607872)};
  memory.of(netbox::kDevice).put(seen(7, "orion", true));
  memory.of(netbox::kSite).put(seen(1, "fra", false));
  const auto back = decode_netbox_memory(encode_netbox_memory(memory));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->url, memory.url);
  EXPECT_EQ(back->version, memory.version);
  EXPECT_EQ(back->compared, memory.compared);
  const NetboxSeen* device = back->of(netbox::kDevice).find("orion");
  ASSERT_NE(device, nullptr);
  EXPECT_EQ(device->id, 7);
  EXPECT_EQ(device->fields, "serial=S\n");
  EXPECT_TRUE(device->ours());
  EXPECT_FALSE(back->of(netbox::kSite).find("fra")->tagged);
}

TEST(NetboxMemory, RefusesBytesThatAreNotWhole) {
  NetboxMemory memory;
  memory.of(netbox::kDevice).put(seen(7, "orion", true));
  const std::string bytes = encode_netbox_memory(memory);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_netbox_memory(std::string_view(bytes).substr(0, size)));
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0x20);
    const auto read = decode_netbox_memory(other);
    // The digest is in hexadecimal, and there capitals are as good.
    if (read) {
      EXPECT_TRUE(at < 90) << at;
    }
  }
}

TEST(NetboxObjects, OfSeveralWithANameOursCounts) {
  NetboxObjects objects;
  objects.put(seen(9, "orion", false));
  objects.put(seen(8, "orion", false));
  EXPECT_EQ(objects.find("orion")->id, 8);
  objects.put(seen(10, "orion", true));
  EXPECT_EQ(objects.find("orion")->id, 10);
  EXPECT_EQ(objects.tagged(), 1u);
  objects.drop(10);
  EXPECT_EQ(objects.find("orion")->id, 8);
  EXPECT_EQ(objects.tagged(), 0u);
}

TEST(NetboxObjects, AnIdHasOneName) {
  NetboxObjects objects;
  EXPECT_TRUE(objects.put(seen(7, "orion", true)));
  EXPECT_FALSE(objects.put(seen(7, "rigel", true)));
  EXPECT_EQ(objects.find("orion"), nullptr);
  EXPECT_EQ(objects.find("rigel")->id, 7);
  EXPECT_EQ(objects.tagged(), 1u);
}

}  // namespace
}  // namespace metalwright::reconciler
