#include "reconciler/targets/routeros/rest_client.h"

#include <algorithm>

#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::milliseconds;

// RouterOS ends a command after 60 s by itself: waiting for less would leave us in doubt.
constexpr milliseconds kAnswerTime{70'000};
// A server may close each connection behind its first answer and not say so: what is sent then is
// lost as often as not. So where a kept connection breaks, these requests have one each; more of
// them where the next one breaks as well, before so many answers came.
constexpr unsigned kAlone = 8, kAllAlone = 1000, kCalm = 50;

bool no_such_menu(int status, std::string_view text) {
  return status == 404 || text.find("no such command") != std::string_view::npos ||
         text.find("no such directory") != std::string_view::npos ||
         text.find("bad command name") != std::string_view::npos;
}

/// An id in a path. `*1A` may stand as it is; what would end the path may not.
std::string escaped_id(std::string_view id) {
  std::string text = id.starts_with('*') ? "*" : "";
  return text + url_escape(id.substr(text.size()));
}

/// Where an answer sends us, without what an address may hold of a name and password.
std::string redirected_to(const HttpResponse& response) {
  std::string_view to = response.header("location");
  to = to.substr(0, to.find_first_of("?#"));
  const std::size_t scheme = to.find("://");
  if (scheme == std::string_view::npos) return quoted(to);
  const std::size_t end = std::min(to.find('/', scheme + 3), to.size());
  const std::size_t user = to.substr(0, end).rfind('@');
  if (user == std::string_view::npos) return quoted(to);
  return quoted(std::string(to.substr(0, scheme + 3)) + std::string(to.substr(user + 1)));
}

/// What an answer that is no success means.
Error error_of(const HttpRequest& request, const HttpResponse& response) {
  const std::string told = rest_error_text(response.body);
  // It goes to terminals and logs.
  const std::string text = has_control_character(told) ? shown(told) : told;
  Error error;
  error.kind = ErrorKind::invalid;
  error.check = "routeros-refused";
  const std::string status = std::to_string(response.status);
  if (response.status == 401) {
    error.kind = ErrorKind::unavailable;
    error.check = "routeros-login";
    error.message = "the router knows no such user with this password";
  } else if (response.status >= 300 && response.status < 400) {
    error.message = "the router sends us on to " + redirected_to(response) +
                    ": nothing follows there with a password; give that address as the target's "
                    "'url', or enable www-ssl at this one";
  } else if (response.status >= 500 || response.status == 403) {
    error.check = "routeros-policy";
    error.message = "the router answers " + status + ": '" + text +
                    "'; the user's group needs the policies read, write, policy, test, sensitive "
                    "and rest-api";
    if (response.status != 403 && text.find("not allowed") == std::string::npos) {
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

std::string unknown_property(const Error& error) {
  constexpr std::string_view kUnknown = "unknown parameter ";
  const std::size_t at = error.message.find(kUnknown);
  if (error.check != "routeros-refused" || at == std::string::npos) return {};
  const std::size_t begin = at + kUnknown.size();
  return error.message.substr(begin, error.message.find_first_of("' ", begin) - begin);
}

WriteFailure failure_of(const Error& error) {
  if (error.check == "routeros-gone") return WriteFailure::gone;
  if (error.check == "routeros-refused" || error.check == "routeros-policy" ||
      error.check == "routeros-fetch") {
    return WriteFailure::refused;
  }
  return WriteFailure::unknown;
}

RestClient::RestClient(HttpOptions options, Password password)
    : options_(std::move(options)), password_(std::move(password)) {
  options_.connections = 1;
}

void RestClient::reconnect() {
  http_.reset();
  answers_ = 0;
}

void RestClient::note(const HttpRequest& request, const Result<HttpResponse>& response) {
  if (response) {
    ++answers_;
    if (++calm_ >= kCalm) breaks_ = 0;
  } else if (request.repeat == HttpRepeat::refused && answers_ > 0 &&
             response.error().check == "http-unreachable") {
    calm_ = 0;
    alone_ = breaks_++ == 0 ? kAlone : kAllAlone;
  }
}

Result<HttpResponse> RestClient::send(HttpRequest request, std::stop_token stop) {
  if (alone_ > 0) {
    --alone_;
    reconnect();
  }
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
  note(request, response);
  if (!response && response.error().check == "http-tls") {
    return tl::unexpected(with_context(
        response.error(),
        options_.pin.empty()
            ? "a router's own certificate is trusted by 'ca-file' (its authority), or by 'pin' "
              "(the fingerprint that '/certificate print detail' shows on the router)"
            : "where the router got a new certificate, compare its fingerprint there "
              "('/certificate print detail') and change 'pin'; where it did not, somebody else "
              "answers"));
  }
  if (!response) return response;
  if (!response->good()) return tl::unexpected(error_of(request, *response));
  return response;
}

Result<std::vector<RestRow>> RestClient::ask(std::string_view menu,
                                             std::span<const std::string_view> properties,
                                             const std::stop_token& stop) {
  HttpRequest request;
  request.path = path_of(menu);
  request.path += "?.proplist=.id";
  for (const std::string_view property : properties) {
    if (unreadable_.contains(std::string(menu) + ' ' + std::string(property))) continue;
    request.path += ',';
    request.path += property;
  }
  request.repeat = HttpRepeat::always;
  Result<HttpResponse> response = send(std::move(request), stop);
  if (!response) return tl::unexpected(response.error());
  return read_rest_rows(std::move(response->body));
}

Result<std::vector<RestRow>> RestClient::rows(std::string_view menu,
                                              std::span<const std::string_view> properties,
                                              std::stop_token stop) {
  Result<std::vector<RestRow>> rows = ask(menu, properties, stop);
  // A router that does not take a property which it does not have is asked without it.
  for (std::size_t tries = properties.size(); !rows && tries > 0; --tries) {
    const std::string unknown = unknown_property(rows.error());
    const bool asked = std::find(properties.begin(), properties.end(), unknown) != properties.end();
    if (!asked || !unreadable_.insert(std::string(menu) + ' ' + unknown).second) break;
    rows = ask(menu, properties, stop);
  }
  if (rows) return rows;
  Error error = rows.error();
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
  Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  if (response->body.empty()) return RestRow();
  Result<std::vector<RestRow>> rows = read_rest_rows(std::move(response->body));
  if (!rows) return tl::unexpected(rows.error());
  // The row as it is now, or as the console's `add` has it, its id alone; or nothing.
  if (rows->size() == 1 && rows->front().id.empty()) {
    rows->front().id = rows->front().value("ret");
  }
  if (rows->size() > 1) {
    return unavailable("routeros-answer", "the router tells of several rows where one was added");
  }
  return rows->empty() ? RestRow() : std::move(rows->front());
}

Result<void> RestClient::set(std::string_view menu, std::string_view id, const RestValues& values,
                             std::stop_token stop) {
  HttpRequest request =
      write_request(HttpMethod::patch, path_of(menu) + '/' + escaped_id(id), values);
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return {};
}

Result<void> RestClient::remove(std::string_view menu, std::string_view id, std::stop_token stop) {
  HttpRequest request = write_request(HttpMethod::del, path_of(menu) + '/' + escaped_id(id), {});
  request.silence = kAnswerTime;
  const Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return {};
}

Result<std::vector<RestRow>> RestClient::command(std::string_view menu, std::string_view name,
                                                 const RestValues& values, std::stop_token stop) {
  HttpRequest request =
      write_request(HttpMethod::post, path_of(menu) + '/' + std::string(name), values);
  request.silence = kAnswerTime;
  Result<HttpResponse> response = send(std::move(request), std::move(stop));
  if (!response) return tl::unexpected(response.error());
  return read_rest_rows(std::move(response->body)).value_or(std::vector<RestRow>());
}

}  // namespace metalwright::reconciler
