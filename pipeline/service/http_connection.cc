#include "pipeline/service/http_connection.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "pipeline/service/error_body.h"

namespace metalwright::service {
namespace {

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kGatherBytes = 256 * 1024;  // an answer above that is sent as it comes
constexpr std::size_t kFileStep = 1024 * 1024;
constexpr std::chrono::seconds kLinger{5};
constexpr std::size_t kDrainBytes = 4 * 1024 * 1024;

std::string_view phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    default:
      return "Service Unavailable";
  }
}

/// What cpp-httplib is not to see: it looks at `Range` before any handler does, and slices answers
/// by it as it likes; and it would tell whoever expects it to go on before anybody asked who he is.
/// The names are written over, and the assets' handler reads the range under the other one.
void hide_headers(std::string& input, std::size_t begin, std::size_t end) {
  for (std::size_t at = begin; (at = input.find("\r\n", at)) < end; at += 2) {
    for (const std::string_view name : {"range:", "expect:"}) {
      if (at + 2 + name.size() > end) continue;
      if (strncasecmp(input.data() + at + 2, name.data(), name.size()) != 0) continue;
      input[at + name.size()] = '_';
    }
  }
}

}  // namespace

HttpConnection::HttpConnection(Taken taken, SSL* tls, const ConnectionLimits& limits,
                               std::shared_ptr<const ListenAddress> listener)
    : taken_(std::move(taken)), tls_(tls), limits_(limits), listener_(std::move(listener)) {}

HttpConnection::~HttpConnection() {
  if (tls_ != nullptr) SSL_free(tls_);
  close(taken_.socket);
}

ssize_t HttpConnection::receive(char* to, std::size_t size) {
  if (tls_ != nullptr) return SSL_read(tls_, to, static_cast<int>(size));
  while (true) {
    const ssize_t got = recv(taken_.socket, to, size, 0);
    if (got < 0 && errno == EINTR) continue;
    return got;
  }
}

int HttpConnection::fill(Clock::time_point deadline, std::size_t wanted) {
  if (tls_ == nullptr || SSL_pending(tls_) == 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd descriptor{.fd = taken_.socket, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : poll(&descriptor, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) return fill(deadline, wanted);
    if (ready <= 0) return -1;
  }
  const std::size_t size = input_.size();
  input_.resize(size + wanted);
  const ssize_t got = receive(input_.data() + size, wanted);
  input_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return got > 0 ? 1 : 0;
}

HttpConnection::Arrival HttpConnection::await_request() {
  input_.erase(0, begin_);
  begin_ = 0;
  if (input_.empty()) {
    // The usual wait, in one system call: the socket's own time limit ends it.
    input_.resize(kReadBytes);
    const ssize_t got = receive(input_.data(), kReadBytes);
    input_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) return Arrival::ended;
  }
  const Clock::time_point deadline = Clock::now() + limits_.head;
  std::size_t looked = 0;
  std::optional<std::size_t> end;
  while (!(end = end_of_head(input_, looked))) {
    looked = input_.size();
    if (looked > limits_.most_head_bytes) {
      refuse(431, "the request's head is too long");
      return Arrival::refused;
    }
    const int more = fill(deadline, kReadBytes);
    if (more == 0) return Arrival::ended;
    if (more < 0) {
      refuse(408, "the request's head came too slowly");
      return Arrival::refused;
    }
  }
  if (*end > limits_.most_head_bytes) {
    refuse(431, "the request's head is too long");
    return Arrival::refused;
  }
  const HeadVerdict verdict = judge_head(std::string_view(input_).substr(0, *end));
  if (verdict.status != 0) {
    refuse(verdict.status, verdict.reason);
    return Arrival::refused;
  }
  framing_ = verdict.framing;
  if (framing_.content_length > limits_.most_body_bytes) {
    refuse(413, fmt::format("a body holds at most {} bytes", limits_.most_body_bytes));
    return Arrival::refused;
  }
  head_end_ = *end;
  read_ = 0;
  body_read_ = !framing_.has_body();
  hide_headers(input_, 0, head_end_);
  output_.clear();
  file_.reset();
  if (body_read_) begin_ = head_end_;
  return Arrival::request;
}

ssize_t HttpConnection::read(char* to, std::size_t size) {
  const std::size_t left = head_end_ - read_;
  const std::size_t count = std::min(size, left);
  std::memcpy(to, input_.data() + read_, count);
  read_ += count;
  return static_cast<ssize_t>(count);
}

int HttpConnection::read_body(std::string& body) {
  if (body_read_) return 0;
  const Clock::time_point deadline = Clock::now() + limits_.body;
  body_read_ = true;
  broken_ = true;  // until it was read to its end
  if (framing_.expects_continue && input_.size() == head_end_) {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!send_all(kGoOn.data(), kGoOn.size(), false)) return 400;
  }
  if (framing_.chunked) {
    if (const int status = read_chunks(body, deadline); status != 0) return status;
  } else {
    const std::size_t length = framing_.content_length;
    while (input_.size() - head_end_ < length) {
      const std::size_t missing = length - (input_.size() - head_end_);
      const int more = fill(deadline, std::min<std::size_t>(missing, 64 * 1024));
      if (more <= 0) return more < 0 ? 408 : 400;
    }
    body.assign(input_, head_end_, length);
    begin_ = head_end_ + length;
  }
  broken_ = false;
  return 0;
}

