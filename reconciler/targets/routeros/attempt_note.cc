#include "reconciler/targets/routeros/attempt_note.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "reconciler/file_system.h"

namespace metalwright::reconciler {
namespace {

constexpr std::uint16_t kPrivate = 0600;
constexpr std::size_t kDigits = 64;

}  // namespace

std::optional<Attempt> AttemptNote::load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Digest plan = Digest::from_hex(std::string_view(text).substr(0, kDigits));
  if (plan.empty() || text.size() <= kDigits || text.back() != '\n') return std::nullopt;
  std::string why = text.substr(kDigits, text.size() - kDigits - 1);
  if (why.starts_with(' ')) why.erase(0, 1);
  return Attempt{.plan = plan, .why = std::move(why)};
}

Result<void> AttemptNote::save(const Attempt& attempt) const {
  std::string why = attempt.why;
  std::replace(why.begin(), why.end(), '\n', ' ');
  return replace_file(path_, attempt.plan.hex() + ' ' + why + '\n', kPrivate);
}

Result<void> AttemptNote::remove() const {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return system_failure("routeros-note", "cannot remove '" + path_ + "'", errno);
  }
  return {};
}

}  // namespace metalwright::reconciler
