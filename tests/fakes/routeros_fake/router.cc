#include "tests/fakes/routeros_fake/router.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/http_client.h"
#include "tests/fakes/routeros_fake/script_device.h"
#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::pair<std::string_view, FaultKind>, 9> kFaultWords{{
    {"cut-before", FaultKind::cut_before},
    {"cut-after", FaultKind::cut_after},
    {"answer", FaultKind::answer},
    {"slow", FaultKind::slow},
    {"reboot-before", FaultKind::reboot_before},
    {"reboot-after", FaultKind::reboot_after},
    {"hold-before", FaultKind::hold_before},
    {"hold-after", FaultKind::hold_after},
    {"dead", FaultKind::dead},
}};

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group <<= 8U;
      if (i + j < bytes.size()) group |= static_cast<unsigned char>(bytes[i + j]);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kLetters[(group >> (18U - 6U * j)) & 63U];
    }
  }
  return text;
}

std::string two(unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string date_text(std::chrono::sys_seconds at) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(at)};
  return std::to_string(static_cast<int>(day.year())) + '-' +
         two(static_cast<unsigned>(day.month())) + '-' + two(static_cast<unsigned>(day.day()));
}

std::string clock_text(std::chrono::sys_seconds at) {
  const auto since = at - std::chrono::floor<std::chrono::days>(at);
  const auto all = static_cast<unsigned>(since.count());
  return two(all / 3600) + ':' + two(all / 60 % 60) + ':' + two(all % 60);
}

/// `2026-05-01` and `12:00:00` as a time; empty where they are none.
std::optional<std::chrono::sys_seconds> read_start(const std::string& date,
                                                   const std::string& time) {
  int year = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(date.c_str(), "%d-%u-%u", &year, &month, &day) != 3) return std::nullopt;
  const std::optional<seconds> of_day = read_router_time(time);
  if (!of_day) return std::nullopt;
  const std::chrono::year_month_day when{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!when.ok()) return std::nullopt;
  return std::chrono::sys_days(when) + *of_day;
}

/// As `/tool/fetch` does.
Outcome<std::string> fetch_address(const std::string& url) {
  const auto failed = [](const std::string& why) {
    return tl::unexpected(Refusal{.status = 400, .detail = "failure: " + why});
  };
  const std::size_t path = url.find('/', url.find("://") + 3);
  reconciler::HttpOptions options;
  options.url = url.substr(0, path);
  options.tries = 1;
  auto client = reconciler::make_http_client(options);
  if (!client) return failed("connection failed");
  reconciler::HttpRequest request;
  request.path = path == std::string::npos ? "/" : url.substr(path);
  const auto answer = (*client)->send(request, {});
  if (!answer) return failed("connection failed");
  if (answer->status != 200) {
    return failed("Fetch failed with status " + std::to_string(answer->status));
  }
  return answer->body;
}

}  // namespace

std::optional<FaultKind> parse_fault(std::string_view word) {
  for (const auto& [known, kind] : kFaultWords) {
    if (known == word) return kind;
  }
  return std::nullopt;
}

Router::Router(RouterOptions options)
    : options_(std::move(options)),
      menus_(read_menus(options_.commands_file)),
      device_(menus_),
      certificate_(make_certificate()),
      rest_(device_,
            RestHost{.run_script = [this](std::string_view script) { return run_script(script); },
                     .execute =
                         [this](std::string_view script) {
                           const Outcome<void> done = run_script(script);
                           return done ? std::string() : done.error().detail;
                         },
                     .reboot = [this] { reboot_locked(); },
                     .fetch = fetch_address,
                     .changed =
                         [this](const Menu& menu, std::uint32_t id) {
                           if (menu.path == "/system/scheduler") plan_run(menu, id);
                         }}),
      booted_(std::chrono::floor<seconds>(std::chrono::system_clock::now())) {
  device_.put("/system/identity", {{"name", "MikroTik"}});
  device_.put("/system/resource", {{"version", "7.20.8 (long-term)"},
                                   {"board-name", "CCR2116-12G-4S+"},
                                   {"platform", "MikroTik"},
                                   {"architecture-name", "arm64"}});
  show_clock();
  listener_ = std::make_unique<Listener>(
      ListenerOptions{.port = options_.port,
                      .certificate = options_.tls ? certificate_.certificate : std::string(),
                      .key = certificate_.key},
      [this](const HttpCall& call) { return handle(call); });
  ticker_ = std::thread([this] { tick(); });
}

