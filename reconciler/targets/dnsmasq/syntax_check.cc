#include "reconciler/targets/dnsmasq/syntax_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "reconciler/file_system.h"
#include "reconciler/run_program.h"

namespace metalwright::reconciler {
namespace {

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

/// A file for one run of dnsmasq; nothing depends on it afterwards.
class ScratchFile {
 public:
  explicit ScratchFile(std::string path) : path_(std::move(path)) {}
  ~ScratchFile() { ::unlink(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  Result<void> write(std::string_view text) const {
    ::unlink(path_.c_str());
    const FileDescriptor file(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.open()) return file_failure("write", path_, errno);
    while (!text.empty()) {
      const ssize_t written = ::write(file.get(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return file_failure("write", path_, errno);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

tl::unexpected<Error> dnsmasq_missing(const std::string& program) {
  return unavailable("dnsmasq-missing",
                     fmt::format("cannot run '{}': apt install dnsmasq (or dnsmasq-base, where "
                                 "something else than its own service starts it)",
                                 program));
}

std::optional<SyntaxComplaint> read_complaint(std::string_view message, std::string_view file) {
  const std::string tail = fmt::format(" of {}", file);
  constexpr std::string_view kAt = " at line ";
  const std::size_t of = message.rfind(tail);
  if (of == std::string_view::npos) return {};
  // The path of another file may go on behind this one's.
  const std::size_t behind = of + tail.size();
  if (behind < message.size() && message[behind] != ' ' && message[behind] != '\n') return {};
  const std::size_t at = message.substr(0, of).rfind(kAt);
  if (at == std::string_view::npos) return {};
  SyntaxComplaint complaint;
  const char* digits = message.data() + at + kAt.size();
  const auto end = std::from_chars(digits, message.data() + of, complaint.line);
  if (end.ec != std::errc() || end.ptr != message.data() + of) return {};
  complaint.words = trimmed(message.substr(0, at));
  return complaint;
}

Result<std::optional<SyntaxComplaint>> check_syntax(const std::string& program,
                                                    const std::string& scratch_folder,
                                                    std::string_view name, std::string_view text,
                                                    std::stop_token stop) {
  const ScratchFile file(fmt::format("{}/{}", scratch_folder, name));
  if (auto written = file.write(text); !written) return tl::unexpected(written.error());
  const auto outcome =
      run_program({program, "--test", "--conf-file=" + file.path()}, {}, std::move(stop));
  if (!outcome) {
    if (outcome.error().check == "program-missing") return dnsmasq_missing(program);
    return tl::unexpected(outcome.error());
  }
  if (outcome->exit_code == 0) return std::optional<SyntaxComplaint>{};
  std::string_view words = trimmed(outcome->err.empty() ? outcome->out : outcome->err);
  constexpr std::string_view kPrefix = "dnsmasq: ";
  if (words.starts_with(kPrefix)) words.remove_prefix(kPrefix.size());
  if (auto complaint = read_complaint(words, file.path())) return complaint;
  if (words.empty()) {
    return std::optional(SyntaxComplaint{fmt::format("exit code {}", outcome->exit_code), 0});
  }
  return std::optional(SyntaxComplaint{std::string(first_line(words)), 0});
}

}  // namespace metalwright::reconciler
