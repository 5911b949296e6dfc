// Measures looking after RouterOS routers against a stand-in in this process, over HTTPS: 5,000
// leases in 200 networks. Prints a line for each figure, `look_requests 11`;
// bench/routeros_bench.py makes a table of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/engine.h"
#include "reconciler/http_client.h"
#include "reconciler/object_diff.h"
#include "reconciler/store/store.h"
#include "reconciler/targets/routeros/routeros_target.h"
#include "tests/fakes/routeros_fake/router.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::steady_clock;
using Objects = std::map<std::pair<std::string, std::string>, ObjectFields>;

constexpr int kNetworks = 200, kLeases = 5000, kRouters = 50, kChanges = 1000;

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

std::string network_address(int network, int host) {
  return "10.10" + std::to_string(network / 100) + '.' + std::to_string(network % 100) + '.' +
         std::to_string(host);
}

std::string mac_of(int lease) {
  char text[18];
  std::snprintf(text, sizeof text, "52:54:00:00:%02X:%02X", static_cast<unsigned>(lease) >> 8U,
                static_cast<unsigned>(lease) & 255U);
  return text;
}

Objects site(int networks, int leases) {
  Objects objects;
  objects[{"dhcp-option", "metalwright-efi"}] = {
      {"code", "67"}, {"name", "metalwright-efi"}, {"value", "s'ipxe.efi'"}};
  objects[{"dhcp-option-set", "metalwright-efi"}] = {{"name", "metalwright-efi"},
                                                     {"options", "metalwright-efi"}};
  objects[{"tftp", "ipxe.efi"}] = {{"real-filename", "ipxe.efi"}, {"req-filename", "ipxe.efi"}};
  for (int i = 0; i < networks; ++i) {
    const std::string name = "metalwright-n" + std::to_string(i);
    const std::string prefix = network_address(i, 0) + "/24";
    objects[{"pool", name}] = {{"name", name},
                               {"ranges", network_address(i, 200) + '-' + network_address(i, 250)}};
    objects[{"dhcp-server", name}] = {{"address-pool", name},
                                      {"disabled", "no"},
                                      {"interface", '@' + prefix},
                                      {"lease-time", "12h"},
                                      {"name", name}};
    objects[{"dhcp-network", name}] = {{"address", prefix},
                                       {"boot-file-name", "undionly.kpxe"},
                                       {"gateway", network_address(i, 1)}};
    objects[{"dhcp-matcher", name}] = {{"address-pool", name},
                                       {"code", "93"},
                                       {"matching-type", "exact"},
                                       {"name", name},
                                       {"option-set", "metalwright-efi"},
                                       {"server", name},
                                       {"value", "0x0007"}};
    objects[{"address-list", name}] = {{"address", prefix}, {"list", "boot"}};
  }
  for (int i = 0; i < leases; ++i) {
    const std::string name = "s" + std::to_string(i);
    const std::string address = network_address(i % networks, 2 + i / networks);
    objects[{"dhcp-lease", name}] = {{"address", address},
                                     {"disabled", "no"},
                                     {"mac-address", mac_of(i)},
                                     {"server", "metalwright-n" + std::to_string(i % networks)}};
    objects[{"dns-static", name}] = {
        {"address", address}, {"name", name + ".example.net"}, {"type", "A"}};
  }
  return objects;
}

/// A router and what looks after it.
struct Place {
  explicit Place(const std::string& name, int networks) {
    fakes::RouterOptions options;
    options.commands_file = ROUTEROS_COMMANDS;
    options.tls = true;
    router = std::make_unique<fakes::Router>(options);
    router->with([&](fakes::Device& device) {
      device.put("/interface/bridge", {{"name", "bridge1"}});
      for (int i = 0; i < networks; ++i) {
        const std::string vlan = "vlan" + std::to_string(i);
        device.put("/interface/vlan", {{"name", vlan}, {"interface", "bridge1"}});
        device.put("/ip/address",
                   {{"address", network_address(i, 1) + "/24"}, {"interface", vlan}});
      }
      return 0;
    });
    settings.name = name;
    settings.http.url = router->url();
    settings.http.pin = router->certificate().sha256;
    settings.http.user = "metalwright";
    settings.password = []() -> Result<std::string> { return std::string("secret"); };
    settings.owner = "bench";
  }

