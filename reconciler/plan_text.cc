#include "reconciler/plan_text.h"

#include "reconciler/printable.h"

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kRevisionBytes = 100;

// ECMA-48 SGR: the eight colours that every terminal has.
std::string_view color_of(LineStyle style) {
  switch (style) {
    case LineStyle::create:
    case LineStyle::added:
      return "\x1b[32m";
    case LineStyle::update:
      return "\x1b[33m";
    case LineStyle::remove:
    case LineStyle::removed:
      return "\x1b[31m";
    case LineStyle::alert:
      return "\x1b[35m";
    case LineStyle::hunk:
      return "\x1b[36m";
    case LineStyle::note:
    case LineStyle::record:
      return "\x1b[2m";
    case LineStyle::plain:
      break;
  }
  return {};
}
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kReset = "\x1b[0m";

// A change at 2, its fields at 6, a field's diff at 8.
std::size_t indent_of(std::uint8_t depth) { return depth == 0 ? 2 : 4 + 2 * std::size_t{depth}; }
}  // namespace

std::string plan_text(const Plan& plan, const PlanTextOptions& options) {
  std::string out;
  const auto styled = [&](std::string_view style, std::string_view text) {
    const bool paint = options.color && !style.empty();
    if (paint) out += style;
    out += text;
    if (paint) out += kReset;
    out += '\n';
  };
  if (!plan.revision.empty()) {
    out += "revision " + printable(plan.revision, kRevisionBytes) + "\n\n";
  }
  for (const PlanSection& section : plan_sections(plan, options.limits)) {
    styled(kBold, section.title);
    for (const PlanLine& line : section.lines) {
      out.append(indent_of(line.depth), ' ');
      styled(color_of(line.style), line.text);
    }
    out += '\n';
  }
  styled(kBold, "plan: " + plan_summary(plan));
  return out;
}

}  // namespace metalwright::reconciler
