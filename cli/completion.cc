#include "cli/completion.h"

#include <vector>

namespace metalwright::cli {
namespace {

/// `--format`, `-c`, …: all spellings of the options of a command.
std::vector<std::string> spellings(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    for (const std::string& name : option->get_snames()) out.push_back("-" + name);
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// For single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out;
}

std::string bash(const CLI::App& program) {
  std::string commands, cases;
  for (const CLI::App* command : program.get_subcommands({})) {
    commands += (commands.empty() ? "" : " ") + command->get_name();
    cases += "    " + command->get_name() + ") words='" + joined(spellings(*command)) + "' ;;\n";
  }
  return "# bash completion for metalwright\n"
         "_metalwright() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} command= words i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      -c | --config | --color | --log-format) ((i++)) ;;\n"
         "      -*) ;;\n"
         "      *) command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n"
         "    '') words='" +
         commands + "' ;;\n" + cases +
         "    *) words= ;;\n"
         "  esac\n"
         "  words+=' " +
         joined(spellings(program)) +
         "'\n"
         "  if [[ -n $command && $word != -* ]]; then\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _metalwright metalwright\n";
}

std::string zsh_specs(const CLI::App& app) {
  std::string out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      out += " '--" + name + "[" + quoted(option->get_description()) + "]" +
             (option->get_items_expected_max() > 0 ? ":value:_files" : "") + "'";
    }
  }
  return out;
}

std::string zsh(const CLI::App& program) {
  std::string commands, cases;
  for (const CLI::App* command : program.get_subcommands({})) {
    commands += "    '" + command->get_name() + ":" + quoted(command->get_description()) + "'\n";
    cases += "    " + command->get_name() + ") _arguments" + zsh_specs(*command) +
             " '*:file:_files' ;;\n";
  }
  return "#compdef metalwright\n"
         "_metalwright() {\n"
         "  local -a commands\n"
         "  commands=(\n" +
         commands +
         "  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  case ${words[2]} in\n" +
         cases +
         "  esac\n"
         "}\n"
         "_metalwright \"$@\"\n";
}

std::string fish(const CLI::App& program) {
  std::string out = "# fish completion for metalwright\n";
  for (const CLI::App* command : program.get_subcommands({})) {
    const std::string& name = command->get_name();
    out += "complete -c metalwright -n __fish_use_subcommand -f -a " + name + " -d '" +
           quoted(command->get_description()) + "'\n";
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& option_name : option->get_lnames()) {
        out += "complete -c metalwright -n '__fish_seen_subcommand_from " + name + "' -l " +
               option_name + (option->get_items_expected_max() > 0 ? " -r" : "") + " -d '" +
               quoted(option->get_description()) + "'\n";
      }
    }
  }
  return out;
}

}  // namespace

std::string completion(const CLI::App& program, const std::string& shell) {
  if (shell == "bash") return bash(program);
  return shell == "zsh" ? zsh(program) : fish(program);
}

}  // namespace metalwright::cli
