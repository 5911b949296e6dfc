#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "inventory/load_cache.h"
#include "inventory/loader.h"
#include "tests/inventory/files.h"
#include "tests/inventory/model_text.h"

// A load with a cache must give what a load without gives, whatever the cache is from.
namespace metalwright::inventory {
namespace {
namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
    out.push_back(text.substr(at, end + 1 - at));
    at = end + 1;
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

void expect_same_with_cache_of(const RepositoryFiles& before, const RepositoryFiles& after) {
  const std::string whole = result_text(load(after));
  for (const Texts texts : {Texts::forget, Texts::keep}) {
    const LoadResult first = load(before, nullptr, texts);
    EXPECT_EQ(result_text(load(after, first.cache.get(), texts)), whole);
  }
}

TEST(IncrementalLoad, ParsesOnlyWhatChanged) {
  std::string text = "# fleet\nservers:\n";
  for (int i = 0; i < 100; ++i) {
    text += fmt::format("  node{}:\n    ipv4: 10.0.0.{}/8\n    serial: S{}\n\n", i, i + 1, i);
  }
  const LoadResult before = load(inventory_file(text));
  ASSERT_NE(before.model, nullptr) << lines(before.errors);
  EXPECT_EQ(before.statistics.servers_parsed, 100U);
  std::string edited = text;
  edited.replace(edited.find("serial: S42\n"), 11, "serial: S4242");
  edited.insert(0, "# moved by\n# two lines\n");
  const LoadResult after = load(inventory_file(edited), before.cache.get());
  EXPECT_EQ(after.statistics.servers_parsed, 1U);
  EXPECT_EQ(after.statistics.files_fully_parsed, 0U);
  EXPECT_EQ(result_text(after), result_text(load(inventory_file(edited))));
  // What did not change is the very same value, with its marks.
  const ServerEntry& old_entry = *before.model->find_server("node7");
  const ServerEntry& new_entry = *after.model->find_server("node7");
  EXPECT_EQ(old_entry.server, new_entry.server);
  EXPECT_EQ(old_entry.digest, new_entry.digest);
  EXPECT_EQ(new_entry.line, old_entry.line + 2);
  EXPECT_NE(before.model->find_server("node42")->digest,
            after.model->find_server("node42")->digest);
}

TEST(IncrementalLoad, GivesTheSameResultForTheSameFiles) {
  const RepositoryFiles files = inventory_file("servers:\n  a: {ipv4: 192.0.2.1}\n");
  const LoadResult first = load(files);
  const LoadResult second = load(files, first.cache.get());
  EXPECT_EQ(second.model, first.model);
  EXPECT_EQ(second.errors, first.errors);
  EXPECT_EQ(second.cache, first.cache);
  EXPECT_EQ(second.statistics.servers_parsed, 0U);
}

TEST(IncrementalLoad, FindsDuplicatesAmongCachedServers) {
  const RepositoryFiles before = inventory_file("servers:\n  a: {serial: X}\n  b: {serial: Y}\n");
  const RepositoryFiles after = inventory_file("servers:\n  a: {serial: X}\n  b: {serial: X}\n");
  const LoadResult first = load(before);
  const LoadResult second = load(after, first.cache.get());
  EXPECT_EQ(lines(second.errors),
            "inventory.yaml:3:15: error: servers.b.serial: 'X' is the serial number of servers.a "
            "already (inventory.yaml:2:15) [duplicate-serial]\n");
  EXPECT_EQ(second.model, nullptr);
  // The way back needs the cache of a revision with errors.
  const LoadResult third = load(before, second.cache.get());
  EXPECT_EQ(result_text(third), result_text(first));
}

TEST(IncrementalLoad, IsNotMisledByAQuoteOverEntries) {
  // To the scan, both files begin with an entry of the same text; it is not the whole value.
  const RepositoryFiles before =
      inventory_file("servers:\n  a:\n    site: \"x\n  b: {serial: \"\n  c: {}\n");
  const RepositoryFiles after =
      inventory_file("servers:\n  a:\n    site: \"x\n  b: {serial: other\"\n  c: {}\n");
  expect_same_with_cache_of(before, after);
  EXPECT_EQ(load(before).model->servers.size(), 2U);
}

TEST(IncrementalLoad, KeepsReadingWhatAnAnchorChanges) {
  const std::string text = "x-site: &site {}\nservers:\n  a: {labels: *site}\n  b: {}\n";
  std::string edited = text;
  edited.replace(edited.find("{}"), 2, "{k: v}");
  const LoadResult first = load(inventory_file(text));
  const LoadResult second = load(inventory_file(edited), first.cache.get());
  EXPECT_EQ(result_text(second), result_text(load(inventory_file(edited))));
  EXPECT_NE(first.model->find_server("a")->digest, second.model->find_server("a")->digest);
  EXPECT_EQ(first.model->find_server("b")->digest, second.model->find_server("b")->digest);
}

TEST(IncrementalLoad, KeepsEntriesThatMoveToAnotherFile) {
  const RepositoryFiles before = files({{"inventory/a.yaml", "servers:\n  x: {}\n  y: {}\n"},
                                        {"inventory/b.yaml", "servers:\n  z: {}\n"}});
  const RepositoryFiles after = files({{"inventory/a.yaml", "servers:\n  y: {}\n"},
                                       {"inventory/b.yaml", "servers:\n  z: {}\n  x: {}\n"}});
  const LoadResult first = load(before);
  const LoadResult second = load(after, first.cache.get());
  EXPECT_EQ(second.statistics.servers_parsed, 0U);
  EXPECT_EQ(result_text(second), result_text(load(after)));
}

TEST(IncrementalLoad, LivesThroughManyRevisions) {
  std::string text = "servers:\n";
  for (int i = 0; i < 50; ++i) text += fmt::format("  node{}: {{serial: S{}}}\n", i, i);
  LoadResult result = load(inventory_file(text));
  for (int revision = 0; revision < 200; ++revision) {
    const std::string from = fmt::format("node{}: {{", revision % 50);
    text.replace(text.find(from), from.size(),
                 fmt::format("{}labels: {{r: v{}}}, x-{}: 1, ", from, revision, revision));
    // A label stands once: the old one goes.
    const std::size_t at =
        text.find(fmt::format("labels: {{r: v{}}}, x-{}: 1, labels", revision, revision));
    if (at != std::string::npos) {
      const std::size_t old = text.find("labels", at + 8);
      text.erase(old, text.find("1, ", old) + 3 - old);
    }
    result = load(inventory_file(text), result.cache.get());
    ASSERT_EQ(lines(result.errors), "");
    ASSERT_LE(result.model->arenas.size(), 64U);
  }
  EXPECT_EQ(result_text(result), result_text(load(inventory_file(text))));
}

TEST(IncrementalLoad, EqualsTheFullLoadForEveryBadRepository) {
  const fs::path bad = fs::path(METALWRIGHT_SOURCE_DIR) / "tests/bad";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(bad)) {
    const fs::path file = entry.path() / "inventory.yaml";
    if (!fs::exists(file)) continue;
    SCOPED_TRACE(file.string());
    ++count;
    const std::string text = read_file(file);
    expect_same_with_cache_of(inventory_file(text + "\n# later\n"), inventory_file(text));
    const std::vector<std::string> all = lines_of(text);
    for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 12); ++i) {
      std::vector<std::string> fewer = all;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      expect_same_with_cache_of(inventory_file(joined(fewer)), inventory_file(text));
    }
  }
  EXPECT_GT(count, 80);
}

