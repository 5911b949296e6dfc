#include "reconciler/targets/routeros/routeros_target.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "reconciler/row_pairs.h"
#include "reconciler/targets/routeros/attempt_note.h"
#include "reconciler/targets/routeros/desired_cache.h"
#include "reconciler/targets/routeros/menu_turns.h"
#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/router_view.h"
#include "reconciler/targets/routeros/routeros_apply.h"
#include "reconciler/targets/routeros/undo_timer.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;
using std::chrono::steady_clock;

using Name = std::pair<std::string_view, std::string_view>;

// What was read to verify a plan is what there is, for as long as a look takes.
constexpr std::chrono::seconds kFresh{2};
// The most requests of a repeated cheap look; of more menus some wait for the next one.
constexpr std::size_t kMostRequests = 15;
constexpr std::size_t kAddressMenus = 2;  // one a family
// From so many on it is quicker to make all of them than each by itself.
constexpr std::size_t kManyDesired = 50;

/// What a look has to cover.
struct Scope {
  std::set<const Menu*> menus;
  std::set<const Menu*> at_rest;  ///< of these, where everything desired was applied
  std::vector<Name> wanted;       ///< desired rows in it
  std::vector<Name> unwanted;     ///< rows to go
};

Scope scope_of(const LookRequest& request) {
  Scope scope;
  std::set<const Menu*> busy;
  for (const RowPair& pair : RowPairs(request.desired.rows, request.last_applied.rows)) {
    const bool same = pair.unchanged();
    if (request.look == Look::named && same) continue;
    const ResourceRow& row = pair.row();
    const Menu* menu = routeros::find_menu_of_kind(row.kind);
    if (menu == nullptr) continue;
    scope.menus.insert(menu);
    if (!same) busy.insert(menu);
    auto& rows = pair.desired != nullptr ? scope.wanted : scope.unwanted;
    rows.emplace_back(row.kind.view(), row.name.view());
  }
  std::set_difference(scope.menus.begin(), scope.menus.end(), busy.begin(), busy.end(),
                      std::inserter(scope.at_rest, scope.at_rest.end()));
  // Nothing is known to be ours: whatever bears our mark is looked for everywhere.
  if (request.last_applied.rows.empty() && request.look != Look::named) {
    for (const Menu& menu : routeros::menus()) {
      if (menu.managed()) scope.menus.insert(&menu);
    }
  }
  return scope;
}

ResourceTable without(const ResourceTable& table, const MenuTurns::Menus& menus) {
  ResourceTable rest;
  rest.arenas = table.arenas;
  std::copy_if(table.rows.begin(), table.rows.end(), std::back_inserter(rest.rows),
               [&](const ResourceRow& row) {
                 return !menus.contains(routeros::find_menu_of_kind(row.kind));
               });
  return rest;
}

/// What a look by name is about: the rows that differ, under their old names as well.
std::set<Name> names_of(const LookRequest& request, const Scope& scope) {
  std::set<Name> names(scope.wanted.begin(), scope.wanted.end());
  for (const ResourceRow& row : request.last_applied.rows) {
    const ResourceRow* const wanted = request.desired.find(row.kind, row.name);
    if (wanted == nullptr || wanted->digest != row.digest) {
      names.emplace(row.kind.view(), row.name.view());
    }
  }
  return names;
}

/// What a look by name would find right after all that it asks for was read back; empty where not
/// all of it was.
std::optional<Observation> verified_observation(const LookRequest& request,
                                                const VerifiedChanges& verified) {
  Observation observation;
  for (const RowPair& pair : RowPairs(request.desired.rows, request.last_applied.rows)) {
    if (pair.unchanged()) continue;
    const ResourceRow& row = pair.row();
    const Digest wanted = pair.desired != nullptr ? row.digest : Digest();
    const auto known = verified.find({std::string(row.kind.view()), std::string(row.name.view())});
    if (known == verified.end() || known->second != wanted) return std::nullopt;
    observation.rows.push_back(
        {.row = {row.kind, row.name, wanted},
         .presence = pair.desired != nullptr ? Presence::ours : Presence::absent});
  }
  for (const ResourceTable* const table : {&request.desired, &request.last_applied}) {
    observation.arenas.insert(observation.arenas.end(), table->arenas.begin(), table->arenas.end());
  }
  return observation;
}

