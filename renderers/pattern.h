#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text with places that differ from machine to machine: a profile's part of a boot file is worked
/// out once and then only filled in.
namespace metalwright::renderers {

/// What can stand in a place. The first four are the user's own `${mac}`, `${uuid}`, `${hostname}`
/// and `${ip}`; `arguments` is what a server adds to the kernel's command line, each argument with
/// a blank before it; `base` is where the boot tree begins, with a slash at its end.
enum class Place : std::uint8_t {
  mac = 1,
  uuid = 2,
  hostname = 3,
  ip = 4,
  arguments = 5,
  base = 6
};
inline constexpr std::size_t kPlaces = 7;  // counted from 0, which is none

/// The byte that stands for a place in marked text. Text of users holds no control characters, so
/// a marked text is unambiguous and can be quoted by a format like any other.
[[nodiscard]] constexpr char mark_of(Place place) { return static_cast<char>(place); }
[[nodiscard]] constexpr bool is_mark(char c) {
  return c > 0 && static_cast<std::size_t>(c) < kPlaces;
}

/// The word of a place of the user's, such as `hostname`.
[[nodiscard]] std::string_view word(Place place);

/// What fills the places, in the spelling of the format. A null view is a value nobody knows.
struct PlaceValues {
  std::array<std::string_view, kPlaces> values{};

  [[nodiscard]] std::string_view operator[](Place place) const {
    return values[static_cast<std::size_t>(place)];
  }
  void set(Place place, std::string_view value) { values[static_cast<std::size_t>(place)] = value; }
  [[nodiscard]] bool knows(Place place) const { return (*this)[place].data() != nullptr; }
};

class Pattern {
 public:
  Pattern() = default;
  explicit Pattern(std::string_view marked_text);

  /// Appends the text with its places filled in; an unknown value is empty.
  void append_to(std::string& out, const PlaceValues& values) const;
  /// Bytes that `append_to` would append.
  [[nodiscard]] std::size_t size(const PlaceValues& values) const;
  [[nodiscard]] bool has(Place place) const;

 private:
  struct Piece {
    std::string text;  // before the place
    std::uint8_t place = 0;
  };
  std::vector<Piece> pieces_;
};

}  // namespace metalwright::renderers