Router::~Router() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    released_ = true;
  }
  changed_.notify_all();
  ticker_.join();
  listener_.reset();
}

std::string Router::url() const {
  return std::string(options_.tls ? "https" : "http") +
         "://127.0.0.1:" + std::to_string(listener_->port());
}

std::string Router::configuration() {
  const std::lock_guard lock(mutex_);
  return device_.configuration();
}

void Router::furnish() {
  const std::lock_guard lock(mutex_);
  for (const char* name : {"ether1", "ether2", "ether3"}) {
    device_.put("/interface", {{"name", name}, {"type", "ether"}, {"default-name", name}});
  }
  device_.put("/interface/bridge", {{"name", "bridge1"}, {"vlan-filtering", "true"}});
  device_.put("/interface/vlan", {{"name", "vlan10"}, {"interface", "bridge1"}, {"vlan-id", "10"}});
  device_.put("/interface/vlan", {{"name", "vlan20"}, {"interface", "bridge1"}, {"vlan-id", "20"}});
  for (const char* port : {"ether2", "ether3"}) {
    device_.put("/interface/bridge/port", {{"bridge", "bridge1"}, {"interface", port}});
  }
  device_.put("/ip/address", {{"address", "192.168.1.1/24"}, {"interface", "vlan10"}});
  device_.put("/ip/address", {{"address", "10.20.0.1/24"}, {"interface", "vlan20"}});
  device_.put("/ip/pool", {{"name", "guests"}, {"ranges", "10.99.0.10-10.99.0.99"}});
  device_.put(
      "/ip/dns/static",
      {{"name", "printer.example.net"}, {"address", "10.99.0.5"}, {"comment", "the printer"}});
  device_.put("/ip/firewall/address-list", {{"list", "admins"}, {"address", "10.99.0.7"}});
  device_.put("/ip/tftp", {{"req-filename", "phones.cfg"}, {"real-filename", "phones.cfg"}});
}

void Router::set_fault(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  if (faults_.empty()) count_ = 0;
  faults_.push_back(fault);
}

void Router::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  count_ = 0;
  dead_ = false;
}

bool Router::wait_held(milliseconds longest) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, longest, [this] { return held_; });
}

void Router::release() {
  std::unique_lock lock(mutex_);
  released_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !held_; });
}

void Router::reboot() {
  const std::lock_guard lock(mutex_);
  reboot_locked();
}

void Router::advance(seconds by) {
  const std::lock_guard lock(mutex_);
  // One step a run: an entry that repeats runs as often as it would have.
  const Instant end = now() + by;
  while (true) {
    std::optional<Instant> first;
    for (const auto& [id, at] : next_runs_) {
      if (at && (!first || *at < *first)) first = at;
    }
    if (!first || *first > end) break;
    if (*first > now()) offset_ += *first - now();
    run_due();
  }
  if (end > now()) offset_ += end - now();
  show_clock();
}

void Router::set_latency(milliseconds latency) {
  const std::lock_guard lock(mutex_);
  options_.latency = latency;
}

std::vector<Served> Router::requests() {
  const std::lock_guard lock(mutex_);
  return served_;
}

void Router::forget_requests() {
  const std::lock_guard lock(mutex_);
  served_.clear();
}

std::vector<std::string> Router::script_errors() {
  const std::lock_guard lock(mutex_);
  return script_errors_;
}

std::uint64_t Router::scheduler_runs() {
  const std::lock_guard lock(mutex_);
  return scheduler_runs_;
}

Router::Instant Router::now() const {
  return std::chrono::floor<seconds>(std::chrono::system_clock::now()) + offset_;
}

void Router::show_clock() {
  device_.put("/system/clock", {{"date", date_text(now())}, {"time", clock_text(now())}});
}

/// The real clock runs too: what is due is run within a quarter of a second.
void Router::tick() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, milliseconds{250}, [this] { return ending_; });
    if (!ending_) run_due();
  }
}

