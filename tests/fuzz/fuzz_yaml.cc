#include <algorithm>
#include <string>

#include "inventory/loader.h"
#include "schemas/diagnostics.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

// A whole repository: files are parted by lines `=== path`; what comes before the first is
// `inventory.yaml`. No input may crash or hang the loader, every diagnostic has an id and is one
// line that a terminal can show, and a model comes out exactly where there is no error.
namespace metalwright::inventory {
namespace {
RepositoryFiles parted(std::string_view text) {
  RepositoryFiles files;
  std::string path = "inventory.yaml";
  while (true) {
    const std::size_t next = text.find("=== ");
    const std::string_view content = text.substr(0, next);
    const bool known = std::any_of(files.begin(), files.end(),
                                   [&](const RepositoryFile& f) { return f.path == path; });
    if (!known) files.push_back(repository_file(path, std::string(content)));
    if (next == std::string_view::npos) break;
    text.remove_prefix(next + 4);
    const std::size_t end = std::min(text.find('\n'), text.size());
    path = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::sort(files.begin(), files.end(),
            [](const RepositoryFile& a, const RepositoryFile& b) { return a.path < b.path; });
  return files;
}

void check(std::string_view text) {
  const LoadResult result = load(parted(text));
  require((result.model != nullptr) == !has_error(result.errors), "model or error");
  require(result.errors.size() <= 1001, "bounded diagnostics");
  for (const Error& error : result.errors) {
    require(!error.check.empty(), "a check's id");
    require(!has_control_character(error.message), "a message that can be shown");
    require(error.message.size() < 2000, "a bounded message");
  }
  if (result.model == nullptr) return;
  for (const ServerEntry& entry : result.model->servers) {
    require(result.model->find_server(entry.server->name)->server == entry.server, "sorted");
    require(!entry.digest.empty(), "a digest");
    require(!has_control_character(entry.server->hostname), "a clean host name");
    static_cast<void>(profile_of(*result.model, *entry.server));
  }
}
}  // namespace
}  // namespace metalwright::inventory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  metalwright::inventory::check(metalwright::as_text(bytes, size));
  return 0;
}
