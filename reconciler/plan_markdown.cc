#include "reconciler/plan_markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "reconciler/plan_lines.h"
#include "reconciler/printable.h"

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kTitleBytes = 300;
// More than fits into any comment, so that the bound on bytes decides what is cut.
constexpr PlanLimits kLimits{
    .changes = 1000, .diff_lines = 60, .all_diff_lines = 2000, .line_bytes = 300};

/// Text for an HTML element.
std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// CommonMark 0.30, section 4.5: a fenced block ends at a line of at least as many backticks.
std::string fence_for(const std::vector<PlanLine>& lines) {
  std::size_t longest = 2;
  for (const PlanLine& line : lines) {
    std::size_t run = 0;
    for (const char c : line.text) {
      run = c == '`' ? run + 1 : 0;
      longest = std::max(longest, run);
    }
  }
  return std::string(longest + 1, '`');
}

/// A line in a block that is highlighted as a diff: only the signs of changes and of diffs stand in
/// its first column.
std::string block_line(const PlanLine& line) {
  return std::string(line.depth == 1 ? 4 : 0, ' ') + line.text;
}

class Comment {
 public:
  explicit Comment(const PlanMarkdownOptions& options) : most_(options.most_bytes) {}

  void raw(std::string_view text) { out_ += text; }

  void section(const PlanSection& section, bool open, std::size_t sections_left) {
    const std::string fence = fence_for(section.lines);
    std::string head = fmt::format("<details{}><summary><code>{}</code></summary>\n\n{}diff\n",
                                   open ? " open" : "", html(section.title), fence);
    const std::string tail = fmt::format("{}\n\n</details>\n\n", fence);
    const std::size_t cost = head.size() + tail.size() + kCutNoteBytes;
    const std::size_t budget = left() / std::max<std::size_t>(sections_left, 1);
    if (budget <= cost) {
      ++cut_sections_;
      cut_lines_ += section.lines.size();
      return;
    }
    out_ += head;
    std::size_t room = budget - cost;
    std::size_t shown = 0;
    for (const PlanLine& line : section.lines) {
      const std::string text = block_line(line) + '\n';
      if (text.size() > room) break;
      room -= text.size();
      out_ += text;
      ++shown;
    }
    if (shown < section.lines.size()) {
      const std::size_t cut = section.lines.size() - shown;
      cut_lines_ += cut;
      out_ += fmt::format("… {} more lines cut\n", cut);
    }
    out_ += tail;
  }

  std::string finish() {
    if (cut_lines_ != 0) {
      out_ += fmt::format(
          "_Cut to fit: {} lines{} are not shown; `metalwright plan` and its JSON form have "
          "them._\n",
          cut_lines_,
          cut_sections_ == 0 ? "" : fmt::format(", {} whole sections among them,", cut_sections_));
    }
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kCutNoteBytes = 40;
  static constexpr std::size_t kEndNoteBytes = 200;

  [[nodiscard]] std::size_t left() const {
    const std::size_t used = out_.size() + kEndNoteBytes;
    return used >= most_ ? 0 : most_ - used;
  }

  std::size_t most_;
  std::size_t cut_lines_ = 0, cut_sections_ = 0;
  std::string out_;
};
}  // namespace

std::string plan_markdown(const Plan& plan, const PlanMarkdownOptions& options) {
  Comment comment(options);
  comment.raw(fmt::format("### {}\n\n", html(printable(options.title, kTitleBytes))));
  comment.raw(fmt::format("**{}**\n\n", plan_summary(plan)));
  if (!plan.revision.empty()) {
    comment.raw(
        fmt::format("Revision <code>{}</code>\n\n", html(printable(plan.revision, kTitleBytes))));
  }
  const std::vector<PlanSection> sections = plan_sections(plan, kLimits);
  // What asks for a reader's attention first, and open.
  std::size_t left = sections.size();
  for (const bool alerts : {true, false}) {
    for (const PlanSection& section : sections) {
      if (section.target.empty() == alerts) comment.section(section, alerts, left--);
    }
  }
  return comment.finish();
}

}  // namespace metalwright::reconciler
