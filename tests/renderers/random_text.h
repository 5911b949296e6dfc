#pragma once

#include <random>
#include <string>
#include <string_view>

namespace metalwright::renderers {

/// Text that is made of what formats stumble over.
class RandomText {
 public:
  explicit RandomText(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

  /// Up to `longest` pieces; `alphabet` is cut at its blanks, a blank itself is `_`.
  std::string of(std::string_view alphabet, std::size_t longest) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < alphabet.size();) {
      const std::size_t end = std::min(alphabet.find(' ', at), alphabet.size());
      pieces.emplace_back(alphabet.substr(at, end - at));
      if (pieces.back() == "_") pieces.back() = " ";
      at = end + 1;
    }
    std::string text;
    for (std::size_t left = below(longest + 1); left > 0; --left)
      text += pieces[below(pieces.size())];
    return text;
  }

  /// Any Unicode text, NUL and line ends too.
  std::string unicode(std::size_t longest) {
    std::string text;
    for (std::size_t left = below(longest + 1); left > 0; --left)
      append_code_point(text, code_point());
    return text;
  }

 private:
  std::uint32_t code_point() {
    switch (below(8)) {
      case 0:
        return static_cast<std::uint32_t>(below(0x20));
      case 1:
        return static_cast<std::uint32_t>(0x7F + below(0x30));
      case 2:
        return static_cast<std::uint32_t>(0x2020 + below(0x50));
      case 3:
        return static_cast<std::uint32_t>(0xFFF0 + below(0x10));
      case 4:
        return static_cast<std::uint32_t>(0x10000 + below(0x100000));
      case 5:
        return static_cast<unsigned char>(":#-?\"'\\&*!|>%@`{}[], "[below(21)]);
      default:
        return static_cast<std::uint32_t>(0x20 + below(0x5F));
    }
  }

  static void append_code_point(std::string& text, std::uint32_t code) {
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
      text += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
               static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      text +=
          {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
           static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
    }
  }

  std::mt19937_64 random_;
};

}  // namespace metalwright::renderers
