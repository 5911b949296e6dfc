#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/mac_address.h"

/// What dnsmasq's files were found to hold, line by line, kept by what stat says of them: a look at
/// a site of 10,000 reservations costs a stat a network, not the reading and hashing of each line.
namespace metalwright::reconciler {

/// One hosts file, as digests.
struct HostsView {
  struct Line {
    MacAddress mac;
    Digest digest;
  };
  struct Odd {
    std::string name;  ///< as `odd_name_of`
    Digest digest;
  };
  bool ours = false;
  Digest whole;             ///< of all bytes
  std::vector<Line> lines;  ///< ordered by MAC
  std::vector<Odd> odd;     ///< ordered by name, each once
};

class HostsIndex {
 public:
  /// `file` is where it is kept between runs; empty: in memory alone. Its folder must be there.
  explicit HostsIndex(std::string file) : file_(std::move(file)) {}

  /// What the hosts file of a network holds; null where there is none. Reads it where its stat
  /// changed or `full` says so. Valid until the next call with this network.
  /// Errors: as `file_failure`.
  [[nodiscard]] Result<const HostsView*> look(const FileTree& folder, std::string_view network,
                                              bool full);
  /// Writes what is known to the file, if that changed. A cache: not durable, and lost quietly.
  void save();

 private:
  struct Entry {
    FileStatus status;
    bool lasting = false;  ///< no change since could have left the stat as it is
    HostsView view;
  };
  void load();
  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] bool parse(std::string_view bytes);

  std::string file_;
  bool loaded_ = false, changed_ = false;
  std::map<std::string, Entry, std::less<>> entries_;  // by the file's absolute path
};

/// The view of a file's text.
[[nodiscard]] HostsView view_of(std::string_view network, std::string_view text);

}  // namespace metalwright::reconciler
