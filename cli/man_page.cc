#include "cli/man_page.h"

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

std::string option_term(const CLI::Option& option) {
  std::string term = ".B " + roff(option.get_name(option.get_positional(), true));
  if (option.get_positional()) term = ".I " + roff(option.get_name(true));
  if (!option.get_positional() && option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    if (!type.empty() && type.find('{') == std::string::npos) term += "\n.I " + roff(type);
  }
  return term;
}

void options(std::ostringstream& out, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    out << ".TP\n" << option_term(*option) << '\n' << roff(option->get_description());
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
  text(out, app.get_footer());
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