/// Makes and mangles inventories; the seed is fixed, so a failure comes again.
class Mangler {
 public:
  explicit Mangler(unsigned seed) : random_(seed) {}

  std::string inventory() {
    std::string text = pick({"", "# fleet\n", "---\n", "\n"});
    if (chance(20)) text += "x-note: " + pick({"one\n", "|\n  two\n\n  lines\n", "&n {a: b}\n"});
    text += pick({"servers:\n", "servers:\n", "servers: # all of them\n", "servers:\n\n"});
    const int count = static_cast<int>(random_() % 8);
    for (int i = 0; i < count; ++i) text += entry(i);
    if (chance(20)) text += "moved: [{from: gone, to: n0}]\n";
    return text;
  }

  std::string mangled(const std::string& text) {
    std::vector<std::string> lines = lines_of(text);
    for (int times = 1 + static_cast<int>(random_() % 3); times > 0; --times) {
      std::erase(lines, "");
      if (lines.empty()) lines.emplace_back("servers:\n");
      const auto at = lines.begin() + static_cast<std::ptrdiff_t>(random_() % lines.size());
      switch (random_() % 8) {
        case 0:
          lines.erase(at);
          break;
        case 1:
          lines.insert(at, *at);
          break;
        case 2:
          std::swap(*at, lines[random_() % lines.size()]);
          break;
        case 3:
          at->insert(0, pick({" ", "  ", "\t", "#", "- ", "? "}));
          break;
        case 4:
          if (!at->empty()) at->erase(0, 1);
          break;
        case 5:
          at->insert(random_() % (at->size()),
                     pick({"\"", "'", "{", "}", "[", "]", ":", ": ", "&a ", "*a", "!x ", "|", "#",
                           "\r", "ü", ",", "<<"}));
          break;
        case 6:
          lines.insert(at,
                       pick({"---\n", "...\n", "servers:\n", "x-a: 1\n", "\n", "  n0:\n",
                             "  n1: {serial: S1}\n", "   odd: {}\n", "    <<: {site: q}\n",
                             "moved: []\n", "%YAML 1.1\n", "    rack: |\n", "      text: x\n"}));
          break;
        default:
          at->pop_back();
      }
    }
    return joined(lines);
  }

