#include "cli/man_page.h"

#include <algorithm>
#include <sstream>

namespace metalwright::cli {
namespace {

/// man(7): a backslash, a leading dot or quote and a hyphen mean something.
std::string roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

/// What stands behind an option: `FILE`, `text|json`.
std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  std::string type = option.get_type_name();
  const std::size_t choices = type.find(":{");
  if (choices == std::string::npos || type.back() != '}') return type;
  type = type.substr(choices + 2, type.size() - choices - 3);
  std::replace(type.begin(), type.end(), ',', '|');
  return type;
}

void options(std::ostringstream& out, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string value = value_of(*option);
    out << ".TP\n";
    if (option->get_positional()) {
      out << ".I " << roff(option->get_name(true));
    } else if (value.empty()) {
      out << ".B " << roff(option->get_name(false, true));
    } else {
      out << ".BI \"" << roff(option->get_name(false, true)) << " \" \"" << roff(value) << '"';
    }
    out << '\n' << roff(option->get_description());
    if (option->get_positional() && value.find('|') != std::string::npos) {
      out << " (" << roff(value) << ')';
    }
    if (!option->get_default_str().empty()) {
      out << " (default: " << roff(option->get_default_str()) << ")";
    }
    out << '\n';
  }
}

void text(std::ostringstream& out, const std::string& words) {
  if (!words.empty()) out << ".PP\n.nf\n" << roff(words) << "\n.fi\n";
}

/// A command and, behind it, the commands within it (`token create`).
void command(std::ostringstream& out, const CLI::App& app, const std::string& name) {
  out << ".SS " << name << '\n' << roff(app.get_description()) << '\n';
  options(out, app);
  // Without one of its own a command has the program's, which stands behind all of them.
  const CLI::App* program = &app;
  while (program->get_parent() != nullptr) program = program->get_parent();
  if (app.get_footer() != program->get_footer()) text(out, app.get_footer());
  for (const CLI::App* inner : app.get_subcommands({})) {
    command(out, *inner, name + ' ' + inner->get_name());
  }
}

}  // namespace

std::string man_page(const CLI::App& program) {
  std::ostringstream out;
  out << ".TH METALWRIGHT 1 \"\" \"metalwright " METALWRIGHT_VERSION "\" \"User Commands\"\n"
      << ".SH NAME\nmetalwright \\- reconcile bare metal with a git repository\n"
      << ".SH SYNOPSIS\n.B metalwright\n.RI [ options ]\n.I command\n.RI [ arguments ]\n"
      << ".SH DESCRIPTION\n"
      << roff(program.get_description()) << '\n'
      << ".SH OPTIONS\n";
  options(out, program);
  out << ".SH COMMANDS\n";
  for (const CLI::App* each : program.get_subcommands({})) command(out, *each, each->get_name());
  out << ".SH EXAMPLES AND EXIT STATUS\n";
  text(out, program.get_footer());
  out << ".SH FILES\n.TP\n.I /etc/metalwright/metalwright.yaml\nthe host's configuration\n"
      << ".TP\n.I /var/lib/metalwright/state.db\nwhat was applied, and the history of runs\n"
      << ".SH ENVIRONMENT\n.TP\n.B METALWRIGHT_SECRET_NAME\nvalue of the secret NAME\n"
      << ".TP\n.B CREDENTIALS_DIRECTORY\nsystemd's credentials, looked through for secrets\n"
      << ".TP\n.B NO_COLOR\nno colour, whatever the terminal\n"
      << ".SH SEE ALSO\n.BR dnsmasq (8),\n.BR netplan (5)\n";
  return out.str();
}

}  // namespace metalwright::cli
