#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/routeros_fake/router.h"

// A router, or several, for tests in other languages and for benchmarks. Prints a line for each,
// `http://127.0.0.1:40001 <sha256 of its certificate>`, then serves until its input ends.
namespace metalwright::fakes {
namespace {

struct Arguments {
  RouterOptions router;
  std::size_t count = 1;
  std::string certificate_file;
};

Arguments read_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.router.commands_file = ROUTEROS_COMMANDS;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& name = words[i];
    if (name == "--tls") {
      arguments.router.tls = true;
      continue;
    }
    if (i + 1 == words.size()) throw std::invalid_argument(name + " needs a value");
    const std::string& value = words[++i];
    if (name == "--count") {
      arguments.count = std::stoul(value);
    } else if (name == "--user") {
      arguments.router.user = value;
    } else if (name == "--password") {
      arguments.router.password = value;
    } else if (name == "--latency-ms") {
      arguments.router.latency = std::chrono::milliseconds(std::stol(value));
    } else if (name == "--time-limit-ms") {
      arguments.router.time_limit = std::chrono::milliseconds(std::stol(value));
    } else if (name == "--certificate-file") {
      arguments.certificate_file = value;
    } else {
      throw std::invalid_argument("there is no option " + name);
    }
  }
  return arguments;
}

int run(const std::vector<std::string>& words) {
  const Arguments arguments = read_arguments(words);
  std::vector<std::unique_ptr<Router>> routers;
  for (std::size_t i = 0; i < arguments.count; ++i) {
    routers.push_back(std::make_unique<Router>(arguments.router));
    routers.back()->furnish();
    std::printf("%s %s\n", routers.back()->url().c_str(),
                routers.back()->certificate().sha256.c_str());
  }
  if (!arguments.certificate_file.empty()) {
    std::ofstream(arguments.certificate_file) << routers.front()->certificate().certificate;
  }
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace metalwright::fakes

int main(int count, char** words) {
  try {
    return metalwright::fakes::run({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "routeros-fake: %s\n", error.what());
    return 1;
  }
}
