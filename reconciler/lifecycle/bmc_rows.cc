#include "reconciler/lifecycle/bmc_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include "reconciler/lifecycle/csv.h"
#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
constexpr std::string_view kSerial = "server_serial", kMac = "server_bmc_mac";
constexpr std::size_t kLongestSerial = 50;  // NetBox's

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

struct Columns {
  std::size_t serial = 0, mac = 1;
};

std::optional<std::size_t> column(const CsvRow& header, std::string_view name) {
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (lower(trimmed(header.fields[i])) == name) return i;
  }
  return {};
}

void fail_row(BmcRow& row, std::string message) {
  row.outcome = BmcOutcome::failed;
  row.message = std::move(message);
}

BmcRow read_row(const CsvRow& from, const Columns& columns) {
  BmcRow row;
  row.line = from.line;
  const auto field = [&](std::size_t number) {
    return number < from.fields.size() ? trimmed(from.fields[number]) : std::string();
  };
  row.serial = field(columns.serial);
  row.mac_text = field(columns.mac);
  const auto mac = parse_mac_address(row.mac_text);
  if (mac) row.mac = *mac;
  if (!from.problem.empty()) {
    fail_row(row, from.problem);
  } else if (row.serial.empty()) {
    fail_row(row, "it has no serial number");
  } else if (row.serial.size() > kLongestSerial || has_control_character(row.serial)) {
    fail_row(row, fmt::format("{} is not a serial number", metalwright::quoted(row.serial)));
  } else if (row.mac_text.empty()) {
    fail_row(row, "it has no MAC address");
  } else if (!mac || mac->multicast() || mac->zero()) {
    fail_row(row,
             fmt::format("{} is not a machine's MAC address", metalwright::quoted(row.mac_text)));
  }
  return row;
}

/// Fails all rows of a key whose values differ; `key` and `value` are of one row.
template <class Key, class Value>
void find_contradictions(std::vector<BmcRow>& rows, Key key, Value value, std::string_view what) {
  std::map<std::string, std::vector<BmcRow*>> groups;
  for (BmcRow& row : rows) {
    if (row.outcome == BmcOutcome::open) groups[key(row)].push_back(&row);
  }
  for (const auto& named : groups) {
    const std::vector<BmcRow*>& group = named.second;
    const bool same = std::all_of(group.begin(), group.end(), [&](const BmcRow* row) {
      return value(*row) == value(*group.front());
    });
    if (same) continue;
    for (BmcRow* const row : group) {
      const BmcRow* const other = row == group.front() ? group.back() : group.front();
      fail_row(*row, fmt::format("line {} has the same {} with another {}", other->line, what,
                                 what == "MAC address" ? "serial number" : "MAC address"));
    }
  }
}
}  // namespace

std::string_view word(BmcOutcome outcome) {
  switch (outcome) {
    case BmcOutcome::open:
      return "open";
    case BmcOutcome::set:
      return "set";
    case BmcOutcome::unchanged:
      return "unchanged";
    case BmcOutcome::differs:
      return "differs";
    case BmcOutcome::failed:
      return "failed";
  }
  return {};
}

Result<std::vector<BmcRow>> read_bmc_rows(std::string_view bytes) {
  CsvReader reader(bytes);
  std::optional<CsvRow> first = reader.next();
  while (first && first->blank()) first = reader.next();
  if (!first) return invalid("bmc-file", "the file is empty: wanted server_serial,server_bmc_mac");
  std::vector<BmcRow> rows;
  Columns columns;
  const auto serial = column(*first, kSerial), mac = column(*first, kMac);
  if (serial && mac) {
    columns = {*serial, *mac};
  } else if (BmcRow row = read_row(*first, columns); row.outcome == BmcOutcome::open) {
    rows.push_back(std::move(row));  // there is no header
  } else {
    return invalid("bmc-file",
                   fmt::format("line {} is not the header: wanted the columns {} and {}",
                               first->line, kSerial, kMac));
  }
  while (std::optional<CsvRow> next = reader.next()) {
    if (!next->blank()) rows.push_back(read_row(*next, columns));
  }
  const auto by_serial = [](const BmcRow& row) { return lower(row.serial); };
  const auto by_mac = [](const BmcRow& row) { return row.mac.text(); };
  find_contradictions(rows, by_serial, by_mac, "serial number");
  find_contradictions(rows, by_mac, by_serial, "MAC address");
  std::map<std::string, std::size_t> seen;
  for (BmcRow& row : rows) {
    if (row.outcome != BmcOutcome::open) continue;
    const auto [at, fresh] = seen.emplace(by_serial(row), row.line);
    if (fresh) continue;
    row.outcome = BmcOutcome::unchanged;
    row.message = fmt::format("line {} says the same", at->second);
  }
  return rows;
}

}  // namespace metalwright::lifecycle
