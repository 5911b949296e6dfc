#include "reconciler/targets/routeros/undo_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/routeros/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::quoted_text;

/// ` name="value" !other`.
Result<std::string> arguments(const RestValues& values) {
  std::string text;
  for (const auto& [name, value] : values) {
    text += ' ' + name;
    if (name.starts_with('!')) continue;
    const Result<std::string> quoted = quoted_text(value);
    if (!quoted) {
      return tl::unexpected(with_context(quoted.error(), "in the property '" + name + "'"));
    }
    text += '=' + *quoted;
  }
  return text;
}

/// ` name="value"`, or ` where name="value" and other="value"`.
Result<std::string> conditions_of(const Selector& selector) {
  std::string text = selector.size() > 1 ? " where" : "";
  for (std::size_t i = 0; i < selector.size(); ++i) {
    const Result<std::string> one = arguments({selector[i]});
    if (!one) return one;
    if (i > 0) text += " and";
    text += *one;
  }
  return text;
}

/// `place` stands behind an `add`.
Result<std::string> command_of(const Step& step, const std::string& place = {}) {
  const Result<std::string> conditions = conditions_of(step.selector);
  if (!conditions) return conditions;
  const std::string_view menu = step.menu->path;
  if (step.kind == StepKind::add) return fmt::format("{} remove [find{}]", menu, *conditions);
  const Result<std::string> before = arguments(step.before);
  if (!before) return before;
  if (step.kind == StepKind::set)
    return fmt::format("{} set [find{}]{}", menu, *conditions, *before);
  return fmt::format(":if ([:len [{} find{}]] = 0) do={{ {} add{}{} }}", menu, *conditions, menu,
                     *before, place);
}

std::string remove_named(std::string_view menu, std::string_view name) {
  return fmt::format("{} remove [find name=\"{}\"]", menu, name);
}

std::string run_named(std::string_view name) {
  return fmt::format(
      ":do {{ /system/script run \"{}\" }} on-error={{ :log warning \"metalwright: cannot run {}\" "
      "}}\n",
      name, name);
}

/// Removes the scripts, and at last the entry.
std::string clearing(std::span<const UndoScripts::Script> scripts, std::string_view entry) {
  std::string lines;
  for (const UndoScripts::Script& script : scripts) {
    lines += remove_named("/system/script", script.name) + '\n';
  }
  return lines + remove_named("/system/scheduler", entry);
}

Error too_long() {
  return fail(ErrorKind::bug, "routeros-undo", "an undo script is longer than a router takes")
      .value();
}

}  // namespace

Result<std::string> undo_line(const Step& step) {
  if (step.selector.empty()) {
    return fail(ErrorKind::bug, "routeros-undo",
                "a row of " + std::string(step.menu->path) + " has nothing to be found by");
  }
  const Result<std::string> command = command_of(step);
  if (!command) return command;
  if (step.kind == StepKind::remove && !step.next.empty()) {
    // Where the row behind it is gone, its place is as well, and the row counts for more.
    const Result<std::string> next = conditions_of(step.next);
    if (!next) return next;
    const Result<std::string> placed =
        command_of(step, fmt::format(" place-before=[find{}]", *next));
    if (!placed) return placed;
    return fmt::format(":do {{ {} }} on-error={{ {} }}", *placed, *command);
  }
  return fmt::format(":do {{ {} }} on-error={{ :log warning \"metalwright: cannot undo in {}\" }}",
                     *command, step.menu->path);
}

std::string undo_event(const UndoScripts& scripts, std::string_view name) {
  if (scripts.scripts.empty()) {
    // The lines are the event; only its own name stands at the end.
    const std::size_t last = scripts.event.rfind('\n');
    return scripts.event.substr(0, last + 1) + remove_named("/system/scheduler", name);
  }
  // It clears up by itself, since the script that does may not be there yet.
  const UndoScripts::Script& last = scripts.scripts.back();
  std::string event = run_named(last.name) + clearing(scripts.scripts, name);
  if (event.size() <= kLongestEvent) return event;
  return run_named(last.name) + clearing({&last, 1}, name);
}

std::string confirmed_event(const UndoScripts& scripts, std::string_view name) {
  std::string event = clearing(scripts.scripts, name);
  return event.size() <= kLongestEvent ? event : std::string();
}

Result<UndoScripts> undo_scripts(std::span<const Step> steps, std::string_view name,
                                 std::string_view label) {
  UndoScripts made;
  made.name = name;
  std::vector<std::string> sources(1);
  std::vector<std::size_t> counts(1);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind == StepKind::set && step->before.empty()) continue;  // to what nobody can set it
    const Result<std::string> line = undo_line(*step);
    if (!line) return tl::unexpected(line.error());
    if (!sources.back().empty() && sources.back().size() + line->size() + 1 > kLongestSource) {
      sources.emplace_back();
      counts.push_back(0);
    }
    sources.back() += *line + '\n';
    ++counts.back();
  }
  const std::string last = remove_named("/system/scheduler", name);
  if (sources.size() == 1 && sources.front().size() + last.size() <= kLongestEvent) {
    made.event = sources.front() + last;
    made.event_statements = counts.front() + 1;
    return made;
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].size() > kLongestSource) return tl::unexpected(too_long());
    made.scripts.push_back({.name = fmt::format("{}-{}-{}", kUndoName, label, i + 1),
                            .source = std::move(sources[i]),
                            .statements = counts[i]});
  }
  if (made.scripts.size() > 1) {
    std::string all;
    for (const UndoScripts::Script& script : made.scripts) all += run_named(script.name);
    for (const UndoScripts::Script& script : made.scripts) {
      all += remove_named("/system/script", script.name) + '\n';
    }
    if (all.size() > kLongestSource) {
      return invalid("routeros-undo",
                     fmt::format("the plan is too large for the router to undo by itself: it needs "
                                 "{} scripts; apply it in parts",
                                 sources.size()));
    }
    made.scripts.push_back({.name = fmt::format("{}-{}", kUndoName, label),
                            .source = std::move(all),
                            .statements = 2 * sources.size()});
  }
  made.event = undo_event(made, name);
  made.event_statements =
      1 + static_cast<std::size_t>(std::count(made.event.begin(), made.event.end(), '\n'));
  return made;
}

}  // namespace metalwright::reconciler
