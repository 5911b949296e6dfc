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

}  // namespace
}  // namespace metalwright
