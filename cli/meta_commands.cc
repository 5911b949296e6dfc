#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "cli/print.h"

namespace metalwright::cli {

void add_meta_commands(CLI::App& program, const AddCommand& add) {
  {
    auto shell = std::make_shared<std::string>();
    CLI::App* app = program.add_subcommand("completion", "print the completions of a shell");
    app->add_option("SHELL", *shell, "which shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    app->footer("Example: metalwright completion bash > /etc/bash_completion.d/metalwright");
    add(app, [shell, &program] { return print(completion(program, *shell)) ? kSuccess : kError; });
  }
  {
    CLI::App* app = program.add_subcommand("man", "print the manual page, metalwright(1)");
    app->footer("Example: metalwright man | man -l -");
    add(app, [&program] { return print(man_page(program)) ? kSuccess : kError; });
  }
  {
    CLI::App* app = program.add_subcommand("version", "print the version");
    add(app, [] { return print("metalwright " METALWRIGHT_VERSION "\n") ? kSuccess : kError; });
  }
}

}  // namespace metalwright::cli
