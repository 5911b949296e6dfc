#include "cli/plan_output.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/print.h"
#include "reconciler/file_system.h"
#include "reconciler/plan_markdown.h"
#include "reconciler/plan_text.h"

namespace metalwright::cli {
namespace {

constexpr std::uintmax_t kMostPlanBytes = std::uintmax_t{1} << 30;

}  // namespace

bool print_plan(const reconciler::Plan& plan, const std::string& format, const Globals& globals) {
  if (format == "json") return print(reconciler::plan_json(plan));
  if (format == "markdown") return print(reconciler::plan_markdown(plan));
  reconciler::PlanTextOptions options;
  options.color = globals.color_out();
  return print(reconciler::plan_text(plan, options));
}

Result<void> save_plan(const reconciler::Plan& plan, const std::string& file) {
  const std::string absolute = std::filesystem::absolute(file).lexically_normal().string();
  return reconciler::replace_file(absolute, reconciler::plan_json(plan), 0600);
}

Result<reconciler::ReadPlan> load_plan(const std::string& file) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(file, failure);
  if (failure) {
    return system_failure("plan-read", "cannot read the plan '" + file + "'", failure.value());
  }
  if (size > kMostPlanBytes) {
    return invalid("plan-format", "'" + file + "' is larger than any plan of ours");
  }
  std::ifstream input(file, std::ios::binary);
  if (!input) return system_failure("plan-read", "cannot read the plan '" + file + "'", errno);
  const std::string bytes{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
  return reconciler::read_plan_json(bytes, file);
}

}  // namespace metalwright::cli
