#include "reconciler/targets/routeros/routeros_target.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "reconciler/targets/routeros/attempt_note.h"
#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/router_view.h"
#include "reconciler/targets/routeros/routeros_apply.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;
using std::chrono::steady_clock;

using Name = std::pair<std::string_view, std::string_view>;

// What was read to verify a plan is what there is, for as long as a look takes.
constexpr std::chrono::seconds kFresh{2};
// The most requests of a look that is repeated; see `due`.
constexpr std::size_t kMostRequests = 15;
// From so many on it is quicker to make all of them than each by itself.
constexpr std::size_t kManyDesired = 50;

/// Whether rows of this kind may name their interface by a prefix.
bool names_interfaces(const Menu& menu) { return menu.find("interface") != nullptr; }

/// The desired fields of a look, read when they are asked for and kept.
class DesiredCache {
 public:
  explicit DesiredCache(const LookRequest& request) : request_(request) {}

  const ObjectFields* get(std::string_view kind, std::string_view name) {
    const auto at = known_.find({kind, name});
    if (at != known_.end()) return at->second ? &*at->second : nullptr;
    const ResourceRow* row = request_.desired.find(kind, name);
    if (row == nullptr || !request_.objects.desired) return nullptr;
    // The row's own texts live as long as the request.
    auto& kept = known_[{row->kind.view(), row->name.view()}];
    const Result<Content> content = request_.objects.desired(kind, name);
    if (!content) {
      failure_ = content.error();
      return nullptr;
    }
    take(kept, content->bytes);
    return kept ? &*kept : nullptr;
  }

  void read_all() {
    if (!request_.objects.all_desired) return;
    const Result<void> read = request_.objects.all_desired(
        [&](std::string_view kind, std::string_view name, std::string_view content) {
          const ResourceRow* row = request_.desired.find(kind, name);
          if (row != nullptr) take(known_[{row->kind.view(), row->name.view()}], content);
        });
    if (!read) failure_ = read.error();
  }

  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  void take(std::optional<ObjectFields>& kept, std::string_view content) {
    Result<ObjectFields> fields = decode_fields(content);
    if (fields) {
      kept = std::move(*fields);
    } else {
      failure_ = fields.error();
    }
  }

  const LookRequest& request_;
  std::map<Name, std::optional<ObjectFields>> known_;
  std::optional<Error> failure_;
};

/// What a look has to cover.
struct Scope {
  std::set<const Menu*> menus;
  std::vector<Name> wanted;  ///< desired rows in it
};

Scope scope_of(const LookRequest& request) {
  Scope scope;
  const auto& desired = request.desired.rows;
  const auto& applied = request.last_applied.rows;
  std::size_t d = 0, a = 0;
  while (d < desired.size() || a < applied.size()) {
    const int order = d == desired.size()   ? 1
                      : a == applied.size() ? -1
                                            : ResourceRow::compare(desired[d], applied[a]);
    const ResourceRow& row = order <= 0 ? desired[d] : applied[a];
    const bool same = order == 0 && desired[d].digest == applied[a].digest;
    if (order <= 0) ++d;
    if (order >= 0) ++a;
    if (request.look == Look::named && same) continue;
    const Menu* menu = routeros::find_menu_of_kind(row.kind);
    if (menu == nullptr) continue;
    scope.menus.insert(menu);
    if (order <= 0) scope.wanted.emplace_back(row.kind.view(), row.name.view());
  }
  // Nothing is known to be ours: whatever bears our mark is looked for everywhere.
  if (applied.empty() && request.look != Look::named) {
    for (const Menu& menu : routeros::menus()) {
      if (menu.managed()) scope.menus.insert(&menu);
    }
  }
  return scope;
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

bool has_all(const ObjectFields& fields, const ObjectFields& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const ObjectField& field) {
    const std::string* const now = find_field(fields, field.name);
    return now != nullptr && *now == field.value;
  });
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
  RouterRows rows;
  TargetObjects objects;
  steady_clock::time_point fresh_until;  // of `rows`, after an apply
  /// When each menu of `rows` was read with all that we ask for: the number of the look.
  std::map<std::string_view, std::uint64_t> read_at;
  std::uint64_t looks = 0;

  /// The menus that a look has to read. Small boards answer slowly, so a look that is repeated
  /// leaves out those that were read last where it would be too many; the next look reads them.
  [[nodiscard]] std::set<const Menu*> due(const std::set<const Menu*>& menus,
                                          std::size_t other_requests) const {
    const std::size_t most = kMostRequests - std::min(kMostRequests, other_requests);
    const bool known = std::all_of(menus.begin(), menus.end(),
                                   [&](const Menu* menu) { return read_at.contains(menu->path); });
    if (!known || menus.size() <= most) return menus;
    std::vector<const Menu*> longest_ago(menus.begin(), menus.end());
    std::stable_sort(longest_ago.begin(), longest_ago.end(), [&](const Menu* a, const Menu* b) {
      return std::pair(read_at.at(a->path), a->path) < std::pair(read_at.at(b->path), b->path);
    });
    longest_ago.resize(most);
    return {longest_ago.begin(), longest_ago.end()};
  }

  void take(RouterRows read, const std::set<const Menu*>& menus, bool some) {
    ++looks;
    if (!some) {
      read_at.clear();
      rows = std::move(read);
    } else {
      for (auto& [path, list] : read.menus) rows.menus[path] = std::move(list);
      for (const Menu* menu : menus) rows.missing.erase(menu);
      rows.missing.insert(read.missing.begin(), read.missing.end());
      rows.addresses = std::move(read.addresses);
    }
    for (const Menu* menu : menus) read_at[menu->path] = looks;
  }
};

