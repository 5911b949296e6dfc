#include "pipeline/service/messenger.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/secrets.h"
#include "pipeline/service/service.h"
#include "reconciler/mail.h"

namespace metalwright::service {
namespace {

using nlohmann::json;
using Failed = tl::unexpected<Error>;

constexpr std::string_view kStatus = "status";
constexpr std::chrono::seconds kLook{2}, kLookAround{5};
constexpr std::chrono::seconds kFirstRetry{5}, kLongestRetry{1800};
constexpr std::chrono::hours kGiveUp{48}, kKeep{24 * 60};
constexpr std::size_t kMostAtOnce = 500, kMostLines = 20;

std::string channel_of(const NotifyConfig& channel) { return "notify:" + channel.name; }

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// `https://host:port` and the rest of an address.
std::pair<std::string, std::string> split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t slash = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  if (slash == std::string::npos) return {url, "/"};
  return {url.substr(0, slash), url.substr(slash)};
}

/// Short tries: who does not answer is asked again later, from the state.
reconciler::HttpOptions options_for(const std::string& url, const std::string& ca_file) {
  reconciler::HttpOptions options;
  options.url = url;
  options.ca_file = ca_file;
  options.connections = 1;
  options.tries = 1;
  options.silence = std::chrono::seconds(15);
  options.total = std::chrono::seconds(30);
  options.body_bytes = 1U << 20U;
  return options;
}

/// GitLab refuses a state that it has already: then it is as it should be.
bool is_same_state(const reconciler::HttpResponse& response) {
  return response.status == 400 &&
         response.body.find("Cannot transition status") != std::string::npos;
}

Error answer_error(const reconciler::HttpResponse& response) {
  return unavailable("message", fmt::format("answered {}", response.status)).value();
}

}  // namespace

reconciler::HttpRequest status_request(const CommitStatusConfig& config,
                                       const RevisionStatus& status, const std::string& link) {
  reconciler::HttpRequest request;
  request.method = reconciler::HttpMethod::post;
  request.repeat = reconciler::HttpRepeat::always;
  const bool gitlab = config.forge == Forge::gitlab;
  request.path = gitlab ? fmt::format("/projects/{}/statuses/{}",
                                      reconciler::url_escape(config.repository), status.revision)
                        : fmt::format("/repos/{}/statuses/{}", config.repository, status.revision);
  std::string state(word(status.state));
  if (gitlab && status.state == RevisionStatus::State::failure) state = "failed";
  nlohmann::ordered_json body{{"state", state},
                              {gitlab ? "name" : "context", config.context},
                              {"description", status.description}};
  if (!link.empty()) body["target_url"] = link;
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  if (config.forge == Forge::github) {
    request.headers = {"Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28"};
  }
  return request;
}

std::string status_token_header(Forge forge, const std::string& token) {
  switch (forge) {
    case Forge::github:
      return "Authorization: Bearer " + token;
    case Forge::gitlab:
      return "PRIVATE-TOKEN: " + token;
    case Forge::forgejo:
      return "Authorization: token " + token;
  }
  return {};
}

std::string message_text(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < kMostLines; ++i) text += lines[i] + '\n';
  if (lines.size() > kMostLines) text += fmt::format("and {} more\n", lines.size() - kMostLines);
  return text;
}

