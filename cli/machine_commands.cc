#include <fmt/format.h>
#include <openssl/rand.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "reconciler/printable.h"
#include "reconciler/store/store.h"
#include "schemas/digest.h"
#include "schemas/duration.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

/// Commands about machines and about who may use the API: they work on the state, beside a running
/// service.
namespace metalwright::cli {
namespace {

struct Options {
  std::string name, role = "viewer", expires;
  std::size_t limit = 50;
};

std::string cell(std::string_view text) {
  return text.empty() ? "-" : reconciler::printable(text, 64);
}

bool is_server_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

int reinstall(const Options& options, const Globals& globals) {
  auto state = open_state(globals, true);
  if (!state) return report(state.error());
  const auto mac = parse_mac_address(options.name);
  const std::string subject = mac ? mac->text() : options.name;
  const auto forgotten = (*state)->boots().forget(subject);
  if (!forgotten) return report(forgotten.error());
  if (!*forgotten) {
    std::fprintf(stderr, "reinstall: no install was handed out to %s\n",
                 metalwright::quoted(subject).c_str());
    return kError;
  }
  const auto entry = (*state)->audit().append({0, now_utc(), who_am_i(), "reinstall", subject, ""});
  if (!entry) return report(entry.error());
  print(subject + " is installed again when it boots from the network next\n");
  return kSuccess;
}

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  std::string token = "mw_";
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

int token_create(const Options& options, const Globals& globals) {
  if (!is_server_name(options.name)) {
    std::fprintf(stderr, "token: %s cannot be a token's name\n",
                 metalwright::quoted(options.name).c_str());
    return kUsage;
  }
  store::Token made{options.name, {}, options.role, who_am_i(), now_utc(), {}};
  if (!options.expires.empty()) {
    const auto lifetime = parse_duration(options.expires);
    if (!lifetime) {
      std::fputs("token: --expires wants a duration such as 90d\n", stderr);
      return kUsage;
    }
    made.expires = made.made + *lifetime;
  }
  const std::string token = random_token();
  if (token.empty()) {
    std::fputs("token: the system gives no random bytes\n", stderr);
    return kError;
  }
  made.hash = sha256(token);
  auto state = open_state(globals, true);
  if (!state) return report(state.error());
  if (auto added = (*state)->tokens().add(made); !added) return report(added.error());
  const auto entry = (*state)->audit().append(
      {0, made.made, made.who, "token-create", made.name, "role " + made.role});
  if (!entry) return report(entry.error());
  print(token + '\n');
  std::fputs("this is the only time that the token is shown\n", stderr);
  return kSuccess;
}

int token_list(const Globals& globals) {
  auto state = open_state(globals, false);
  if (!state) return report(state.error());
  const auto tokens = (*state)->tokens().all();
  if (!tokens) return report(tokens.error());
  std::string text;
  for (const store::Token& token : *tokens) {
    text += fmt::format("{:<24}  {:<8}  made {} by {}{}\n", token.name, token.role,
                        utc_text(token.made), cell(token.who),
                        token.expires ? ", until " + utc_text(*token.expires) : "");
  }
  print(text.empty() ? "there are no tokens\n" : text);
  return kSuccess;
}

int token_revoke(const Options& options, const Globals& globals) {
  auto state = open_state(globals, true);
  if (!state) return report(state.error());
  const auto revoked = (*state)->tokens().revoke(options.name);
  if (!revoked) return report(revoked.error());
  if (!*revoked) {
    std::fprintf(stderr, "token: there is no token %s\n",
                 metalwright::quoted(options.name).c_str());
    return kError;
  }
  const auto entry =
      (*state)->audit().append({0, now_utc(), who_am_i(), "token-revoke", options.name, ""});
  if (!entry) return report(entry.error());
  return kSuccess;
}

int audit(const Options& options, const Globals& globals) {
  auto state = open_state(globals, false);
  if (!state) return report(state.error());
  const auto entries = (*state)->audit().recent(options.limit);
  if (!entries) return report(entries.error());
  std::string text;
  for (const store::AuditEntry& entry : *entries) {
    text += fmt::format("{}  {:<24}  {:<16}  {:<24}  {}\n", utc_text(entry.at), cell(entry.who),
                        cell(entry.action), cell(entry.subject), cell(entry.detail));
  }
  print(text.empty() ? "the audit trail is empty\n" : text);
  return kSuccess;
}

void add_token_command(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand("token", "make, list and revoke tokens of the API");
  app->require_subcommand(1);
  CLI::App* create = app->add_subcommand("create", "make a token and show it once");
  create->add_option("NAME", options->name, "its name in the audit trail")->required();
  create
      ->add_option("--role", options->role,
                   "what it may do; node: what the node of the token's name may")
      ->check(CLI::IsMember({"node", "viewer", "operator", "admin"}))
      ->capture_default_str();
  create
      ->add_option("--expires", options->expires, "how long it is good; none: until it is revoked")
      ->type_name("DURATION");
  app->add_subcommand("list", "list the tokens, without their values");
  CLI::App* revoke = app->add_subcommand("revoke", "make a token worthless at once");
  revoke->add_option("NAME", options->name, "its name")->required();
  app->footer("Example: metalwright token create ci --role operator --expires 90d");
  add(app, [options, app, create, revoke, &globals] {
    if (app->got_subcommand(create)) return token_create(*options, globals);
    if (app->got_subcommand(revoke)) return token_revoke(*options, globals);
    return token_list(globals);
  });
}

}  // namespace

void add_machine_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "reinstall", "let a server's install profile be handed out once more");
    app->add_option("NAME", options->name, "the server, or the MAC address of an assignment")
        ->required();
    app->footer("Example: metalwright reinstall orion");
    add(app, [options, &globals] { return reinstall(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("audit", "show who did and asked for what");
    app->add_option("--limit", options->limit, "so many entries, the latest first")
        ->capture_default_str();
    app->footer("Example: metalwright audit --limit 200");
    add(app, [options, &globals] { return audit(*options, globals); });
  }
  add_token_command(program, globals, add);
}

}  // namespace metalwright::cli
