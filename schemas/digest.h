#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace metalwright {

/// A SHA-256 (FIPS 180-4) of some bytes: the one digest used for contents, plans and revisions.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  friend auto operator<=>(const Digest&, const Digest&) = default;
  /// True for the value of no bytes at all having been hashed: "not known".
  [[nodiscard]] bool empty() const { return *this == Digest{}; }
  /// 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  /// The digest of 64 hexadecimal digits in any case; the empty digest for anything else.
  [[nodiscard]] static Digest from_hex(std::string_view hex);
};

[[nodiscard]] Digest sha256(std::string_view bytes);

/// A digest over parts, each with its length, so that no two lists of parts meet in one digest.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;
  /// Adds a part (its length first).
  Digester& add(std::string_view part);
  /// Adds bytes as they are: `raw` calls alone give the plain SHA-256 of a stream.
  Digester& raw(std::string_view bytes);
  /// The digest; afterwards the digester is as new.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace metalwright
