#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inventory/git_folder.h"

namespace metalwright::inventory {

/// The id that a reference (`HEAD`, `refs/heads/main`) holds, in 40 hexadecimal digits, read from
/// git's files without libgit2: starting that takes 6 ms, since it loads every certificate
/// authority of the host, and a run in which nothing has changed needs no more than this.
/// Nothing where the reference is missing or anything about it is unusual (a link, a broken file,
/// many levels of indirection): then libgit2 is asked, and says what is wrong.
/// Source: gitrepository-layout(5), git-pack-refs(1).
[[nodiscard]] std::optional<std::string> read_reference(const GitFolder& folder,
                                                        std::string_view reference);

/// The id of a full reference name in the text of a `packed-refs` file; nothing where it has none.
[[nodiscard]] std::optional<std::string> find_packed_reference(std::string_view packed,
                                                               std::string_view name);

}  // namespace metalwright::inventory
