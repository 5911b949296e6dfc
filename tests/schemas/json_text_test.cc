#include "schemas/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/renderers/random_text.h"

namespace metalwright {
namespace {

TEST(JsonText, AnyTextComesBack) {
  renderers::RandomText random(51);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random.unicode(12);
    std::string written;
    append_json_string(written, text);
    EXPECT_EQ(nlohmann::json::parse(written).get<std::string>(), text) << written;
  }
}

TEST(JsonText, UsesTheShortFormsThatThereAre) {
  std::string written;
  append_json_string(written, "\"\\/\b\f\n\r\t\x01\x1f\xc3\xa9");
  EXPECT_EQ(written, R"("\"\\/\b\f\n\r\t\u0001\u001f)"
                     "\xc3\xa9\"");
}

}  // namespace
}  // namespace metalwright
