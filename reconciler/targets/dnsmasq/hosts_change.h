#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/mac_address.h"

namespace metalwright::reconciler {

/// One hosts file on its way from its old lines to the new ones. Lines that nobody asked to change
/// stay as they are, those of somebody else's hand too: their own changes are in the plan.
class HostsChange {
 public:
  /// Reads the network's file; none is like an empty one. Errors: as `file_failure`.
  [[nodiscard]] static Result<HostsChange> read(const FileTree* folder, std::string_view network);

  HostsChange(HostsChange&&) = default;
  HostsChange& operator=(HostsChange&&) = delete;

  [[nodiscard]] bool present() const { return old_text_ != nullptr; }
  /// It begins with our mark, or nothing is in it.
  [[nodiscard]] bool ours() const { return before_.ours; }
  /// Of all its bytes; empty where there is none.
  [[nodiscard]] const Digest& whole() const { return whole_; }
  /// The digest of the line of this MAC, or of the odd line of this name; empty: no such line.
  [[nodiscard]] Digest line_digest(const MacAddress& mac) const;
  [[nodiscard]] Digest odd_digest(std::string_view network, std::string_view name) const;

  void set(const MacAddress& mac, std::string line) { lines_[mac] = std::move(line); }
  void remove(const MacAddress& mac) { lines_[mac] = std::nullopt; }
  void remove_odd(const Digest& digest) { removed_odd_.insert(digest); }

  /// Works out what the file becomes. `named`: the configuration names it, so it must be there.
  void compose(bool named);
  /// After `compose`: does the file change, and into what? Empty: it is removed.
  [[nodiscard]] bool changes() const { return changes_; }
  [[nodiscard]] const std::optional<std::string>& new_text() const { return new_text_; }
  /// After `compose`: its lines, ordered by MAC.
  [[nodiscard]] const std::vector<HostLine>& lines() const { return after_; }
  /// The lines that were set, ordered by MAC.
  [[nodiscard]] std::vector<std::string_view> set_lines() const;
  /// After `compose`: a line of the file as it will be, counted from 1; empty beyond its end.
  [[nodiscard]] std::string_view line_at(std::uint32_t number) const;

 private:
  HostsChange() = default;

  std::unique_ptr<const std::string> old_text_;  // its address is kept: views lead into it
  HostsFile before_;
  Digest whole_;
  std::map<MacAddress, std::optional<std::string>> lines_;  // what changes; empty: removed
  std::set<Digest> removed_odd_;
  std::vector<HostLine> after_;
  std::optional<std::string> new_text_;
  bool changes_ = false;
};

/// The name of a network's hosts file.
[[nodiscard]] std::string hosts_file_name(std::string_view network);

/// A line of a text, counted from 1; empty beyond its end.
[[nodiscard]] std::string_view line_of_text(std::string_view text, std::uint32_t number);

}  // namespace metalwright::reconciler
