#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "inventory/cache_file.h"
#include "inventory/loader.h"
#include "tests/inventory/files.h"
#include "tests/inventory/model_text.h"

// Files whose bytes a load does without, because the cache knows what they gave.
namespace metalwright::inventory {
namespace {
namespace fs = std::filesystem;

using Contents = std::map<std::string, std::string>;

RepositoryFiles revision(const Contents& contents) {
  RepositoryFiles files;
  for (const auto& [path, bytes] : contents) files.push_back(repository_file(path, bytes));
  return files;
}

/// Takes away the bytes that the cache does without; returns of how many files.
int strip(RepositoryFiles& files, const std::shared_ptr<const LoadCache>& cache) {
  int stripped = 0;
  const KnownFile known = known_files(cache);
  for (RepositoryFile& file : files) {
    const auto size = known ? known(file.path, file.id) : std::nullopt;
    if (!size) continue;
    EXPECT_EQ(*size, file.bytes->size());
    file.bytes = nullptr;
    ++stripped;
  }
  return stripped;
}

std::shared_ptr<const LoadCache> through_a_file(const LoadCache& cache) {
  return decode_cache(encode_cache(cache, "p"), "p");
}

Contents lab() {
  return {
      {"inventory.yaml", "servers:\n  a: {ipv4: 10.0.0.1}\n  b: {cluster: one}\n"},
      {"networks.yaml", "networks: {lab: {prefix: 10.0.0.0/24}}\n"},
      {"clusters/one.yaml", "nodes: {b: {role: control-plane, ip: 10.0.0.2}}\n"},
      {"clusters/two.yaml",
       "profile: p\nnodes:\n  n1: {role: control-plane, ip: 10.0.0.7, server: a, services: [x]}\n"
       "bootstrap: {initialPeers: [n1]}\nbgp: {asn: 64512, peers: [{address: 10.0.0.3, asn: 1}]}\n"
       "network:\n  fiberlbBgp: {enable: true, vips: [10.0.0.200]}\n"},
      {"profiles/p.yaml", "type: custom\nkernel: k\n"}};
}

TEST(KnownFiles, AreTheClustersThatDidNotChange) {
  const LoadResult first = load(revision(lab()));
  // Of the second the address is no address of its server: it is read anew, to be told again.
  ASSERT_NE(lines(first.errors), "");
  Contents contents = lab();
  contents["clusters/two.yaml"].replace(contents["clusters/two.yaml"].find("10.0.0.7"), 8,
                                        "10.0.0.1");
  const LoadResult good = load(revision(contents));
  ASSERT_NE(good.model, nullptr) << lines(good.errors);
  for (const auto& cache : {good.cache, through_a_file(*good.cache)}) {
    ASSERT_NE(cache, nullptr);
    RepositoryFiles files = revision(contents);
    EXPECT_EQ(strip(files, cache), 2);
    EXPECT_EQ(result_text(load(files, cache.get())), result_text(good));
  }
  RepositoryFiles files = revision(lab());
  EXPECT_EQ(strip(files, good.cache), 1);
  EXPECT_EQ(result_text(load(files, good.cache.get())), result_text(first));
  EXPECT_EQ(strip(files = revision(lab()), through_a_file(*first.cache)), 1);
  EXPECT_FALSE(known_files(nullptr));
}

/// Makes small fleets and changes them; the seed is fixed, so a failure comes again.
class Changer {
 public:
  explicit Changer(unsigned seed) : random_(seed) {}

  Contents fleet() {
    Contents contents{{"inventory.yaml", inventory()}};
    for (int i = 0; i < 6; ++i) change(contents);
    return contents;
  }

  void change(Contents& contents) {
    const int number = static_cast<int>(random_() % 4);
    const std::string cluster = fmt::format("clusters/c{}.yaml", number);
    switch (random_() % 9) {
      case 0:
        contents.erase(cluster);
        break;
      case 1:
      case 2:
      case 3:
        contents[cluster] = this->cluster(number);
        break;
      case 4:
        contents["networks.yaml"] =
            fmt::format("networks: {{lab: {{prefix: 10.0.0.0/{}, gateway: 10.0.0.{}}}}}\n",
                        chance(90) ? 24 : 29, chance(90) ? 1 : 11);
        break;
      case 5:
        contents[fmt::format("profiles/p{}.yaml", number)] = pick(
            {"type: custom\nkernel: k\n", "type: custom\nkernel: l\n", "type: custom\nkernel: k\n",
             "type: custom\nkernel: l\ndefault: true\n", "type: x\n"});
        break;
      case 6:
        std::swap(contents[cluster], contents[fmt::format("clusters/c{}.yaml", random_() % 4)]);
        break;
      default:
        contents["inventory.yaml"] = inventory();
    }
    std::erase_if(contents, [](const auto& file) { return file.second.empty(); });
  }

