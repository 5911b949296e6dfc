#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "renderers/fs_config.h"
#include "schemas/ip_address.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

/// `192.168.1.1` or `192.168.1.1 192.168.1.99`
std::optional<Ipv4Range> range_of(std::string_view name) {
  const std::size_t blank = name.find(' ');
  const auto first = parse_ipv4(name.substr(0, blank));
  const auto last = blank == std::string_view::npos ? first : parse_ipv4(name.substr(blank + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return Ipv4Range{*first, *last};
}

/// Ranges in order, none touching another.
std::vector<Ipv4Range> joined(std::vector<Ipv4Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<Ipv4Range> out;
  for (const Ipv4Range& range : ranges) {
    if (!out.empty() &&
        std::uint64_t{range.first.value} <= std::uint64_t{out.back().last.value} + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

class Look {
 public:
  explicit Look(const FsConfig& config) : config_(config) {
    std::vector<Ipv4Range> ranges;
    for (const FsObject& object : config.objects) {
      by_name_[{object.kind, object.name}] = &object;
      if (object.kind != "fs-excluded") continue;
      if (const auto range = range_of(object.name)) ranges.push_back(*range);
    }
    excluded_ = joined(std::move(ranges));
  }

  void at(const FsObject& desired, FsSeen& out) const {
    if (const auto found = by_name_.find({desired.kind, desired.name}); found != by_name_.end()) {
      out.objects.push_back(seen(*found->second, desired));
      return;
    }
    if (desired.kind == "fs-excluded") {
      if (is_excluded(desired.name)) out.objects.push_back(desired);
      return;
    }
    if (desired.kind == "fs-pool") pool_of_another_name(desired, out);
  }

  /// Tells of addresses that are excluded, and that a desired pool is to hand out.
  void kept_back(const std::vector<FsObject>& desired, FsSeen& out) const {
    std::vector<Ipv4Range> ranges;
    for (const FsObject& object : desired) {
      if (object.kind != "fs-excluded") continue;
      if (const auto range = range_of(object.name)) ranges.push_back(*range);
    }
    ranges = joined(std::move(ranges));
    for (const FsObject& pool : desired) {
      const std::string* const network = find_field(pool.fields, "network");
      if (pool.kind != "fs-pool" || network == nullptr) continue;
      const std::size_t blank = std::min(network->find(' '), network->size() - 1);
      const auto address = parse_ipv4(network->substr(0, blank));
      const auto mask = parse_ipv4(network->substr(blank + 1));
      if (!address || !mask) continue;
      const std::uint32_t first = address->value + 1;
      const std::uint32_t last = (address->value | ~mask->value) - 1;
      for (auto range = not_before(excluded_, first);
           range != excluded_.end() && range->first.value <= last; ++range) {
        const Ipv4Range here{{std::max(range->first.value, first)},
                             {std::min(range->last.value, last)}};
        for (const Ipv4Range& kept : without(here, ranges)) {
          out.notes.push_back("'ip dhcp excluded-address' keeps back " + kept.first.text() +
                              " to " + kept.last.text() + ", which the pool '" + pool.name +
                              "' is to hand out");
        }
      }
    }
  }

 private:
  /// The first of ranges in order that reaches an address or is behind it.
  static std::vector<Ipv4Range>::const_iterator not_before(const std::vector<Ipv4Range>& ranges,
                                                           std::uint64_t address) {
    return std::partition_point(ranges.begin(), ranges.end(),
                                [&](const Ipv4Range& range) { return range.last.value < address; });
  }

  /// The parts of a range that are in none of `others`, which are in order.
  static std::vector<Ipv4Range> without(const Ipv4Range& range,
                                        const std::vector<Ipv4Range>& others) {
    std::vector<Ipv4Range> left;
    std::uint64_t at = range.first.value;
    for (auto other = not_before(others, at); other != others.end() && other->first <= range.last;
         ++other) {
      if (other->first.value > at) {
        left.push_back({{static_cast<std::uint32_t>(at)}, {other->first.value - 1}});
      }
      at = std::uint64_t{other->last.value} + 1;
    }
    if (at <= range.last.value) left.push_back({{static_cast<std::uint32_t>(at)}, range.last});
    return left;
  }

  /// Of several values of one command, the desired one.
  static FsObject seen(const FsObject& object, const FsObject& desired) {
    FsObject out = object;
    for (ObjectField& field : out.fields) {
      const std::string* const wanted = find_field(desired.fields, field.name);
      if (wanted == nullptr || field.value.find('\n') == std::string::npos) continue;
      const std::string lines = '\n' + field.value + '\n';
      if (lines.find('\n' + *wanted + '\n') != std::string::npos) {
        field.value = *wanted;
      } else {
        std::replace(field.value.begin(), field.value.end(), '\n', ' ');
      }
    }
    return out;
  }

  [[nodiscard]] bool is_excluded(std::string_view name) const {
    const auto wanted = range_of(name);
    return wanted && std::any_of(excluded_.begin(), excluded_.end(), [&](const Ipv4Range& range) {
             return range.contains(wanted->first) && range.contains(wanted->last);
           });
  }

  /// A switch has one pool of a network, and one binding of an address or a machine.
  void pool_of_another_name(const FsObject& desired, FsSeen& out) const {
    for (const FsObject& other : config_.objects) {
      if (other.kind != desired.kind) continue;
      const bool meets =
          std::any_of(desired.fields.begin(), desired.fields.end(), [&](const ObjectField& field) {
            if (field.name != "network" && field.name != "host" &&
                field.name != "hardware-address") {
              return false;
            }
            const std::string* const value = find_field(other.fields, field.name);
            return value != nullptr && *value == field.value;
          });
      if (!meets) continue;
      const FsObject there = seen(other, desired);
      const bool same =
          std::all_of(desired.fields.begin(), desired.fields.end(), [&](const ObjectField& field) {
            const std::string* const value = find_field(there.fields, field.name);
            return value != nullptr && *value == field.value;
          });
      if (same) {
        out.objects.push_back(desired);
      } else {
        const std::string name = shown(other.name);
        out.notes.push_back("the pool '" + name + "' has the network, address or machine of '" +
                            desired.name + "': remove it first ('no ip dhcp pool " + name + "')");
      }
      return;
    }
  }

  const FsConfig& config_;
  std::map<std::pair<std::string_view, std::string_view>, const FsObject*> by_name_;
  std::vector<Ipv4Range> excluded_;
};

}  // namespace

FsSeen see_fs_objects(const FsConfig& config, const std::vector<FsObject>& desired) {
  const Look look(config);
  FsSeen out;
  for (const FsObject& object : desired) look.at(object, out);
  look.kept_back(desired, out);
  return out;
}

}  // namespace metalwright::renderers
