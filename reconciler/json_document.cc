#include "reconciler/json_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "reconciler/printable.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {
using nlohmann::json;

constexpr std::size_t kMessageBytes = 200;

tl::unexpected<Error> wrong_document(std::string_view check, const std::string& name,
                                     std::string message) {
  return invalid(check, std::move(message), Origin{name, 0, 0});
}

/// Builds each member, or each element of a member that is an array, and hands it over.
class Reader : public nlohmann::json_sax<json> {
 public:
  Reader(const std::string& name, std::string_view check, const JsonBounds& bounds,
         const JsonHandler& handler)
      : name_(name), check_(check), bounds_(bounds), handler_(handler) {}

  bool null() override { return value(json(nullptr)); }
  bool boolean(bool given) override { return value(json(given)); }
  bool number_integer(number_integer_t given) override { return value(json(given)); }
  bool number_unsigned(number_unsigned_t given) override { return value(json(given)); }
  bool number_float(number_float_t given, const string_t&) override { return value(json(given)); }
  bool string(string_t& given) override { return value(json(std::move(given))); }
  bool binary(binary_t&) override { return wrong("binary values are not JSON"); }
  bool start_object(std::size_t) override { return start(json::object()); }
  bool start_array(std::size_t) override { return start(json::array()); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }

  bool key(string_t& given) override {
    if (depth_ == 1) {
      if (!members_.insert(given).second) return wrong(twice(given));
      member_ = std::move(given);
      index_ = 0;
      return true;
    }
    if (open_.back()->contains(given)) return wrong(twice(given));
    key_ = std::move(given);
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& thrown) override {
    // nlohmann's text begins with an id of its own in brackets.
    std::string_view text = thrown.what();
    if (const std::size_t at = text.find("] "); at != std::string_view::npos) {
      text.remove_prefix(at + 2);
    }
    return wrong("not JSON: " + printable(text, kMessageBytes));
  }

  [[nodiscard]] Result<void> result() {
    if (error_) return tl::unexpected<Error>(std::move(*error_));
    return {};
  }

 private:
  // Depth 1 is the top object, 2 an array that is a member of it.
  bool start(json container) {
    if (depth_ == bounds_.depth) {
      return wrong(fmt::format("objects and arrays are nested more than {} deep", bounds_.depth));
    }
    if (depth_ == 0 && !container.is_object()) return wrong("the document is not an object");
    const bool streamed = depth_ == 1 && container.is_array();
    ++depth_;
    if (depth_ == 1) return true;
    if (streamed) {
      in_array_ = true;
      return true;
    }
    if (open_.empty()) {
      current_ = std::move(container);
      open_.push_back(&current_);
      return true;
    }
    open_.push_back(&put(std::move(container)));
    return true;
  }

  bool end() {
    --depth_;
    if (depth_ == 0) return true;
    if (depth_ == 1 && in_array_ && open_.empty()) {
      in_array_ = false;
      return index_ != 0 || hand_over(kNoIndex, json::array());
    }
    open_.pop_back();
    return !open_.empty() || complete(std::exchange(current_, json()));
  }

  bool value(json given) {
    if (depth_ == 0) return wrong("the document is not an object");
    if (open_.empty()) return complete(std::move(given));
    put(std::move(given));
    return true;
  }

  json& put(json given) {
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(given));
      return parent.back();
    }
    return parent[key_] = std::move(given);
  }

  bool complete(json given) {
    if (!in_array_) return hand_over(kNoIndex, given);
    if (index_ == bounds_.elements) {
      return wrong(fmt::format("{} has more than {} elements", member_, bounds_.elements));
    }
    return hand_over(index_++, given);
  }

  bool hand_over(std::size_t index, const json& given) {
    Result<void> taken = handler_(member_, index, given);
    if (!taken) error_ = std::move(taken).error();
    return !error_;
  }

  static std::string twice(const std::string& key) {
    return fmt::format("the member {} is given twice", metalwright::quoted(key));
  }

  bool wrong(std::string message) {
    if (!error_) error_ = wrong_document(check_, name_, std::move(message)).value();
    return false;
  }

  const std::string& name_;
  std::string_view check_;
  const JsonBounds& bounds_;
  const JsonHandler& handler_;
  std::set<std::string> members_;
  std::string member_, key_;
  std::size_t depth_ = 0, index_ = 0;
  bool in_array_ = false;
  json current_;
  std::vector<json*> open_;  // the containers that are being filled, outermost first
  std::optional<Error> error_;
};
}  // namespace

Result<void> read_json(std::string_view document, const std::string& name, std::string_view check,
                       const JsonBounds& bounds, const JsonHandler& handler) {
  if (document.size() > bounds.bytes) {
    return wrong_document(
        check, name,
        fmt::format("the document has {} bytes: wanted at most {}", document.size(), bounds.bytes));
  }
  Reader reader(name, check, bounds, handler);
  json::sax_parse(document.begin(), document.end(), &reader);
  return reader.result();
}

