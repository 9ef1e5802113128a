// SPDX-License-Identifier: Apache-2.0
// Taking files over: what is added, changed and kept, and nothing at all when one line is bad.
#include <fmt/format.h>

#include <algorithm>

#include "tests/register/fixture.hpp"
#include "tests/support/sanitized.hpp"

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view base = R"(people:
  - {id: boss, name: Boss, employed_from: 2010-01-01}
  - id: ama
    name: Ama
    email: ama@hospital.example
    line_manager: boss
    employed_from: 2020-01-01
    employed_until: 2027-12-31
    unix_accounts: [ama]
    teams: [t]
    cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01}]
    identities: {upn: ama@hospital.example}
    forms: [{kind: ESR06, role: core, verified_by: boss, approved_by: boss}]
    declarations: [{name: d, version: "1", signed_on: 2026-01-01}]
    training: [{course: c, completed_on: 2026-01-01}]
    delegations: [{from: boss, role: r}]
    removed: {reason: Lost laptop}
)";

class Import : public testing::Test {
 protected:
  Import() : staff(open(folder.file())) { import(*staff, base); }

  /// The register must be as it was.
  void expect_refused(std::string_view yaml, const std::vector<std::string>& problems) {
    const Person before = *staff->person("ama");
    const auto parsed = parse_import(yaml, "staff.yaml").value();
    EXPECT_THAT(texts(parsed.problems), IsEmpty());
    const auto report = staff->import(parsed.file);
    ASSERT_TRUE(report) << report.error().context;
    EXPECT_EQ(texts(report->problems), problems);
    EXPECT_EQ(report->added + report->changed + report->unchanged, 0U);
    EXPECT_EQ(*staff->person("ama"), before);
    EXPECT_EQ(*staff->count(), 2U);
  }

  Folder folder;
  std::unique_ptr<Register> staff;
};

TEST_F(Import, CountsWhatItDid) {
  const auto again = import(*staff, base);
  EXPECT_EQ(again.people, 2U);
  EXPECT_EQ(again.unchanged, 2U);
  EXPECT_EQ(again.added + again.changed, 0U);
  const auto more = import(*staff, R"(people:
  - {id: boss, name: Boss}
  - {id: ama, name: Ama Owusu}
  - {id: bo, name: Bo}
)");
  EXPECT_EQ(more.people, 3U);
  EXPECT_EQ(more.added, 1U);
  EXPECT_EQ(more.changed, 1U);
  EXPECT_EQ(more.unchanged, 1U);
}

TEST_F(Import, AKeyThatIsLeftOutKeepsWhatIsOnRecord) {
  Person before = *staff->person("ama");
  EXPECT_EQ(import(*staff, "people: [{id: ama, name: Ama Owusu}]").changed, 1U);
  before.name = "Ama Owusu";
  EXPECT_EQ(*staff->person("ama"), before);
  EXPECT_TRUE(staff->person("ama")->removed);  // an extract of names restores nobody
}

TEST_F(Import, EmptyListsAndTheWordNoneTakeAway) {
  import(*staff, R"(people:
  - {id: ama, name: Ama, email: none, line_manager: none, employed_from: none, employed_until: none, unix_accounts: [],
     teams: [], cards: [], identities: {}, forms: [], declarations: [], training: [], delegations: []}
)");
  Person bare;
  bare.id = "ama";
  bare.name = "Ama";
  bare.removed = true;
  bare.removed_reason = "Lost laptop";
  EXPECT_EQ(*staff->person("ama"), bare);
  EXPECT_FALSE(staff->person("boss")->is_line_manager);
}

TEST_F(Import, AGivenListReplacesTheWholeOne) {
  import(*staff, R"(people:
  - {id: ama, name: Ama, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02}, {uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, status: lost}]}
)");
  EXPECT_THAT(staff->person("ama")->cards,
              ElementsAre(Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02", "active", {}},
                          Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "lost", {}}));
}

TEST_F(Import, WhoeverGainsOrLosesStaffIsALineManagerOrNoMore) {
  EXPECT_TRUE(staff->person("boss")->is_line_manager);
  import(*staff, R"(people:
  - {id: ama, name: Ama, line_manager: new}
  - {id: new, name: New}
)");
  EXPECT_FALSE(staff->person("boss")->is_line_manager);
  EXPECT_TRUE(staff->person("new")->is_line_manager);
}

TEST_F(Import, CardsMayChangeHandsWithinOneFile) {
  import(*staff, R"(people:
  - {id: boss, name: Boss, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01}]}
  - {id: ama, name: Ama, cards: []}
)");
  EXPECT_THAT(*staff->people_by_identity("card_uuid", "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01"),
              ElementsAre("boss"));
}

TEST_F(Import, UnknownPeopleAreNamedAndNothingIsChanged) {
  expect_refused(R"(people:
  - {id: ama, name: Somebody else}
  - id: bo
    name: Bo
    line_manager: ghost
    delegations:
      - {from: boss, role: r}
      - {from: spirit, role: r}
)",
                 {"5: bo: the line manager 'ghost' is neither in this file nor in the register",
                  "8: bo: 'spirit', who delegates, is neither in this file nor in the register"});
}

