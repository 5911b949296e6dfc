#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/http_client.h"
#include "schemas/error.h"

/// Writing many objects of a list with few requests: NetBox takes each request as a whole or not at
/// all.
namespace metalwright::reconciler {

/// One item of a bulk request.
struct NetboxWritten {
  std::int64_t id = 0;
  std::string last_updated;
};
using NetboxOutcome = Result<NetboxWritten>;

/// How many objects the next request takes. A NetBox needs some milliseconds for an object or a
/// hundred, and proxies in front of it give up after a minute, when it goes on regardless: so each
/// request is as long as NetBox is expected to need some seconds for, by how long it needed before.
class NetboxPace {
 public:
  static constexpr std::chrono::milliseconds kWanted{15'000};  ///< for one request
  static constexpr std::size_t kFirst = 100;                   ///< as long as nothing is known

  /// `what` is the method and the path.
  [[nodiscard]] std::size_t next(const std::string& what, std::size_t most) const;
  void took(const std::string& what, std::size_t objects, std::chrono::milliseconds time);

 private:
  std::map<std::string, double> milliseconds_;  ///< an object
};

/// Not for concurrent use.
class NetboxBulk {
 public:
  /// `http` must outlive it. `silence`: a bulk write is answered at its end.
  NetboxBulk(HttpClient& http, std::chrono::milliseconds silence)
      : http_(http), silence_(silence) {}

  /// Writes the objects (deletes: their ids), at most `most` in a request, and returns an outcome
  /// for each in the same order. Where NetBox refuses some, those at fault are found and the others
  /// are written. An outcome of `unavailable` does not tell whether it was done: look before it is
  /// done again.
  [[nodiscard]] std::vector<NetboxOutcome> write(HttpMethod method, const std::string& path,
                                                 std::span<const nlohmann::json> objects,
                                                 std::size_t most, const std::stop_token& stop);

 private:
  using Part = std::vector<std::size_t>;  ///< indices into the objects and the outcomes
  struct Job {
    HttpMethod method;
    const std::string& path;
    std::span<const nlohmann::json> objects;
    std::vector<NetboxOutcome>& outcomes;
    const std::stop_token& stop;
  };
  void write_part(const Job& job, const Part& part);
  void write_good_ones(const Job& job, const Part& part, const nlohmann::json& said);
  static void take(const Job& job, const Part& part, const HttpResponse& answer);
  static void take_by_id(const Job& job, const Part& part, const nlohmann::json& said);

  HttpClient& http_;
  std::chrono::milliseconds silence_;
  NetboxPace pace_;
};

}  // namespace metalwright::reconciler
