#include "reconciler/targets/routeros/rest_client.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::milliseconds;

// RouterOS ends a command after 60 s by itself: waiting for less would leave us in doubt.
constexpr milliseconds kAnswerTime{70'000};

bool no_such_menu(int status, std::string_view text) {
  return status == 404 || text.find("no such command") != std::string_view::npos ||
         text.find("no such directory") != std::string_view::npos;
}

/// What an answer that is no success means.
Error error_of(const HttpRequest& request, const HttpResponse& response) {
  const std::string text = rest_error_text(response.body);
  Error error;
  error.kind = ErrorKind::invalid;
  error.check = "routeros-refused";
  const std::string status = std::to_string(response.status);
  if (response.status == 401) {
    error.kind = ErrorKind::unavailable;
    error.check = "routeros-login";
    error.message = "the router knows no such user with this password";
  } else if (response.status >= 500) {
    error.check = "routeros-policy";
    error.message = "the router answers " + status + ": '" + text +
                    "'; the user's group needs the policies read, write, policy, test, sensitive "
                    "and rest-api";
    if (text.find("not allowed") == std::string::npos) {
      error.kind = ErrorKind::unavailable;
      error.check = "routeros-answer";
      error.message = "the router answers " + status + ": '" + text + "'";
    }
  } else if (text.find("Session closed") != std::string::npos) {
    error.kind = ErrorKind::unavailable;
    error.check = "routeros-answer";
    error.message = "the router ended the command, which took longer than it allows";
  } else if (response.status == 404) {
    error.kind = ErrorKind::conflict;
    error.check = "routeros-gone";
    error.message = "there is no such row any more";
  } else {
    error.message = "the router refuses: '" + text + "'";
    if (text.empty()) error.message = "the router answers " + status;
  }
  error.context.push_back("at " + std::string(word(request.method)) + ' ' +
                          request.path.substr(0, request.path.find('?')));
  return error;
}

HttpRequest write_request(HttpMethod method, std::string path, const RestValues& values) {
  HttpRequest request;
  request.method = method;
  request.path = std::move(path);
  if (method != HttpMethod::del) request.body = rest_object(values);
  request.repeat = HttpRepeat::refused;
  return request;
}

std::string path_of(std::string_view menu) { return "/rest" + std::string(menu); }

}  // namespace

WriteFailure failure_of(const Error& error) {
  if (error.check == "routeros-gone") return WriteFailure::gone;
  if (error.check == "routeros-refused" || error.check == "routeros-policy") {
    return WriteFailure::refused;
  }
  return WriteFailure::unknown;
}

RestClient::RestClient(HttpOptions options, Password password)
    : options_(std::move(options)), password_(std::move(password)) {
  options_.connections = 1;
}

void RestClient::reconnect() { http_.reset(); }

Result<HttpResponse> RestClient::send(HttpRequest request, std::stop_token stop) {
  if (http_ == nullptr) {
    Result<std::string> password = password_();
    if (!password) return tl::unexpected(password.error());
    HttpOptions options = options_;
    options.password = std::move(*password);
    Result<std::unique_ptr<HttpClient>> made = make_http_client(std::move(options));
    if (!made) return tl::unexpected(made.error());
    http_ = std::move(*made);
  }
  if (request.silence.count() == 0) request.silence = options_.silence;
  Result<HttpResponse> response = http_->send(request, std::move(stop));
  if (!response) return response;
  if (!response->good()) return tl::unexpected(error_of(request, *response));
  return response;
}

Result<std::vector<RestRow>> RestClient::rows(std::string_view menu,
                                              std::span<const std::string_view> properties,
                                              std::stop_token stop) {
  HttpRequest request;
  request.path = path_of(menu);
  request.path += "?.proplist=.id";
  for (const std::string_view property : properties) {
    request.path += ',';
    request.path += property;
  }
  request.repeat = HttpRepeat::always;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (response) return read_rest_rows(response->body);
  Error error = response.error();
  const bool missing = error.check == "routeros-gone" ||
                       (error.check == "routeros-refused" && no_such_menu(400, error.message));
  if (missing) {
    error.kind = ErrorKind::invalid;
    error.check = "routeros-no-menu";
    error.message = "this router has no menu " + std::string(menu);
  }
  return tl::unexpected(std::move(error));
}

Result<RestRow> RestClient::add(std::string_view menu, const RestValues& values,
                                std::stop_token stop) {
  HttpRequest request = write_request(HttpMethod::put, path_of(menu), values);
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  Result<std::vector<RestRow>> rows = read_rest_rows(response->body);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->size() != 1 || rows->front().id.empty()) {
    return unavailable("routeros-answer", "the router does not tell the id of the new row");
  }
  return std::move(rows->front());
}

Result<void> RestClient::set(std::string_view menu, std::string_view id, const RestValues& values,
                             std::stop_token stop) {
  HttpRequest request =
      write_request(HttpMethod::patch, path_of(menu) + '/' + std::string(id), values);
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return {};
}

Result<void> RestClient::remove(std::string_view menu, std::string_view id, std::stop_token stop) {
  HttpRequest request = write_request(HttpMethod::del, path_of(menu) + '/' + std::string(id), {});
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return {};
}

Result<void> RestClient::command(std::string_view menu, std::string_view name,
                                 const RestValues& values, std::stop_token stop) {
  HttpRequest request =
      write_request(HttpMethod::post, path_of(menu) + '/' + std::string(name), values);
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return {};
}

}  // namespace metalwright::reconciler