/// How many menus of addresses tell which interface has an address in these.
std::size_t address_menus(const std::set<std::string>& prefixes) {
  std::set<bool> families;
  for (const std::string& prefix : prefixes) {
    families.insert(prefix.find(':') != std::string::npos);
  }
  return families.size();
}

/// A word that no other run has.
std::string fresh_word() {
  std::random_device device;
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string word;
  for (int i = 0; i < 8; ++i) word += kDigits[device() & 15U];
  return word;
}

}  // namespace

struct RouterosTarget::Seen {
  TargetObjects objects;
  VerifiedChanges verified;
  steady_clock::time_point fresh_until;  // of `verified`
  /// What the last look at everything found to be otherwise than it was applied.
  std::set<std::pair<std::string, std::string>> unsettled;
};

RouterosTarget::RouterosTarget(RouterosTargetSettings settings)
    : settings_(std::move(settings)),
      rest_(std::make_unique<RestClient>(settings_.http, settings_.password)),
      note_(std::make_unique<AttemptNote>(settings_.note_file)),
      turns_(std::make_unique<MenuTurns>()),
      seen_(std::make_unique<Seen>()) {}

RouterosTarget::~RouterosTarget() = default;

Result<Observation> RouterosTarget::observe(const LookRequest& request, std::stop_token stop) {
  const bool fresh =
      settings_.now() < std::exchange(seen_->fresh_until, steady_clock::time_point());
  if (fresh && request.look == Look::named) {
    if (auto known = verified_observation(request, seen_->verified)) return std::move(*known);
  }
  if (Result<void> settled = settled_since_attempt(); !settled) {
    return tl::unexpected(settled.error());
  }
  Scope scope = scope_of(request);
  DesiredCache desired(request);
  // The router takes its time to answer, and rendering waits for nobody: both go on at once.
  std::future<void> rendered;
  if (scope.wanted.size() > kManyDesired && request.look != Look::named) {
    rendered = std::async(std::launch::async, [&] { desired.read_all(); });
  }
  const auto wanted_prefixes = [&] {
    if (rendered.valid()) rendered.get();
    std::set<std::string> prefixes;
    for (const auto& [kind, name] : scope.wanted) {
      if (!names_interfaces(*routeros::find_menu_of_kind(kind))) continue;
      const ObjectFields* fields = desired.get(kind, name);
      if (fields != nullptr) note_prefixes(*fields, prefixes);
    }
    for (const auto& [kind, name] : scope.unwanted) {
      const ObjectFields* fields = desired.stated(kind, name);
      if (fields != nullptr) note_prefixes(*fields, prefixes);
    }
    return prefixes;
  };
  MenuTurns::Menus left_out;
  if (request.look == Look::cheap && scope.menus.size() + kAddressMenus > kMostRequests) {
    const std::size_t requests = scope.menus.size() + address_menus(wanted_prefixes());
    if (requests > kMostRequests) {
      left_out = turns_->left_out(scope.at_rest, requests - kMostRequests);
    }
    for (const Menu* menu : left_out) scope.menus.erase(menu);
    std::erase_if(scope.wanted, [&](const Name& name) {
      return left_out.contains(routeros::find_menu_of_kind(name.first));
    });
  }
  Result<RouterRows> rows = read_router_rows(*rest_, scope.menus, {}, stop);
  if (!rows) return tl::unexpected(rows.error());
  if (auto read = read_addresses(*rest_, wanted_prefixes(), *rows, stop); !read) {
    return tl::unexpected(read.error());
  }
  // Where we made rows there was a menu: that it is gone now is a trouble of the router, and no
  // reason to make all of them again.
  for (const ResourceRow& row : request.last_applied.rows) {
    const Menu* menu = routeros::find_menu_of_kind(row.kind);
    if (menu == nullptr || !rows->missing.contains(menu)) continue;
    return unavailable("routeros-no-menu",
                       "the router has no menu " + std::string(menu->path) + " any more");
  }
  seen_->objects = TargetObjects();
  const DesiredFields wanted = [&](std::string_view kind, std::string_view name) {
    return desired.stated(kind, name);
  };
  std::set<Name> named;
  if (request.look == Look::named) named = names_of(request, scope);
  const auto concerns = [&](std::string_view kind, std::string_view name) {
    return request.look != Look::named || named.contains({kind, name});
  };
  std::vector<ViewedRow> viewed = view_rows(*rows, wanted, scope.wanted, concerns);
  if (!settings_.adopt) accept_unmarked(viewed, wanted);
  for (const ViewedRow& row : viewed) {
    seen_->objects.add(row.menu->kind, row.name, encode_fields(row.fields), row.presence);
  }
  if (desired.failure()) return tl::unexpected(*desired.failure());
  seen_->objects.sort();
  const auto observe = [&](const ResourceTable& stated, const ResourceTable& applied) {
    return observe_objects({stated, applied, request.look, desired.readers()}, seen_->objects);
  };
  Result<Observation> observation =
      left_out.empty()
          ? observe(request.desired, request.last_applied)
          : observe(without(request.desired, left_out), without(request.last_applied, left_out));
  if (observation && request.look != Look::named) note_look(request, scope.menus, *observation);
  return observation;
}

