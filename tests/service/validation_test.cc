#include "pipeline/service/validation.h"

#include <gtest/gtest.h>

namespace metalwright::service {
namespace {

std::optional<bool> passed(std::string_view members) {
  const auto read = read_validation_event("{\"device_id\":7," + std::string(members) + "}");
  return read ? read->passed : std::nullopt;
}

TEST(Validation, TheOverallResultCounts) {
  EXPECT_EQ(passed(R"("overall_result":"PASS","tests":{"memory":{"result":"FAIL"}})"), true);
  EXPECT_EQ(passed(R"("overall_result":"fail")"), false);
  EXPECT_EQ(passed(R"("overall_result":"UNKNOWN")"), std::nullopt);
}

TEST(Validation, WithoutOneMemoryAndDiskDo) {
  EXPECT_EQ(passed(R"("tests":{"memory":{"result":"PASS"},"disk_io":{"result":"SKIP"}})"), true);
  EXPECT_EQ(passed(R"("tests":{"memory":{"result":"PASS"},"disk_io":{"result":"FAIL"}})"), false);
  EXPECT_EQ(passed(R"("tests":{"memory":{"result":"SKIP"},"disk_io":{"result":"SKIP"}})"),
            std::nullopt);
  EXPECT_EQ(passed(R"("tests":{"lldp":{"result":"FAIL"}})"), std::nullopt);
}

TEST(Validation, IdsAreTakenAsScriptsWriteThem) {
  for (const char* const id : {"7", "\"7\"", "\"\\\"7\\\"\"", "\"'7'\"", "\" 7 \""}) {
    const auto read = read_validation_event("{\"device_id\":" + std::string(id) + "}");
    ASSERT_TRUE(read) << id;
    EXPECT_EQ(read->device, 7) << id;
    EXPECT_EQ(read->device_text, "7") << id;
  }
  for (const char* const id : {"0", "-7", "7.5", "\"x\"", "\"7x\"", "99999999999999999999"}) {
    const auto read = read_validation_event("{\"device_id\":" + std::string(id) + "}");
    ASSERT_TRUE(read) << id;
    EXPECT_EQ(read->device, 0) << id;
  }
  for (const char* const id : {"null", "[]", "{}", "\"\""}) {
    const auto read = read_validation_event("{\"device_id\":" + std::string(id) + "}");
    ASSERT_TRUE(read) << id;
    EXPECT_EQ(read->device_text, "") << id;
  }
}

TEST(Validation, EvidenceIsCodeAndNothingElse) {
  const auto read = read_validation_event(
      R"({"device_id":7,"tests":{"a`b":{"result":"PASS","details":"x`\n# heading"}}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->evidence, "- `a'b` `PASS`: `x'\\x0a# heading`\n");
}

TEST(Validation, AReportPassesWhereItShowsHardwareAndSaysNothingElse) {
  const auto report = [](std::string_view members) {
    return read_validation_report("{\"device_id\":\"7\"," + std::string(members) + "}")->passed;
  };
  EXPECT_EQ(report(R"("hardware":{"serial":"S"})"), true);
  EXPECT_EQ(report(R"("interfaces":[{"name":"eno1"}])"), true);
  EXPECT_EQ(report(R"("hardware":{},"interfaces":[])"), std::nullopt);
  EXPECT_EQ(report(R"("hardware":{"serial":"S"},"overall_result":"FAIL")"), false);
  EXPECT_EQ(report(R"("hardware":{"serial":"S"},"tests":{"memory":{"result":"FAIL"}})"), false);
  EXPECT_EQ(report(R"("hardware":{"serial":"S"},"tests":{"memory":{"result":"UNKNOWN"}})"),
            std::nullopt);
}

TEST(Validation, AClosingEntryIsAResult) {
  const auto entry = [](std::string_view kind, std::string_view comments,
                        std::string_view type = "dcim.device") {
    return read_validation_entry(
        R"({"event":"created","object_type":"extras.journalentry","data":{"id":5,)"
        R"("assigned_object_type":")" +
        std::string(type) + R"(","assigned_object_id":7,"kind":{"value":")" + std::string(kind) +
        R"("},"comments":")" + std::string(comments) + "\"}}");
  };
  ASSERT_TRUE(entry("success", "## Validation COMPLETE"));
  EXPECT_EQ(entry("success", "## Validation COMPLETE")->passed, true);
  EXPECT_EQ(entry("success", "## Validation COMPLETE")->device, 7);
  EXPECT_EQ(entry("danger", "Validation FAILED: memory")->passed, false);
  EXPECT_FALSE(entry("danger", "Validation COMPLETE"));
  EXPECT_FALSE(entry("info", "Validation COMPLETE"));
  EXPECT_FALSE(entry("success", "Validation COMPLETE", "dcim.site"));
  EXPECT_FALSE(read_validation_entry(R"({"event":"updated","object_type":"dcim.device"})"));
}

}  // namespace
}  // namespace metalwright::service