  std::unique_ptr<fakes::Router> router;
  RouterosTargetSettings settings;
  std::unique_ptr<RouterosTarget> target;
};

class Bench {
 public:
  explicit Bench(const std::string& folder) : folder_(folder) {
    store::StoreOptions options;
    options.state = "sqlite:" + folder + "/state.db";
    auto opened = store::Store::open(options);
    if (!opened) throw std::runtime_error(opened.error().text());
    store_ = std::move(*opened);
    tables_ = std::make_unique<AppliedTables>(*store_);
  }

  Place& add(int networks) {
    const std::string name = "r" + std::to_string(places_.size());
    places_.push_back(std::make_unique<Place>(name, networks));
    places_.back()->settings.note_file = folder_ + '/' + name + ".attempt";
    places_.back()->target = std::make_unique<RouterosTarget>(places_.back()->settings);
    return *places_.back();
  }

  Subject subject(Place& place, const std::shared_ptr<const Objects>& objects) {
    auto table = std::make_shared<ResourceTable>();
    auto arena = std::make_shared<Arena>();
    for (const auto& [key, fields] : *objects) {
      table->rows.push_back(
          {arena->copy(key.first), arena->copy(key.second), object_digest(encode_fields(fields))});
    }
    table->arenas.push_back(std::move(arena));
    Subject subject;
    subject.target = place.target.get();
    subject.desired = std::move(table);
    subject.content = [objects](std::string_view kind, std::string_view name) -> Result<Content> {
      Content content;
      content.bytes = encode_fields(objects->at({std::string(kind), std::string(name)}));
      return content;
    };
    subject.objects.desired = subject.content;
    subject.objects.all_desired = [objects](const ContentSink& sink) -> Result<void> {
      for (const auto& [key, fields] : *objects) {
        sink(key.first, key.second, encode_fields(fields));
      }
      return {};
    };
    subject.objects.applied = [this, name = place.settings.name](
                                  std::string_view kind,
                                  std::string_view row) -> Result<ObjectFields> {
      auto record = store_->applied().find(name, kind, row);
      if (!record) return tl::unexpected(record.error());
      return *record ? (*record)->fields : ObjectFields{};
    };
    return subject;
  }

  Planned plan(const PlanRequest& request) {
    auto planned = make_plan(*store_, *tables_, request, {});
    if (!planned) throw std::runtime_error(planned.error().text());
    for (const PlannedTarget& target : planned->targets) {
      if (target.error) throw std::runtime_error(target.error->text());
    }
    return std::move(*planned);
  }

  void apply(const PlanRequest& request, const Planned& planned) {
    const auto report = apply_plan(*store_, *tables_, request, planned,
                                   {.trigger = "bench", .clock = now_utc, .progress = {}}, {});
    if (!report) throw std::runtime_error(report.error().text());
    if (report->status != ApplyStatus::converged) {
      throw std::runtime_error(report->targets[0].error ? report->targets[0].error->text()
                                                        : "the plan was not made");
    }
  }

  PlanRequest request(std::vector<Subject> subjects, Look look = Look::cheap) {
    PlanRequest request;
    request.revision = "r" + std::to_string(++revision_);
    request.subjects = std::move(subjects);
    request.look = look;
    request.fields = false;
    request.now = now_utc();
    return request;
  }

  void converge(Place& place, const std::shared_ptr<const Objects>& objects) {
    const PlanRequest wanted = request({subject(place, objects)});
    apply(wanted, plan(wanted));
  }

 private:
  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<AppliedTables> tables_;
  std::vector<std::unique_ptr<Place>> places_;
  int revision_ = 0;
};

std::size_t count_writes(fakes::Router& router) {
  const auto requests = router.requests();
  return static_cast<std::size_t>(std::count_if(
      requests.begin(), requests.end(), [](const auto& one) { return one.method != "GET"; }));
}

