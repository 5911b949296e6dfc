#include "renderers/boot_templates.h"

#include <gtest/gtest.h>

#include "renderers/template_tags.h"
#include "tests/renderers/fleet.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

struct Lab : Fleet {
  Server* orion = nullptr;

  explicit Lab(const std::string& content) {
    Network& lab = network("lab", "10.0.0.0/24", "10.0.0.1");
    lab.dns = {"10.0.0.53", "2001:db8::53"};
    lab.domain = "example.net";
    lab.vlan = 10;
    Profile& ubuntu = profile("ubuntu");
    ubuntu.template_name = "seed.yaml";
    ubuntu.template_origin = {"profiles/ubuntu.yaml", 4, 11};
    model.templates["seed.yaml"] = content;
    orion = &server("orion");
    orion->profile = text("ubuntu");
    orion->ipv4 = parse_ipv4_interface("10.0.0.5");
    orion->serial = text("SN-1");
    orion->services = texts({"web", "db"});
    orion->labels = list<Label>({{text("team.name"), text("a<b>&'\"c")}});
    interfaces(*orion, {interface("eth0", "52:54:00:00:00:01", "primary"),
                        interface("bmc", "52:54:00:00:00:ff", "bmc", "10.0.0.250/24")});
    settings.service_url = "http://10.0.0.9:8000";
  }

  std::string seed() {
    const Output output = render(Format::ipxe);
    std::string text;
    for (const Error& error : output.errors) text += error.text() + '\n';
    const auto found = output.files.find("configs/ubuntu/52:54:00:00:00:01");
    return found == output.files.end() ? text : text + found->second;
  }
};

TEST(BootTemplates, FillInWhatIsKnownOfAMachine) {
  EXPECT_EQ(Lab("#cloud-config\n"
                "{{name}} {{hostname}} {{short_hostname}} {{mac}} {{mac_dashes}} {{interface}}\n"
                "{{ip}}/{{prefix_length}} {{netmask}} {{gateway}} {{network}} {{domain}} {{vlan}}\n"
                "{{profile}} {{service_url}} {{serial}} {{labels.team.name}}\n"
                "{{#services}}{{.}}{{#more}}, {{/more}}{{/services}}\n"
                "{{#dns}}\n- {{.}}\n{{/dns}}\n"
                "{{#interfaces}}{{#bmc}}{{name}} {{mac}} {{ip}}/{{prefix_length}}{{/bmc}}"
                "{{^bmc}}{{name}} {{/bmc}}{{/interfaces}}\n")
                .seed(),
            "#cloud-config\n"
            "orion orion.example.net orion 52:54:00:00:00:01 52-54-00-00-00-01 eth0\n"
            "10.0.0.5/24 255.255.255.0 10.0.0.1 lab example.net 10\n"
            "ubuntu http://10.0.0.9:8000 SN-1 a<b>&'\"c\n"
            "web, db\n"
            "- 10.0.0.53\n- 2001:db8::53\n"
            "eth0 bmc 52:54:00:00:00:ff 10.0.0.250/24\n");
}

TEST(BootTemplates, KnowANodesCluster) {
  Lab lab(
      "{{cluster}} {{node.name}} {{node.role}} {{node.ip}} "
      "{{#initial_peers}}{{.}}{{/initial_peers}}{{#node}} {{role}}{{/node}}");
  Cluster cluster{.name = "k8s", .nodes = {}, .initial_peers = {"node01"}};
  cluster.nodes = {{.name = lab.text("node01"),
                    .ip = lab.text("10.0.0.5"),
                    .server = lab.text("orion"),
                    .role = NodeRole::control_plane}};
  lab.model.clusters.push_back(cluster);
  EXPECT_EQ(lab.seed(), "k8s node01 control-plane 10.0.0.5 node01 control-plane");
}

TEST(BootTemplates, EveryWayToWriteAVariableEscapesNothing) {
  EXPECT_EQ(Lab("{{labels.team.name}}|{{{labels.team.name}}}|{{& labels.team.name }}|"
                "{{=<% %>=}}<% labels.team.name %>|{{name}}|<%={{ }}=%>{{name}}{{! gone }}")
                .seed(),
            "a<b>&'\"c|a<b>&'\"c|a<b>&'\"c|a<b>&'\"c|{{name}}|orion");
}

TEST(BootTemplates, AskedByASectionWhatIsMissingIsNoError) {
  EXPECT_EQ(Lab("{{#rack}}in {{rack}}{{/rack}}{{^rack}}no rack{{/rack}}"
                "{{#node}}{{name}}{{/node}}{{^labels.none}}, no label{{/labels.none}}")
                .seed(),
            "no rack, no label");
}

