#include "cli/print.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>

#include "cli/command.h"
#include "cli/service_manager.h"
#include "schemas/diagnostics.h"

namespace metalwright::cli {

namespace {
/// The journal's word for an error before each line.
std::string with_level(const std::string& text) {
  std::string marked;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || text[i - 1] == '\n') marked += "<3>";
    marked += text[i];
  }
  return marked;
}
}  // namespace

bool print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && written;
}

int report(const Errors& errors) {
  std::string text = format_diagnostics(errors, DiagnosticFormat::text, isatty(2) == 1);
  if (logs_to_journal()) text = with_level(text);
  std::fwrite(text.data(), 1, text.size(), stderr);
  for (const Error& error : errors) {
    if (error.severity == Severity::warning) continue;
    if (error.check == "usage") return kUsage;
    if (error.check == "run-locked") return kLocked;
    if (error.kind == ErrorKind::refused) return kRefused;
    return kError;
  }
  return kSuccess;
}

int report(const Error& error) { return report(Errors{error}); }

ProgressLine::ProgressLine(std::string what) : what_(std::move(what)), terminal_(isatty(2) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void ProgressLine::show(std::uint64_t done, std::uint64_t all) {
  if (!terminal_ || all == 0) return;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                       .count();
  if (shown_ && now - last_ms_ < 100) return;
  last_ms_ = now;
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%s %llu of %llu (%llu %%)", what_.c_str(),
               static_cast<unsigned long long>(done), static_cast<unsigned long long>(all),
               static_cast<unsigned long long>(done * 100 / all));
  std::fflush(stderr);
}

bool confirm(std::string_view question) {
  std::fprintf(stderr, "%.*s [y/N] ", static_cast<int>(question.size()), question.data());
  std::fflush(stderr);
  std::string answer;
  if (!std::getline(std::cin, answer)) return false;
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
}

}  // namespace metalwright::cli
