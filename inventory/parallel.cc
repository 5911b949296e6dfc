#include "inventory/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace metalwright::inventory {
namespace {
constexpr std::size_t kMostThreads = 16;
}  // namespace

void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> others;
  try {
    for (std::size_t i = 1; i < std::min({count, cores, kMostThreads}); ++i) {
      others.emplace_back(run);
    }
  } catch (const std::system_error&) {
    // The host gives no more threads: those that there are do the work.
  }
  run();
}

}  // namespace metalwright::inventory
