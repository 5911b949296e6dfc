#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace metalwright::renderers {

/// A machine that runs iPXE scripts as src/image/script.c and src/core/exec.c do: lines joined at
/// `\`, words cut at blanks, `#` and the words `||`, `&&` and `;`, `${…}` expanded afterwards.
/// It knows the commands that our scripts use; any other one fails the test that looks at `trace`.
class IpxeMachine {
 public:
  std::map<std::string, std::string> settings;
  std::function<bool(const std::string& uri)> has = [](const std::string&) { return true; };
  std::string chosen;  ///< what the person at the menu takes; empty: nobody is there

  std::vector<std::string> trace;  ///< the commands that had an effect, as iPXE understood them
  int status = 0;                  ///< of the script

  void run(std::string_view script);

 private:
  struct Line {
    std::string label;
    std::string text;
  };
  bool run_line(const std::string& text);
  int run_command(const std::vector<std::string>& words);
  [[nodiscard]] std::string expand(std::string text) const;

  std::vector<Line> lines_;
  std::size_t at_ = 0;
  bool stopped_ = false;
  std::string default_item_;
};

}  // namespace metalwright::renderers
