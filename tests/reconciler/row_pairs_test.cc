#include "reconciler/row_pairs.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace metalwright::reconciler {
namespace {

/// Rows of one kind: name and content.
ResourceTable table(std::initializer_list<std::pair<std::string, std::string>> rows) {
  ResourceTable made;
  auto arena = std::make_shared<Arena>();
  for (const auto& [name, content] : rows) {
    made.rows.push_back({arena->intern("file"), arena->copy(name), sha256(content)});
  }
  made.arenas.push_back(std::move(arena));
  return made;
}

/// `=` unchanged, `~` of another digest, `+` desired only, `-` applied only.
std::string walk(const ResourceTable& desired, const ResourceTable& applied) {
  std::string seen;
  for (const RowPair& pair : RowPairs(desired.rows, applied.rows)) {
    const bool both = pair.desired != nullptr && pair.applied != nullptr;
    seen += pair.unchanged() ? '=' : both ? '~' : pair.desired != nullptr ? '+' : '-';
    seen += pair.row().name.view();
  }
  return seen;
}

TEST(RowPairs, MeetByNameInTheTablesOrder) {
  EXPECT_EQ(walk(table({{"a", "1"}, {"c", "1"}, {"d", "2"}, {"f", "1"}}),
                 table({{"b", "1"}, {"c", "1"}, {"d", "1"}, {"e", "1"}})),
            "+a-b=c~d-e+f");
}

TEST(RowPairs, AreThoseOfTheOtherTableWhereOneIsEmpty) {
  const ResourceTable none, some = table({{"a", "1"}, {"b", "1"}});
  EXPECT_EQ(walk(some, none), "+a+b");
  EXPECT_EQ(walk(none, some), "-a-b");
  EXPECT_EQ(walk(none, none), "");
}

TEST(RowPairs, OrderByKindBeforeName) {
  ResourceTable desired = table({{"z", "1"}}), applied = table({{"a", "1"}});
  Arena arena;
  applied.rows[0].kind = arena.copy("host");
  EXPECT_EQ(walk(desired, applied), "+z-a");
}

TEST(RowPairs, NameWhatIsInBothByTheDesiredRow) {
  const ResourceTable desired = table({{"a", "new"}}), applied = table({{"a", "old"}});
  const RowPairs pairs(desired.rows, applied.rows);
  EXPECT_EQ((*pairs.begin()).row().digest, sha256("new"));
}

}  // namespace
}  // namespace metalwright::reconciler
