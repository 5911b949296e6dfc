#include "cli/plan_output.h"

#include "cli/print.h"
#include "reconciler/plan_json.h"
#include "reconciler/plan_markdown.h"
#include "reconciler/plan_text.h"

namespace metalwright::cli {
bool print_plan(const reconciler::Plan& plan, const std::string& format, const Globals& globals) {
  if (format == "json") return print(reconciler::plan_json(plan));
  if (format == "markdown") return print(reconciler::plan_markdown(plan));
  reconciler::PlanTextOptions options;
  options.color = globals.color_out();
  return print(reconciler::plan_text(plan, options));
}

}  // namespace metalwright::cli
