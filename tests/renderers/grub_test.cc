#include "renderers/grub.h"

#include <gtest/gtest.h>

#include "reconciler/run_program.h"
#include "renderers/grub_text.h"
#include "tests/reconciler/temp_folder.h"
#include "tests/renderers/fleet.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

/// What grub-script-check has against a script; empty where nothing.
std::string judge(const std::string& script) {
  const TempFolder folder;
  write_plainly(folder / "grub.cfg", script);
  const auto outcome = reconciler::run_program({"grub-script-check", folder / "grub.cfg"});
  if (!outcome) return outcome.error().text();
  return outcome->exit_code == 0 ? std::string() : outcome->err + outcome->out;
}

bool have_script_check() {
  return reconciler::run_program({"grub-script-check", "--version"}).has_value();
}

#define SKIP_WITHOUT_GRUB()                                    \
  if (!have_script_check())                                    \
  GTEST_SKIP() << "grub-script-check is missing: apt install " \
                  "grub-common"

const std::string kNasty =
    "a b 1 _ _ ' \" \\ $ ${x} $(x) ` ; & | < > { } # ! * ? [ ] ( ) ~ = - -- '\\'' é ü %s @ , .";

TEST(GrubText, AnyWordComesBackThroughAShell) {
  // GRUB's script language has the shell's single quotes; a shell can also show what it read.
  RandomText random(21);
  std::string script;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random.of(kNasty, 10);
    script += "printf '%s\\n' " + grub_word(text) + '\n';
    expected += text + '\n';
  }
  const TempFolder folder;
  write_plainly(folder / "words.sh", script);
  const auto outcome = reconciler::run_program({"sh", folder / "words.sh"});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->exit_code, 0) << outcome->err;
  EXPECT_EQ(outcome->out, expected);
}

TEST(GrubText, AnyWordIsGoodToGrub) {
  SKIP_WITHOUT_GRUB();
  RandomText random(22);
  std::string script;
  for (int i = 0; i < 2000; ++i) {
    script += "menuentry " + grub_word("x" + random.of(kNasty, 10)) + " --id " +
              grub_word(random.of(kNasty, 10)) + " {\n  echo " + grub_word(random.of(kNasty, 10)) +
              grub_variable("net_default_mac").substr(1) + "'\n}\n";
  }
  EXPECT_EQ(judge(script), "");
}

TEST(GrubText, TheCheckerIsNoFormality) {
  SKIP_WITHOUT_GRUB();
  EXPECT_NE(judge("menuentry 'a' {\n"), "");
  EXPECT_NE(judge("menuentry 'it's' { true }\n"), "");
}

TEST(GrubText, TakesQuotesOffAnArgument) {
  const auto word = [](std::string_view argument) {
    const auto result = grub_argument(argument, "profiles.p.params", {"p.yaml", 1, 1});
    return result ? *result : result.error().text();
  };
  EXPECT_EQ(word("quiet"), "'quiet'");
  EXPECT_EQ(word("ds=nocloud;s=http://10.0.0.1/"), "'ds=nocloud;s=http://10.0.0.1/'");
  EXPECT_EQ(word("x=\"a b\""), "'x=a b'");
  EXPECT_EQ(word("\"x=a b\""), "'x=a b'");
  EXPECT_EQ(word("x=\"\""), "'x='");
  const std::string refused =
      "p.yaml:1:1: error: profiles.p.params: GRUB would add a backslash to a quote or backslash in "
      "{}; double quotes can stand around a value or a whole parameter only [param-text]";
  const auto refusal = [&](const std::string& shown) {
    std::string text = refused;
    return text.replace(text.find("{}"), 2, shown);
  };
  EXPECT_EQ(word("x='a'"), refusal("'x='a''"));
  EXPECT_EQ(word("a\"b\"c"), refusal("'a\"b\"c'"));
  EXPECT_EQ(word("x=\"a\"b"), refusal("'x=\"a\"b'"));
  EXPECT_EQ(word("x=\"a\"\"b\""), refusal("'x=\"a\"\"b\"'"));
  EXPECT_NE(word("a\\b").find("[param-text]"), std::string::npos);
}

