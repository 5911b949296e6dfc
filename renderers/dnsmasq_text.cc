#include "renderers/dnsmasq_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace metalwright::renderers {
namespace {

/// Nothing in dnsmasq's reader looks at these outside quotes, whatever the option.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-+~@%=").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

Result<std::string> dnsmasq_value(std::string_view text, std::string_view what,
                                  const Origin& origin) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; })) {
    return invalid("dnsmasq-value",
                   fmt::format("{}: dnsmasq's configuration cannot hold a control character", what),
                   origin);
  }
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  quoted += '"';
  return quoted;
}

void DnsmasqText::comment(std::string_view text) {
  const std::size_t begin = text_.size();
  text_ += "# ";
  for (const char c : text.substr(0, kLongestDnsmasqLine - 2)) text_ += is_control(c) ? '?' : c;
  while (text_.size() > begin && text_.back() == ' ') text_.pop_back();
  text_ += '\n';
}

void DnsmasqText::blank() { text_ += '\n'; }

void DnsmasqText::option(std::string_view text, const Origin& origin) {
  if (text.size() > kLongestDnsmasqLine) {
    problem(invalid("dnsmasq-line",
                    fmt::format("'{}…' would have {} bytes, and a line of dnsmasq's configuration "
                                "holds {}",
                                text.substr(0, 60), text.size(), kLongestDnsmasqLine),
                    origin)
                .value());
    return;
  }
  text_ += text;
  text_ += '\n';
}

void DnsmasqText::option(std::string_view name, std::string_view value, std::string_view what,
                         const Origin& origin) {
  if (value.empty()) return;
  Result<std::string> quoted = dnsmasq_value(value, what, origin);
  if (!quoted) {
    problem(std::move(quoted.error()));
    return;
  }
  option(fmt::format("{}={}", name, *quoted), origin);
}

void DnsmasqText::problem(Error error) { problems_.push_back(std::move(error)); }

}  // namespace metalwright::renderers
