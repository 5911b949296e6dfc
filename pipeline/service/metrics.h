#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/loop.h"
#include "pipeline/service/route_table.h"

namespace metalwright::service {

/// A number that is looked up when it is asked for, and not counted as it happens.
struct Reading {
  std::string name, help;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

/// The numbers that Prometheus asks for, counted by its own client library. Any thread may count.
class Metrics {
 public:
  explicit Metrics(const std::vector<Route>& routes);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// An answer by the route of this number in the table: a counter held by reference, so that no
  /// request pays for looking it up.
  void answered(std::size_t route, int status);
  /// A boot menu that was answered; `profile` is empty where none was handed out.
  void booted(const std::string& decision, const std::string& profile);
  /// Boots that could not be written down.
  void dropped(std::size_t boots);
  /// What a round of the loop came to.
  void note(const pipeline::Round& round);
  /// All of it and the readings, in Prometheus' text form, ordered by name and labels. Routes and
  /// kinds of status that were never answered are left out.
  [[nodiscard]] std::string text(const std::vector<Reading>& readings) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::service
