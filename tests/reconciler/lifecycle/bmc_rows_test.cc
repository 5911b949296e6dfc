#include "reconciler/lifecycle/bmc_rows.h"

#include <gtest/gtest.h>

#include "reconciler/lifecycle/csv.h"

namespace metalwright::lifecycle {
namespace {
using Fields = std::vector<std::string>;

std::vector<CsvRow> csv(std::string_view bytes) {
  std::vector<CsvRow> rows;
  CsvReader reader(bytes);
  while (std::optional<CsvRow> row = reader.next()) rows.push_back(std::move(*row));
  return rows;
}

TEST(Csv, ReadsFieldsWithAndWithoutQuotes) {
  const auto rows = csv("a,b\r\n\"x,y\",\"say \"\"no\"\"\"\n,\"\"\r\"two\r\nlines\",z\nlast");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", "b"}));
  EXPECT_EQ(rows[1].fields, (Fields{"x,y", "say \"no\""}));
  EXPECT_EQ(rows[2].fields, (Fields{"", ""}));
  EXPECT_EQ(rows[3].fields, (Fields{"two\r\nlines", "z"}));
  EXPECT_EQ(rows[3].line, 4U);
  EXPECT_EQ(rows[4].fields, Fields{"last"});
  EXPECT_EQ(rows[4].line, 6U) << "counts the line end within quotes";
}

TEST(Csv, PassesOverAByteOrderMarkAndFindsBlankRows) {
  const auto rows = csv("\xEF\xBB\xBF\"a\",b\n\n  ,\t\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", "b"}));
  EXPECT_FALSE(rows[0].blank());
  EXPECT_TRUE(rows[1].blank());
  EXPECT_TRUE(rows[2].blank());
  EXPECT_TRUE(csv("").empty());
  EXPECT_TRUE(csv("\xEF\xBB\xBF").empty());
}

TEST(Csv, GoesOnBehindALineThatBreaksTheRules) {
  const auto rows = csv("a\"b,c\nok,1\n\"x\"y,2\nok,2\n\"open,3\nok,3\n");
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[0].problem, "a quote stands inside a field without quotes");
  EXPECT_EQ(rows[2].problem, "something follows a closing quote");
  EXPECT_EQ(rows[4].problem, "a quote is not closed");
  for (const std::size_t good : {1U, 3U, 5U}) {
    EXPECT_EQ(rows[good].problem, "");
    EXPECT_EQ(rows[good].fields[0], "ok");
    EXPECT_EQ(rows[good].line, good + 1);
  }
  EXPECT_NE(csv(std::string(300, ','))[0].problem, "");
  EXPECT_NE(csv(std::string(70000, 'x'))[0].problem, "");
  EXPECT_NE(csv('"' + std::string(70000, 'x') + '"')[0].problem, "");
}

std::vector<BmcRow> rows_of(std::string_view bytes) {
  auto rows = read_bmc_rows(bytes);
  EXPECT_TRUE(rows) << rows.error().message;
  return rows.value_or(std::vector<BmcRow>{});
}

TEST(BmcRows, FindsItsColumnsByTheirNames) {
  const auto rows = rows_of(
      "\xEF\xBB\xBFrack, SERVER_BMC_MAC ,note,Server_Serial\r\n"
      "r1,3C-A8-2A-00-00-01,\"first, of two\", SN-1 \r\n\r\n"
      "r2,3ca8.2a00.0002,,SN-2,more,columns\r\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].serial, "SN-1");
  EXPECT_EQ(rows[0].mac.text(), "3c:a8:2a:00:00:01");
  EXPECT_EQ(rows[0].outcome, BmcOutcome::open);
  EXPECT_EQ(rows[1].line, 4U);
  EXPECT_EQ(rows[1].mac.text(), "3c:a8:2a:00:00:02");
}

TEST(BmcRows, TakesAFileWithoutAHeaderButNoOtherHeader) {
  EXPECT_EQ(rows_of("SN-1,3c:a8:2a:00:00:01\n").size(), 1U);
  EXPECT_TRUE(rows_of("server_serial,server_bmc_mac\n").empty());
  for (const char* const bytes : {"", "\n\n", "serial,mac\nSN-1,3c:a8:2a:00:00:01\n"}) {
    EXPECT_FALSE(read_bmc_rows(bytes)) << bytes;
  }
}

TEST(BmcRows, FailsRowsThatAreWrongInThemselves) {
  const auto rows = rows_of(
      "server_serial,server_bmc_mac\n"
      ",3c:a8:2a:00:00:01\n"
      "SN-2\n"
      "SN-3,3c:a8:2a:00:00\n"
      "SN-4,01:00:5e:00:00:01\n"
      "SN-5,00:00:00:00:00:00\n"
      "SN-6,\"3c:a8:2a:00:00:06\n"
      "SN-7,3c:a8:2a:00:00:07\n");
  ASSERT_EQ(rows.size(), 7U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(rows[i].outcome, BmcOutcome::failed) << i;
  EXPECT_EQ(rows[0].message, "it has no serial number");
  EXPECT_EQ(rows[1].message, "it has no MAC address");
  EXPECT_EQ(rows[2].message, "'3c:a8:2a:00:00' is not a machine's MAC address");
  EXPECT_EQ(rows[5].message, "a quote is not closed");
  EXPECT_EQ(rows[6].outcome, BmcOutcome::open);
}

TEST(BmcRows, FailsRowsThatContradictOneAnother) {
  const auto rows = rows_of(
      "server_serial,server_bmc_mac\n"
      "SN-1,3c:a8:2a:00:00:01\n"
      "SN-1,3c:a8:2a:00:00:02\n"
      "SN-3,3c:a8:2a:00:00:03\n"
      "SN-4,3C:A8:2A:00:00:03\n"
      "SN-5,3c:a8:2a:00:00:05\n"
      "sn-5,3C-A8-2A-00-00-05\n");
  EXPECT_EQ(rows[0].message, "line 3 has the same serial number with another MAC address");
  EXPECT_EQ(rows[1].message, "line 2 has the same serial number with another MAC address");
  EXPECT_EQ(rows[2].message, "line 5 has the same MAC address with another serial number");
  EXPECT_EQ(rows[3].outcome, BmcOutcome::failed);
  EXPECT_EQ(rows[4].outcome, BmcOutcome::open);
  EXPECT_EQ(rows[5].outcome, BmcOutcome::unchanged);
  EXPECT_EQ(rows[5].message, "line 6 says the same");
}

TEST(BmcRows, ReadsAHundredThousandRows) {
  std::string bytes = "server_serial,server_bmc_mac\n";
  for (int i = 0; i < 100'000; ++i) {
    MacAddress mac{{0x3c, 0xa8, 0x2a, static_cast<std::uint8_t>(i >> 16),
                    static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    bytes += "SN-" + std::to_string(i) + ',' + mac.text() + "\r\n";
  }
  const auto rows = rows_of(bytes);
  ASSERT_EQ(rows.size(), 100'000U);
  EXPECT_EQ(rows.back().line, 100'001U);
  EXPECT_EQ(rows.back().outcome, BmcOutcome::open);
}
}  // namespace
}  // namespace metalwright::lifecycle
