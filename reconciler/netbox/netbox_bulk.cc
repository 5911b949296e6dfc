#include "reconciler/netbox/netbox_bulk.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "reconciler/netbox/netbox_answer.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// What was never written may take so many times as long as what took longest so far: deleting a
/// device takes a NetBox ten times as long as making it.
constexpr double kUnknown = 10;

std::int64_t own_id(const json& object) { return id_of(object, "id").value_or(0); }

NetboxWritten written(const json& object) {
  return {.id = own_id(object), .last_updated = text_of(object, "last_updated")};
}

/// One of the objects may be at fault, and NetBox does not say which; or it takes fewer at a time.
bool worth_halving(HttpMethod method, int status) {
  switch (status) {
    case 400:
    case 404:
    case 409:
    case 413:
      return true;
    case 500:  // a failure inside NetBox may be one object's as well
      return method != HttpMethod::post;
    default:
      return false;
  }
}

}  // namespace

std::size_t NetboxPace::next(const std::string& what, std::size_t most) const {
  const auto known = milliseconds_.find(what);
  double each = 0;
  if (known != milliseconds_.end()) {
    each = known->second;
  } else {
    for (const auto& [path, time] : milliseconds_) each = std::max(each, kUnknown * time);
  }
  if (each <= 0) return std::min(kFirst, most);
  const double fits = static_cast<double>(kWanted.count()) / each;
  const std::size_t least = known == milliseconds_.end() ? kFirst : 1;
  return std::min(most, std::max(least, static_cast<std::size_t>(std::min(fits, 1e6))));
}

void NetboxPace::took(const std::string& what, std::size_t objects, milliseconds time) {
  // A few objects tell of the request more than of themselves.
  constexpr std::size_t kFew = 20;
  if (objects < kFew) return;
  milliseconds_[what] =
      std::max(0.01, static_cast<double>(time.count()) / static_cast<double>(objects));
}

std::vector<NetboxOutcome> NetboxBulk::write(HttpMethod method, const std::string& path,
                                             std::span<const json> objects, std::size_t most,
                                             const std::stop_token& stop) {
  std::vector<NetboxOutcome> outcomes(
      objects.size(), unavailable("netbox-failure", "NetBox's answer does not name it"));
  const Job job{method, path, objects, outcomes, stop};
  const std::string what = fmt::format("{} {}", word(method), path);
  for (std::size_t from = 0; from < objects.size();) {
    const std::size_t to =
        std::min(objects.size(), from + pace_.next(what, std::max<std::size_t>(most, 1)));
    Part part;
    for (std::size_t i = from; i < to; ++i) part.push_back(i);
    const auto begun = std::chrono::steady_clock::now();
    write_part(job, part);
    pace_.took(what, part.size(),
               std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun));
    from = to;
    if (outcomes[to - 1] || outcomes[to - 1].error().kind != ErrorKind::unavailable) continue;
    // It cannot be reached: the rest would wait for nothing.
    for (std::size_t i = to; i < objects.size(); ++i) {
      outcomes[i] = tl::unexpected(outcomes[to - 1].error());
    }
    break;
  }
  return outcomes;
}

void NetboxBulk::write_part(const Job& job, const Part& part) {
  if (part.empty()) return;
  std::string body = "[";
  for (const std::size_t index : part) {
    if (body.size() > 1) body += ',';
    body += job.objects[index].dump(-1, ' ', false, json::error_handler_t::replace);
  }
  const HttpRequest request{
      .method = job.method, .path = job.path, .body = body + ']', .silence = silence_};
  const Result<HttpResponse> answer = http_.send(request, job.stop);
  const auto fail_all = [&](const Error& error) {
    for (const std::size_t index : part) job.outcomes[index] = tl::unexpected(error);
  };
  if (!answer) return fail_all(answer.error());
  if (answer->good()) return take(job, part, *answer);
  const json said = json::parse(answer->body, nullptr, false);
  if (answer->status == 400 && said.is_array() && said.size() == part.size()) {
    return write_good_ones(job, part, said);
  }
  if (part.size() == 1 || !worth_halving(job.method, answer->status)) {
    return fail_all(
        with_context(netbox_error(*answer), fmt::format("{} {}", word(job.method), job.path)));
  }
  const auto half = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
  write_part(job, {part.begin(), half});
  write_part(job, {half, part.end()});
}

/// NetBox told what is wrong with each of them: those that are good are sent again.
void NetboxBulk::write_good_ones(const Job& job, const Part& part, const json& said) {
  Part good;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (said[i].empty()) {
      good.push_back(part[i]);
      continue;
    }
    job.outcomes[part[i]] = tl::unexpected(with_context(
        invalid("netbox-refused", "NetBox answers HTTP 400: " + netbox_messages(said[i])).value(),
        fmt::format("{} {}", word(job.method), job.path)));
  }
  if (good.size() < part.size()) return write_part(job, good);
  const Error error =
      invalid("netbox-refused", "NetBox answers HTTP 400 without saying why").value();
  for (const std::size_t index : part) job.outcomes[index] = tl::unexpected(error);
}

void NetboxBulk::take(const Job& job, const Part& part, const HttpResponse& answer) {
  if (job.method == HttpMethod::del) {
    for (const std::size_t index : part) {
      job.outcomes[index] = NetboxWritten{.id = own_id(job.objects[index])};
    }
    return;
  }
  json said = json::parse(answer.body, nullptr, false);
  if (said.is_object()) said = json::array({std::move(said)});
  if (!said.is_array()) {
    for (const std::size_t index : part) {
      job.outcomes[index] = tl::unexpected(netbox_not_json(answer));
    }
    return;
  }
  if (job.method != HttpMethod::post) return take_by_id(job, part, said);
  for (std::size_t i = 0; i < part.size() && i < said.size(); ++i) {
    if (own_id(said[i]) != 0) job.outcomes[part[i]] = written(said[i]);
  }
}

/// The answer's order is the model's, and an id that is not there is left out without a word.
void NetboxBulk::take_by_id(const Job& job, const Part& part, const json& said) {
  std::map<std::int64_t, const json*> by_id;
  for (const json& object : said) by_id[own_id(object)] = &object;
  for (const std::size_t index : part) {
    const auto found = by_id.find(own_id(job.objects[index]));
    if (found != by_id.end()) {
      job.outcomes[index] = written(*found->second);
    } else {
      job.outcomes[index] =
          fail(ErrorKind::conflict, "netbox-gone", "the object is not there any more");
    }
  }
}

}  // namespace metalwright::reconciler
