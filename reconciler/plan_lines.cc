#include "reconciler/plan_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reconciler/line_diff.h"
#include "reconciler/printable.h"

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kNameBytes = 500;
constexpr std::size_t kInlineBytes = 60;  // of two values on one line
constexpr std::string_view kSecret = "(secret)";
constexpr std::string_view kSecretChanged = "(secret changed)";

struct ActionForm {
  char sign;
  LineStyle style;
  Reason usual;  // said only where it is another
};

ActionForm form_of(Action action) {
  switch (action) {
    case Action::create:
      return {'+', LineStyle::create, Reason::added};
    case Action::update:
      return {'~', LineStyle::update, Reason::changed};
    case Action::remove:
      return {'-', LineStyle::remove, Reason::removed};
    case Action::adopt:
      return {'=', LineStyle::record, Reason::adopted};
    case Action::forget:
      return {'=', LineStyle::record, Reason::gone};
  }
  return {'?', LineStyle::plain, Reason::added};
}

std::string name_of(std::string_view kind, std::string_view name) {
  return printable(kind, kNameBytes) + ' ' + printable(name, kNameBytes);
}

/// `, 2 to create` for each count that is not zero.
std::string counts(const PlanSummary& summary) {
  std::string text;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(summary.create, "to create");
  add(summary.update, "to update");
  add(summary.remove, "to delete");
  add(summary.adopt, "to adopt");
  add(summary.forget, "to forget");
  return text;
}

