#include "pipeline/service/write_back.h"

#include <fmt/format.h>

#include <algorithm>

#include "inventory/loader.h"
#include "inventory/source.h"
#include "pipeline/host.h"
#include "pipeline/secrets.h"
#include "pipeline/service/assets.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

namespace metalwright::service {
namespace {

constexpr int kTries = 8;  // while the branch keeps moving
constexpr std::chrono::seconds kFirstWait{5}, kLongestWait{600};
using Failed = tl::unexpected<Error>;

Result<inventory::SourceOptions> options_of(const HostConfig& config) {
  const auto secret = [&](const SecretRef& ref) -> Result<std::string> {
    return ref.name.empty() ? std::string() : pipeline::resolve_secret(config.secrets, ref.name);
  };
  Result<std::string> password = secret(config.source.password);
  if (!password) return Failed(password.error());
  Result<std::string> key = secret(config.source.ssh_key);
  if (!key) return Failed(key.error());
  inventory::SourceOptions options =
      inventory::source_options(config.source, std::move(*password), std::move(*key),
                                pipeline::folder_of_state(config) + "/sources");
  options.reading = inventory::Reading::commits;
  return options;
}

Errors only_errors(const Errors& all) {
  Errors errors;
  for (const Error& error : all) {
    if (error.severity == Severity::error) errors.push_back(error);
  }
  return errors;
}

/// The revision with the edits must be usable where the one before it was.
Result<void> check(const inventory::RepositoryFiles& files, const inventory::FileEdits& edits) {
  const Errors errors = only_errors(inventory::load(edited(files, edits)).errors);
  if (errors.empty() || !only_errors(inventory::load(files).errors).empty()) return {};
  return invalid("write-back", "the revision would not be usable: " + errors.front().text());
}

struct Tip {
  std::string id;
  bool new_branch = false;
};

Result<Tip> tip_of(inventory::Source& source, const HostConfig& config) {
  auto own = source.branch_tip(config.service.write_back.branch);
  if (own) return Tip{own->id, false};
  if (own.error().check != "revision-not-found") return Failed(own.error());
  auto followed = source.branch_tip(config.source.branch);
  if (!followed) return Failed(followed.error());
  return Tip{followed->id, true};
}

Result<std::optional<std::string>> commit_once(const HostConfig& config,
                                               const inventory::SourceOptions& options,
                                               const std::string& message, const PlanEdits& plan,
                                               std::stop_token stop) {
  auto source = inventory::open_source(config.source.git, options);
  if (!source) return Failed(source.error());
  if (auto fetched = (*source)->refresh(stop); !fetched) return Failed(fetched.error());
  const Result<Tip> tip = tip_of(**source, config);
  if (!tip) return Failed(tip.error());
  const auto revision = (*source)->resolve(tip->id);
  if (!revision) return Failed(revision.error());
  const auto files = (*source)->files(*revision);
  if (!files) return Failed(files.error().front());
  const Result<inventory::FileEdits> edits = plan(*files);
  if (!edits) return Failed(edits.error());
  if (edits->empty()) return std::optional<std::string>();
  if (auto good = check(*files, *edits); !good) return Failed(good.error());
  const WriteBackConfig& with = config.service.write_back;
  auto pushed = inventory::push_commit(
      config.source.git, options,
      {.branch = with.branch,
       .parent = tip->id,
       .new_branch = tip->new_branch,
       .name = with.name,
       .email = with.email,
       .message = message,
       .time = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())},
      *edits, stop);
  if (!pushed) return Failed(pushed.error());
  return std::optional(std::move(*pushed));
}

}  // namespace

Result<std::optional<std::string>> commit_to_branch(const HostConfig& config,
                                                    const std::string& message,
                                                    const PlanEdits& plan, std::stop_token stop) {
  if (config.service.write_back.branch.empty()) {
    return invalid("write-back", "no branch is named to commit to: service.write-back",
                   {.file = config.file});
  }
  const Result<inventory::SourceOptions> options = options_of(config);
  if (!options) return Failed(options.error());
  for (int attempt = 1;; ++attempt) {
    auto made = commit_once(config, *options, message, plan, stop);
    const bool moved = !made && made.error().kind == ErrorKind::conflict;
    if (!moved || attempt == kTries || stop.stop_requested()) return made;
  }
}

