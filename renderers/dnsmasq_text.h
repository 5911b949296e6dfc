#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

/// How text is written in dnsmasq's configuration: the one place that knows its quoting, its line
/// limit and its comments. Source: dnsmasq(8) 2.90 "CONFIGURATION FILE", and what 2.90 does.
namespace metalwright::renderers {

/// The longest line, without its end: what is beyond is read as another line.
inline constexpr std::size_t kLongestDnsmasqLine = 1023;

/// The text as one value of an option: as it is where nothing in it means anything to dnsmasq, else
/// in double quotes. Error: `invalid` [dnsmasq-value] for a control character other than tab, which
/// no form of the value could hold. `what` names the value in the message.
[[nodiscard]] Result<std::string> dnsmasq_value(std::string_view text, std::string_view what,
                                                const Origin& origin);

/// A configuration file in the making. Problems are collected; `take` gives the text.
class DnsmasqText {
 public:
  /// `# text`, and nothing of it that could end the comment; cut where a line ends.
  void comment(std::string_view text);
  void blank();
  /// An option that is already in dnsmasq's form, such as `dhcp-match=set:a,option:client-arch,0`.
  /// Error: [dnsmasq-line] where it is longer than a line may be.
  void option(std::string_view text, const Origin& origin);
  /// `name=value`, the value quoted where needed. Nothing where the value is empty.
  void option(std::string_view name, std::string_view value, std::string_view what,
              const Origin& origin);
  /// Errors and warnings from elsewhere, to be reported with this file's own.
  void problem(Error error);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Errors take_problems() { return std::move(problems_); }

 private:
  std::string text_;
  Errors problems_;
};

}  // namespace metalwright::renderers
