#include "reconciler/targets/routeros/rest_rows.h"

#include <nlohmann/json.hpp>

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

/// Rows straight from the events of the parser: a tree of 5,000 leases would be built to be thrown
/// away.
class RowReader : public nlohmann::json_sax<json> {
 public:
  std::vector<RestRow> rows;
  [[nodiscard]] bool whole() const { return depth_ == 0 && objects_; }

  bool null() override { return take({}); }
  bool boolean(bool value) override { return take(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return take(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return take(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return take(text); }
  bool string(string_t& value) override { return take(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(true); }
  bool key(string_t& name) override {
    if (depth_ == row_depth_) name_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(false); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  static constexpr int kNoRow = -1;
  static constexpr int kDeepest = 64;

  /// What stands within a row is a property that nothing here knows: it is passed over.
  bool open(bool object) {
    objects_ = true;
    ++depth_;
    if (row_depth_ != kNoRow) return depth_ < kDeepest;
    if (!object) return depth_ == 1;
    if (depth_ > 2) return false;
    row_depth_ = depth_;
    rows.emplace_back();
    return true;
  }
  bool close() {
    if (depth_ == row_depth_) row_depth_ = kNoRow;
    --depth_;
    return true;
  }
  bool take(std::string value) {
    if (row_depth_ == kNoRow) return false;
    if (depth_ != row_depth_) return true;
    if (name_ == ".id") {
      rows.back().id = std::move(value);
    } else {
      rows.back().values.emplace_back(std::move(name_), std::move(value));
    }
    return true;
  }

  std::string name_;
  int depth_ = 0, row_depth_ = kNoRow;
  bool objects_ = false;
};

}  // namespace

std::string_view RestRow::value(std::string_view property) const {
  for (const auto& [name, value] : values) {
    if (name == property) return value;
  }
  return {};
}

bool RestRow::is_true(std::string_view property) const {
  const std::string_view text = value(property);
  return text == "true" || text == "yes";
}

Result<std::vector<RestRow>> read_rest_rows(std::string_view body) {
  RowReader reader;
  if (!json::sax_parse(body, &reader) || !reader.whole()) {
    return unavailable("routeros-answer", "the answer is not what RouterOS's REST would give");
  }
  return std::move(reader.rows);
}

std::string rest_error_text(std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object()) return {};
  for (const char* member : {"detail", "message"}) {
    const auto at = document.find(member);
    if (at != document.end() && at->is_string()) return at->get<std::string>();
  }
  return {};
}

std::string rest_object(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text = "{";
  for (const auto& [name, value] : values) {
    if (text.size() > 1) text += ',';
    text += json(name).dump();
    text += ':';
    text += json(value).dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return text + '}';
}

}  // namespace metalwright::reconciler