/// What the stand-in can answer: the same changes of leases once more, one at a time over one
/// connection. The rows have these values by then, which is no less work for it.
double serial(Place& place) {
  std::vector<HttpRequest> requests;
  for (const fakes::Served& one : place.router->requests()) {
    if (one.method != "PATCH" || !one.target.starts_with("/rest/ip/dhcp-server/lease/")) continue;
    HttpRequest& request = requests.emplace_back();
    request.method = HttpMethod::patch;
    request.path = one.target;
    request.body = one.body;
  }
  if (requests.size() != kChanges) throw std::runtime_error("other writes");
  HttpOptions options = place.settings.http;
  options.password = place.settings.password().value();
  options.connections = 1;
  const auto client = make_http_client(std::move(options)).value();
  const auto begin = steady_clock::now();
  for (const HttpRequest& request : requests) {
    const auto answer = client->send(request, {});
    if (!answer || !answer->good()) throw std::runtime_error("a write was not done");
  }
  return seconds_since(begin);
}

void run(const std::string& folder, int round) {
  Bench bench(folder);
  Place& large = bench.add(kNetworks);
  auto objects = std::make_shared<Objects>(site(kNetworks, kLeases));
  bench.converge(large, objects);

  large.router->forget_requests();
  const auto quiet = bench.plan(bench.request({bench.subject(large, objects)}));
  if (!quiet.plan.changes.empty()) throw std::runtime_error("the site is not at rest");
  std::printf("look_requests %zu\n", large.router->requests().size());

  auto one = std::make_shared<Objects>(*objects);
  for (const char* kind : {"dhcp-lease", "dns-static"}) {
    set_field((*one)[{kind, "s7"}], "address", network_address(7, 190));
  }
  large.router->forget_requests();
  bench.converge(large, one);
  std::printf("server_writes %zu\n", count_writes(*large.router));

  // As fast as the stand-in itself, and as a fast router on the same floor. In turns, since a
  // connection's two threads take turns at another pace than those of the next one.
  int minutes = round;
  for (const auto& [latency, turns] : {std::pair{0, 9}, std::pair{1, 2}}) {
    large.router->set_latency(std::chrono::milliseconds{latency});
    double apply = 0, same = 0;
    for (int turn = 0; turn < turns; ++turn) {
      minutes = minutes % 59 + 1;
      auto many = std::make_shared<Objects>(*one);
      for (int i = 0; i < kChanges; ++i) {
        set_field((*many)[{"dhcp-lease", "s" + std::to_string(i)}], "lease-time",
                  std::to_string(minutes) + "m");
      }
      const PlanRequest wanted = bench.request({bench.subject(large, many)}, Look::named);
      const Planned planned = bench.plan(wanted);
      if (planned.plan.changes.size() != kChanges) throw std::runtime_error("other changes");
      large.router->forget_requests();
      const auto begin = steady_clock::now();
      bench.apply(wanted, planned);
      apply += seconds_since(begin);
      same += serial(large);
    }
    std::printf("apply_%d %.6f\nserial_%d %.6f\n", latency, apply / turns, latency, same / turns);
  }

  // Fifty routers of a usual size, each as far away as another town.
  std::vector<Place*> places;
  auto small = std::make_shared<Objects>(site(4, 100));
  for (int i = 0; i < kRouters; ++i) {
    Place& place = bench.add(4);
    bench.converge(place, small);
    place.router->set_latency(std::chrono::milliseconds{5});
    places.push_back(&place);
  }
  const auto look = [&](std::size_t count) {
    std::vector<Subject> subjects;
    for (std::size_t i = 0; i < count; ++i) subjects.push_back(bench.subject(*places[i], small));
    const PlanRequest all = bench.request(std::move(subjects));
    const auto start = steady_clock::now();
    if (!bench.plan(all).plan.changes.empty()) throw std::runtime_error("a router is not at rest");
    return seconds_since(start);
  };
  (void)look(kRouters);
  std::printf("look_one %.6f\n", look(1));
  std::printf("look_all %.6f\n", look(kRouters));
}

}  // namespace
}  // namespace metalwright::reconciler

int main(int count, char** words) {
  try {
    const std::string folder = count > 1 ? words[1] : ".";
    metalwright::reconciler::run(folder, count > 2 ? std::stoi(words[2]) : 1);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "router_bench: %s\n", error.what());
    return 1;
  }
}
