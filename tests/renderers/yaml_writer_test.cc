#include "renderers/yaml_writer.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>
#include <yaml.h>

#include <string>
#include <vector>

#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

/// The first scalar that libyaml finds, and whether it was plain; the problem where it finds none.
struct Scalar {
  std::string value;
  bool plain = false;
};

Scalar read_by_libyaml(const std::string& yaml) {
  yaml_parser_t parser;
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(yaml.data()),
                               yaml.size());
  Scalar scalar{"(no scalar)"};
  for (bool going = true; going;) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser, &event) == 0) {
      scalar.value = std::string("(") + parser.problem + ")";
      break;
    }
    if (event.type == YAML_SCALAR_EVENT) {
      scalar.value.assign(reinterpret_cast<const char*>(event.data.scalar.value),
                          event.data.scalar.length);
      scalar.plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      going = false;
    }
    going = going && event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  return scalar;
}

std::string written(std::string_view text) {
  std::string yaml;
  append_yaml_string(yaml, text);
  return yaml;
}

TEST(YamlWriter, AnyTextComesBackThroughBothReaders) {
  RandomText random(11);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random.unicode(12);
    const std::string yaml = written(text) + '\n';
    EXPECT_EQ(read_by_libyaml(yaml).value, text) << yaml;
    EXPECT_EQ(YAML::Load(yaml).as<std::string>(), text) << yaml;
    EXPECT_EQ(yaml.find('\n'), yaml.size() - 1) << "a scalar on more than one line";
  }
}

TEST(YamlWriter, QuotesWhateverCouldBeSomethingElse) {
  for (const char* text :
       {"yes",         "No",   "ON", "off", "true", "False", "null", "Null", "y",
        "N",           "~",    "",   "1",   "0x10", "1e3",   "012",  "1:30", "52:54:00:00:00:01",
        "1.5",         ".inf", "-",  "- a", "a: b", "a #b",  " a",   "a ",   "2001:db8::1",
        "10.0.0.1/24", "*a",   "&a", "!a",  "%a",   "@a",    "`a",   "{a",   "[a",
        "a,b",         "=",    "<<", "?"}) {
    const Scalar scalar = read_by_libyaml(written(text) + '\n');
    EXPECT_EQ(scalar.value, text);
    EXPECT_FALSE(scalar.plain) << text;
  }
  for (const char* text : {"eth0", "networkd", "macaddress", "br-lan", "a_b", "yesterday", "nul"}) {
    EXPECT_EQ(written(text), text);
  }
}

TEST(YamlWriter, NestsMappingsAndSequences) {
  std::string out = "# first\n";
  YamlWriter yaml(out);
  yaml.open("network");
  yaml.number("version", 2);
  yaml.open("empty");
  yaml.close();
  yaml.open("routes");
  yaml.begin_item();
  yaml.string("to", "default");
  yaml.boolean("on-link", true);
  yaml.end_item();
  yaml.begin_item();
  yaml.open("nested");
  yaml.strings("list", std::vector<std::string>{"a", "10.0.0.1"});
  yaml.close();
  yaml.end_item();
  yaml.close();
  yaml.close();
  yaml.open_named("on");
  yaml.string("last", "on");
  yaml.close();
  yaml.finish();
  EXPECT_EQ(out,
            "# first\n"
            "network:\n"
            "  version: 2\n"
            "  empty: {}\n"
            "  routes:\n"
            "    - to: default\n"
            "      on-link: true\n"
            "    - nested:\n"
            "        list:\n"
            "          - a\n"
            "          - \"10.0.0.1\"\n"
            "\"on\":\n"
            "  last: \"on\"\n");
  const YAML::Node node = YAML::Load(out);
  EXPECT_EQ(node["network"]["routes"][1]["nested"]["list"][1].as<std::string>(), "10.0.0.1");
  EXPECT_TRUE(node["network"]["empty"].IsMap());
}

}  // namespace
}  // namespace metalwright::renderers