TEST(BootTemplates, AMissingVariableIsAnErrorAtItsTag) {
  const std::string during = "\n  rendering the template for servers.orion\n";
  EXPECT_EQ(Lab("a\n  {{ rack }}").seed(),
            "templates/seed.yaml:2:3: error: this machine has no 'rack'; ask first, with {{#rack}} "
            "[template-variable]" +
                during);
  EXPECT_EQ(Lab("{{hostnme}}").seed(),
            "templates/seed.yaml:1:1: error: 'hostnme' is no name that templates know "
            "[template-variable]" +
                during);
  EXPECT_EQ(Lab("{{#hostnme}}x{{/hostnme}}").seed(),
            "templates/seed.yaml:1:1: error: 'hostnme' is no name that templates know "
            "[template-variable]" +
                during);
  EXPECT_EQ(Lab("\n\nab{{services}}").seed(),
            "templates/seed.yaml:3:3: error: 'services' is no text but for a section "
            "[template-variable]" +
                during);
  EXPECT_EQ(Lab("{{node.ip}}").seed(),
            "templates/seed.yaml:1:1: error: this machine has no 'node.ip'; ask first, with "
            "{{#node.ip}} [template-variable]" +
                during);
  EXPECT_EQ(Lab("{{name.x}}").seed(),
            "templates/seed.yaml:1:1: error: 'name.x' is no name that templates know "
            "[template-variable]" +
                during);
}

TEST(BootTemplates, BadSyntaxIsAnErrorAtItsPlace) {
  // Once for the profile and once for each machine that boots it.
  const auto first_line = [](const std::string& content) {
    const std::string text = Lab(content).seed();
    return text.substr(0, text.find('\n'));
  };
  EXPECT_EQ(first_line("x\n {{name"),
            "templates/seed.yaml:2:2: error: a tag is not closed [template-syntax]");
  EXPECT_EQ(first_line("{{{name}}"),
            "templates/seed.yaml:1:1: error: a tag is not closed [template-syntax]");
  EXPECT_EQ(first_line("{{"),
            "templates/seed.yaml:1:1: error: a tag is not closed [template-syntax]");
  EXPECT_EQ(first_line("\n{{#rack}}"),
            "templates/seed.yaml:2:1: error: the section 'rack' is not closed [template-syntax]");
  EXPECT_EQ(first_line("{{#rack}}{{/name}}"),
            "templates/seed.yaml:1:10: error: no section 'name' is open here [template-syntax]");
  EXPECT_EQ(first_line("{{/name}}"),
            "templates/seed.yaml:1:1: error: no section 'name' is open here [template-syntax]");
  EXPECT_EQ(first_line("{{> other}}"),
            "templates/seed.yaml:1:1: error: partials such as '> other' are not supported "
            "[template-syntax]");
  EXPECT_EQ(first_line("{{=x=}}"),
            "templates/seed.yaml:1:1: error: '=x=' does not set two delimiters [template-syntax]");
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "{{#name}}";
  EXPECT_EQ(first_line(deep),
            "templates/seed.yaml:1:145: error: sections are nested deeper than 16 "
            "[template-syntax]");
  EXPECT_EQ(first_line(std::string(65537, 'x')),
            "templates/seed.yaml:1:1: error: a template can have 65536 bytes [template-syntax]");
}

TEST(BootTemplates, AreBoundedInWhatTheyMake) {
  // 2^16 copies of 64 KiB would be 4 GiB.
  std::string bomb;
  for (int i = 0; i < 16; ++i) bomb += "{{#services}}";
  bomb += std::string(50000, 'x');
  for (int i = 0; i < 16; ++i) bomb += "{{/services}}";
  EXPECT_NE(Lab(bomb).seed().find("the template grows too large for one machine [template-growth]"),
            std::string::npos);
}

TEST(BootTemplates, AProfileOfATemplateOnlyBootsTheDisk) {
  Lab lab("for {{name}}");
  lab.model.profiles[0].kernel = {};
  lab.model.profiles[0].initrd.clear();
  EXPECT_EQ(lab.seed(), "for orion");
  for (const auto& [format, path] : {std::pair{Format::ipxe, "ipxe/52-54-00-00-00-01.ipxe"},
                                     {Format::grub, "efi64/grub.cfg-01-52-54-00-00-00-01"},
                                     {Format::pxelinux, "pxelinux.cfg/01-52-54-00-00-00-01"}}) {
    const Fleet::Output output = lab.render(format);
    EXPECT_TRUE(output.errors.empty());
    EXPECT_NE(output.files.at(path).find(
                  "# Profile ubuntu has no kernel: the server boots its local disk.\n"),
              std::string::npos)
        << output.files.at(path);
    for (const auto& [name, content] : output.files) {
      EXPECT_EQ(content.find("ubuntu/vmlinuz"), std::string::npos) << name;
    }
  }
}

TEST(BootTemplates, ATemplateThatIsNotThereIsAnError) {
  Lab lab("");
  lab.model.templates.clear();
  EXPECT_EQ(
      lab.errors(Format::ipxe),
      (std::vector<std::string>{"profiles/ubuntu.yaml:4:11: error: profiles.ubuntu.template: "
                                "there is no file 'templates/seed.yaml' [unknown-template]"}));
}

TEST(TemplateTags, AnyTextIsRefusedOrRendered) {
  RandomText random(61);
  int rendered = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random.of(
        "{{ }} {{# {{^ {{/ {{{ }}} {{! {{> {{& {{= =}} name services . rack x _ { } \n", 12);
    Lab lab(text);
    const Fleet::Output output = lab.render(Format::ipxe);
    const bool made = output.files.contains("configs/ubuntu/52:54:00:00:00:01");
    EXPECT_NE(made, !output.errors.empty()) << text;
    rendered += made ? 1 : 0;
  }
  EXPECT_GT(rendered, 300);
}

}  // namespace
}  // namespace metalwright::renderers
