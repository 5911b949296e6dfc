#include "reconciler/targets/nodes/nodes_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "renderers/artifact.h"

namespace metalwright::reconciler {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::string_view kConfigFile = " cluster-config.json\n";

/// What a node said of itself is no digest perhaps: then it is as different as any other text.
Digest digest_of(const std::string& said) {
  if (said.empty()) return {};
  const Digest digest = Digest::from_hex(said);
  return digest.empty() ? sha256(said) : digest;
}

/// The hash of `cluster-config.json` in a bundle's lines.
std::string config_hash_of(std::string_view lines) {
  const std::size_t at = lines.find(kConfigFile);
  if (at == std::string_view::npos || at < 64) return {};
  return std::string(lines.substr(at - 64, 64));
}

Error problem(std::string_view check, std::string message) {
  return fail(ErrorKind::unavailable, check, std::move(message)).value();
}

}  // namespace

ResourceTable nodes_that_take_part(const ResourceTable& desired,
                                   const std::vector<store::Node>& nodes) {
  std::set<std::string_view> reported;
  for (const store::Node& node : nodes) {
    if (node.reported) reported.insert(node.name);
  }
  ResourceTable table;
  table.arenas = desired.arenas;
  for (const ResourceRow& row : desired.rows) {
    const bool takes_part = row.kind.view() == renderers::kNodeKind;
    if (takes_part || reported.contains(row.name.view())) table.rows.push_back(row);
  }
  return table;
}

Result<NodesTarget::Nodes> NodesTarget::nodes() const {
  Result<std::vector<store::Node>> all = settings_.nodes();
  if (!all) return tl::unexpected(all.error());
  Nodes nodes;
  for (store::Node& node : *all) {
    std::string name = node.name;
    nodes.emplace(std::move(name), std::move(node));
  }
  return nodes;
}

Result<Observation> NodesTarget::observe(const LookRequest& request, std::stop_token) {
  const Result<Nodes> known = nodes();
  if (!known) return tl::unexpected(known.error());
  const Time now = settings_.clock();
  Observation seen;
  for (const ResourceRow& row : request.desired.rows) {
    const auto at = known->find(row.name.view());
    if (at == known->end()) {
      seen.unread.push_back(
          problem("node-silent", fmt::format("{} was never heard of", row.name.view())));
      continue;
    }
    const store::Node& node = at->second;
    const std::string hash = row.digest.hex();
    std::string config_hash;
    if (!node.reported && request.objects.desired) {
      const Result<Content> wished = request.objects.desired(row.kind, row.name);
      if (!wished) return tl::unexpected(wished.error());
      config_hash = config_hash_of(wished->bytes);
    }
    const Standing standing = standing_of(node, {hash, config_hash}, now, settings_.silent_after);
    if (standing == Standing::silent || standing == Standing::failed) {
      seen.unread.push_back(
          problem(standing == Standing::silent ? "node-silent" : "node-failed",
                  fmt::format("{} is {}", node.name, standing_text(node, standing, now))));
    }
    // Also of one that fell silent: what it said last.
    const std::string& said = node.reported ? node.applied_hash : node.config_hash;
    ObservedRow observed{{row.kind, row.name, digest_of(said)}, Presence::ours};
    if (said.empty()) observed.presence = Presence::absent;
    if (said == (node.reported ? hash : config_hash)) observed.row.digest = row.digest;
    seen.rows.push_back(std::move(observed));
  }
  for (const ResourceRow& row : request.last_applied.rows) {
    // What is no longer to be managed is no longer there: nobody fetches it.
    if (request.desired.find(row.kind, row.name) == nullptr) {
      seen.rows.push_back({{row.kind, row.name, {}}, Presence::absent});
    }
  }
  std::sort(seen.rows.begin(), seen.rows.end(), [](const ObservedRow& a, const ObservedRow& b) {
    return ResourceRow::compare(a.row, b.row) < 0;
  });
  return seen;
}

Result<Content> NodesTarget::read(std::string_view, std::string_view) { return Content{}; }

Result<void> NodesTarget::apply(std::span<const Change> changes, const ContentReader&,
                                const ApplyEvents& events, std::stop_token stop) {
  std::vector<const Change*> waiting;
  for (const Change& change : changes) waiting.push_back(&change);
  if (Result<void> begun = events.begin(waiting); !begun) return begun;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const auto end = std::chrono::steady_clock::now() + settings_.patience;
  while (true) {
    const Result<Nodes> known = nodes();
    if (!known) return tl::unexpected(known.error());
    const Time now = settings_.clock();
    const bool over = std::chrono::steady_clock::now() >= end || stop.stop_requested();
    std::erase_if(waiting, [&](const Change* change) {
      const auto at = known->find(change->name);
      const store::Node* const node = at == known->end() ? nullptr : &at->second;
      if (change->desired.empty() ||
          (node != nullptr && node->applied_hash == change->desired.hex())) {
        events.end(*change, nullptr);
        return true;
      }
      const bool listens = node != nullptr && now - node->last_seen <= settings_.silent_after;
      if (listens && !over) return false;
      const Error error =
          problem("node-behind",
                  fmt::format("{} did not fetch it yet: {}", change->name,
                              node == nullptr ? "it was never heard of"
                                              : "heard of last at " + utc_text(node->last_seen)));
      events.end(*change, &error);
      return true;
    });
    if (waiting.empty()) return {};
    never.wait_for(lock, stop, kLook, [] { return false; });
  }
}

std::vector<Target::Check> NodesTarget::check() {
  Check check{"nodes report", {}};
  const Result<Nodes> known = nodes();
  if (!known) {
    check.problems.push_back(known.error());
  } else if (known->empty()) {
    check.problems.push_back(
        problem("node-silent", "no node was heard of: they call POST /api/v1/nodes/NAME/report"));
  }
  return {check};
}

}  // namespace metalwright::reconciler
