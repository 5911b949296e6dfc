#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httplib {
struct Request;
}
namespace metalwright {
struct ListenAddress;
}

/// One request and its answer, as handlers see them: nothing of the HTTP library.
namespace metalwright::service {

class HttpConnection;

enum class Method : std::uint8_t { get, head, post, put, delete_, other };
[[nodiscard]] std::string_view word(Method method);

/// An open file; closed with the last that refers to it.
struct OpenFile {
  explicit OpenFile(int opened) : descriptor(opened) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor;
};

/// A part of a file as the body: sent by the kernel, never read into memory.
struct FileBody {
  std::shared_ptr<const OpenFile> file;
  std::uint64_t offset = 0, length = 0;
};

struct Reply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<FileBody> file;  ///< instead of `body`

  void header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
  }
};

/// Who asks, by his token.
enum class Role : std::uint8_t {
  none,
  node,  ///< one node, by a token of its name
  viewer,
  operator_,
  admin
};
[[nodiscard]] std::string_view word(Role role);
[[nodiscard]] std::optional<Role> parse_role(std::string_view word);

class Request {
 public:
  Request(const httplib::Request& request, HttpConnection& connection);

  [[nodiscard]] Method method() const { return method_; }
  [[nodiscard]] bool head() const { return method_ == Method::head; }
  /// Percent-decoded.
  [[nodiscard]] std::string_view path() const;
  /// The first of that name; null where there is none.
  [[nodiscard]] const std::string* query(const std::string& name) const;
  /// Empty where there is none. Names are compared without case.
  [[nodiscard]] std::string header(const std::string& name) const;
  /// Where the connection comes from: an address without port.
  [[nodiscard]] const std::string& peer() const;
  /// Where it was asked.
  [[nodiscard]] const ListenAddress& listener() const;

  /// Reads the body. False where it is too long, too slow or broken: `read_failure` says the
  /// status to answer with.
  [[nodiscard]] bool read_body();
  [[nodiscard]] int read_failure() const { return read_failure_; }
  [[nodiscard]] const std::string& body() const { return body_; }

  /// The parts of the path that the route's pattern names, in its order.
  std::vector<std::string> parts;
  std::string client;  ///< the client's address: the peer, or what a trusted proxy says
  std::string who;     ///< for records: the token's name, else the address
  Role role = Role::none;

 private:
  const httplib::Request& request_;
  HttpConnection& connection_;
  Method method_;
  std::string body_;
  int read_failure_ = 0;
};

/// Answers one request. Called from many threads at once.
using Handle = std::function<void(Request&, Reply&)>;

}  // namespace metalwright::service
