#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// The model's memory. A fleet has 100,000 servers and most of what is kept of one is short text,
/// so the model's values are trivially destructible, live in an `Arena` and are freed with it:
/// no allocation a string, eight bytes a reference, and unchanged servers shared by revisions.
namespace metalwright {

/// Text that lives in an `Arena`: eight bytes, never null, valid as long as the arena.
/// The default is the empty text, which is how the model says "not given".
class Text {
 public:
  constexpr Text() = default;
  [[nodiscard]] std::string_view view() const {
    if (bytes_ == nullptr) return {};
    std::uint32_t size;
    std::memcpy(&size, bytes_, sizeof size);
    return {bytes_ + sizeof size, size};
  }
  operator std::string_view() const { return view(); }  // NOLINT: a Text is a string_view
  [[nodiscard]] bool empty() const { return bytes_ == nullptr; }
  /// The very same bytes in memory: equal for certain, and otherwise nothing is said.
  [[nodiscard]] bool same(Text other) const { return bytes_ == other.bytes_; }
  friend bool operator==(Text a, Text b) { return a.bytes_ == b.bytes_ || a.view() == b.view(); }
  friend bool operator==(Text a, std::string_view b) { return a.view() == b; }
  friend auto operator<=>(Text a, Text b) { return a.view() <=> b.view(); }

 private:
  friend class Arena;
  explicit Text(const char* bytes) : bytes_(bytes) {}
  const char* bytes_ = nullptr;  // a 32-bit length, then that many bytes
};

/// Memory that is only ever added to and freed as a whole. Not for concurrent use.
class Arena {
 public:
  Arena();
  ~Arena();
  Arena(Arena&&) noexcept;
  Arena& operator=(Arena&&) noexcept;

  /// A copy of `bytes`; the empty Text for empty bytes.
  [[nodiscard]] Text copy(std::string_view bytes);
  /// Like `copy`, but equal texts share their bytes: for values that repeat (a site, a role).
  [[nodiscard]] Text intern(std::string_view bytes);
  /// A copy of `values`, for plain values only: nothing in an arena is ever destroyed.
  template <class T>
  [[nodiscard]] std::span<const T> copy_span(std::span<const T> values) {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);
    if (values.empty()) return {};
    void* at = allocate(values.size_bytes(), alignof(T));
    std::memcpy(at, values.data(), values.size_bytes());
    return {static_cast<const T*>(at), values.size()};
  }
  template <class T>
  [[nodiscard]] const T* copy_value(const T& value) {
    return copy_span(std::span<const T>(&value, 1)).data();
  }
  /// Takes over a buffer that holds texts in the arena's own form (a 32-bit length in the machine's
  /// byte order, then the bytes), as a cache file does: they are used where they are.
  [[nodiscard]] std::string_view adopt(std::string buffer);
  /// The text at `offset` of an adopted buffer; empty where it does not lie within the buffer.
  [[nodiscard]] static Text text_at(std::string_view adopted, std::size_t offset);
  /// Appends a text to a buffer in that form.
  static void append_text(std::string& buffer, std::string_view text);
  /// Bytes taken from the system so far.
  [[nodiscard]] std::size_t capacity_bytes() const;

 private:
  [[nodiscard]] void* allocate(std::size_t size, std::size_t alignment);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace metalwright