int HttpConnection::read_chunks(std::string& body, Clock::time_point deadline) {
  std::size_t at = head_end_;
  const auto need = [&](std::size_t bytes) {
    while (input_.size() - at < bytes) {
      if (const int more = fill(deadline, kReadBytes); more <= 0) return more < 0 ? 408 : 400;
    }
    return 0;
  };
  const auto line_end = [&](std::size_t& end) {
    while ((end = input_.find("\r\n", at)) == std::string::npos) {
      if (input_.size() - at > 256) return 400;
      if (const int more = fill(deadline, kReadBytes); more <= 0) return more < 0 ? 408 : 400;
    }
    return 0;
  };
  while (true) {
    std::size_t end = 0;
    if (const int status = line_end(end); status != 0) return status;
    const auto size = chunk_size(std::string_view(input_).substr(at, end - at));
    if (!size) return 400;
    at = end + 2;
    if (*size == 0) break;
    if (body.size() + *size > limits_.most_body_bytes) return 413;
    if (const int status = need(*size + 2); status != 0) return status;
    body.append(input_, at, *size);
    if (input_.compare(at + *size, 2, "\r\n") != 0) return 400;
    at += *size + 2;
  }
  for (std::size_t trailers = 0; trailers < 16; ++trailers) {
    std::size_t end = 0;
    if (const int status = line_end(end); status != 0) return status;
    const bool last = end == at;
    at = end + 2;
    if (last) {
      begin_ = at;
      return 0;
    }
  }
  return 400;
}

ssize_t HttpConnection::write(const char* from, std::size_t size) {
  output_.append(from, size);
  if (output_.size() > kGatherBytes) {
    if (!send_all(output_.data(), output_.size(), true)) return -1;
    output_.clear();
  }
  return static_cast<ssize_t>(size);
}

bool HttpConnection::send_all(const char* from, std::size_t size, bool more) {
  while (size > 0) {
    const ssize_t count =
        tls_ != nullptr ? SSL_write(tls_, from, static_cast<int>(std::min(size, kFileStep)))
                        : send(taken_.socket, from, size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (count < 0 && tls_ == nullptr && errno == EINTR) continue;
    if (count <= 0) {
      broken_ = true;
      return false;
    }
    sent_ += static_cast<std::uint64_t>(count);
    from += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool HttpConnection::send_file(const FileBody& file) {
  auto offset = static_cast<off_t>(file.offset);
  std::uint64_t left = file.length;
  std::string buffer;
  while (left > 0) {
    const std::size_t step = std::min<std::uint64_t>(left, kFileStep);
    ssize_t count = 0;
    if (tls_ == nullptr) {
      count = sendfile(taken_.socket, file.file->descriptor, &offset, step);
    } else {
      buffer.resize(64 * 1024);
      count = pread(file.file->descriptor, buffer.data(), std::min(step, buffer.size()), offset);
      if (count > 0 && !send_all(buffer.data(), static_cast<std::size_t>(count), false))
        return false;
      if (count > 0) offset += count;
    }
    if (count < 0 && errno == EINTR) continue;
    // Nothing more although the head promised it: the file was cut. Only closing tells the client.
    if (count <= 0) {
      broken_ = true;
      return false;
    }
    if (tls_ == nullptr) sent_ += static_cast<std::uint64_t>(count);
    left -= static_cast<std::uint64_t>(count);
  }
  return true;
}

bool HttpConnection::finish(bool last) {
  if (!send_all(output_.data(), output_.size(), file_.has_value() || last)) return false;
  output_.clear();
  if (file_ && !send_file(*file_)) return false;
  file_.reset();
  // The end travels with what was said, in one packet.
  if (last && tls_ == nullptr) shutdown(taken_.socket, SHUT_WR);
  if (!body_read_) return false;  // what follows on the wire is a body that nobody wanted
  return !broken_;
}

void HttpConnection::refuse(int status, std::string_view reason) {
  const std::string body = error_body(status, reason);
  output_ = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n{}",
      status, phrase(status), body.size(), input_.starts_with("HEAD ") ? "" : body);
  file_.reset();
  (void)send_all(output_.data(), output_.size(), false);
  output_.clear();
}

void HttpConnection::linger() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    return;
  }
  shutdown(taken_.socket, SHUT_WR);
  const Clock::time_point deadline = Clock::now() + kLinger;
  for (std::size_t drained = 0; drained < kDrainBytes; drained += input_.size()) {
    input_.clear();
    if (fill(deadline, 16 * 1024) != 1) return;
  }
}

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = taken_.address;
  port = taken_.port;
}

void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace metalwright::service
