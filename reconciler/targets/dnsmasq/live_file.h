#pragma once

#include <string>
#include <string_view>

#include "reconciler/file_system.h"
#include "schemas/error.h"

/// One file that a running dnsmasq reads, replaced in such a way that it can be put back: its
/// previous bytes stay beside it, under a hidden name that dnsmasq does not read, until the new
/// ones have proved good.
namespace metalwright::reconciler {

inline constexpr std::string_view kPreviousPrefix = ".metalwright-previous-";

class LiveFile {
 public:
  /// `name` is a name in the root of `tree`, which must outlive this.
  LiveFile(const FileTree& tree, std::string name);

  /// Keeps what is there now as the previous bytes. False where nothing is there.
  [[nodiscard]] Result<bool> keep() const;
  /// Are there previous bytes?
  [[nodiscard]] bool has_previous() const;
  /// Replaces it, durably.
  [[nodiscard]] Result<void> publish(std::string_view bytes) const;
  /// Removes it, durably. Succeeds where it is not there.
  [[nodiscard]] Result<void> remove() const;
  /// Puts the previous bytes back, durably; `kept` false: there was no file. May be repeated.
  [[nodiscard]] Result<void> restore(bool kept) const;
  /// Forgets the previous bytes.
  void settle() const;

 private:
  const FileTree& tree_;
  std::string name_, previous_;
};

}  // namespace metalwright::reconciler