 private:
  std::string entry(int i) {
    switch (random_() % 5) {
      case 0:
        return fmt::format("  n{}: {{serial: S{}, ipv4: 10.0.0.{}/8}}\n", i, random_() % 9, i + 1);
      case 1:
        return fmt::format(
            "  n{}:\n    hostname: h{}\n    interfaces:\n      e0: {{mac: "
            "02:00:00:00:00:0{}}}\n",
            i, i, random_() % 9);
      case 2:
        return fmt::format("  n{}:\n    site: \"a\n      b\"\n    # said\n    services:\n    - x\n",
                           i);
      case 3:
        return fmt::format(
            "  n{}:   # c\n    x-text: |\n      n9: {{}}\n\n      more\n    rack: r\n", i);
      default:
        return fmt::format("  n{}:\n", i);
    }
  }

  std::string pick(std::initializer_list<const char*> of) {
    return std::data(of)[random_() % of.size()];
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  std::mt19937 random_;
};

class Mangled : public testing::TestWithParam<Texts> {};

TEST_P(Mangled, EqualsTheFullLoad) {
  int partly = 0;
  int valid = 0;
  int known = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Mangler mangler(seed);
    std::string text = mangler.inventory();
    LoadResult result = load(inventory_file(text), nullptr, GetParam());
    for (int step = 0; step < 3; ++step) {
      known += result.cache->text("inventory.yaml") != nullptr ? 1 : 0;
      text = mangler.mangled(text);
      result = load(inventory_file(text), result.cache.get(), GetParam());
      const LoadResult whole = load(inventory_file(text));
      ASSERT_EQ(result_text(result), result_text(whole)) << "seed " << seed << ":\n" << text;
      partly += result.statistics.files_fully_parsed == 0 ? 1 : 0;
      valid += result.model != nullptr ? 1 : 0;
    }
  }
  // The test is worth something only where the short way was taken, and not for bad files alone.
  EXPECT_GT(partly, 1000);
  EXPECT_GT(valid, 500);
  EXPECT_GE(known, GetParam() == Texts::keep ? 1000 : 0);
}

INSTANTIATE_TEST_SUITE_P(IncrementalLoad, Mangled, testing::Values(Texts::forget, Texts::keep),
                         [](const auto& info) {
                           return info.param == Texts::keep ? "WithTexts" : "WithoutTexts";
                         });

}  // namespace
}  // namespace metalwright::inventory
