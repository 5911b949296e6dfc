#pragma once

#include <string_view>

/// The page for people, as it stands in `page/`, within the program.
namespace metalwright::service {

extern const std::string_view kPageHtml, kPageCss, kPageJs;

}  // namespace metalwright::service
