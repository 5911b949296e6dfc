#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

/// A user's mustache template, made ready for a renderer that must not be silent: mustache prints
/// nothing for a name that it does not know, and here that is an error with a line.
/// Source: mustache(5).
namespace metalwright::renderers {

enum class TagKind : std::uint8_t { variable, section };

struct TemplateTag {
  TagKind kind = TagKind::variable;
  std::string name;
  std::uint32_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< of the tag's first character, from 1, in bytes
};

struct TaggedTemplate {
  /// The template with each variable and section named `@<n>`, `n` counting into `tags`. Variables
  /// are written so that nothing is escaped: the output is no HTML.
  std::string text;
  std::vector<TemplateTag> tags;
};

/// Bounds, for a template is as untrusted as the rest of a repository.
inline constexpr std::size_t kLongestTemplate = std::size_t{64} * 1024;
inline constexpr std::size_t kDeepestSection = 16;

/// Error: `template-syntax` in `file`, for an open tag, a section that is not closed or opened,
/// a partial (`{{>…}}`), a nesting of more than 16 sections or more than 64 KiB.
[[nodiscard]] Result<TaggedTemplate> tag_template(std::string_view text, const std::string& file);

}  // namespace metalwright::renderers
