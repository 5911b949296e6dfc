// What a source reads of text by itself: addresses, ranges of revisions, git's packed references.
#include <algorithm>
#include <string>
#include <string_view>

#include "inventory/git_reference_file.h"
#include "inventory/message_text.h"
#include "inventory/repository_walk.h"
#include "inventory/source.h"
#include "inventory/source_location.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

namespace metalwright::inventory {
namespace {

void check_location(std::string_view text) {
  auto location = parse_source_location(text);
  if (!location) {
    require(!has_control_character(location.error().message), "an error is printable");
    return;
  }
  require(location->cache_name().size() == 36, "a cache is named by a digest");
  require(!has_control_character(location->text()), "an address is printable");
  if (location->transport == Transport::path) return;
  require(!location->host.starts_with('-') && !location->user.starts_with('-'), "no options");
  if (location->transport == Transport::ssh) {
    require(!location->path.empty() && !location->path.starts_with('-'), "a path of ssh");
    return;
  }
  if (location->transport == Transport::file) return;
  const auto again = parse_source_location(location->text());
  location->user.clear();
  location->password.clear();
  require(again.has_value() && *again == *location, "only user and password are left out");
}

void check_range(std::string_view text) {
  const auto range = parse_revision_range(text);
  if (!range) {
    require(!has_control_character(range.error().message), "an error is printable");
    return;
  }
  require(!range->from.empty() && !range->to.empty(), "both ends are named");
  require(range->to.find("..") == std::string::npos, "an end is no range");
}

void check_packed(std::string_view text) {
  for (const std::string_view name : {"refs/heads/main", "HEAD", ""}) {
    const auto id = find_packed_reference(text, name);
    require(!id || (id->size() == 40 && text.find(*id + ' ' + std::string(name)) != text.npos),
            "an id stands in the file");
  }
}

void check_walk(std::string_view text) {
  const auto slash = text.rfind('/');
  const std::string_view folder = slash == text.npos ? "" : text.substr(0, slash);
  const std::string name(slash == text.npos ? text : text.substr(slash + 1));
  const ReadFolder one_entry = [&](const std::string& path, const Digest&) {
    std::vector<FolderEntry> entries;
    const bool bottom = path == folder;
    const std::string_view rest =
        path.empty() ? folder : folder.substr(std::min(folder.size(), path.size() + 1));
    entries.push_back({.name = bottom ? name : std::string(rest.substr(0, rest.find('/'))),
                       .type = bottom ? EntryType::file : EntryType::folder});
    return Result<std::vector<FolderEntry>>(std::move(entries));
  };
  const auto listing = list_repository(one_entry, {}, {.files = 100});
  if (!listing) return;
  for (const ListedFile& file : *listing) {
    require(('/' + file.path + '/').find("/../") == std::string::npos && file.path[0] != '/',
            "a path stays in the repository");
    require(!has_control_character(file.path), "a path is printable");
  }
}

}  // namespace
}  // namespace metalwright::inventory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  namespace inventory = metalwright::inventory;
  const std::string_view text = metalwright::as_text(bytes, size);
  inventory::check_location(text);
  inventory::check_range(text);
  inventory::check_packed(text);
  inventory::check_walk(text);
  metalwright::require(!metalwright::has_control_character(inventory::one_line(text)),
                       "one line is one line");
  return 0;
}
