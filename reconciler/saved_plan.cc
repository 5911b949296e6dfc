#include "reconciler/saved_plan.h"

#include <utility>

#include "reconciler/document_file.h"
#include "reconciler/plan_json.h"

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kMostBytes = std::size_t{1} << 30U;
}  // namespace

Result<void> save_plan(const Plan& plan, const std::string& path) {
  Result<void> written = write_document(path, plan_json(plan));
  if (!written) return tl::unexpected<Error>(with_context(written.error(), "saving the plan"));
  return {};
}

Result<SavedPlan> read_saved_plan(const std::string& path) {
  Result<std::string> document = read_document(path, kMostBytes);
  if (!document) return tl::unexpected<Error>(std::move(document).error());
  Result<ReadPlan> read = read_plan_json(*document, path);
  if (!read) {
    return tl::unexpected<Error>(with_context(
        std::move(read).error(), "reading a saved plan: make it anew with 'plan --out'"));
  }
  return SavedPlan{std::move(read->plan), read->digest};
}

}  // namespace metalwright::reconciler