JsonObject::JsonObject(const json& value, JsonPath path, std::string_view check,
                       const std::string& document)
    : value_(value), path_(std::move(path)), check_(check), document_(document) {
  if (!value_.is_object()) wrong("", "wanted an object");
}

void JsonObject::wrong(std::string_view member, std::string message) {
  if (error_) return;
  std::string place = path_;
  if (!member.empty()) place += (place.empty() ? "" : ".") + shown(member);
  if (!place.empty()) message = place + ": " + message;
  error_ = wrong_document(check_, document_, std::move(message)).value();
}

const json* JsonObject::take(const char* member) {
  if (error_) return nullptr;
  taken_.emplace_back(member);
  const auto at = value_.find(member);
  if (at == value_.end()) {
    wrong(member, "is missing");
    return nullptr;
  }
  return &*at;
}

std::string JsonObject::text(const char* member) {
  const json* const value = take(member);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  wrong(member, "wanted text");
  return {};
}

std::optional<std::string> JsonObject::text_or_null(const char* member) {
  const json* const value = take(member);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong(member, "wanted text or null");
  return std::nullopt;
}

std::uint64_t JsonObject::number(const char* member, std::uint64_t most) {
  const json* const value = take(member);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() <= most) {
    return value->get<std::uint64_t>();
  }
  wrong(member, fmt::format("wanted a whole number from 0 to {}", most));
  return 0;
}

bool JsonObject::boolean(const char* member) {
  const json* const value = take(member);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  wrong(member, "wanted true or false");
  return false;
}

Digest JsonObject::digest(const char* member) {
  const json* const value = take(member);
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const Digest digest = Digest::from_hex(text);
    // One spelling, so that writing gives the same bytes again.
    if (!digest.empty() && digest.hex() == text) return digest;
  }
  wrong(member, "wanted 64 lower-case hexadecimal digits, or null");
  return {};
}

Origin JsonObject::origin(const char* member) {
  const json* const value = take(member);
  if (value == nullptr || value->is_null()) return {};
  JsonObject object(*value, path_ + (path_.empty() ? "" : ".") + member, check_, document_);
  Origin origin;
  origin.file = object.text("file");
  origin.line =
      static_cast<std::uint32_t>(object.number("line", std::numeric_limits<std::uint32_t>::max()));
  origin.column = static_cast<std::uint32_t>(
      object.number("column", std::numeric_limits<std::uint32_t>::max()));
  add(object.finish());
  return origin;
}

std::size_t JsonObject::word(const char* member, const std::string_view* words, std::size_t count) {
  const json* const value = take(member);
  if (value == nullptr) return 0;
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    if (value->is_string() && value->get_ref<const std::string&>() == words[i]) return i;
    list += (i == 0 ? "" : ", ") + std::string(words[i]);
  }
  const std::string found =
      value->is_string() ? metalwright::quoted(value->get<std::string>()) + ": " : "";
  wrong(member, fmt::format("{}wanted one of {}", found, list));
  return 0;
}

std::vector<std::string> JsonObject::texts(const char* member) {
  const json* const value = take(member);
  if (value == nullptr) return {};
  std::vector<std::string> texts;
  if (value->is_array()) {
    for (const json& element : *value) {
      if (!element.is_string()) break;
      texts.push_back(element.get<std::string>());
    }
    if (texts.size() == value->size()) return texts;
  }
  wrong(member, "wanted a list of texts");
  return {};
}

void JsonObject::objects(const char* member,
                         const std::function<void(const json&, const JsonPath&)>& each) {
  const json* const value = take(member);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong(member, "wanted a list");
  std::size_t index = 0;
  for (const json& element : *value) {
    each(element, fmt::format("{}{}{}[{}]", path_, path_.empty() ? "" : ".", member, index++));
    if (error_) return;
  }
}

void JsonObject::add(Result<void> inner) {
  if (!inner && !error_) error_ = std::move(inner).error();
}

Result<void> JsonObject::finish() {
  if (!error_) {
    for (const auto& [member, ignored] : value_.items()) {
      if (std::find(taken_.begin(), taken_.end(), member) == taken_.end()) {
        wrong(member, "is not a member that this version of metalwright knows");
        break;
      }
    }
  }
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

std::string json_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json json_of(const Digest& digest) { return digest.empty() ? json(nullptr) : json(digest.hex()); }

json json_of(const Origin& origin) {
  if (origin == Origin{}) return nullptr;
  return {{"file", origin.file}, {"line", origin.line}, {"column", origin.column}};
}

}  // namespace metalwright::reconciler