Result<inventory::FileEdits> api_edits(const HostConfig& config, store::Store& store,
                                       const inventory::RepositoryFiles& files,
                                       const std::function<void(const std::string&)>& left_out) {
  auto profiles = store.boot_api().profiles();
  if (!profiles) return Failed(profiles.error());
  auto assignments = store.boot_api().assignments();
  if (!assignments) return Failed(assignments.error());
  const inventory::LoadResult others = inventory::load(without_exported(files));
  if (others.model == nullptr) {
    return invalid("write-back", "the branch is not usable as it is: " +
                                     only_errors(others.errors).front().text());
  }
  const Exported exported = export_api(
      {std::move(*profiles), std::move(*assignments)}, *others.model, [&](std::string_view path) {
        return open_asset(config.assets, std::string(path)).has_value();
      });
  for (const std::string& line : exported.left_out) left_out(line);
  return edits_for(exported, files);
}

Result<inventory::FileEdits> adoption_edits(const store::PendingMachine& machine,
                                            const Adoption& adoption,
                                            const inventory::RepositoryFiles& files) {
  const auto wrong = [](std::string message) { return invalid("adopt", std::move(message)); };
  const inventory::LoadResult loaded = inventory::load(files);
  if (loaded.model == nullptr) {
    return wrong("the branch is not usable as it is: " + only_errors(loaded.errors).front().text());
  }
  if (loaded.model->find_server(adoption.name) != nullptr) {
    return wrong(fmt::format("there is a server {} already", quoted(adoption.name)));
  }
  if (!adoption.profile.empty() && loaded.model->find_profile(adoption.profile) == nullptr) {
    return wrong(fmt::format("there is no boot profile {}", quoted(adoption.profile)));
  }
  const auto mac = parse_mac_address(machine.mac);
  for (const ServerEntry& entry : loaded.model->servers) {
    for (const Interface& interface : entry.server->interfaces) {
      if (interface.mac && interface.mac == mac) {
        return wrong(fmt::format("{} is {}'s already", machine.mac, entry.server->name.view()));
      }
    }
  }
  const std::string path = "inventory/" + adoption.name + ".yaml";
  if (find_file(files, path) != nullptr) return wrong(fmt::format("{} is there already", path));
  return inventory::FileEdits{{path, "servers:\n" + adopted_entry(machine, adoption)}};
}

WriteBack::WriteBack(const HostConfig& config, store::Store& store,
                     std::function<void(const std::string&)> say, std::function<bool()> leads)
    : config_(config), store_(store), say_(std::move(say)), leads_(std::move(leads)) {
  if (config_.service.write_back.branch.empty()) return;
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

WriteBack::~WriteBack() = default;

void WriteBack::wake() { bell_.ring(); }

/// False where it is to be tried again.
bool WriteBack::write(std::stop_token stop) {
  if (!leads_()) return true;
  std::string left_out;
  const auto made = commit_to_branch(
      config_, "boot: write down what the API made\n",
      [&](const inventory::RepositoryFiles& files) {
        left_out.clear();
        return api_edits(config_, store_, files, [&](const std::string& line) {
          left_out += (left_out.empty() ? "" : "; ") + line;
        });
      },
      stop);
  if (stop.stop_requested()) return true;
  std::string trouble = made ? left_out : made.error().text();
  if (trouble != trouble_ && !trouble.empty()) say_("not written back: " + trouble);
  trouble_ = std::move(trouble);
  if (made && *made) {
    say_(fmt::format("what the API made is committed to {} as {}",
                     config_.service.write_back.branch, (*made)->substr(0, 12)));
  }
  return made.has_value();
}

void WriteBack::run(std::stop_token stop) {
  std::chrono::seconds wait = kFirstWait;
  while (!stop.stop_requested()) {
    if (!write(stop)) {
      bell_.wait_for(stop, wait);
      wait = std::min(wait * 2, kLongestWait);
      continue;
    }
    wait = kFirstWait;
    bell_.wait(stop);
  }
}

}  // namespace metalwright::service