TEST(Grub, EveryFileIsGoodToGrub) {
  SKIP_WITHOUT_GRUB();
  RandomText random(23);
  for (int round = 0; round < 30; ++round) {
    Fleet fleet;
    for (int p = 0; p < 4; ++p) {
      Profile& profile = fleet.profile("p" + std::to_string(p), {"m=${mac}", "u=${uuid}"});
      profile.title = "t" + random.of(kNasty, 8);
      if (p == 1) profile.params.emplace_back("h=${hostname}");
      if (p == 2) profile.type = ProfileType::talos_worker;
      if (p == 3) profile.initrd.clear();
    }
    for (int s = 0; s < 5; ++s) {
      Server& server = fleet.server("s" + std::to_string(s));
      if (s > 0) server.profile = fleet.text("p" + std::to_string(s - 1));
      fleet.interfaces(server, {fleet.interface("eth0", "52:54:00:00:00:0" + std::to_string(s))});
      fleet.boot(server, {"own=\"a b\"", "ip=${ip}"}, "ttyS0,115200");
    }
    const Fleet::Output output = fleet.render(Format::grub);
    EXPECT_TRUE(output.errors.empty()) << output.errors.front().text();
    EXPECT_EQ(output.files.size(), 7U);
    for (const auto& [path, content] : output.files)
      EXPECT_EQ(judge(content), "") << path << content;
  }
}

std::string file_of(Fleet& fleet, const std::string& path) {
  const Fleet::Output output = fleet.render(Format::grub);
  for (const Error& error : output.errors) ADD_FAILURE() << error.text();
  return output.files.contains(path) ? output.files.at(path) : "(no such file)";
}

TEST(Grub, AsksTheFirmwareForWhatIsNotKnown) {
  Fleet fleet;
  fleet.profile("p", {"u=${uuid}", "i=${ip}", "m=${mac}", "h=${hostname}"});
  Server& server = fleet.server("orion");
  server.profile = fleet.text("p");
  fleet.interfaces(server, {fleet.interface("eth0", "52:54:00:00:00:01")});
  const std::string own = file_of(fleet, "efi64/grub.cfg-01-52-54-00-00-00-01");
  EXPECT_NE(own.find("smbios --type 1 --get-uuid 8 --set=system_uuid\n"), std::string::npos) << own;
  EXPECT_NE(own.find("'u='\"$system_uuid\"'' 'i='\"$net_default_ip\"'' 'm=52:54:00:00:00:01' "
                     "'h=orion.example.net'\n"),
            std::string::npos)
      << own;
  const std::string menu = file_of(fleet, "efi64/grub.cfg");
  EXPECT_NE(menu.find("# Profile p is not offered: GRUB cannot fill in {hostname}"),
            std::string::npos)
      << menu;
  EXPECT_EQ(menu.find("profile-p"), std::string::npos);
}

TEST(Grub, TheMenuStartsTheDefaultProfileAfterTenSeconds) {
  Fleet fleet;
  fleet.profile("3com", {"m=${mac}"}).is_default = true;
  const std::string menu = file_of(fleet, "efi64/grub.cfg");
  EXPECT_NE(menu.find("set timeout=10\nset default='profile-3com'\nset fallback=0\n"),
            std::string::npos)
      << menu;
  EXPECT_NE(menu.find("'m='\"$net_default_mac\"''"), std::string::npos) << menu;
}

TEST(Grub, TalosFillsInWhatGrubCannot) {
  Fleet fleet;
  fleet.profile("talos", {"talos.config=http://10.0.0.1/?u=${uuid}&m=${mac}&h=${hostname}"}).type =
      ProfileType::talos_worker;
  const std::string menu = file_of(fleet, "efi64/grub.cfg");
  EXPECT_NE(menu.find("'talos.config=http://10.0.0.1/?u=${uuid}&m=${mac}&h=${hostname}'"),
            std::string::npos)
      << menu;
  EXPECT_EQ(menu.find("smbios"), std::string::npos);
}

}  // namespace
}  // namespace metalwright::renderers
