#include "pipeline/import_mending.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/loader.h"
#include "schemas/checks.h"
#include "schemas/model.h"

namespace metalwright::pipeline {
namespace {

constexpr int kMostRounds = 1000;  // each takes out at least a line

/// The lines of a file in block style, as the imports write it.
class Lines {
 public:
  explicit Lines(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      lines_.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  /// Takes out a line, counted from 1, with what stands below it. False for what is the whole file.
  bool cut(std::size_t number) {
    if (number == 0 || number > lines_.size()) return false;
    const std::size_t first = number - 1, depth = indentation(lines_[first]);
    if (depth == 0) return false;
    std::size_t last = first + 1;
    while (last < lines_.size() && indentation(lines_[last]) > depth) ++last;
    for (std::size_t at = first; at < last; ++at) gone_.insert(at);
    return true;
  }
  [[nodiscard]] bool is_gone(std::size_t number) const { return gone_.contains(number - 1); }

  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t at = 0; at < lines_.size(); ++at) {
      if (gone_.contains(at)) continue;
      out += lines_[at];
      if (is_emptied(at)) out += " {}";
      out += '\n';
    }
    return out;
  }

 private:
  /// Something stood below it, and nothing does any more.
  [[nodiscard]] bool is_emptied(std::size_t at) const {
    const std::size_t depth = indentation(lines_[at]);
    std::size_t below = at + 1;
    while (below < lines_.size() && indentation(lines_[below]) > depth) {
      if (!gone_.contains(below)) return false;
      ++below;
    }
    return below > at + 1;
  }

  static std::size_t indentation(std::string_view line) {
    return std::min(line.find_first_not_of(' '), line.size());
  }
  std::vector<std::string_view> lines_;
  std::set<std::size_t> gone_;
};

/// It is one because of what was taken out before, and tells people nothing.
bool is_consequence(const Error& error) {
  return error.check == checks::kMissingKey.id || error.check == checks::kValueMissing.id ||
         error.check == checks::kType.id;
}

/// One round. False where nothing could be taken out.
bool cut(ImportedRepository& made, const Errors& errors, bool first) {
  std::map<std::string, std::vector<const Error*>> by_file;
  for (const Error& error : errors) {
    if (error.severity == Severity::error) by_file[error.origin.file].push_back(&error);
  }
  bool any = false;
  for (const auto& [path, of_file] : by_file) {
    const auto file = made.files.find(path);
    if (file == made.files.end()) continue;
    Lines lines(file->second);
    for (const Error* error : of_file) {
      if (lines.is_gone(error->origin.line)) continue;
      if (!lines.cut(error->origin.line)) continue;
      if (first || !is_consequence(*error)) made.notes.push_back(without_places(error->message));
      any = true;
    }
    std::string left = lines.text();
    file->second = std::move(left);
  }
  if (any) return true;
  // Not a line of it: the file as a whole. The inventory is needed, and stays for people to mend.
  for (const auto& [path, of_file] : by_file) {
    if (path == "inventory.yaml" || made.files.erase(path) == 0) continue;
    made.notes.push_back(path + ": " + without_places(of_file.front()->message));
    any = true;
  }
  return any;
}

}  // namespace

std::string without_places(const std::string& message) {
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t open = message.find(" (", at), close = message.find(')', open);
    if (open == std::string::npos || close == std::string::npos) return out + message.substr(at);
    const std::string_view inside(message.data() + open, close - open);
    out += message.substr(at, open - at);
    if (inside.find(".yaml:") == std::string_view::npos)
      out += message.substr(open, close + 1 - open);
    at = close + 1;
  }
  return out;
}

void mend_import(ImportedRepository& made) {
  for (int round = 0; round < kMostRounds; ++round) {
    const inventory::LoadResult loaded = inventory::load(repository_files(made));
    if (loaded.model != nullptr) {
      made.servers = loaded.model->servers.size();
      made.networks = loaded.model->networks.size();
      made.clusters = loaded.model->clusters.size();
    }
    if (!has_error(loaded.errors) || !cut(made, loaded.errors, round == 0)) return;
  }
}

}  // namespace metalwright::pipeline