void Router::plan_run(const Menu& menu, std::uint32_t id) {
  const DeviceRow* row = device_.find(menu, id_text(id));
  if (row == nullptr) {
    next_runs_.erase(id);
    return;
  }
  const auto show = [&](std::optional<Instant> at) {
    next_runs_[id] = at;
    device_.force(menu, id, "next-run", at ? date_text(*at) + ' ' + clock_text(*at) : "");
  };
  std::string date = device_.value(menu, *row, "start-date");
  std::string time = device_.value(menu, *row, "start-time");
  if (date.empty()) date = date_text(now());
  if (time.empty()) time = clock_text(now());
  if (time != "startup") device_.force(menu, id, "start-date", date);
  device_.force(menu, id, "start-time", time);
  row = device_.find(menu, id_text(id));
  const seconds interval =
      read_router_time(device_.value(menu, *row, "interval")).value_or(seconds{0});
  const std::optional<Instant> start =
      time == "startup" ? std::optional<Instant>(booted_ + seconds{3}) : read_start(date, time);
  if (!start || device_.value(menu, *row, "disabled") == "true") return show(std::nullopt);
  if (*start > now()) return show(*start);
  if (interval.count() == 0) return show(std::nullopt);
  const auto passed = (now() - *start) / interval + 1;
  show(*start + passed * interval);
}

void Router::run_due() {
  const Menu& menu = *device_.menu("/system/scheduler");
  std::vector<std::uint32_t> due;
  for (const auto& [id, at] : next_runs_) {
    if (at && *at <= now()) due.push_back(id);
  }
  for (const std::uint32_t id : due) {
    const DeviceRow* row = device_.find(menu, id_text(id));
    if (row == nullptr) {
      next_runs_.erase(id);
      continue;
    }
    const std::string script = device_.value(menu, *row, "on-event");
    const std::string runs = device_.value(menu, *row, "run-count");
    device_.force(menu, id, "run-count", std::to_string(std::stoul(runs) + 1));
    plan_run(menu, id);
    ++scheduler_runs_;
    (void)run_script(script);
    if (device_.find(menu, id_text(id)) == nullptr) next_runs_.erase(id);
  }
}

Outcome<void> Router::run_script(std::string_view script) {
  Outcome<void> done = run_on_device(device_, script);
  if (!done) script_errors_.push_back(done.error().detail);
  const Menu& menu = *device_.menu("/system/scheduler");
  for (const DeviceRow& row : device_.rows(menu)) {
    if (!next_runs_.contains(row.id)) plan_run(menu, row.id);
  }
  return done;
}

/// Everything that was configured stays, the scheduler's entries as well; their next time is
/// worked out anew, and what waited for the start of the router runs.
void Router::reboot_locked() {
  device_.drop_dynamic();
  booted_ = now();
  const Menu& menu = *device_.menu("/system/scheduler");
  std::vector<std::uint32_t> ids;
  for (const DeviceRow& row : device_.rows(menu)) ids.push_back(row.id);
  for (const std::uint32_t id : ids) plan_run(menu, id);
}

bool Router::authorized(const HttpCall& call) const {
  const auto header = call.headers.find("authorization");
  return header != call.headers.end() &&
         header->second == "Basic " + base64(options_.user + ':' + options_.password);
}

std::optional<Fault> Router::take_fault(const HttpCall& call) {
  ++count_;
  for (Fault& fault : faults_) {
    std::uint64_t count = count_;
    if (!fault.only.empty()) {
      if (!(call.method + ' ' + call.target).starts_with(fault.only)) continue;
      count = ++fault.counted;
    }
    if (count >= fault.at && count - fault.at < fault.times) return fault;
  }
  return std::nullopt;
}

void Router::hold(std::unique_lock<std::mutex>& lock) {
  held_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return released_; });
  held_ = false;
  released_ = false;
  changed_.notify_all();  // they go on when this request is done: it keeps the lock until then
}

HttpAnswer Router::handle(const HttpCall& call) {
  if (call.target.starts_with("/control/")) return handle_control(call);
  if (!call.target.starts_with("/rest")) return {.status = 200, .body = "<html>"};
  return handle_rest(call);
}

RestReply Router::answer(const HttpCall& call) {
  const Dialect& dialect = options_.dialect;
  if (dialect.plain()) return rest_.answer({call.method, call.target, call.body});
  RestRequest request{call.method, call.target, call.body};
  if (auto refused = dialect.hear(device_, request)) {
    dialect.say(request, *refused);
    return *refused;
  }
  RestReply reply = rest_.answer(request);
  dialect.say(request, reply);
  return reply;
}

