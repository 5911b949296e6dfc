#include "pipeline/sim/ipxe_script.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace metalwright::sim {
namespace {

constexpr std::size_t kMostCommands = 10000;  // a script that goes in circles is ended
constexpr std::size_t kMostChains = 10;

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    at = end;
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (text.empty() ? "" : " ") + words[i];
  return text;
}

class Script {
 public:
  Script(std::string_view text, std::string address, std::map<std::string, std::string>& settings,
         const ScriptActions& actions, ScriptRun& run, std::size_t depth)
      : address_(std::move(address)),
        settings_(settings),
        actions_(actions),
        run_(run),
        depth_(depth) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      lines_.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  /// True: the run has ended.
  bool run(std::size_t& commands) {
    while (at_ < lines_.size()) {
      const std::string& line = lines_[at_++];
      if (line.empty() || line.front() == '#' || line.front() == ':') continue;
      if (++commands > kMostCommands) return end(ScriptEnd::failed, "the script goes in circles");
      bool good = true;
      if (run_line(words_of(line), good)) return true;
      if (!good) return end(ScriptEnd::failed, "failed: " + line);
    }
    return end(ScriptEnd::local, "");
  }

 private:
  bool end(ScriptEnd how, std::string reason) {
    run_.end = how;
    run_.reason = std::move(reason);
    return true;
  }

  /// Commands of a line, joined by `&&`, `||` and `;`. True: the run has ended.
  bool run_line(const std::vector<std::string>& words, bool& good) {
    std::vector<std::string> command;
    bool wanted = true;
    for (std::size_t i = 0; i <= words.size(); ++i) {
      const bool last = i == words.size();
      const std::string& word = last ? std::string() : words[i];
      if (!last && word != "&&" && word != "||" && word != ";") {
        command.push_back(expand_settings(word, settings_));
        continue;
      }
      jumped_ = false;
      if (wanted) {
        // An empty command behind `||` succeeds: that is how a script says that it does not care.
        good = true;
        if (!command.empty() && run_command(command, good)) return true;
        if (jumped_) return false;
      }
      command.clear();
      if (word == "&&") wanted = good;
      if (word == "||") wanted = !good;
      if (word == ";") wanted = true;
    }
    return false;
  }

  bool run_command(const std::vector<std::string>& words, bool& good) {
    const std::string& name = words.front();
    if (name == "kernel" || name == "initrd") return load(words, good);
    if (name == "chain") return chain(words, good);
    if (name == "boot") {
      good = has_kernel_;
      return has_kernel_ ? end(ScriptEnd::boot, "") : false;
    }
    if (name == "sanboot" || name == "exit") return end(ScriptEnd::local, "");
    if (name == "echo") {
      run_.said.push_back(joined(words, 1));
    } else if (name == "set" && words.size() > 1) {
      settings_[words[1]] = joined(words, 2);
    } else if (name == "isset") {
      good = words.size() > 1;
    } else if (name == "iseq") {
      good = words.size() == 3 && words[1] == words[2];
    } else if (name == "goto") {
      good = words.size() == 2 && jump(words[1]);
    } else if (name == "item") {
      if (first_item_.empty() && words.size() > 1) first_item_ = words[1];
    } else if (name == "choose") {
      choose(words);
    } else if (name == "menu") {
      first_item_.clear();
    } else {
      constexpr std::string_view kHarmless[] = {"sleep",  "prompt",  "imgfree", "dhcp",
                                                "ifopen", "imgargs", "console"};
      good = std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
    }
    return false;
  }

  bool load(const std::vector<std::string>& words, bool& good) {
    const std::size_t url = first_operand(words);
    const bool kernel = words.front() == "kernel";
    const auto& action = kernel ? actions_.kernel : actions_.initrd;
    good = url < words.size() && action(resolve_address(address_, words[url]));
    if (good && kernel) {
      has_kernel_ = true;
      run_.arguments = joined(words, url + 1);
    }
    return false;
  }

  bool chain(const std::vector<std::string>& words, bool& good) {
    const std::size_t url = first_operand(words);
    const std::string to = url < words.size() ? resolve_address(address_, words[url]) : "";
    const auto script = to.empty() || depth_ >= kMostChains ? std::nullopt : actions_.chain(to);
    good = script.has_value();
    if (!script) return false;
    std::size_t commands = 0;
    Script next(*script, to, settings_, actions_, run_, depth_ + 1);
    return next.run(commands);
  }

  void choose(const std::vector<std::string>& words) {
    std::string choice = first_item_;
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
      if (words[i] == "--default") choice = words[i + 1];
    }
    settings_[words.back()] = choice;
  }

  bool jump(const std::string& label) {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].starts_with(':') && words_of(lines_[i]).front() == ':' + label) {
        at_ = i;
        return jumped_ = true;
      }
    }
    return false;
  }

  static std::size_t first_operand(const std::vector<std::string>& words) {
    std::size_t i = 1;
    while (i < words.size() && words[i].starts_with("--")) i += words[i] == "--name" ? 2 : 1;
    return i;
  }

  std::vector<std::string> lines_;
  std::string address_, first_item_;
  std::map<std::string, std::string>& settings_;
  const ScriptActions& actions_;
  ScriptRun& run_;
  std::size_t depth_, at_ = 0;
  bool has_kernel_ = false, jumped_ = false;
};

}  // namespace

std::string resolve_address(std::string_view base, std::string_view name) {
  if (name.find("://") != std::string_view::npos) return std::string(name);
  const std::size_t scheme = base.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::string_view path = base.substr(0, base.find('?'));
  if (name.starts_with('/')) {
    return std::string(base.substr(0, std::min(path.find('/', host), path.size()))) +
           std::string(name);
  }
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash < host) {
    return std::string(path) + '/' + std::string(name);
  }
  return std::string(path.substr(0, slash + 1)) + std::string(name);
}

std::string expand_settings(std::string_view text,
                            const std::map<std::string, std::string>& settings) {
  std::string expanded;
  while (!text.empty()) {
    const std::size_t begin = text.find("${");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) break;
    expanded += text.substr(0, begin);
    std::string_view name = text.substr(begin + 2, end - begin - 2);
    const std::size_t colon = name.find(':');
    const std::string_view format = colon == std::string_view::npos ? "" : name.substr(colon + 1);
    name = name.substr(0, colon);
    if (const auto at = settings.find(std::string(name)); at != settings.end()) {
      std::string value = at->second;
      if (format == "hexhyp") std::replace(value.begin(), value.end(), ':', '-');
      expanded += value;
    }
    text.remove_prefix(end + 1);
  }
  return expanded + std::string(text);
}

ScriptRun run_script(std::string_view script, const std::string& address,
                     std::map<std::string, std::string> settings, const ScriptActions& actions) {
  ScriptRun run;
  if (!script.starts_with("#!ipxe")) {
    run.reason = "that is no iPXE script";
    return run;
  }
  std::size_t commands = 0;
  Script(script, address, settings, actions, run, 0).run(commands);
  return run;
}

}  // namespace metalwright::sim
