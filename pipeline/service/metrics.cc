#include "pipeline/service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

namespace metalwright::service {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

constexpr std::string_view kRequests = "metalwright_http_requests_total";
constexpr std::size_t kKinds = 5;  // of status, by its first digit
// Profiles come and go by commit and API, and a counter stays as long as the process.
constexpr std::size_t kMostBootSeries = 2000;

/// From what changes nothing to a first apply of a large fleet through a slow API.
Histogram::BucketBoundaries seconds() { return {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300}; }

}  // namespace

struct Metrics::Parts {
  template <class Number, class Build>
  Family<Number>& family(Build build, const std::string& name, const std::string& help) {
    return build().Name("metalwright_" + name).Help(help).Register(registry);
  }
  Family<Counter>& counter(const std::string& name, const std::string& help) {
    return family<Counter>(prometheus::BuildCounter, name, help);
  }
  Family<Gauge>& gauge(const std::string& name, const std::string& help) {
    return family<Gauge>(prometheus::BuildGauge, name, help);
  }
  Family<Histogram>& histogram(const std::string& name, const std::string& help) {
    return family<Histogram>(prometheus::BuildHistogram, name, help);
  }

  /// Of one target.
  struct OfTarget {
    Gauge &planned, &drifted;
    Counter &done, &failed;
    Histogram& seconds;
  };
  OfTarget& of(const std::string& target) {
    const auto at = targets.find(target);
    if (at != targets.end()) return at->second;
    const prometheus::Labels labels{{"target", target}};
    return targets
        .emplace(target, OfTarget{planned.Add(labels), drifted.Add(labels), done.Add(labels),
                                  failed.Add(labels), apply_seconds.Add(labels, seconds())})
        .first->second;
  }

  prometheus::Registry registry;
  std::vector<std::array<Counter*, kKinds>> requests;  // by route
  Family<Counter>& boots =
      counter("boots_total", "Boot menus by what was decided and the profile.");
  Counter& dropped = counter("boot_notes_dropped_total", "Boots that could not be noted.").Add({});
  Family<Gauge>& planned = gauge("planned_changes", "Changes of the last round's plan.");
  Family<Gauge>& drifted =
      gauge("drifted_resources", "Resources that the last round found changed by others.");
  Family<Counter>& done = counter("changes_done_total", "Changes that took effect.");
  Family<Counter>& failed = counter("changes_failed_total", "Changes that failed.");
  Family<Histogram>& apply_seconds =
      histogram("apply_seconds", "Seconds that applying a target's changes took.");
  Family<Counter>& rounds = counter("rounds_total", "Rounds of the loop by how they ended.");
  Counter& round_seconds = counter("round_seconds_total", "Seconds that rounds took.").Add({});
  Gauge& last_round_seconds =
      gauge("last_round_seconds", "Seconds that the last round took.").Add({});
  std::mutex boots_mutex;
  std::map<std::string, std::map<std::string, Counter*>> boot_series;  // by decision and profile
  std::size_t boot_series_made = 0;
  std::mutex targets_mutex;
  std::map<std::string, OfTarget> targets;
};

Metrics::Metrics(const std::vector<Route>& routes) : parts_(std::make_unique<Parts>()) {
  Family<Counter>& answers = prometheus::BuildCounter()
                                 .Name(std::string(kRequests))
                                 .Help("Requests by route and status.")
                                 .Register(parts_->registry);
  for (const Route& route : routes) {
    auto& kinds = parts_->requests.emplace_back();
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      kinds[kind] = &answers.Add({{"method", std::string(word(route.method))},
                                  {"route", std::string(route.pattern)},
                                  {"status", std::to_string(kind + 1) + "xx"}});
    }
  }
}

Metrics::~Metrics() = default;

void Metrics::answered(std::size_t route, int status) {
  parts_->requests[route][static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1)]
      ->Increment();
}

void Metrics::booted(const std::string& decision, const std::string& profile) {
  const std::lock_guard lock(parts_->boots_mutex);
  auto& of_decision = parts_->boot_series[decision];
  auto at = of_decision.find(profile);
  if (at == of_decision.end()) {
    const bool many = parts_->boot_series_made >= kMostBootSeries;
    at = of_decision.emplace(many ? "other" : profile, nullptr).first;
    if (at->second == nullptr) {
      prometheus::Labels labels{{"decision", decision}};
      if (!at->first.empty()) labels.emplace("profile", at->first);
      at->second = &parts_->boots.Add(labels);
      ++parts_->boot_series_made;
    }
  }
  at->second->Increment();
}

void Metrics::dropped(std::size_t boots) { parts_->dropped.Increment(static_cast<double>(boots)); }

void Metrics::note(const pipeline::Round& round) {
  const std::lock_guard lock(parts_->targets_mutex);
  const double seconds = std::chrono::duration<double>(round.took).count();
  parts_->last_round_seconds.Set(seconds);
  parts_->round_seconds.Increment(seconds);
  const std::string ended = round.converged() ? "converged"
                            : round.planned   ? "not converged"
                                              : "not planned";
  parts_->rounds.Add({{"outcome", ended}}).Increment();
  std::map<std::string, std::pair<double, double>> counts;  // planned and drifted
  for (const auto& [target, numbers] : parts_->targets) counts[target];
  if (round.planned) {
    for (const auto& change : round.planned->plan.changes) ++counts[change.target].first;
    for (const auto& change : round.planned->plan.drift) ++counts[change.target].second;
  }
  if (round.report) {
    for (const reconciler::TargetOutcome& outcome : round.report->targets) counts[outcome.target];
  }
  for (const auto& [target, count] : counts) {
    parts_->of(target).planned.Set(count.first);
    parts_->of(target).drifted.Set(count.second);
  }
  if (!round.report) return;
  for (const reconciler::TargetOutcome& outcome : round.report->targets) {
    Parts::OfTarget& numbers = parts_->of(outcome.target);
    numbers.done.Increment(static_cast<double>(outcome.done));
    numbers.failed.Increment(static_cast<double>(outcome.failed));
    if (outcome.took.count() == 0) continue;  // there was nothing to apply
    numbers.seconds.Observe(std::chrono::duration<double>(outcome.took).count());
  }
}

std::string Metrics::text(const std::vector<Reading>& readings) const {
  std::vector<prometheus::MetricFamily> families = parts_->registry.Collect();
  for (prometheus::MetricFamily& family : families) {
    if (family.name != kRequests) continue;
    std::erase_if(family.metric, [](const auto& metric) { return metric.counter.value == 0; });
  }
  for (const Reading& reading : readings) {
    auto at = std::find_if(families.begin(), families.end(),
                           [&](const auto& family) { return family.name == reading.name; });
    if (at == families.end()) {
      at = families.insert(
          families.end(),
          {.name = reading.name, .help = reading.help, .type = prometheus::MetricType::Gauge});
    }
    prometheus::ClientMetric& metric = at->metric.emplace_back();
    for (const auto& [name, value] : reading.labels) metric.label.push_back({name, value});
    metric.gauge.value = reading.value;
  }
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  for (prometheus::MetricFamily& family : families) {
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace metalwright::service
