#include "schemas/diagnostics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace metalwright {
namespace {

Error sample() {
  return {.kind = ErrorKind::invalid,
          .severity = Severity::error,
          .check = "ipv4-format",
          .message = "servers.orion.ipv4: '192.168.1.999' is not an IPv4 address",
          .origin = {"inventory.yaml", 12, 7},
          .context = {}};
}

TEST(Diagnostics, AreTheCompilersInText) {
  Error warning = sample();
  warning.severity = Severity::warning;
  warning.origin = {"inventory.yaml", 0, 0};
  warning.context = {"while loading"};
  EXPECT_EQ(format_diagnostics({sample(), warning}, DiagnosticFormat::text),
            "inventory.yaml:12:7: error: servers.orion.ipv4: '192.168.1.999' is not an IPv4 "
            "address [ipv4-format]\n"
            "inventory.yaml: warning: servers.orion.ipv4: '192.168.1.999' is not an IPv4 "
            "address [ipv4-format]\n"
            "  while loading\n");
}

TEST(Diagnostics, AreColouredOnlyWhereAsked) {
  EXPECT_EQ(format_diagnostics({sample()}, DiagnosticFormat::text, true),
            "\x1b[1minventory.yaml:12:7:\x1b[0m \x1b[1;31merror:\x1b[0m servers.orion.ipv4: "
            "'192.168.1.999' is not an IPv4 address \x1b[2m[ipv4-format]\x1b[0m\n");
}

TEST(Diagnostics, AreOneJsonDocument) {
  Error warning = sample();
  warning.severity = Severity::warning;
  warning.message = "a \"quote\"\nand bytes \xff";
  warning.origin = {};
  const auto document =
      nlohmann::json::parse(format_diagnostics({sample(), warning}, DiagnosticFormat::json));
  EXPECT_EQ(document["format_version"], 1);
  EXPECT_EQ(document["errors"], 1);
  EXPECT_EQ(document["warnings"], 1);
  ASSERT_EQ(document["diagnostics"].size(), 2U);
  const auto& first = document["diagnostics"][0];
  EXPECT_EQ(first["severity"], "error");
  EXPECT_EQ(first["check"], "ipv4-format");
  EXPECT_EQ(first["file"], "inventory.yaml");
  EXPECT_EQ(first["line"], 12);
  EXPECT_EQ(first["column"], 7);
  EXPECT_FALSE(document["diagnostics"][1].contains("file"));
  EXPECT_EQ(document["diagnostics"][1]["message"], "a \"quote\"\nand bytes \xef\xbf\xbd");
}

TEST(Diagnostics, AreAnEmptyJsonDocumentForNone) {
  const auto document = nlohmann::json::parse(format_diagnostics({}, DiagnosticFormat::json));
  EXPECT_EQ(document["errors"], 0);
  EXPECT_TRUE(document["diagnostics"].empty());
}

TEST(Diagnostics, AreWorkflowCommandsThatNoTextBreaksOutOf) {
  Error error = sample();
  error.origin.file = "a,b:c%.yaml";
  error.message = "100%: a, b\r\n::warning::not a command";
  error.context = {"one\ntwo"};
  EXPECT_EQ(format_diagnostics({error}, DiagnosticFormat::github),
            "::error file=a%2Cb%3Ac%25.yaml,line=12,col=7,title=ipv4-format::100%25: a, "
            "b%0D%0A::warning::not a command%0Aone%0Atwo\n");
  error.origin = {};
  error.severity = Severity::warning;
  error.context.clear();
  error.message = "m";
  EXPECT_EQ(format_diagnostics({error}, DiagnosticFormat::github),
            "::warning title=ipv4-format::m\n");
}

TEST(Diagnostics, HaveThreeFormats) {
  EXPECT_EQ(parse_diagnostic_format("text"), DiagnosticFormat::text);
  EXPECT_EQ(parse_diagnostic_format("json"), DiagnosticFormat::json);
  EXPECT_EQ(parse_diagnostic_format("github"), DiagnosticFormat::github);
  EXPECT_EQ(parse_diagnostic_format("JSON"), std::nullopt);
}

}  // namespace
}  // namespace metalwright
