#include "reconciler/lifecycle/bmc_note.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/digest.h"
#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
constexpr std::string_view kCheck = "bmc-note";
constexpr std::size_t kDigest = 64;

std::string text_of(const BmcEntries& entries) {
  json list = json::array();
  for (const BmcEntry& each : entries.entries) {
    list.push_back({each.device, each.interface, each.mac, each.text});
  }
  const std::string body = json{{"key", entries.key}, {"entries", list}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  return sha256(body).hex() + body;
}

BmcEntries read(std::string_view text) {
  BmcEntries out;
  if (text.size() < kDigest || sha256(text.substr(kDigest)).hex() != text.substr(0, kDigest)) {
    return out;  // cut off while it was written
  }
  const json said = json::parse(text.substr(kDigest), nullptr, false);
  out.key = said.value("key", "");
  for (const json& each : said.value("entries", json::array())) {
    out.entries.push_back({each.at(0).get<std::int64_t>(), each.at(1).get<std::int64_t>(),
                           each.at(2).get<std::string>(), each.at(3).get<std::string>()});
  }
  return out;
}
}  // namespace

Result<BmcNote> BmcNote::open(const std::string& path) {
  std::error_code ignored;  // what it is for shows when the file is opened
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  constexpr int kOwnerOnly = 0600;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (file < 0) {
    return system_failure(
        kCheck, fmt::format("keeping what is about to be set in {}", metalwright::quoted(path)),
        errno);
  }
  BmcNote note(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    return unavailable(kCheck, "another load of MAC addresses is running");
  }
  return note;
}

BmcNote::BmcNote(BmcNote&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

BmcNote::~BmcNote() {
  if (file_ >= 0) ::close(file_);
}

Result<BmcEntries> BmcNote::left() const {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got =
        ::pread(file_, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(kCheck, "reading what was about to be set", errno);
    if (got == 0) return read(text);
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<void> BmcNote::keep(const BmcEntries& entries) { return replace(text_of(entries)); }
Result<void> BmcNote::clear() { return replace(""); }

Result<void> BmcNote::replace(const std::string& bytes) {
  const auto failed = [] {
    return system_failure(kCheck, "keeping what is about to be set", errno);
  };
  if (::ftruncate(file_, 0) != 0) return failed();
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t put =
        ::pwrite(file_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed();
    at += static_cast<std::size_t>(put);
  }
  if (::fdatasync(file_) != 0) return failed();
  return {};
}

}  // namespace metalwright::lifecycle