HttpAnswer Router::handle_rest(const HttpCall& call) {
  std::unique_lock lock(mutex_);
  const std::optional<Fault> fault = take_fault(call);
  served_.push_back({call.method, call.target, call.body, call.connection, 0});
  const std::size_t index = served_.size() - 1;
  const auto is = [&](FaultKind kind) { return fault && fault->kind == kind; };
  if (is(FaultKind::dead)) dead_ = true;
  if (dead_ || is(FaultKind::cut_before)) return {.cut = true};
  if (is(FaultKind::reboot_before)) {
    reboot_locked();
    return {.cut = true};
  }
  if (is(FaultKind::hold_before)) hold(lock);
  const milliseconds delay =
      options_.latency + (is(FaultKind::slow) ? fault->delay : milliseconds{0});
  if (delay.count() > 0) {
    lock.unlock();
    std::this_thread::sleep_for(std::min(delay, options_.time_limit));
    lock.lock();
  }
  RestReply reply;
  if (delay > options_.time_limit) {
    reply = error_reply(400, "Session closed");
  } else if (is(FaultKind::answer)) {
    reply = error_reply(fault->status, fault->detail);
  } else if (!authorized(call)) {
    reply = error_reply(401, "");
  } else {
    show_clock();
    reply = answer(call);
  }
  if (is(FaultKind::cut_after)) return {.cut = true};
  if (is(FaultKind::reboot_after)) {
    reboot_locked();
    return {.cut = true};
  }
  if (is(FaultKind::hold_after)) hold(lock);
  if (index < served_.size()) served_[index].status = reply.status;
  HttpAnswer answer{.status = reply.status, .body = std::move(reply.body)};
  answer.hang_up = options_.dialect.hangs_up;
  if (answer.status == 401) {
    answer.extra_headers = "WWW-Authenticate: Basic realm=\"RouterOS\"\r\n";
  }
  return answer;
}

/// For tests in other languages:
///   POST /control/fault {"kind":"cut-after","at":3,"times":1,"status":400,"detail":"…","ms":100,
///                       "only":"PUT /rest/ip"}
///   POST /control/clear, /control/release, /control/reboot, /control/forget
///   POST /control/advance {"seconds":300}
///   POST /control/wait-held {"ms":10000}       {"held":true}
///   POST /control/latency {"ms":2}
///   POST /control/put {"menu":"/ip/pool","values":{…},"builtin":false}   made by the router itself
///   GET  /control/configuration                {"lines":[…]}
///   GET  /control/requests                     {"requests":[{"method":…,"target":…,…}],…}
HttpAnswer Router::handle_control(const HttpCall& call) {
  const std::string what = call.target.substr(std::string_view("/control/").size());
  const json arguments =
      call.body.empty() ? json::object() : json::parse(call.body, nullptr, false);
  if (!arguments.is_object()) return {.status = 400, .body = "{}"};
  json answer = json::object();
  if (what == "fault") {
    const std::optional<FaultKind> kind = parse_fault(arguments.value("kind", ""));
    if (!kind) return {.status = 400, .body = "{}"};
    set_fault({.kind = *kind,
               .at = arguments.value("at", std::uint64_t{1}),
               .times = arguments.value("times", std::uint64_t{1}),
               .status = arguments.value("status", 400),
               .detail = arguments.value("detail", ""),
               .delay = milliseconds{arguments.value("ms", 0)},
               .only = arguments.value("only", "")});
  } else if (what == "clear") {
    clear_faults();
  } else if (what == "release") {
    release();
  } else if (what == "reboot") {
    reboot();
  } else if (what == "forget") {
    forget_requests();
  } else if (what == "advance") {
    advance(seconds{arguments.value("seconds", 0)});
  } else if (what == "latency") {
    set_latency(milliseconds{arguments.value("ms", 0)});
  } else if (what == "wait-held") {
    answer["held"] = wait_held(milliseconds{arguments.value("ms", 10'000)});
  } else if (what == "put") {
    Properties values;
    for (const auto& [name, value] : arguments.at("values").items()) values[name] = value;
    answer["id"] = with([&](Device& device) {
      return id_text(
          device.put(arguments.value("menu", ""), values, arguments.value("builtin", false)));
    });
  } else if (what == "configuration") {
    answer["text"] = configuration();
  } else if (what == "requests") {
    answer["requests"] = json::array();
    for (const Served& one : requests()) {
      answer["requests"].push_back({{"method", one.method},
                                    {"target", one.target},
                                    {"body", one.body},
                                    {"connection", one.connection},
                                    {"status", one.status}});
    }
    answer["script-errors"] = script_errors();
    answer["scheduler-runs"] = scheduler_runs();
  } else {
    return {.status = 404, .body = "{}"};
  }
  return {.status = 200, .body = answer.dump(-1, ' ', false, json::error_handler_t::replace)};
}

}  // namespace metalwright::fakes
