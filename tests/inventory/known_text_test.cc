#include "inventory/known_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "inventory/load_cache.h"
#include "inventory/loader.h"
#include "tests/inventory/files.h"
#include "tests/inventory/model_text.h"

// A push that edits a few servers: only what lies around them is read, and what comes of it is what
// reading everything gives.
namespace metalwright::inventory {
namespace {

std::string entry(int i, const std::string& more = "") {
  return fmt::format("  node{}:\n    serial: S{}\n    ipv4: 10.0.{}.{}/8\n{}", i, i, i / 200,
                     i % 200 + 1, more);
}

std::string fleet(int count = 40) {
  std::string text = "# fleet\nx-note: before\nservers:\n  # the first\n";
  for (int i = 0; i < count; ++i) text += entry(i);
  return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// Where the parts of `after` are, by comparing with `before`; the same as a scan of it says, or
/// nothing.
bool finds_edit(const std::string& before, const std::string& after) {
  const auto bytes = std::make_shared<const std::string>(before);
  const EntryScan scan = scan_entries(*bytes);
  EXPECT_TRUE(scan.sure) << before;
  const KnownText known = known_text(bytes, *bytes, scan);
  const auto changed = std::make_shared<const std::string>(after);
  const auto edit = find_edit(known, *changed);
  if (!edit) return false;
  const EntryScan between = scan_within_servers(edit->between, 1);
  const EntryScan whole = scan_entries(*changed);
  if (!between.sure) return false;
  for (const ScannedEntry& entry : between.entries) {
    if (entry.column != scan.entries[0].column) return false;
  }
  EXPECT_TRUE(whole.sure) << after;
  const KnownText expected = known_text(changed, *changed, whole);
  const KnownText found = known.after(*edit, between.entries, changed);
  if (!whole.entries.empty()) {
    EXPECT_EQ(found.starts, expected.starts) << after;
  }
  const auto sections = [](const KnownText& text) {
    std::string out;
    for (const auto& section : text.sections) {
      out += fmt::format("{}-{} in line {}\n", section.start, section.end, section.line);
    }
    return out;
  };
  EXPECT_EQ(sections(found), sections(expected)) << after;
  return true;
}

/// The revisions one after the other, each loaded with the cache of the one before.
void expect_same_as_whole(const std::vector<std::string>& revisions) {
  LoadResult last;
  for (const std::string& text : revisions) {
    last = load(inventory_file(text), last.cache.get(), Texts::keep);
    const LoadResult whole = load(inventory_file(text));
    ASSERT_EQ(result_text(last), result_text(whole)) << text;
    if (whole.model == nullptr) continue;
    for (std::size_t i = 0; i < whole.model->servers.size(); ++i) {
      EXPECT_EQ(last.model->servers[i].digest, whole.model->servers[i].digest);
    }
  }
}

/// An edit that is found by comparing, loads as the whole does, and so does the way back.
void expect_found(const std::string& before, const std::string& after) {
  EXPECT_TRUE(finds_edit(before, after)) << after;
  expect_same_as_whole({before, after, before});
}

TEST(KnownText, IsKeptWhereItIsAskedFor) {
  const RepositoryFiles files = inventory_file(fleet());
  EXPECT_EQ(load(files).cache->text("inventory.yaml"), nullptr);
  const LoadResult kept = load(files, nullptr, Texts::keep);
  const KnownText* const text = kept.cache->text("inventory.yaml");
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->servers.size(), 40U);
  EXPECT_EQ(text->bytes, files[0].bytes);
  EXPECT_EQ(kept.cache->text("inventory/a.yaml"), nullptr);
}

TEST(KnownText, ReadsOnlyWhatAnEditTouched) {
  const std::string before = fleet();
  const LoadResult first = load(inventory_file(before), nullptr, Texts::keep);
  const LoadResult second = load(inventory_file(replaced(before, "serial: S17", "serial: X")),
                                 first.cache.get(), Texts::keep);
  EXPECT_EQ(second.statistics.servers_parsed, 1U);
  EXPECT_EQ(second.statistics.files_fully_parsed, 0U);
  EXPECT_EQ(second.model->find_server("node16")->server,
            first.model->find_server("node16")->server);
  EXPECT_EQ(second.model->find_server("node18")->server,
            first.model->find_server("node18")->server);
}

TEST(KnownText, FindsAnEditWhereverItIs) {
  const std::string text = fleet();
  for (const int node : {0, 1, 20, 38, 39}) {
    SCOPED_TRACE(node);
    const std::string serial = fmt::format("serial: S{}\n", node);
    expect_found(text, replaced(text, serial, "serial: other\n"));
    expect_found(text, replaced(text, serial, "serial: S\n    # said\n    site: a\n"));
    expect_found(text, replaced(text, fmt::format("  node{}:", node), "  renamed:"));
    expect_found(text, replaced(text, fmt::format("  node{}:", node),
                                fmt::format("  node{}: # here", node)));
    if (node < 39) expect_found(text, replaced(text, entry(node), ""));
    expect_found(text, replaced(text, entry(node), entry(node) + entry(100)));
    expect_found(text, replaced(text, entry(node), entry(100) + entry(node)));
    expect_found(text, replaced(text, entry(node), entry(node, "    # comment\n\n")));
  }
}

TEST(KnownText, FindsSeveralEdits) {
  const std::string text = fleet(400);
  std::string edited = replaced(text, "serial: S3\n", "serial: a\n");
  edited = replaced(edited, entry(120), "");
  edited = replaced(edited, entry(250), entry(250) + entry(500) + entry(501));
  edited = replaced(edited, "serial: S390\n", "serial: b\n");
  expect_found(text, edited);
  const LoadResult first = load(inventory_file(text), nullptr, Texts::keep);
  EXPECT_EQ(load(inventory_file(edited), first.cache.get(), Texts::keep).statistics.servers_parsed,
            4U);
}

TEST(KnownText, TakesWhatWasSwappedOrRepeated) {
  const std::string text = fleet();
  expect_found(text, replaced(text, entry(5) + entry(6), entry(6) + entry(5)));
  expect_found(text, replaced(text, entry(0) + entry(1), entry(1) + entry(0)));
  std::string far = replaced(text, entry(2), "@");
  far = replaced(far, entry(37), entry(2));
  expect_found(text, replaced(far, "@", entry(37)));
  // The same text once more is the same name once more.
  expect_found(text, replaced(text, entry(5), entry(5) + entry(5)));
  expect_found(text, replaced(text, entry(39), entry(39) + entry(0)));
}

TEST(KnownText, TakesAFileWithoutALastLineEnd) {
  std::string text = fleet();
  text.pop_back();
  expect_found(text, text + "\n");
  expect_found(text, text + "1");
  expect_found(text, replaced(text, "serial: S7\n", "serial: a\n"));
  expect_found(text, text + "\n" + entry(77));
  expect_found(text + "\n", text);
}

TEST(KnownText, MovesWhatStandsBehindTheServers) {
  const std::string text = fleet() + "moved:\n  - {from: gone, to: node3}\nx-more: 1\n";
  expect_found(text, replaced(text, "serial: S3\n", "serial: a\n    # one more line\n"));
  expect_found(text, replaced(text, entry(39), entry(39) + entry(40)));
  expect_found(text, replaced(text, "serial: S39\n", "serial: a\n"));
  // An edit there is not within the servers.
  EXPECT_FALSE(finds_edit(text, replaced(text, "gone", "away")));
  expect_same_as_whole({text, replaced(text, "gone", "away"), text});
  expect_same_as_whole({text, fleet() + "\n", text});
  // What `moved` says is checked again although no server changed in what is asked of it.
  expect_same_as_whole({text, replaced(text, "node3}", "nobody}"), text});
  expect_same_as_whole({text, replaced(text, "gone", "node4"), text});
}

TEST(KnownText, GivesUpWhereMoreThanEntriesDiffer) {
  const std::string text = fleet();
  EXPECT_FALSE(finds_edit(text, replaced(text, "before", "after")));
  EXPECT_FALSE(finds_edit(text, replaced(text, "servers:", "servers: # all")));
  EXPECT_FALSE(finds_edit(text, replaced(text, entry(4), "x-top: 1\n")));
  EXPECT_FALSE(finds_edit(text, replaced(text, "  node4:", " node4:")));
  EXPECT_FALSE(finds_edit(text, replaced(text, "  node0:", "   node0:")));
  EXPECT_FALSE(finds_edit(text, ""));
  for (const char* with : {"  node4: &a {}\n", "  node4: *a\n", "  <<: {}\n", "  node4: \"\n",
                           "\tnode4: {}\n", "---\n", "  node4: {serial: \"a\n\"}\n", "  ? node4\n",
                           "  node4:\r\n", "  \xFF: {}\n", "%YAML 1.1\n", "  node4: {a: \x01}\n",
                           "  node4: |\n", "  node4: {x-text: \xC3\xBC}\n", "\xEF\xBB\xBF", ""}) {
    SCOPED_TRACE(with);
    expect_same_as_whole({text, replaced(text, entry(4), with), text});
    expect_same_as_whole({text, replaced(text, entry(0), with), text});
    expect_same_as_whole({text, replaced(text, entry(39), with), text});
  }
}

TEST(KnownText, ReadsOtherLineEndsMarksAndAnchorsAsAWhole) {
  const std::string text = fleet();
  std::string crlf;
  for (const char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect_same_as_whole({crlf, replaced(crlf, "serial: S7\r", "serial: a\r"), crlf, text, crlf});
  const std::string marked = "\xEF\xBB\xBF" + text;
  expect_same_as_whole({marked, replaced(marked, "serial: S7\n", "serial: a\n"), text, marked});
  const std::string anchored = replaced(replaced(text, "serial: S3\n", "labels: &l {a: b}\n"),
                                        "serial: S9\n", "labels: *l\n");
  expect_same_as_whole({text, anchored, replaced(anchored, "a: b", "a: c"), text});
}

TEST(KnownText, SaysAWarningAgain) {
  // A warning belongs to an entry whose text stays: it must be told at each load, in its line.
  const std::string text =
      replaced(fleet(), "serial: S9\n", "serial: S9\n    location: 12\n    x-unknown: 1\n");
  const std::string unknown = replaced(text, "x-unknown", "unknown");
  for (const std::string& base : {text, unknown}) {
    expect_same_as_whole({base, replaced(base, "serial: S2\n", "serial: a\n    site: b\n"), base});
    expect_same_as_whole({base, replaced(base, "serial: S20\n", "serial: a\n"), base});
  }
}

TEST(KnownText, ChecksAgainWhatAnEditMayBreak) {
  const RepositoryFile networks = repository_file(
      "networks.yaml", "networks: {lab: {prefix: 10.0.0.0/8, gateway: 10.0.0.254}}\n");
  const RepositoryFile cluster =
      repository_file("clusters/one.yaml",
                      "name: one\nnodes:\n  node3: {role: control-plane, ip: 10.0.0.4}\n"
                      "  c: {role: worker, ip: 10.0.0.6, server: node5}\n");
  const auto revision = [&](const std::string& text) {
    return RepositoryFiles{cluster, repository_file("inventory.yaml", text), networks};
  };
  const std::string text = replaced(fleet(), "serial: S4\n",
                                    "serial: S4\n    interfaces: {e0: {mac: 02:00:00:00:00:04}}\n");
  const LoadResult first = load(revision(text), nullptr, Texts::keep);
  ASSERT_NE(first.model, nullptr) << lines(first.errors);
  ASSERT_EQ(lines(first.errors), "");
  ASSERT_TRUE(first.cache->nothing_found());
  struct Edit {
    const char* what;
    std::string from, to;
  };
  const Edit edits[] = {
      {"[duplicate-serial]", "serial: S6\n", "serial: S7\n"},
      {"[duplicate-hostname]", "serial: S6\n", "serial: S6\n    hostname: NODE9\n"},
      {"[duplicate-mac]", "serial: S6\n",
       "serial: S6\n    interfaces: {e0: {mac: 02:00:00:00:00:04}}\n"},
      {"[duplicate-ip]", "ipv4: 10.0.0.7/8", "ipv4: 10.0.0.9/8"},
      {"[duplicate-ip]", "serial: S6\n", "serial: S6\n    interfaces: {e0: {ipv4: 10.0.0.11/8}}\n"},
      {"[duplicate-ip]", "serial: S6\n",
       "serial: S6\n    network: {vlans: {v: {id: 5, link: e0, addresses: [10.0.0.11/8]}}}\n"},
      {"[duplicate-ip]", "ipv4: 10.0.0.4/8", "ipv4: 10.0.0.222/8"},
      {"[ip-reserved]", "ipv4: 10.0.0.7/8", "ipv4: 10.0.0.254/8"},
      {"[ip-outside-network]", "ipv4: 10.0.0.7/8", "ipv4: 10.0.0.7/16"},
      {"[unknown-profile]", "serial: S6\n", "serial: S6\n    profile: none\n"},
      {"[unknown-cluster]", "serial: S6\n", "serial: S6\n    cluster: none\n"},
      {"[cluster-member]", "serial: S3\n", "serial: S3\n    cluster: two\n"},
      {"[unknown-server]", entry(5), ""},
      {"[duplicate-name]", "  node6:", "  node7:"},
  };
  for (const Edit& edit : edits) {
    SCOPED_TRACE(std::string(edit.what) + edit.to);
    const RepositoryFiles files = revision(replaced(text, edit.from, edit.to));
    const LoadResult second = load(files, first.cache.get(), Texts::keep);
    EXPECT_EQ(result_text(second), result_text(load(files)));
    if (std::string(edit.what) != "[duplicate-ip]" || edit.from != "ipv4: 10.0.0.4/8") {
      EXPECT_NE(lines(second.errors).find(edit.what), std::string::npos) << lines(second.errors);
    }
  }
  // Nor may another file's change be overlooked.
  RepositoryFiles files = revision(text);
  files[2] = repository_file("networks.yaml",
                             "networks: {lab: {prefix: 10.0.0.0/8, gateway: 10.0.0.9}}\n");
  const LoadResult second = load(files, first.cache.get(), Texts::keep);
  EXPECT_EQ(result_text(second), result_text(load(files)));
  EXPECT_NE(lines(second.errors).find("[ip-reserved]"), std::string::npos) << lines(second.errors);
}

TEST(KnownText, LivesThroughRandomEdits) {
  std::mt19937 random(7);
  std::vector<std::string> entries;
  for (int i = 0; i < 60; ++i) entries.push_back(entry(i));
  int found = 0;
  LoadResult last;
  std::string before;
  for (int revision = 0, next = 60; revision < 300; ++revision) {
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const std::size_t at = random() % entries.size();
      switch (random() % 6) {
        case 0:
          if (entries.size() > 20) entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 1:
          entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(at), entry(next++));
          break;
        case 2:
          std::swap(entries[at], entries[random() % entries.size()]);
          break;
        case 3:
          entries[at] += random() % 2 == 0 ? "    # more\n" : "\n";
          break;
        case 4:
          entries[at] = entry(next++);
          break;
        default:
          entries[at] = replaced(entries[at], "    serial", "    x-n: 1\n    serial");
          if (entries[at].find("x-n", entries[at].find("x-n") + 1) != std::string::npos) {
            entries[at] = replaced(entries[at], "    x-n: 1\n", "");
          }
      }
    }
    std::string text = "servers:\n";
    for (const std::string& one : entries) text += one;
    if (!before.empty() && finds_edit(before, text)) ++found;
    before = text;
    last = load(inventory_file(text), last.cache.get(), Texts::keep);
    ASSERT_EQ(result_text(last), result_text(load(inventory_file(text)))) << text;
  }
  EXPECT_GT(found, 290);
}

}  // namespace
}  // namespace metalwright::inventory
