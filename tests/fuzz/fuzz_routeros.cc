#include <string>

#include "renderers/routeros/export.h"
#include "renderers/routeros/menu.h"
#include "renderers/routeros/parser.h"
#include "renderers/routeros/quote.h"
#include "tests/fuzz/fuzz_target.h"

// An export, and the same text as a script and as a value. Nothing may crash or hang the reader,
// what was read can be written and read again, and no text gets out of its quotes.
namespace metalwright::routeros {
namespace {

void check_value(std::string_view value) {
  const auto written = value_text(value);
  if (!written) {
    require(value.size() > kLongestValue || value.find('\0') != std::string_view::npos, "refused");
    return;
  }
  const auto script = parse_script("add x=" + *written);
  require(script.has_value() && script->size() == 1, "one statement");
  const Statement& statement = script->front();
  require(statement.arguments.size() == 1, "one argument");
  require(statement.arguments[0].value.text == value, "the value that was written");
}

void check(std::string_view text) {
  const Export out = read_export(text, "fuzz.rsc");
  std::string again;
  for (const ExportRow& row : out.rows) {
    if (!row.add) continue;
    std::string line = "add";
    bool plain = row.menu.find_first_of(" \n") == std::string::npos && !row.menu.empty();
    for (const ExportField& field : row.fields) {
      require(!field.name.empty(), "a name");
      const auto value = value_text(field.text);
      plain = plain && value && field.kind == ExportValueKind::text;
      if (value) line += " " + field.name + "=" + *value;
      const Menu* const menu = find_menu(row.menu);
      if (menu == nullptr) continue;
      const std::string once = canonical(*menu, field.name, field.text);
      require(canonical(*menu, field.name, once) == once, "one canonical text");
    }
    if (!plain) continue;
    const Export back = read_export(row.menu + "\n" + line + "\n");
    require(back.errors.empty() && back.rows.size() == 1, "a row that reads back");
    require(back.rows[0].fields == row.fields && back.rows[0].menu == row.menu, "the same row");
  }
  for (const Error& error : out.errors) require(error.origin.line > 0, "an error with a line");
  (void)parse_script(text);
  check_value(text);
}

}  // namespace
}  // namespace metalwright::routeros

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  metalwright::routeros::check(metalwright::as_text(bytes, size));
  return 0;
}
