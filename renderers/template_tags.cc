#include "renderers/template_tags.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

class Tagger {
 public:
  Tagger(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Result<TaggedTemplate> run() {
    if (text_.size() > kLongestTemplate) {
      return failure(fmt::format("a template can have {} bytes", kLongestTemplate));
    }
    while (true) {
      const std::size_t begin = text_.find(open_, at_);
      copy_until(std::min(begin, text_.size()));
      if (begin == std::string_view::npos) break;
      if (Result<void> done = tag(); !done) return tl::unexpected(done.error());
    }
    if (!sections_.empty()) {
      const TemplateTag& open = out_.tags[sections_.back()];
      line_ = open.line;
      column_ = open.column;
      return failure(fmt::format("the section {} is not closed", quoted(open.name)));
    }
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> failure(std::string message) const {
    return invalid(checks::kTemplateSyntax.id, std::move(message), {file_, line_, column_});
  }

  void advance(std::size_t end) {
    for (; at_ < end; ++at_) {
      column_ = text_[at_] == '\n' ? 1 : column_ + 1;
      line_ += text_[at_] == '\n' ? 1 : 0;
    }
  }

  void copy_until(std::size_t end) {
    out_.text += text_.substr(at_, end - at_);
    advance(end);
  }

  Result<void> tag() {
    const std::size_t inside = at_ + open_.size();
    const bool triple = open_ == "{{" && inside < text_.size() && text_[inside] == '{';
    const std::string close = triple ? "}}}" : close_;
    const std::size_t end = text_.find(close, inside + (triple ? 1 : 0));
    if (end == std::string_view::npos) return failure("a tag is not closed");
    const std::size_t from = inside + (triple ? 1 : 0);
    const std::string_view content = trimmed(text_.substr(from, end - from));
    const char sign = triple || content.empty() ? ' ' : content[0];
    const std::string_view name = sign == ' ' ? content : trimmed(content.substr(1));
    Result<void> done;
    switch (sign) {
      case '!':
        break;  // left out, comments may hold anything
      case '=':
        done = set_delimiters(content);
        break;
      case '>':
        return failure(fmt::format("partials such as {} are not supported", quoted(content)));
      case '#':
      case '^':
        done = open_section(sign, name);
        break;
      case '/':
        done = close_section(name);
        break;
      case '&':
        write_tag("&", TagKind::variable, name);
        break;
      default:
        write_tag("&", TagKind::variable, content);
    }
    if (!done) return done;
    if (sign == '!') out_.text += open_ + "!" + close_;  // a line of its own still disappears
    advance(end + close.size());
    if (sign == '=') std::tie(open_, close_) = next_delimiters_;
    return {};
  }

  void write_tag(std::string_view sign, TagKind kind, std::string_view name) {
    out_.text += fmt::format("{}{}@{}{}", open_, sign, out_.tags.size(), close_);
    out_.tags.push_back({kind, std::string(name), line_, column_});
  }

  Result<void> open_section(char sign, std::string_view name) {
    if (sections_.size() == kDeepestSection) {
      return failure(fmt::format("sections are nested deeper than {}", kDeepestSection));
    }
    sections_.push_back(out_.tags.size());
    write_tag(std::string(1, sign), TagKind::section, name);
    return {};
  }

  Result<void> close_section(std::string_view name) {
    if (sections_.empty() || out_.tags[sections_.back()].name != name) {
      return failure(fmt::format("no section {} is open here", quoted(name)));
    }
    out_.text += fmt::format("{}/@{}{}", open_, sections_.back(), close_);
    sections_.pop_back();
    return {};
  }

  /// `=<% %>=`
  Result<void> set_delimiters(std::string_view content) {
    const bool closed = content.size() >= 5 && content.back() == '=';
    const std::string_view both = closed ? trimmed(content.substr(1, content.size() - 2)) : "";
    const std::size_t blank = both.find(' ');
    const std::string_view first = both.substr(0, blank);
    const std::string_view second =
        blank == std::string_view::npos ? std::string_view() : trimmed(both.substr(blank));
    const auto good = [](std::string_view delimiter) {
      return !delimiter.empty() && delimiter.find('=') == std::string_view::npos &&
             delimiter.find_first_of(kBlanks) == std::string_view::npos;
    };
    if (!good(first) || !good(second)) {
      return failure(fmt::format("{} does not set two delimiters", quoted(content)));
    }
    out_.text += fmt::format("{}={} {}={}", open_, first, second, close_);
    next_delimiters_ = {std::string(first), std::string(second)};
    return {};
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1, column_ = 1;
  std::string open_ = "{{", close_ = "}}";
  std::pair<std::string, std::string> next_delimiters_;
  std::vector<std::size_t> sections_;  // which tags opened those that are open
  TaggedTemplate out_;
};

}  // namespace

Result<TaggedTemplate> tag_template(std::string_view text, const std::string& file) {
  return Tagger(text, file).run();
}

}  // namespace metalwright::renderers
