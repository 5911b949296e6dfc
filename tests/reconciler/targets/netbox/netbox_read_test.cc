#include "reconciler/targets/netbox/netbox_read.h"

#include <gtest/gtest.h>

namespace metalwright::reconciler {
namespace {

const NetboxVersion kNewest{4, 6, 8};

std::vector<NetboxSeen> read(std::string_view kind, std::string body,
                             NetboxVersion version = kNewest) {
  std::vector<NetboxSeen> seen;
  const NetboxNameOf name_of = [](std::string_view of, std::int64_t id) -> const std::string* {
    static const std::string rack = "fra/R12";
    return of == netbox::kRack && id == 3 ? &rack : nullptr;
  };
  const auto page = read_netbox_page(*find_netbox_kind(kind), version, body, name_of,
                                     [&](NetboxSeen&& one) { seen.push_back(std::move(one)); });
  EXPECT_TRUE(page) << page.error().text();
  return seen;
}

TEST(NetboxRead, TellsADeviceInOurWords) {
  const auto seen = read(netbox::kDevice, R"({"count":1,"next":null,"previous":null,"results":[
    {"id":7,"name":"orion","serial":"S-1","asset_tag":null,"position":7.0,
     "face":{"value":"front","label":"Front"},"site":{"id":1,"slug":"fra","name":"Frankfurt"},
     "rack":{"id":3,"name":"R12"},"location":{"id":9,"slug":"hall","display":"Hall"},
     "device_type":{"id":2,"slug":"r640","manufacturer":{"id":4,"slug":"dell"}},
     "role":{"id":5,"slug":"server"},"platform":null,"tenant":null,"cluster":{"id":6,"name":"lab"},
     "primary_ip4":{"id":8,"address":"192.0.2.11/24"},"primary_ip6":null,
     "oob_ip":{"id":10,"address":"2001:DB8::1/64"},
     "tags":[{"id":1,"name":"metalwright","slug":"metalwright"},{"id":2,"slug":"people"}],
     "custom_fields":{"metalwright":"inventory.yaml#servers.orion","other":1},
     "last_updated":"2026-01-05T10:11:12.000001Z"}]})");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].name, "orion");
  EXPECT_TRUE(seen[0].ours());
  EXPECT_EQ(seen[0].fields,
            "cluster=lab\ndevice-type=dell/r640\nface=front\nlocation=#9 Hall\noob-ip=2001:db8::1\n"
            "position=7\nprimary-ip4=192.0.2.11\nrack=fra/R12\nrole=server\nserial=S-1\nsite=fra\n"
            "source=inventory.yaml#servers.orion\ntag.metalwright=set\ntag.people=set\n");
}

TEST(NetboxRead, ACopyWithoutTheSourceIsNotOurs) {
  const auto seen = read(netbox::kDevice,
                         R"({"count":1,"results":[{"id":7,"name":"copy","custom_fields":{},
                             "tags":[{"id":1,"slug":"metalwright"}]}]})");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].tagged);
  EXPECT_FALSE(seen[0].ours());
}

TEST(NetboxRead, LeavesOutWhatCannotBeNamed) {
  EXPECT_EQ(read(netbox::kDevice, R"({"count":1,"results":[{"id":7,"name":null}]})").size(), 0u);
  EXPECT_EQ(read(netbox::kIpAddress,
                 R"({"count":1,"results":[{"id":7,"address":"192.0.2.1/24","vrf":{"id":1}}]})")
                .size(),
            0u);
}

TEST(NetboxRead, TellsWhatAnAddressIsOn) {
  const auto seen = read(netbox::kIpAddress, R"({"count":2,"results":[
    {"id":1,"address":"192.0.2.11/24","vrf":null,"assigned_object_type":"dcim.interface",
     "assigned_object":{"id":5,"name":"eth0","device":{"id":7,"name":"orion"}},"dns_name":""},
    {"id":2,"address":"192.0.2.12/24","assigned_object_type":"virtualization.vminterface",
     "assigned_object":{"id":5,"display":"eth0","name":"eth0"}}]})");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].name, "192.0.2.11");
  EXPECT_EQ(seen[0].fields, "address=192.0.2.11/24\ninterface=orion/eth0\n");
  EXPECT_EQ(seen[1].fields, "address=192.0.2.12/24\ninterface=#5 eth0\n");
}

TEST(NetboxRead, TheCustomFieldIsForAllKindsWhateverElseItIsFor) {
  std::string types;
  for (const std::string& type : netbox_owned_types(kNewest)) types += '"' + type + "\",";
  const auto all = read(netbox::kCustomField, R"({"count":1,"results":[{"id":1,
    "name":"metalwright","type":{"value":"text","label":"Text"},"description":
    "Kept by metalwright","object_types":[)" + types +
                                                  R"("circuits.circuit"]}]})");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].fields, "description=Kept by metalwright\nobjects=all\ntype=text\n");
  EXPECT_TRUE(all[0].ours());
}

TEST(NetboxRead, RefusesWhatIsNoList) {
  for (std::string body : {"", "[]", "{}", "<html>", R"({"count":1})", R"({"results":[]})"}) {
    const auto page = read_netbox_page(
        *find_netbox_kind(netbox::kSite), kNewest, body, [](auto, auto) { return nullptr; },
        [](NetboxSeen&&) {});
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().check, "netbox-failure");
  }
}

}  // namespace
}  // namespace metalwright::reconciler