std::size_t lines_in(std::string_view text) {
  const auto ends = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return ends + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

class Writer {
 public:
  Writer(const Plan& plan, const PlanLimits& limits)
      : plan_(plan), limits_(limits), diff_lines_left_(limits.all_diff_lines) {}

  std::vector<PlanSection> run() {
    targets();
    drift();
    conflicts();
    left_out();
    warnings();
    return std::move(sections_);
  }

 private:
  void targets() {
    std::vector<std::pair<std::string_view, std::vector<const Change*>>> groups;
    std::map<std::string_view, std::size_t> places;
    for (const Change& change : plan_.changes) {
      const auto [place, is_new] = places.try_emplace(change.target, groups.size());
      if (is_new) groups.emplace_back(change.target, std::vector<const Change*>{});
      groups[place->second].second.push_back(&change);
    }
    for (const auto& [target, changes] : groups) one_target(target, changes);
  }

  void one_target(std::string_view target, const std::vector<const Change*>& changes) {
    PlanSummary summary;
    for (const Change* const change : changes) summary.count(change->action);
    begin(fmt::format("{}: {}", printable(target, kNameBytes), counts(summary)), target);
    std::size_t others_left = limits_.changes, deletes_left = 10 * limits_.changes;
    PlanSummary hidden;
    for (const Change* const change : changes) {
      std::size_t& left = change->action == Action::remove ? deletes_left : others_left;
      if (left == 0) {
        hidden.count(change->action);
        continue;
      }
      --left;
      one_change(*change);
    }
    if (const std::string more = counts(hidden); !more.empty()) {
      add(LineStyle::note, 0, fmt::format("… and {} (not listed; the JSON form has all)", more));
    }
  }

  void one_change(const Change& change) {
    const ActionForm form = form_of(change.action);
    std::string text = fmt::format("{} {}", form.sign, name_of(change.kind, change.name));
    if (change.action == Action::adopt) text += ": becomes ours";
    if (change.action == Action::forget) text += ": is gone already";
    if (change.reason == Reason::moved) {
      text += fmt::format(" [moved from {}]", printable(change.moved_from, kNameBytes));
    } else if (change.reason != form.usual) {
      text += fmt::format(" [{}]", word(change.reason));
    }
    add(form.style, 0, text + origin_of(change));
    if (change.action == Action::create || change.action == Action::update) fields(change);
  }

  static std::string origin_of(const Change& change) {
    const std::string place = change.origin.text();
    if (place.empty()) return {};
    const bool left = change.action == Action::remove || change.action == Action::forget;
    return fmt::format("  ({}{})", left ? "was " : "", printable(place, kNameBytes));
  }

  void fields(const Change& change) {
    for (const FieldChange& field : change.fields) {
      // What a new resource holds is told by its origin; its values are shown where they are short.
      const bool is_new = change.action == Action::create;
      if (is_new && (field.path == "mode" || lines_in(field.after) > 1)) continue;
      one_field(field, is_new);
    }
  }

  void one_field(const FieldChange& field, bool is_new) {
    const std::string path = printable(field.path, kNameBytes);
    const bool secret =
        (field.before == kSecret && field.after == kSecret) || field.after == kSecretChanged;
    if (secret) {
      add(LineStyle::plain, 1, fmt::format("{}: {}", path, kSecretChanged));
    } else if (is_new) {
      add(LineStyle::plain, 1, fmt::format("{}: {}", path, value(field.after)));
    } else if (lines_in(field.before) > 1 || lines_in(field.after) > 1) {
      add(LineStyle::plain, 1, path + ':');
      diff(field);
    } else if (field.before.size() + field.after.size() > kInlineBytes) {
      add(LineStyle::plain, 1, path + ':');
      add(LineStyle::removed, 2, '-' + value(field.before));
      add(LineStyle::added, 2, '+' + value(field.after));
    } else {
      add(LineStyle::plain, 1,
          fmt::format("{}: {} -> {}", path, value(field.before), value(field.after)));
    }
  }

  [[nodiscard]] std::string value(std::string_view text) const {
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text.empty() ? "(nothing)" : printable(text, limits_.line_bytes);
  }

  void diff(const FieldChange& field) {
    const std::vector<DiffLine> lines = unified_diff(field.before, field.after);
    const std::size_t most = std::min(limits_.diff_lines, diff_lines_left_);
    const std::size_t shown = std::min(lines.size(), most);
    diff_lines_left_ -= shown;
    for (std::size_t i = 0; i < shown; ++i) diff_line(lines[i]);
    if (shown == lines.size()) return;
    std::size_t added = 0, removed = 0;
    for (std::size_t i = shown; i < lines.size(); ++i) {
      added += lines[i].mark == DiffMark::added ? 1 : 0;
      removed += lines[i].mark == DiffMark::removed ? 1 : 0;
    }
    add(LineStyle::note, 2, fmt::format("… {} more added, {} more removed lines", added, removed));
  }

  void diff_line(const DiffLine& line) {
    const std::string text = printable(line.text, limits_.line_bytes, true);
    switch (line.mark) {
      case DiffMark::hunk:
        add(LineStyle::hunk, 2,
            fmt::format("@@ -{},{} +{},{} @@", line.first_line, line.first_count, line.second_line,
                        line.second_count));
        break;
      case DiffMark::same:
        add(LineStyle::plain, 2, ' ' + text);
        break;
      case DiffMark::removed:
        add(LineStyle::removed, 2, '-' + text);
        break;
      case DiffMark::added:
        add(LineStyle::added, 2, '+' + text);
        break;
      case DiffMark::no_newline:
        add(LineStyle::note, 2, "\\ no line end");
        break;
    }
  }

  void drift() {
    if (plan_.drift.empty()) return;
    std::set<std::string> corrected;
    for (const Change& change : plan_.changes) corrected.insert(change.address());
    begin("drift: changed by others since it was applied", "");
    std::size_t left = limits_.changes;
    for (const Change& change : plan_.drift) {
      if (left-- == 0) {
        add(LineStyle::note, 0, fmt::format("… and {} more", plan_.drift.size() - limits_.changes));
        return;
      }
      const bool mends = corrected.contains(change.address());
      add(LineStyle::alert, 0,
          fmt::format("! {}/{} [{}]: {}{}", printable(change.target, kNameBytes),
                      printable(change.kind + '/' + change.name, kNameBytes), word(change.reason),
                      mends ? "corrected by this plan" : "reported only, left as it is",
                      origin_of(change)));
      // What is corrected has its fields above.
      if (!mends) {
        for (const FieldChange& field : change.fields) one_field(field, false);
      }
    }
  }

  void conflicts() {
    if (plan_.conflicts.empty()) return;
    begin("conflicts: not ours, and left alone", "");
    std::size_t left = limits_.changes;
    for (const Conflict& conflict : plan_.conflicts) {
      if (left-- == 0) {
        add(LineStyle::note, 0,
            fmt::format("… and {} more", plan_.conflicts.size() - limits_.changes));
        return;
      }
      const std::string place = printable(conflict.origin.text(), kNameBytes);
      add(LineStyle::alert, 0,
          fmt::format("! {}/{}: {}{}", printable(conflict.target, kNameBytes),
                      printable(conflict.kind + '/' + conflict.name, kNameBytes),
                      printable(conflict.message, limits_.line_bytes),
                      place.empty() ? "" : "  (" + place + ')'));
    }
  }

  void left_out() {
    if (plan_.left_out.empty()) return;
    begin("left out", "");
    for (const LeftOut& out : plan_.left_out) {
      add(LineStyle::alert, 0,
          fmt::format("! {} [{}]: {}", printable(out.target, kNameBytes),
                      printable(out.reason, kNameBytes),
                      printable(out.message, limits_.line_bytes)));
    }
  }

  void warnings() {
    if (plan_.warnings.empty()) return;
    begin("warnings", "");
    std::size_t left = limits_.changes;
    for (const Error& warning : plan_.warnings) {
      if (left-- == 0) {
        add(LineStyle::note, 0,
            fmt::format("… and {} more", plan_.warnings.size() - limits_.changes));
        return;
      }
      const std::string whole = warning.text();
      std::string_view text = whole;
      std::uint8_t depth = 0;
      while (!text.empty()) {
        const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find('\n'), text.size());
        add(LineStyle::plain, depth, printable(text.substr(0, end), 2 * kNameBytes));
        text.remove_prefix(std::min(end + 1, text.size()));
        depth = 1;
      }
    }
  }

  void begin(std::string title, std::string_view target) {
    sections_.push_back({std::move(title), std::string(target), {}});
  }
  void add(LineStyle style, std::uint8_t depth, std::string text) {
    sections_.back().lines.push_back({style, depth, std::move(text)});
  }

  const Plan& plan_;
  const PlanLimits& limits_;
  std::size_t diff_lines_left_;
  std::vector<PlanSection> sections_;
};
}  // namespace

std::vector<PlanSection> plan_sections(const Plan& plan, const PlanLimits& limits) {
  return Writer(plan, limits).run();
}

std::string plan_summary(const Plan& plan) {
  const PlanSummary summary = summarize(plan);
  std::string text = counts(summary);
  if (text.empty()) text = "no changes";
  if (summary.drift != 0) text += fmt::format("; {} drifted", summary.drift);
  if (summary.conflicts != 0) {
    text += fmt::format("; {} {}", summary.conflicts,
                        summary.conflicts == 1 ? "conflict" : "conflicts");
  }
  if (!plan.left_out.empty()) text += fmt::format("; {} left out", plan.left_out.size());
  return text + fmt::format("; {} {} compared", plan.resources,
                            plan.resources == 1 ? "resource" : "resources");
}

}  // namespace metalwright::reconciler