std::string slack_body(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else {
      escaped += c;
    }
  }
  const nlohmann::ordered_json body{{"text", escaped}, {"mrkdwn", false}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

Messenger::Messenger(const HostConfig& config, store::Store& store,
                     std::function<void(const std::string&)> say, std::function<bool()> leads)
    : config_(config), store_(store), say_(std::move(say)), leads_(std::move(leads)) {
  if (config_.service.notify.empty() && config_.service.commit_status.repository.empty()) return;
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

Messenger::~Messenger() = default;

void Messenger::wake() { bell_.ring(); }

void Messenger::begin(const pipeline::Wanted& wanted) {
  if (leads_()) add(status_of(wanted));
}

void Messenger::end(const pipeline::Round& round) {
  if (!leads_()) return;
  add(notices_of(round));
  add(status_of(round));
}

void Messenger::add(const std::vector<Notice>& notices) {
  const Time now = service_time();
  for (const Notice& notice : notices) {
    const std::string body =
        json{{"text", notice.text}}.dump(-1, ' ', false, json::error_handler_t::replace);
    for (const NotifyConfig& channel : config_.service.notify) {
      const auto& concerns = channel.concerns;
      if (std::find(concerns.begin(), concerns.end(), notice.concern) == concerns.end()) continue;
      const auto added = store_.deliveries().add(
          {.channel = channel_of(channel), .subject = notice.subject, .body = body, .made = now},
          {.since = now - channel.repeat});
      if (!added) say_("a message cannot be kept: " + added.error().text());
    }
  }
  if (!notices.empty()) wake();
}

void Messenger::add(const RevisionStatus& status) {
  if (status.revision.empty() || config_.service.commit_status.repository.empty()) return;
  const auto latest = store_.deliveries().latest(kStatus, status.revision);
  if (!latest) return say_("a message cannot be kept: " + latest.error().text());
  const std::string state(word(status.state));
  if (*latest) {
    const json before = json::parse((*latest)->body, nullptr, false);
    const std::string told = text_of(before, "state");
    // A round begins again and again; what was found out stays until something else is.
    if (status.state == RevisionStatus::State::pending && status.description == "applying") return;
    if (told == state &&
        (state == "success" || text_of(before, "description") == status.description)) {
      return;
    }
  }
  const std::string body = json{{"state", state}, {"description", status.description}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  const auto added = store_.deliveries().add({.channel = std::string(kStatus),
                                              .subject = status.revision,
                                              .body = body,
                                              .made = service_time()},
                                             {.since = Time{}, .same_body = true});
  if (!added) say_("a message cannot be kept: " + added.error().text());
  wake();
}

/// What nobody tells of: machines that wait, nodes that fell silent.
void Messenger::look_around() {
  const auto pending = store_.provisioning().pending();
  if (pending) add(notices_of(*pending));
  const auto nodes = store_.provisioning().nodes();
  if (nodes) add(notices_of(*nodes, service_time(), config_.service.silent_after));
}

void Messenger::put_off(const std::vector<store::Delivery>& deliveries, const std::string& channel,
                        const Error& error) {
  const Time now = service_time();
  std::vector<std::int64_t> again, given_up;
  std::int64_t attempts = 0;
  for (const store::Delivery& delivery : deliveries) {
    const bool old = now - delivery.made > kGiveUp;
    (old ? given_up : again).push_back(delivery.id);
    attempts = std::max(attempts, delivery.attempts);
  }
  const auto wait = std::min<std::chrono::seconds>(
      kFirstRetry * (std::int64_t{1} << std::min<std::int64_t>(attempts, 12)), kLongestRetry);
  if (attempts == 0) say_(fmt::format("{}: {}; it is tried again", channel, error.text()));
  const auto kept = store_.deliveries().retry(again, error.message, now + wait);
  const auto ended = store_.deliveries().end(given_up, error.message, now);
  if (!kept || !ended) say_("a message cannot be put off");
}

Result<void> Messenger::tell(const NotifyConfig& channel, const std::string& text, Time now,
                             std::stop_token stop) const {
  if (!channel.smtp.empty()) {
    reconciler::MailServer server;
    server.url = channel.smtp;
    server.ca_file = channel.ca_file;
    server.user = channel.user;
    if (!channel.password.name.empty()) {
      auto password = pipeline::resolve_secret(config_.secrets, channel.password.name);
      if (!password) return Failed(password.error());
      server.password = std::move(*password);
    }
    const std::string host = host_name();
    return reconciler::send_mail(
        server,
        {.from = channel.from,
         .to = channel.to,
         .subject = fmt::format("metalwright on {}: {}", host, text.substr(0, text.find('\n'))),
         .text = text,
         .id = fmt::format("{}.{}@{}", now.time_since_epoch().count(), channel.name, host),
         .at = now},
        std::move(stop));
  }
  std::string url = channel.url;
  if (url.empty()) {
    auto secret = pipeline::resolve_secret(config_.secrets, channel.webhook.name);
    if (!secret) return Failed(secret.error());
    url = std::move(*secret);
  }
  const auto [base, path] = split_url(url);
  auto http = reconciler::make_http_client(options_for(base, channel.ca_file));
  // The address may be the secret itself.
  if (!http) return unavailable("message", "the webhook's address is none");
  reconciler::HttpRequest request;
  request.method = reconciler::HttpMethod::post;
  request.repeat = reconciler::HttpRepeat::never;
  request.path = path;
  request.body = slack_body(text);
  const auto answer = (*http)->send(request, std::move(stop));
  if (!answer) return unavailable("message", "the webhook does not answer");
  return answer->good() ? Result<void>() : Failed(answer_error(*answer));
}

void Messenger::send_notices(const NotifyConfig& channel, std::stop_token stop) {
  const std::string name = channel_of(channel);
  const Time now = service_time();
  const auto due = store_.deliveries().due(name, now, kMostAtOnce);
  if (!due || due->empty()) return;
  const auto last = store_.deliveries().last_end(name);
  if (last && *last && now - **last < channel.pause) return;
  std::vector<std::string> lines;
  std::vector<std::int64_t> ids;
  for (const store::Delivery& delivery : *due) {
    lines.push_back(text_of(json::parse(delivery.body, nullptr, false), "text"));
    ids.push_back(delivery.id);
  }
  const Result<void> told = tell(channel, message_text(lines), now, stop);
  if (!told) {
    if (!stop.stop_requested()) put_off(*due, name, told.error());
    return;
  }
  if (auto ended = store_.deliveries().end(ids, "", service_time()); !ended) {
    say_("a message was sent and may be sent again: " + ended.error().text());
  }
}

Result<void> Messenger::post(const store::Delivery& delivery, std::stop_token stop) const {
  const CommitStatusConfig& config = config_.service.commit_status;
  const json body = json::parse(delivery.body, nullptr, false);
  RevisionStatus status{delivery.subject, {}, text_of(body, "description")};
  for (const auto state : {RevisionStatus::State::success, RevisionStatus::State::failure}) {
    if (text_of(body, "state") == word(state)) status.state = state;
  }
  const auto token = pipeline::resolve_secret(config_.secrets, config.token.name);
  if (!token) return Failed(token.error());
  auto http = reconciler::make_http_client(options_for(config.url, config.ca_file));
  if (!http) return Failed(http.error());
  reconciler::HttpRequest request =
      status_request(config, status, config_.service.url.empty() ? "" : config_.service.url + "/");
  request.headers.push_back(status_token_header(config.forge, *token));
  const auto answer = (*http)->send(request, std::move(stop));
  if (!answer) return Failed(answer.error());
  return answer->good() || is_same_state(*answer) ? Result<void>() : Failed(answer_error(*answer));
}

void Messenger::send_statuses(std::stop_token stop) {
  const auto due = store_.deliveries().due(kStatus, service_time(), kMostAtOnce);
  if (!due) return;
  // Of several of one revision the last one counts.
  std::map<std::string, std::vector<store::Delivery>> revisions;
  std::vector<std::string> order;
  for (const store::Delivery& delivery : *due) {
    if (!revisions.contains(delivery.subject)) order.push_back(delivery.subject);
    revisions[delivery.subject].push_back(delivery);
  }
  for (const std::string& revision : order) {
    if (stop.stop_requested()) return;
    const std::vector<store::Delivery>& deliveries = revisions[revision];
    std::vector<std::int64_t> ids;
    for (const store::Delivery& delivery : deliveries) ids.push_back(delivery.id);
    // One that was put off must not come behind a newer one.
    const auto latest = store_.deliveries().latest(kStatus, revision);
    const bool newest = latest && *latest && (*latest)->id == ids.back();
    const Result<void> posted = newest ? post(deliveries.back(), stop) : Result<void>();
    if (!posted) {
      if (!stop.stop_requested()) put_off(deliveries, "commit status", posted.error());
      continue;
    }
    if (auto ended = store_.deliveries().end(ids, "", service_time()); !ended) {
      say_("a status was posted and may be posted again: " + ended.error().text());
    }
  }
}

void Messenger::run(std::stop_token stop) {
  auto next_look = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    const bool leads = leads_();
    if (leads && std::chrono::steady_clock::now() >= next_look) {
      look_around();
      if (auto pruned = store_.deliveries().prune(service_time() - kKeep); !pruned) {
        say_("old messages cannot be dropped: " + pruned.error().text());
      }
      next_look = std::chrono::steady_clock::now() + kLookAround;
    }
    for (const NotifyConfig& channel : config_.service.notify) {
      if (leads) send_notices(channel, stop);
    }
    if (leads && !config_.service.commit_status.repository.empty()) send_statuses(stop);
    bell_.wait_for(stop, kLook);
  }
}

}  // namespace metalwright::service
