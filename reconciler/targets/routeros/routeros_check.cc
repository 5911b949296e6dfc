#include <algorithm>
#include <array>
#include <charconv>

#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/routeros_target.h"
#include "reconciler/targets/routeros/undo_script.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

constexpr int kOldestMajor = 7, kOldestMinor = 1;

struct Version {
  int major = 0, minor = 0;
};

/// `7.20.8 (long-term)`, `7.16rc2`.
Version read_version(std::string_view text) {
  Version version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ptr != end && *major.ptr == '.') {
    std::from_chars(major.ptr + 1, end, version.minor);
  }
  return version;
}

/// What our entries of the TFTP server offer and is not on the router.
void check_files(RestClient& rest, const std::string& loaders, std::vector<Target::Check>& checks) {
  constexpr std::array<std::string_view, 3> kEntry{"comment", "disabled", "real-filename"};
  constexpr std::array<std::string_view, 1> kFile{"name"};
  const auto entries = rest.rows("/ip/tftp", kEntry, {});
  if (!entries) return;  // said by others
  std::vector<std::string> offered;
  for (const RestRow& row : *entries) {
    const bool ours = row.value("comment").starts_with(routeros::kOwnerMark);
    if (ours && !row.is_true("disabled")) offered.emplace_back(row.value("real-filename"));
  }
  if (offered.empty()) return;
  Target::Check& there =
      checks.emplace_back(Target::Check{.what = "the boot loaders are on the router"});
  const auto files = rest.rows("/file", kFile, {});
  if (!files) {
    there.problems.push_back(files.error());
    return;
  }
  for (const std::string& name : offered) {
    const bool found = std::any_of(files->begin(), files->end(),
                                   [&](const RestRow& row) { return row.value("name") == name; });
    if (found) continue;
    const std::string loader = name.substr(name.rfind('/') + 1);
    const std::string in_tree = name.substr(name.find('/') + 1);
    const std::string from = loaders.empty() ? "http://BOOT-SERVER/…" : loaders;
    Error error =
        invalid("routeros-file",
                "the router offers " + quoted(name) +
                    " by TFTP and has no such file; copy it there: 'scp " + loader +
                    " USER@ROUTER:" + name + "', or on the router '/tool fetch url=" + from + '/' +
                    in_tree + " dst-path=" + name +
                    "'; or say at the target where the router is to fetch it: 'loaders: " + from +
                    "' (its user then needs the policy ftp)")
            .value();
    error.severity = Severity::warning;
    there.problems.push_back(std::move(error));
  }
}

Target::Check check_of(std::string what) { return {.what = std::move(what), .problems = {}}; }

}  // namespace

/// Asks and changes nothing: contact, version, rights to read, what waits in the scheduler.
std::vector<Target::Check> RouterosTarget::check() {
  std::vector<Check> checks;
  Check& contact = checks.emplace_back(check_of("the router answers"));
  constexpr std::array<std::string_view, 2> kResource{"version", "board-name"};
  const auto resource = rest_->rows("/system/resource", kResource, {});
  if (!resource) {
    contact.problems.push_back(with_context(resource.error(), "at " + rest_->url()));
    return checks;
  }
  const std::string_view version =
      resource->empty() ? std::string_view() : resource->front().value("version");
  if (!version.empty()) contact.what += ": RouterOS " + std::string(version);
  const Version number = read_version(version);
  if (number.major < kOldestMajor ||
      (number.major == kOldestMajor && number.minor < kOldestMinor)) {
    contact.problems.push_back(
        invalid("routeros-version",
                "RouterOS " + quoted(version) +
                    " has no REST as it is needed: 7.1 or newer; older routers are served by "
                    "'metalwright render'")
            .value());
  }
  Check& waiting = checks.emplace_back(check_of("no plan waits to be confirmed"));
  constexpr std::array<std::string_view, 2> kEntry{"name", "next-run"};
  const auto entries = rest_->rows("/system/scheduler", kEntry, {});
  if (!entries) {
    waiting.problems.push_back(entries.error());
  } else {
    for (const RestRow& row : *entries) {
      if (!row.value("name").starts_with(kUndoName)) continue;
      Error error = unavailable("routeros-locked",
                                "the scheduler's entry " + quoted(row.value("name")) +
                                    " takes a plan back at " + quoted(row.value("next-run")))
                        .value();
      error.severity = Severity::warning;
      waiting.problems.push_back(std::move(error));
    }
  }
  check_files(*rest_, settings_.loaders, checks);
  if (rest_->url().starts_with("http://")) {
    Check& open = checks.emplace_back(check_of("the password is sent encrypted"));
    Error error = invalid("routeros-http",
                          "the address is http://: whoever listens in between learns the password; "
                          "enable www-ssl on the router and name its certificate with 'ca-file' or "
                          "'pin'")
                      .value();
    error.severity = Severity::warning;
    open.problems.push_back(std::move(error));
  }
  return checks;
}

}  // namespace metalwright::reconciler
