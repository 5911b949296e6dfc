#include "tests/renderers/ipxe_machine.h"

#include <algorithm>

namespace metalwright::renderers {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos || text[begin] == '#') break;
    const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (i == from ? "" : " ") + words[i];
  return text;
}

}  // namespace

void IpxeMachine::run(std::string_view script) {
  lines_.clear();
  at_ = 0;
  stopped_ = false;
  status = 0;
  if (script.substr(0, 7) != "#!ipxe\n") {
    trace.emplace_back("exec format error");
    status = 1;
    return;
  }
  std::string line;
  while (!script.empty()) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    line += script.substr(0, end);
    script.remove_prefix(std::min(end + 1, script.size()));
    if (!line.empty() && line.back() == '\\') {
      line.pop_back();
      continue;
    }
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    Line& parsed = lines_.emplace_back();
    if (!line.empty() && line[0] == ':') {
      const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
      parsed.label = line.substr(1, blank - 1);
      line.erase(0, blank);
    }
    parsed.text = line;
    line.clear();
  }
  while (at_ < lines_.size() && !stopped_ && trace.size() < 200) {
    const std::string text = lines_[at_++].text;
    if (!run_line(text) && !stopped_) {
      status = 1;
      return;
    }
  }
}

bool IpxeMachine::run_line(const std::string& text) {
  std::vector<std::string> command;
  int result = 0;
  bool runs = true;
  const auto finish = [&] {
    if (runs && !command.empty()) {
      for (std::string& word : command) word = expand(word);
      result = run_command(command);
    } else if (runs) {
      result = 0;  // nothing to do is a success: `command ||`
    }
    command.clear();
  };
  for (const std::string& word : words_of(text)) {
    if (word != "||" && word != "&&" && word != ";") {
      command.push_back(word);
      continue;
    }
    finish();
    if (stopped_) return result == 0;
    runs = word == ";" || (word == "||") == (result != 0);
  }
  finish();
  return result == 0;
}

std::string IpxeMachine::expand(std::string text) const {
  while (true) {
    const std::size_t end = text.find('}');
    const std::size_t begin = end == std::string::npos ? end : text.rfind("${", end);
    if (begin == std::string::npos) return text;
    std::string name = text.substr(begin + 2, end - begin - 2);
    const std::size_t type = name.find(':');
    const bool dashes = type != std::string::npos && name.substr(type) == ":hexhyp";
    if (type != std::string::npos) name.erase(type);
    const auto found = settings.find(name);
    std::string value = found == settings.end() ? "" : found->second;
    if (dashes) std::replace(value.begin(), value.end(), ':', '-');
    text.replace(begin, end - begin + 1, value);
  }
}

int IpxeMachine::run_command(const std::vector<std::string>& words) {
  const std::string& name = words[0];
  if (name == "echo" || name == "menu" || name == "sleep") {
    trace.push_back(joined(words, 0));
    return 0;
  }
  if (name == "item") {
    trace.push_back("item " + words[1] + ": " + joined(words, 2));
    return 0;
  }
  if (name == "choose") {  // choose --default item --timeout ms setting
    trace.push_back(joined(words, 0));
    settings[words[5]] = chosen.empty() ? words[2] : chosen;
    chosen.clear();
    return 0;
  }
  if (name == "iseq") return words.size() == 3 && words[1] == words[2] ? 0 : 1;
  if (name == "isset") return words.size() == 2 && !words[1].empty() ? 0 : 1;
  if (name == "goto") {
    const auto to = std::find_if(lines_.begin(), lines_.end(),
                                 [&](const Line& line) { return line.label == words.at(1); });
    if (to == lines_.end()) return 1;
    at_ = static_cast<std::size_t>(to - lines_.begin());
    return 0;
  }
  if (name == "kernel" || name == "initrd") {
    trace.push_back(joined(words, 0));
    return has(words.at(1)) ? 0 : 1;
  }
  if (name == "chain") {  // chain --replace uri
    if (!has(words.at(2))) return 1;
    trace.push_back(joined(words, 0));
    stopped_ = true;
    return 0;
  }
  if (name == "boot" || name == "sanboot" || name == "exit") {
    trace.push_back(joined(words, 0));
    if (name == "sanboot" && !has("disk")) return 1;
    stopped_ = true;
    status = name == "exit" ? std::stoi(words.at(1)) : 0;
    return status;
  }
  trace.push_back("unknown command: " + joined(words, 0));
  status = 1;
  stopped_ = true;
  return 1;
}

}  // namespace metalwright::renderers
