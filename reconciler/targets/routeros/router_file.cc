#include "reconciler/targets/routeros/router_file.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "reconciler/targets/routeros/board.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

constexpr std::array<std::string_view, 2> kFileProperties{"name", "size"};

tl::unexpected<Error> not_fetched(const Step& step, const std::string& why) {
  return invalid("routeros-fetch",
                 "the router does not fetch " + quoted(value_of(step.values, "from")) + " as " +
                     quoted(value_of(step.values, "name")) + ": " + why +
                     "; its user needs the policies ftp and test, and /tool/fetch must reach the "
                     "address; or copy the file there ('metalwright doctor' says how) and take "
                     "'loaders' from the target");
}

/// Contact was lost, and nobody knows what became of it.
bool is_lost(const Error& error) {
  return failure_of(error) == WriteFailure::unknown && error.check != "routeros-answer";
}

}  // namespace

bool is_whole(const Step& step, const RestRow& file) {
  const std::string_view wanted = value_of(step.values, "size");
  const std::string_view size = file.value("size");
  const bool told = !size.empty() && size.find_first_not_of("0123456789") == std::string_view::npos;
  return wanted.empty() || !told || size == wanted;
}

Result<void> fetch_file(RestClient& rest, Step& step) {
  const std::string_view name = value_of(step.values, "name");
  const std::string url(value_of(step.values, "from"));
  RestValues asked{{"url", url}, {"dst-path", std::string(name)}};
  const bool encrypted = url.starts_with("https://");
  asked.emplace_back("mode", encrypted ? "https" : "http");
  if (encrypted) asked.emplace_back("check-certificate", "yes");
  const Result<std::vector<RestRow>> told = rest.command("/tool", "fetch", asked, {});
  if (!told && is_lost(told.error())) return tl::unexpected(told.error());
  if (!told) return not_fetched(step, told.error().message);
  // It tells of its progress, a row each time.
  if (!told->empty() && told->back().value("status") == "failed") {
    return not_fetched(step, "it says that it failed");
  }
  const Result<std::vector<RestRow>> files = rest.rows(step.menu->path, kFileProperties, {});
  if (!files) return tl::unexpected(files.error());
  const auto file = std::find_if(files->begin(), files->end(),
                                 [&](const RestRow& row) { return row.value("name") == name; });
  if (file == files->end()) return not_fetched(step, "it says that it did, and has no such file");
  if (!is_whole(step, *file)) {
    const std::string size(file->value("size"));
    (void)rest.remove(step.menu->path, file->id, {});
    return not_fetched(step, "what is at that address has " + size + " bytes and not " +
                                 std::string(value_of(step.values, "size")));
  }
  step.id = file->id;
  return {};
}

}  // namespace metalwright::reconciler
