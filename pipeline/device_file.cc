#include "pipeline/device_file.h"

#include <algorithm>
#include <utility>

#include "renderers/routeros/menu.h"

namespace metalwright::pipeline {
namespace {

bool says_nothing_known(const routeros::Export& read) {
  return std::none_of(read.rows.begin(), read.rows.end(), [](const routeros::ExportRow& row) {
    return routeros::find_menu(row.menu) != nullptr;
  });
}

Error device_file(std::string message, Origin place) {
  return invalid("device-file", std::move(message), std::move(place)).value();
}

}  // namespace

std::optional<Error> not_an_export(const routeros::Export& read, std::string_view text,
                                   const std::string& file) {
  if (!says_nothing_known(read)) return std::nullopt;
  if (read.version.empty() && !renderers::read_fs_config(text).objects.empty()) {
    return device_file(
        "reads like the running-config of an FS switch, and is no /export of a router",
        {.file = file});
  }
  if (!read.rows.empty() || read.errors.empty()) return std::nullopt;
  const Error& first = read.errors.front();
  return device_file("is no /export of a router: " + first.message, first.origin);
}

std::optional<Error> not_a_running_config(const renderers::FsConfig& read, std::string_view text,
                                          const std::string& file) {
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  const bool named =
      std::any_of(read.other.begin(), read.other.end(),
                  [](const renderers::FsOther& other) { return other.command == "hostname"; });
  if (blank || named || !read.objects.empty()) return std::nullopt;
  const routeros::Export other = routeros::read_export(text);
  if (!other.version.empty() || !says_nothing_known(other)) {
    return device_file(
        "reads like an /export of RouterOS, and is no running-config of an FS switch",
        {.file = file});
  }
  return device_file("holds nothing that the 'show running-config' of an FS switch has",
                     {.file = file});
}

}  // namespace metalwright::pipeline
