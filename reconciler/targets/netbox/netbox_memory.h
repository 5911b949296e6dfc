#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reconciler/targets/netbox/netbox_read.h"

/// What the target remembers of a NetBox: the objects that are ours, and those of others that stand
/// where ours should be. Kept in a file between runs, so that a look asks only what changed since.
/// Losing it costs a full comparison.
namespace metalwright::reconciler {

/// Behind the name of a second object of one name, before its id: no name of a resource has it.
inline constexpr char kNetboxNamesake = '#';

/// The objects of one kind.
class NetboxObjects {
 public:
  NetboxObjects() = default;
  NetboxObjects(NetboxObjects&&) = default;
  NetboxObjects& operator=(NetboxObjects&&) = default;
  NetboxObjects(const NetboxObjects&) = delete;  // the names would be the other's
  NetboxObjects& operator=(const NetboxObjects&) = delete;

  /// Takes an object as it is now, in place of what was known of its id.
  /// Returns false where it had another name before.
  bool put(NetboxSeen seen);
  /// There will be so many.
  void expect(std::size_t count);
  void drop(std::int64_t id);
  void clear();
  /// Drops everything that is not ours: it is looked up again where it matters.
  void drop_others();

  /// The object of a name; of several that ours is, or else the oldest. Null where there is none.
  [[nodiscard]] const NetboxSeen* find(std::string_view name) const;
  [[nodiscard]] const NetboxSeen* find(std::int64_t id) const;
  [[nodiscard]] std::size_t tagged() const { return tagged_; }
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  /// The latest `last_updated` of what has our tag; empty where nothing has.
  [[nodiscard]] std::string latest() const;
  template <class Each>
  void for_each(const Each& each) const {
    for (const auto& [id, seen] : by_id_) each(seen);
  }

  /// No name is that of two objects.
  [[nodiscard]] bool unique() const { return others_.empty(); }
  /// The ids of all objects of each name that several have, ordered.
  [[nodiscard]] std::map<std::string, std::vector<std::int64_t>> namesakes() const;

 private:
  using Named = std::unordered_map<std::string_view, const NetboxSeen*>;
  static int weight(const NetboxSeen& seen) { return seen.ours() ? 2 : seen.tagged ? 1 : 0; }
  void count(const NetboxSeen& seen, int by) {
    if (seen.tagged) tagged_ += static_cast<std::size_t>(by);
  }

  // The names are those within the objects, which stay where they are.
  std::unordered_map<std::int64_t, NetboxSeen> by_id_;
  Named by_name_;                                                        ///< one of each name
  std::unordered_multimap<std::string_view, const NetboxSeen*> others_;  ///< of the same names
  std::size_t tagged_ = 0;
};

struct NetboxMemory {
  std::string url;  ///< whose objects these are
  NetboxVersion version;
  std::chrono::sys_seconds compared{};  ///< when everything was read last
  std::vector<NetboxObjects> kinds;     ///< as `netbox_kinds`

  NetboxMemory();
  [[nodiscard]] NetboxObjects& of(std::string_view kind);
  [[nodiscard]] const NetboxObjects& of(std::string_view kind) const;
  /// Nothing was read yet, or all of it is to be read again.
  [[nodiscard]] bool empty() const { return compared == std::chrono::sys_seconds{}; }
};

/// The memory as bytes and back; empty where the bytes are not whole, or of another form.
[[nodiscard]] std::string encode_netbox_memory(const NetboxMemory& memory);
[[nodiscard]] std::optional<NetboxMemory> decode_netbox_memory(std::string_view bytes);

}  // namespace metalwright::reconciler
