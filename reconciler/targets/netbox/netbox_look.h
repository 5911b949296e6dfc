#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/netbox/netbox_api.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "schemas/error.h"
#include "schemas/object_fields.h"

/// Bringing the memory up to what NetBox has now, with as few requests as will do.
///
/// What is ours is listed by its tag: all of it for a full look, and for a cheap one what changed
/// since the latest change that is known, and the count, which tells that something went. What
/// people and we share is listed as a whole, for it is little. What was expected and is not ours is
/// looked up by name.
namespace metalwright::reconciler {

/// The names that matter, by kind.
using NetboxNames = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

/// Whether the repository states a resource, and what of it; nothing where that cannot be told.
struct NetboxDesired {
  std::function<bool(std::string_view kind, std::string_view name)> is_stated;
  std::function<ObjectFields(const std::string& kind, const std::string& name)> fields;
};

struct NetboxLookResult {
  /// False where NetBox changed so quickly that some objects may have been missed.
  bool whole = true;
};

class NetboxLook {
 public:
  /// All must outlive it. Without `desired` objects keep the names that they are known by.
  NetboxLook(NetboxApi& api, NetboxMemory& memory, std::stop_token stop, NetboxDesired desired = {})
      : api_(api), memory_(memory), stop_(std::move(stop)), desired_(std::move(desired)) {}

  /// Everything of the kinds of `wanted`, and all that has our tag.
  [[nodiscard]] Result<NetboxLookResult> full(const NetboxNames& wanted);
  /// What changed since the last look; a full look where that cannot be told.
  /// `only`: nothing but the kinds of `wanted`.
  [[nodiscard]] Result<NetboxLookResult> cheap(const NetboxNames& wanted, bool only);
  /// The objects as they are now; what is not there any more is forgotten.
  [[nodiscard]] Result<void> again(const NetboxKind& kind, const std::vector<std::int64_t>& ids);
  /// The interfaces of some devices.
  [[nodiscard]] Result<void> interfaces_of(const std::vector<std::int64_t>& devices);
  /// Looks up those names that are not known as ours.
  [[nodiscard]] Result<void> look_up(const NetboxNames& wanted);

 private:
  using Seen = std::function<void(NetboxSeen&&)>;
  /// `fills`: what becomes of it, so that there is room in time.
  [[nodiscard]] Result<NetboxApi::Listed> read(const NetboxKind& kind, const std::string& query,
                                               const Seen& seen, NetboxObjects* fills = nullptr);
  [[nodiscard]] Result<bool> read_all(const NetboxKind& kind, const std::string& filter);
  [[nodiscard]] Result<std::size_t> count(const NetboxKind& kind, const std::string& filter);
  [[nodiscard]] Result<bool> read_changes(const NetboxKind& kind);
  [[nodiscard]] Result<void> look_up(const NetboxKind& kind, std::vector<std::string> names);
  [[nodiscard]] Result<void> look_up_values(const NetboxKind& kind, const std::string& filter,
                                            const std::vector<std::string>& values,
                                            const std::set<std::string, std::less<>>& names);
  void use_title(const NetboxKind& kind, NetboxSeen& seen, const NetboxObjects& among) const;
  [[nodiscard]] bool is_of_namesake(const NetboxSeen& seen) const;
  void choose_among_namesakes(const NetboxKind& kind);
  [[nodiscard]] std::string columns(const NetboxKind& kind) const;
  [[nodiscard]] NetboxNameOf name_of() const;

  NetboxApi& api_;
  NetboxMemory& memory_;
  std::stop_token stop_;
  NetboxVersion version_;
  NetboxDesired desired_;
};

}  // namespace metalwright::reconciler
