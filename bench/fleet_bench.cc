// Google Benchmark over the pure layers, on a repository in a folder:
//
//   fleet_bench REPOSITORY [--benchmark_...]
//   fleet_bench REPOSITORY --memory
//
// `--memory` says what the model keeps allocated when everything else of a load is gone.
// `render` is what bench/run.py compares with the script's rendering: one thread, no disk.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/loader.h"
#include "inventory/repository_files.h"
#include "pipeline/desired_state.h"
#include "renderers/render.h"
#include "schemas/digest.h"
#include "schemas/text.h"

namespace {

using namespace metalwright;
namespace fs = std::filesystem;

std::string repository;

inventory::RepositoryFiles read_repository() {
  inventory::RepositoryFiles files;
  for (auto at = fs::recursive_directory_iterator(repository); at != end(at); ++at) {
    const std::string path = fs::relative(at->path(), repository).generic_string();
    if (path == ".git") at.disable_recursion_pending();
    if (!at->is_regular_file() || !inventory::is_relevant(path)) continue;
    std::ifstream in(at->path(), std::ios::binary);
    files.push_back(inventory::repository_file(
        path, std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())));
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

const inventory::RepositoryFiles& files() {
  static const inventory::RepositoryFiles read = read_repository();
  return read;
}

inventory::LoadResult load(benchmark::State& state, const inventory::RepositoryFiles& from,
                           const inventory::LoadCache* cache = nullptr) {
  inventory::LoadResult result = inventory::load(from, cache);
  if (result.model == nullptr) {
    state.SkipWithError(result.errors.empty() ? "no model" : result.errors.front().message.c_str());
  }
  return result;
}

std::vector<pipeline::TargetLayout> layouts() {
  renderers::RenderSettings settings;
  settings.dnsmasq.tftp_root = "/srv/tftp";
  settings.dnsmasq.hosts_folder = "/etc/metalwright/dhcp-hosts";
  settings.boot_loaders = {"undionly.kpxe", "ipxe.efi", "snponly.efi", "pxelinux.0",
                           "efi64/grubx64.efi"};
  using renderers::Format;
  return {{"tftp", {Format::pxelinux, Format::grub, Format::ipxe}, settings, {}},
          {"nodes-files", {Format::netplan, Format::cluster_config}, settings, {}},
          {"dhcp", {Format::dnsmasq}, settings, {}}};
}

void load_all(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load(state, files()));
  state.SetItemsProcessed(state.iterations());
}

// One server's text differs from the cached revision.
void load_one_changed(benchmark::State& state) {
  const inventory::LoadResult first = load(state, files());
  if (first.model == nullptr) return;
  inventory::RepositoryFiles changed = files();
  for (inventory::RepositoryFile& file : changed) {
    std::string bytes = *file.bytes;
    const std::size_t at = bytes.rfind("position: 1");
    if (!file.path.starts_with("inventory") || at == std::string::npos) continue;
    bytes[at + 10] = '2';
    file = inventory::repository_file(file.path, std::move(bytes));
    break;
  }
  for (auto _ : state) benchmark::DoNotOptimize(load(state, changed, first.cache.get()));
}

void render(benchmark::State& state) {
  const inventory::LoadResult loaded = load(state, files());
  if (loaded.model == nullptr) return;
  const std::vector<pipeline::TargetLayout> targets = layouts();
  std::uint64_t artifacts = 0, bytes = 0;
  for (auto _ : state) {
    artifacts = bytes = 0;
    for (const pipeline::TargetLayout& layout : targets) {
      const Errors errors = pipeline::render_all(
          *loaded.model, layout, [&](const ServerEntry*, const renderers::Artifact& artifact) {
            ++artifacts;
            bytes += artifact.content.size();
          });
      if (has_error(errors)) state.SkipWithError(errors.front().message.c_str());
    }
  }
  state.counters["artifacts"] = static_cast<double>(artifacts);
  state.counters["bytes"] = static_cast<double>(bytes);
}

// Rendering, digests and tables, on all cores: what a plan with an empty cache does.
void build_desired(benchmark::State& state) {
  const inventory::LoadResult loaded = load(state, files());
  if (loaded.model == nullptr) return;
  const std::vector<pipeline::TargetLayout> targets = layouts();
  for (auto _ : state) {
    benchmark::DoNotOptimize(pipeline::build_desired({.revision = "r",
                                                      .model = *loaded.model,
                                                      .context = {},
                                                      .layouts = targets,
                                                      .observer = {}}));
  }
}

void digest(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(sha256(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void arena_copy(benchmark::State& state) {
  for (auto _ : state) {
    Arena arena;
    for (int i = 0; i < 10000; ++i) benchmark::DoNotOptimize(arena.copy("node-0001.example.net"));
  }
  state.SetItemsProcessed(state.iterations() * 10000);
}

void arena_intern(benchmark::State& state) {
  constexpr std::string_view kWords[] = {"compute", "storage", "gpu", "edge"};
  for (auto _ : state) {
    Arena arena;
    for (int i = 0; i < 10000; ++i) benchmark::DoNotOptimize(arena.intern(kWords[i % 4]));
  }
  state.SetItemsProcessed(state.iterations() * 10000);
}

BENCHMARK(load_all)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(load_one_changed)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(render)->Unit(benchmark::kMillisecond);
BENCHMARK(build_desired)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(digest)->Arg(400)->Arg(1 << 20);
BENCHMARK(arena_copy);
BENCHMARK(arena_intern);

std::size_t allocated_bytes() {
  const struct mallinfo2 all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

int report_memory() {
  const std::size_t before = allocated_bytes();
  std::size_t files = 0;
  inventory::LoadResult loaded;
  {
    const inventory::RepositoryFiles read = read_repository();
    for (const inventory::RepositoryFile& file : read) files += file.bytes->size();
    loaded = inventory::load(read);
  }
  if (loaded.model == nullptr) return 1;
  loaded.cache.reset();
  loaded.errors.clear();
  std::printf("servers %zu\nmodel %zu\nfiles %zu\n", loaded.model->servers.size(),
              allocated_bytes() - before, files);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    std::fprintf(stderr, "usage: fleet_bench REPOSITORY [--benchmark_...]\n");
    return 64;
  }
  repository = argv[1];
  if (argc == 3 && std::string_view(argv[2]) == "--memory") return report_memory();
  std::swap(argv[0], argv[1]);
  --argc;
  ++argv;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