RouterosTarget::RouterosTarget(RouterosTargetSettings settings)
    : settings_(std::move(settings)),
      rest_(std::make_unique<RestClient>(settings_.http, settings_.password)),
      note_(std::make_unique<AttemptNote>(settings_.note_file)),
      seen_(std::make_unique<Seen>()) {}

RouterosTarget::~RouterosTarget() = default;

Result<Observation> RouterosTarget::observe(const LookRequest& request, std::stop_token stop) {
  const Scope scope = scope_of(request);
  DesiredCache desired(request);
  if (scope.wanted.size() > kManyDesired && request.look != Look::named) desired.read_all();
  std::set<std::string> prefixes;
  for (const auto& [kind, name] : scope.wanted) {
    if (!names_interfaces(*routeros::find_menu_of_kind(kind))) continue;
    const ObjectFields* fields = desired.get(kind, name);
    if (fields != nullptr) note_prefixes(*fields, prefixes);
  }
  const bool fresh = request.look == Look::named && settings_.now() < seen_->fresh_until &&
                     std::all_of(scope.menus.begin(), scope.menus.end(), [&](const Menu* menu) {
                       return seen_->rows.menus.contains(menu->path);
                     });
  seen_->fresh_until = {};
  if (!fresh) {
    const std::set<const Menu*> due = request.look == Look::cheap
                                          ? seen_->due(scope.menus, address_menus(prefixes))
                                          : scope.menus;
    Result<RouterRows> rows = read_router_rows(*rest_, due, prefixes, stop);
    if (!rows) return tl::unexpected(rows.error());
    seen_->take(std::move(*rows), due, due.size() < scope.menus.size());
  }
  // Where we made rows there was a menu: that it is gone now is a trouble of the router, and no
  // reason to make all of them again.
  for (const ResourceRow& row : request.last_applied.rows) {
    const Menu* menu = routeros::find_menu_of_kind(row.kind);
    if (menu == nullptr || !seen_->rows.missing.contains(menu)) continue;
    return unavailable("routeros-no-menu",
                       "the router has no menu " + std::string(menu->path) + " any more");
  }
  seen_->objects = TargetObjects();
  const DesiredFields wanted = [&](std::string_view kind, std::string_view name) {
    return desired.get(kind, name);
  };
  std::set<Name> named;
  if (request.look == Look::named) named = names_of(request, scope);
  const auto concerns = [&](std::string_view kind, std::string_view name) {
    return request.look != Look::named || named.contains({kind, name});
  };
  std::vector<ViewedRow> viewed = view_rows(seen_->rows, wanted, scope.wanted, concerns);
  if (!settings_.adopt) accept_unmarked(viewed, wanted);
  for (const ViewedRow& row : viewed) {
    if (!scope.menus.contains(row.menu)) continue;
    const ObjectFields* const as = fresh ? desired.get(row.menu->kind, row.name) : nullptr;
    // What was just verified is told as briefly as it was desired.
    const bool verified = as != nullptr && has_all(row.fields, *as);
    seen_->objects.add(row.menu->kind, row.name, encode_fields(verified ? *as : row.fields),
                       row.presence);
  }
  if (desired.failure()) return tl::unexpected(*desired.failure());
  seen_->objects.sort();
  return observe_objects(request, seen_->objects);
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
    seen_->rows = apply.take_verified();
    seen_->read_at.clear();
    seen_->fresh_until = settings_.now() + kFresh;
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
