#include "schemas/text.h"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace metalwright {
namespace {
constexpr std::size_t kFirstChunk = std::size_t{16} * 1024;
constexpr std::size_t kLargestChunk = std::size_t{256} * 1024;

struct TextHash {
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
}  // namespace

struct Arena::State {
  std::vector<std::unique_ptr<std::byte[]>> chunks;
  std::vector<std::unique_ptr<std::string>> adopted;
  std::byte* next = nullptr;
  std::byte* end = nullptr;
  std::size_t capacity = 0;
  std::unordered_set<std::string_view, TextHash> interned;  // views of Texts in the chunks
};

Arena::Arena() : state_(std::make_unique<State>()) {}
Arena::~Arena() = default;
Arena::Arena(Arena&&) noexcept = default;
Arena& Arena::operator=(Arena&&) noexcept = default;

void* Arena::allocate(std::size_t size, std::size_t alignment) {
  State& s = *state_;
  const auto aligned = [&] {
    const auto address = reinterpret_cast<std::uintptr_t>(s.next);
    return (address + alignment - 1) & ~(alignment - 1);
  };
  if (s.next == nullptr || aligned() + size > reinterpret_cast<std::uintptr_t>(s.end)) {
    // Chunks grow with the arena, so that a small one stays small and a large one has few.
    const std::size_t usual = std::clamp(s.capacity / 4, kFirstChunk, kLargestChunk);
    const std::size_t chunk = std::max(usual, size + alignment);
    s.chunks.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk));
    s.next = s.chunks.back().get();
    s.end = s.next + chunk;
    s.capacity += chunk;
  }
  auto* at = reinterpret_cast<std::byte*>(aligned());
  s.next = at + size;
  return at;
}

Text Arena::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto size = static_cast<std::uint32_t>(bytes.size());
  auto* at = static_cast<char*>(allocate(sizeof size + bytes.size(), alignof(char)));
  std::memcpy(at, &size, sizeof size);
  std::memcpy(at + sizeof size, bytes.data(), bytes.size());
  return Text(at);
}

Text Arena::intern(std::string_view bytes) {
  if (bytes.empty()) return {};
  State& s = *state_;
  if (const auto found = s.interned.find(bytes); found != s.interned.end()) {
    return Text(found->data() - sizeof(std::uint32_t));
  }
  const Text text = copy(bytes);
  s.interned.insert(text.view());
  return text;
}

std::string_view Arena::adopt(std::string buffer) {
  state_->capacity += buffer.size();
  state_->adopted.push_back(std::make_unique<std::string>(std::move(buffer)));
  return *state_->adopted.back();
}

Text Arena::text_at(std::string_view adopted, std::size_t offset) {
  std::uint32_t size = 0;
  if (offset > adopted.size() || adopted.size() - offset < sizeof size) return {};
  std::memcpy(&size, adopted.data() + offset, sizeof size);
  if (size == 0 || adopted.size() - offset - sizeof size < size) return {};
  return Text(adopted.data() + offset);
}

void Arena::append_text(std::string& buffer, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  buffer.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

std::size_t Arena::capacity_bytes() const { return state_->capacity; }

}  // namespace metalwright
