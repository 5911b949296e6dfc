#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"

/// Strict reading of JSON documents that come from outside: saved plans and snapshots. Nothing is
/// skipped, guessed or read twice, and memory is bounded by what the reader keeps.
namespace metalwright::reconciler {

struct JsonBounds {
  std::size_t bytes = std::size_t{1} << 30U;  ///< of the whole document
  std::size_t depth = 8;                      ///< of objects and arrays in each other
  std::size_t elements = 4'000'000;           ///< of one array at the top
};

/// Where a value stands, as in `changes[3]`: for messages.
using JsonPath = std::string;

/// Takes a member of the document's top object, or one element of it where it is an array, so that
/// a large array is never in memory as a whole. `index` is kNoIndex for what is not an element.
inline constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();
using JsonHandler = std::function<Result<void>(const std::string& member, std::size_t index,
                                               const nlohmann::json& value)>;

/// Reads a document whose top is an object. An array member that has no element is handed over as
/// it is. Errors: `invalid` with `check` and the document's name as origin: not JSON, not UTF-8, a
/// member twice in one object, something after the end, or a bound; and the first of the handler's.
[[nodiscard]] Result<void> read_json(std::string_view document, const std::string& name,
                                     std::string_view check, const JsonBounds& bounds,
                                     const JsonHandler& handler);

/// The members of one object, taken one by one. The first thing wrong is kept, and what is taken
/// after it is empty, so that a reader can take all and ask once.
class JsonObject {
 public:
  /// `path` is what messages call the object; empty for the top.
  JsonObject(const nlohmann::json& value, JsonPath path, std::string_view check,
             const std::string& document);

  [[nodiscard]] std::string text(const char* member);
  [[nodiscard]] std::uint64_t number(const char* member, std::uint64_t most);
  [[nodiscard]] bool boolean(const char* member);
  /// 64 hexadecimal digits, or null for the empty digest.
  [[nodiscard]] Digest digest(const char* member);
  /// An object of file, line and column, or null for the empty origin.
  [[nodiscard]] Origin origin(const char* member);
  /// One of these words; the index into them.
  [[nodiscard]] std::size_t word(const char* member, const std::string_view* words,
                                 std::size_t count);
  [[nodiscard]] std::vector<std::string> texts(const char* member);
  /// Text, or empty where it is null.
  [[nodiscard]] std::optional<std::string> text_or_null(const char* member);
  /// Each element of an array of objects, with its path.
  void objects(const char* member,
               const std::function<void(const nlohmann::json&, const JsonPath&)>& each);

  /// Takes over what went wrong in an object within.
  void add(Result<void> inner);
  /// The first thing that was wrong: also a member that nobody took.
  [[nodiscard]] Result<void> finish();

 private:
  [[nodiscard]] const nlohmann::json* take(const char* member);
  void wrong(std::string_view member, std::string message);

  const nlohmann::json& value_;
  JsonPath path_;
  std::string check_;
  std::string document_;
  std::vector<std::string_view> taken_;
  std::optional<Error> error_;
};

/// JSON text on one line with sorted members; U+FFFD for what is not UTF-8.
[[nodiscard]] std::string json_line(const nlohmann::json& value);
[[nodiscard]] nlohmann::json json_of(const Digest& digest);
[[nodiscard]] nlohmann::json json_of(const Origin& origin);

}  // namespace metalwright::reconciler
