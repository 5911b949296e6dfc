#include "reconciler/targets/files/tree_step.h"

#include <utility>

namespace metalwright::reconciler {
namespace {

Error not_as_seen(const std::string& path) {
  return fail(ErrorKind::conflict, "changed-meanwhile",
              "'" + path + "' is not as the plan saw it, and is left alone: plan again")
      .value();
}

Error not_ours(const std::string& path) {
  return fail(
             ErrorKind::conflict, "not-ours",
             "'" + path +
                 "' is not what metalwright wrote there, and the tree's manifest does not list it: "
                 "move it away, or let the target take it over with 'adopt: true'")
      .value();
}

}  // namespace

Result<Seen> TreeStepDecider::look(std::string_view path) {
  Result<Seen> seen = look_at(tree_, path, index_.find(path), clear_folder_, {});
  if (seen && seen->hashed) index_.put(path, *seen->status, seen->looked_ns, seen->digest);
  return seen;
}

TreeStep TreeStepDecider::decide(const Change& change) {
  TreeStep step;
  step.change = &change;
  Result<void> good = check_tree_path(change.name);
  if (good && !change.moved_from.empty()) good = check_tree_path(change.moved_from);
  if (good && change.kind != "file") {
    good = fail(ErrorKind::bug, "files-kind", "a file tree has no '" + change.kind + "'");
  }
  if (!good) {
    step.error = std::move(good.error());
    return step;
  }
  const Result<Seen> seen = look(change.name);
  if (!seen) {
    step.error = seen.error();
  } else if (seen->unread && (!change.moved_from.empty() || seen->digest != change.observed)) {
    step.error = *seen->unread;
  } else if (change.reason != Reason::adopted && change.action != Action::forget &&
             !seen->absent() && seen->digest != change.desired && foreign_.contains(change.name)) {
    step.error = not_ours(tree_.absolute(change.name));
  } else if (removes(change)) {
    decide_removal(step, *seen);
  } else {
    decide_write(step, *seen);
  }
  return step;
}

void TreeStepDecider::decide_removal(TreeStep& step, const Seen& seen) {
  step.what = TreeStep::Do::drop;
  if (step.change->action == Action::forget || seen.absent()) return;
  if (seen.digest != step.change->observed || !seen.replaceable()) {
    step.error = not_as_seen(tree_.absolute(step.change->name));
    return;
  }
  step.what = TreeStep::Do::remove;
  step.seen = seen.status;
}

void TreeStepDecider::decide_write(TreeStep& step, const Seen& seen) {
  const Change& change = *step.change;
  const bool moved = !change.moved_from.empty();
  if (moved) {
    const Result<Seen> old = look(change.moved_from);
    if (!old) {
      step.error = old.error();
      return;
    }
    if (!old->absent() && old->digest == change.observed && old->replaceable()) {
      step.moved_from_seen = old->status;
    } else if (old->unread) {
      step.error = *old->unread;
      return;
    } else if (!old->absent()) {
      step.error = not_as_seen(tree_.absolute(change.moved_from));
      return;
    }
  }
  if (seen.digest == change.desired) {
    step.mode = seen.status ? seen.status->mode : 0;
    return;  // as it should be: only to be written down as ours
  }
  const Digest expected = moved ? Digest{} : change.observed;
  if (seen.digest != expected || (!seen.absent() && !seen.replaceable())) {
    step.error = not_as_seen(tree_.absolute(change.name));
    return;
  }
  step.what = TreeStep::Do::write;
  step.seen = seen.status;
  if (Result<void> fetched = fetch_content(step); !fetched) step.error = fetched.error();
}

Result<void> TreeStepDecider::fetch_content(TreeStep& step) {
  const Change& change = *step.change;
  Result<Content> content = content_(change.kind, change.name);
  if (!content) return tl::unexpected(std::move(content.error()));
  step.content = std::move(*content);
  step.mode = step.content.mode & 07777U;
  // What is copied is compared when it has been.
  if (step.content.copy_from.empty() &&
      file_digest(step.mode, step.content.bytes) != change.desired) {
    return fail(ErrorKind::bug, "content-changed",
                "the content made for '" + change.name + "' is not what the plan says");
  }
  return {};
}

}  // namespace metalwright::reconciler