/// What a plan that was cut off left may look like what is wanted, until the router takes it back.
Result<void> RouterosTarget::settled_since_attempt() {
  if (!note_->load()) return {};
  return UndoTimer(*rest_, {.owner = {}, .confirm = {}, .now = settings_.now}).none_waits();
}

void RouterosTarget::note_look(const LookRequest& request, const std::set<const Menu*>& read,
                               const Observation& observation) {
  seen_->unsettled.clear();
  MenuTurns::Menus changed;
  const auto note = [&](std::string_view kind, std::string_view name) {
    seen_->unsettled.emplace(kind, name);
    changed.insert(routeros::find_menu_of_kind(kind));
  };
  for (const ObservedRow& row : observation.rows) {
    const ResourceRow* const wanted = request.desired.find(row.row.kind, row.row.name);
    const bool only_unrecorded =
        wanted != nullptr && row.presence == Presence::ours && row.row.digest == wanted->digest;
    if (!only_unrecorded) note(row.row.kind, row.row.name);
  }
  for (const ResourceRow& row : observation.unrecorded) note(row.kind, row.name);
  turns_->looked(read, changed);
}

/// What was verified is as good as looked at, where nothing else was found in its menu.
void RouterosTarget::note_verified() {
  MenuTurns::Menus quiet;
  for (const auto& [name, digest] : seen_->verified) {
    quiet.insert(routeros::find_menu_of_kind(name.first));
  }
  for (const auto& name : seen_->unsettled) {
    if (!seen_->verified.contains(name)) quiet.erase(routeros::find_menu_of_kind(name.first));
  }
  turns_->looked(quiet, {});
}

Result<Content> RouterosTarget::read(std::string_view kind, std::string_view name) {
  Content content;
  content.mode = 0;
  if (const TargetObject* object = seen_->objects.find(kind, name)) {
    content.bytes = object->fields.view();
  }
  return content;
}

Result<void> RouterosTarget::apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) {
  UndoTimerSettings timer{.owner = settings_.owner + '-' + fresh_word(),
                          .confirm = settings_.confirm,
                          .now = settings_.now};
  RouterosApply apply(*rest_, std::move(timer), *note_, unknown_properties_, changes, content,
                      events);
  Result<void> done = apply.run(stop);
  if (done) {
    seen_->verified = apply.verified();
    seen_->fresh_until = settings_.now() + kFresh;
    note_verified();
  }
  return done;
}

std::optional<Error> RouterosTarget::withheld(std::span<const Change> changes) {
  const std::optional<Attempt> failed = note_->load();
  if (!failed || failed->plan != plan_digest(changes)) return std::nullopt;
  return failed_before(*failed);
}

void RouterosTarget::forget_failures() { (void)note_->remove(); }

}  // namespace metalwright::reconciler