 private:
  std::string inventory() {
    std::string text = "servers:\n";
    for (int i = 0; i < 5; ++i) {
      if (chance(20)) continue;
      text += fmt::format("  s{}: {{ipv4: 10.0.0.{}, {}{}x-n: {}}}\n", i, chance(95) ? 10 + i : 11,
                          chance(93) ? "" : pick({"cluster: c0, ", "cluster: c9, "}),
                          chance(93) ? "" : pick({"profile: p0, ", "profile: p3, ", "bad: 1, "}),
                          random_() % 9);
    }
    return text;
  }

  std::string cluster(int number) {
    std::string text = chance(80) ? "" : pick({"name: c1\n", "profile: p1\n", "what: 1\n"});
    text += "nodes:\n";
    for (int i = 0; i < 3; ++i) {
      const int node = chance(95) ? number * 3 + i : static_cast<int>(random_() % 12);
      text += fmt::format("  n{}: {{role: {}, ip: 10.0.1.{}{}}}\n", node,
                          i == 0 || chance(5) ? "control-plane" : "worker",
                          chance(95) ? node : static_cast<int>(random_() % 12),
                          chance(90) ? "" : pick({", server: s1", ", services: [x, y]"}));
    }
    if (chance(5)) text += "bootstrap: {initialPeers: [n0]}\n";
    if (chance(10)) {
      text +=
          "bgp: {asn: 1, peers: [{address: 10.0.0.9, asn: 2}]}\n"
          "network: {fiberlbBgp: {enable: true, vips: [10.0.0.50, 10.0.1.9]}}\n";
    }
    return text;
  }

  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::string pick(std::initializer_list<const char*> of) {
    return std::data(of)[random_() % of.size()];
  }

  std::mt19937 random_;
};

TEST(KnownFiles, AnyChangeGivesWhatTheFullLoadGives) {
  int stripped = 0;
  int valid = 0;
  for (unsigned seed = 0; seed < 1500; ++seed) {
    Changer changer(seed);
    Contents contents = changer.fleet();
    std::shared_ptr<const LoadCache> running = load(revision(contents)).cache;
    std::shared_ptr<const LoadCache> kept = through_a_file(*running);
    for (int step = 0; step < 4; ++step) {
      changer.change(contents);
      const LoadResult whole = load(revision(contents));
      valid += whole.model != nullptr ? 1 : 0;
      for (std::shared_ptr<const LoadCache>* cache : {&running, &kept}) {
        ASSERT_NE(*cache, nullptr);
        RepositoryFiles files = revision(contents);
        stripped += strip(files, *cache);
        const LoadResult result = load(files, cache->get());
        ASSERT_EQ(result_text(result), result_text(whole)) << "seed " << seed << ", step " << step;
        *cache = result.cache;
      }
      kept = through_a_file(*kept);
    }
  }
  // The test is worth something only where files were left out, and not for bad fleets alone.
  EXPECT_GT(stripped, 2000);
  EXPECT_GT(valid, 200);
}

TEST(KnownFiles, EveryBadRepositoryGivesItsErrorsAgain) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(METALWRIGHT_SOURCE_DIR) / "tests/bad")) {
    Contents contents;
    for (const auto& file : fs::recursive_directory_iterator(entry.path())) {
      const std::string path = fs::relative(file.path(), entry.path()).generic_string();
      if (!file.is_regular_file() || !is_relevant(path)) continue;
      std::ifstream in(file.path(), std::ios::binary);
      contents[path] = {std::istreambuf_iterator<char>(in), {}};
    }
    SCOPED_TRACE(entry.path().string());
    const std::string expected = result_text(load(revision(contents)));
    Contents other = contents;
    other["networks.yaml"] += "\n# later\n";
    for (const LoadResult& before : {load(revision(contents)), load(revision(other))}) {
      for (const auto& cache : {before.cache, through_a_file(*before.cache)}) {
        RepositoryFiles files = revision(contents);
        strip(files, cache);
        EXPECT_EQ(result_text(load(files, cache.get())), expected);
      }
    }
    ++count;
  }
  EXPECT_GT(count, 120);
}

}  // namespace
}  // namespace metalwright::inventory