TEST_F(Import, SomebodyElsesCardIsNamedAndNothingIsChanged) {
  expect_refused(R"(people:
  - {id: ama, name: Changed}
  - {id: bo, name: Bo, cards: [{uuid: 8B1F6C1E-2D5A-4D0E-9A53-0C2F7B6F1A01}]}
)",
                 {"3: bo: the card 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01 is registered to ama already"});
}

TEST_F(Import, ALoopThroughTheRegisterIsNamedAndNothingIsChanged) {
  expect_refused("people:\n  - {id: boss, name: Boss, line_manager: ama}\n",
                 {"2: boss: line managers in a loop: boss -> ama -> boss"});
  expect_refused(
      "people:\n  - {id: boss, name: Boss, line_manager: bo}\n  - {id: bo, name: Bo, line_manager: ama}\n",
      {"2: boss: line managers in a loop: boss -> bo -> ama -> boss"});
}

TEST_F(Import, OnlyALineManagerDelegates) {
  expect_refused("people:\n  - {id: bo, name: Bo, delegations: [{from: ama, role: r}]}\n",
                 {"2: bo: 'ama' delegates, but is not a line manager"});
}

TEST_F(Import, AFileWithBadLinesChangesNothingAndTheRegisterAddsItsOwn) {
  const auto parsed = parse_import(R"(people:
  - {id: ama, name: Changed}
  - {id: bo, name: Bo, employed_from: yesterday}
  - {id: cy, name: Cy, line_manager: ghost, cards: [{uuid: nonsense}]}
  - {name: Nobody, declarations: [{name: d}], delegations: [{role: r}]}
)",
                                   "staff.yaml")
                          .value();
  EXPECT_EQ(parsed.problems.size(), 6U);
  const auto report = staff->import(parsed.file);
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_THAT(texts(report->problems),
              ElementsAre("4: cy: the line manager 'ghost' is neither in this file nor in the register"));
  EXPECT_EQ(staff->person("ama")->name, "Ama");
  EXPECT_EQ(*staff->count(), 2U);

  const auto only_bad = parse_import("people: [{id: ama, name: Changed}, {id: bo}]", "staff.yaml").value();
  EXPECT_THAT(texts(staff->import(only_bad.file)->problems), IsEmpty()) << "the parser named them";
  EXPECT_EQ(staff->person("ama")->name, "Ama");
}

TEST_F(Import, LongChainsOfManagersAreNoLoop) {
  std::string text = "people:\n  - {id: p0, name: N, line_manager: ama}\n";
  for (int i = 1; i < 2000; ++i)
    text += fmt::format("  - {{id: p{}, name: N, line_manager: p{}}}\n", i, i - 1);
  EXPECT_EQ(import(*staff, text).added, 2000U);
  std::string turned = "people:\n  - {id: ama, name: Ama, line_manager: p1999}\n";
  const auto report = staff->import(parse_import(turned, "f")->file);
  ASSERT_TRUE(report);
  EXPECT_THAT(texts(report->problems),
              ElementsAre("2: ama: line managers in a loop: ama -> p1999 -> p1998 -> p1997 -> "
                          "p1996 -> p1995 -> (1995 more) -> ama"));
}

TEST_F(Import, AHundredThousandPeople) {
  constexpr std::size_t many = under_sanitizer ? 10'000 : 100'000;
  constexpr std::size_t last = many - 1;
  ImportFile file;
  file.people.resize(many);
  for (std::size_t i = 0; i < many; ++i) {
    ImportedPerson& item = file.people[i];
    item.line = static_cast<int>(i);
    item.given.name = item.given.line_manager = item.given.cards = true;
    item.person.id = fmt::format("p{}", i);
    item.person.name = fmt::format("Person {}", i);
    if (i > 0) item.person.line_manager = fmt::format("p{}", i / 10);
    item.person.cards = {{fmt::format("10000000-0000-4000-8000-{:012}", i), "active", std::nullopt}};
    item.lines.cards = {item.line};
  }
  const auto first = staff->import(file);
  ASSERT_TRUE(first) << first.error().context;
  EXPECT_THAT(texts(first->problems), IsEmpty());
  EXPECT_EQ(first->added, many);
  EXPECT_EQ(*staff->count(), many + 2);
  EXPECT_THAT(*staff->people_by_identity("card_uuid", fmt::format("10000000-0000-4000-8000-{:012}", last)),
              ElementsAre(fmt::format("p{}", last)));
  EXPECT_EQ(staff->person(fmt::format("p{}", last))->line_manager, fmt::format("p{}", last / 10));
  EXPECT_TRUE(staff->person(fmt::format("p{}", last / 10))->is_line_manager);
  EXPECT_FALSE(staff->person(fmt::format("p{}", last / 10 + 1))->is_line_manager);
}

}  // namespace
}  // namespace cardgate::reg
