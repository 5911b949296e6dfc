#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/print.h"
#include "pipeline/loop.h"
#include "schemas/duration.h"

namespace metalwright::cli {
namespace {

struct Options {
  std::string subject, reason, expires, revision;
  bool release = false;
};

Result<void> audit(store::Store& store, const std::string& action, const std::string& subject,
                   const std::string& detail) {
  const auto written = store.audit().append({.id = 0,
                                             .at = now_utc(),
                                             .who = who_am_i(),
                                             .action = action,
                                             .subject = subject,
                                             .detail = detail});
  if (!written) return tl::unexpected(written.error());
  return {};
}

/// A suspension's subject begins with the name of a target.
bool known_subject(const HostConfig& config, const std::string& subject) {
  return config.find_target(subject.substr(0, subject.find('/'))) != nullptr;
}

int unknown_subject(const HostConfig& config, const std::string& subject) {
  std::string names;
  for (const TargetConfig& target : config.targets) names += ' ' + target.name;
  std::fprintf(stderr, "'%s' is not a target of %s: wanted one of%s, or a resource of one\n",
               subject.c_str(), config.file.c_str(), names.c_str());
  return kError;
}

int suspend(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::write);
  if (!host) return report(host.error());
  if (!known_subject((*host)->config(), options.subject)) {
    return unknown_subject((*host)->config(), options.subject);
  }
  store::Suspension suspension{.subject = options.subject,
                               .reason = options.reason,
                               .who = who_am_i(),
                               .since = now_utc(),
                               .expires = {}};
  if (!options.expires.empty()) {
    const auto duration = parse_duration(options.expires);
    if (!duration) {
      std::fprintf(stderr, "--for: '%s' is not a duration: wanted such as 90m, 12h or 2d\n",
                   options.expires.c_str());
      return kUsage;
    }
    suspension.expires = suspension.since + *duration;
  }
  store::Store& store = (*host)->store();
  const Result<void> done = store.transaction([&]() -> Result<void> {
    if (auto held = store.holds().suspend(suspension); !held) return held;
    return audit(store, "suspend", options.subject, options.reason);
  });
  if (!done) return report(done.error());
  print(options.subject + " is suspended" +
        (suspension.expires ? " until " + utc_text(*suspension.expires) : "") + ": " +
        options.reason + '\n');
  return kSuccess;
}

int resume(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::write);
  if (!host) return report(host.error());
  store::Store& store = (*host)->store();
  bool was = false;
  const Result<void> done = store.transaction([&]() -> Result<void> {
    const Result<bool> resumed = store.holds().resume(options.subject);
    if (!resumed) return tl::unexpected(resumed.error());
    was = *resumed;
    return was ? audit(store, "resume", options.subject, "") : Result<void>{};
  });
  if (!done) return report(done.error());
  if (!was) {
    std::fprintf(stderr, "'%s' was not suspended by command; see 'metalwright status'\n",
                 options.subject.c_str());
    return kError;
  }
  print(options.subject + " is resumed\n");
  return kSuccess;
}

int rollback(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::write);
  if (!host) return report(host.error());
  store::Store& store = (*host)->store();
  if (options.release) {
    const Result<void> done = store.transaction([&]() -> Result<void> {
      if (auto unpinned = store.revisions().unpin(); !unpinned) return unpinned;
      return audit(store, "rollback", "", "released");
    });
    if (!done) return report(done.error());
    print("the branch's tip is enforced again from the next round on\n");
    return kSuccess;
  }
  if (options.revision.empty()) {
    std::fputs("name the revision to go back to, or --release\n", stderr);
    return kUsage;
  }
  // Only what can be enforced is pinned.
  const pipeline::CompileResult result = (*host)->compile(options.revision, {});
  const int status = report(result.errors);
  if (result.compiled == nullptr) return status == kSuccess ? kError : status;
  const std::string& revision = result.compiled->revision;
  const Result<void> done = store.transaction([&]() -> Result<void> {
    const store::Pinned pinned{
        .revision = revision, .reason = options.reason, .who = who_am_i(), .at = now_utc()};
    if (auto kept = store.revisions().pin(pinned); !kept) return kept;
    return audit(store, "rollback", revision, options.reason);
  });
  if (!done) return report(done.error());
  print("revision " + revision +
        " is enforced from the next round on, whatever the branch says\n"
        "now: metalwright apply, or wait for the loop; back: metalwright rollback --release\n");
  return kSuccess;
}

}  // namespace

void add_hold_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("rollback", "hold on to an earlier revision");
    app->add_option("REV", options->revision, "commit, branch or tag to go back to");
    app->add_option("--reason", options->reason, "why, for 'status' and 'history'");
    app->add_flag("--release", options->release, "follow the branch again");
    app->footer("Example: metalwright rollback HEAD~1 --reason 'kernel panics on r740'");
    add(app, [options, &globals] { return rollback(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("suspend", "leave a target, or a part of it, alone");
    app->add_option("TARGET", options->subject, "a target, target/kind or target/kind/name")
        ->required();
    app->add_option("--reason", options->reason, "why: shown wherever it is left alone")
        ->required();
    app->add_option("--for", options->expires, "how long, such as 2h; without it until 'resume'")
        ->type_name("DURATION");
    app->footer("Example: metalwright suspend dhcp --reason 'switch being replaced' --for 4h");
    add(app, [options, &globals] { return suspend(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("resume", "end a suspension");
    app->add_option("TARGET", options->subject, "as it was suspended")->required();
    app->footer("Example: metalwright resume dhcp");
    add(app, [options, &globals] { return resume(*options, globals); });
  }
}

}  // namespace metalwright::cli
