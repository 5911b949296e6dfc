// The service's routes, from the bytes of a request to the bytes of its answer: a first line
// `METHOD TARGET`, header lines, an empty line, and a body whose length is put in. A `!` before
// the method sends an administrator's token with it.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "pipeline/service/openapi.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/service_site.h"

namespace {

using namespace metalwright;           // NOLINT: a program of its own
using namespace metalwright::service;  // NOLINT

struct Question {
  std::string method, target, bytes;
};

std::string_view cut_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

Question question_of(std::string_view text) {
  Question question;
  const bool token = text.starts_with('!');
  if (token) text.remove_prefix(1);
  const std::string_view line = cut_line(text);
  question.method = line.substr(0, line.find(' '));
  question.target = line.substr(std::min(line.size(), question.method.size() + 1));
  std::string& bytes = question.bytes;
  bytes = question.method + ' ' + question.target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  if (token) bytes += "Authorization: Bearer " + std::string(ServiceSite::kToken) + "\r\n";
  while (!text.empty()) {
    const std::string_view header = cut_line(text);
    if (header.empty()) break;
    bytes += std::string(header) + "\r\n";
  }
  if (!text.empty()) bytes += "Content-Length: " + std::to_string(text.size()) + "\r\n";
  bytes += "\r\n" + std::string(text);
  return question;
}

Method method_of(std::string_view word) {
  if (word == "GET") return Method::get;
  if (word == "HEAD") return Method::head;
  if (word == "POST") return Method::post;
  if (word == "PUT") return Method::put;
  return word == "DELETE" ? Method::delete_ : Method::other;
}

/// The path of a target without escapes; empty where it has some.
std::string_view plain_path(std::string_view target) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  return path.find('%') == std::string_view::npos ? path : std::string_view();
}

bool is_script(const WireAnswer& answer) {
  const bool text = std::all_of(answer.body.begin(), answer.body.end(), [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
  return text && answer.body.starts_with("#!ipxe\n") && answer.body.ends_with('\n');
}

void check_route(const service::Route& route, const Question& question, const WireAnswer& answer) {
  const std::string* const type = answer.header("content-type");
  const std::string_view media =
      type == nullptr ? std::string_view() : std::string_view(*type).substr(0, type->find(';'));
  bool described = false;
  for (const AnswerShape& shape : answer_shapes()) {
    described |= shape.method == route.method && shape.pattern == route.pattern &&
                 shape.status == answer.status && shape.media == media;
  }
  // What any route may answer.
  described |= answer.status >= 400 && media == "application/json";
  if (!described) std::fprintf(stderr, "%d %s\n", answer.status, std::string(media).c_str());
  require(described, "the API's description has such an answer");
  if (question.method == "HEAD") return;
  if (media == "application/json") {
    require(nlohmann::json::accept(answer.body), "what is said to be JSON is JSON");
  }
  if (route.pattern == "/boot/menu.ipxe" && media == "text/plain") {
    require(is_script(answer), "a menu is a script");
  }
  if (route.pattern == "/boot/{profile}.ipxe" && media == "text/plain") {
    require(is_script(answer), "a profile is a script");
  }
  if (media == "application/octet-stream") {
    require(answer.body.find(ServiceSite::kOutside) == std::string::npos, "links lead nowhere");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static ServiceSite site(false);
  const Question question = question_of(as_text(bytes, size));
  // One that waits for another revision waits for a minute.
  if (size > 64 * 1024 || question.target.find("wait") != std::string::npos) return 0;
  const auto answers = read_answers(site.answer(question.bytes), question.method == "HEAD");
  require(!answers.empty(), "there is an answer");
  const WireAnswer& answer = answers.back();
  require(answers.size() == 1 || (answers.size() == 2 && answers[0].status == 100),
          "a request has one answer");
  require(answer.status != 500, "nothing fails unexpectedly");
  if (const std::string* const type = answer.header("content-type")) {
    require(answer.header("x-content-type-options") != nullptr, "no browser guesses types");
    require(!type->empty(), "a body has a type");
  }
  require(answer.header("access-control-allow-origin") == nullptr, "other origins read nothing");
  if (answer.status == 400 || answer.status == 431) return 0;  // perhaps of the head
  const std::string_view path = plain_path(question.target);
  const RouteMatch match = site.routes().match(method_of(question.method), path);
  if (!path.empty() && match.route != nullptr) check_route(*match.route, question, answer);
  return 0;
}
