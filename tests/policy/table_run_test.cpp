// SPDX-License-Identifier: Apache-2.0
// Tables that test a policy: the shipped one, and what a wrong expectation looks like.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "policy/table_test.hpp"
#include "tests/policy/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PolicyTable, TheShippedTableHolds) {
  const auto table = load_table(source_file("config/policy-test.yaml"));
  ASSERT_TRUE(table) << table.error().context;
  EXPECT_EQ(table->policy, std::filesystem::path(source_file("config/policy.yaml")));
  const auto outcomes = run_table(shipped(), *table);
  ASSERT_EQ(outcomes.size(), table->cases.size());
  std::set<std::string> roles, missing;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_TRUE(outcomes[i].ok()) << "line " << table->cases[i].line << ": "
                                  << fmt::format("{}", fmt::join(outcomes[i].differences, "; "));
    if (table->cases[i].allowed) roles.insert(table->cases[i].role);
    const auto lacks = table->cases[i].unmet.value_or(std::vector<std::string>{});
    if (lacks.size() == 1) missing.insert(lacks[0]);
  }
  EXPECT_EQ(roles.size(), shipped().roles().size()) << "every role is allowed once";
  for (const auto& role : shipped().roles()) {
    for (const auto& wanted : role.requires_all) {
      EXPECT_TRUE(wanted.warn || missing.contains(std::string(name(wanted.kind)))) << name(wanted.kind);
    }
  }
}

TEST(PolicyTable, SaysHowACaseDiffers) {
  const auto table = parse_table(R"(today: 2026-06-15
people:
  a: {employed_from: 2020-01-01, card: active}
cases:
  - {person: a, role: core, expect: allowed}
  - {person: a, role: employee-self-service, expect: denied}
  - {person: a, role: core, expect: denied, unmet: [form]}
  - {person: a, role: core, expect: denied, warnings: []}
  - {person: a, role: employee-self-service, expect: allowed, records: all}
  - {person: a, role: none, expect: denied, unmet: [role]}
  - {person: a, role: none, expect: denied}
)",
                                 "t.yaml");
  ASSERT_TRUE(table) << table.error().context;
  const auto outcomes = run_table(shipped(), *table);
  ASSERT_EQ(outcomes.size(), 7U);
  EXPECT_THAT(outcomes[0].differences, ElementsAre("expected allowed, is denied for: declaration, form"));
  EXPECT_THAT(outcomes[1].differences, ElementsAre("expected denied, is allowed"));
  EXPECT_THAT(outcomes[2].differences, ElementsAre("expected to lack form, lacks declaration, form"));
  EXPECT_THAT(outcomes[3].differences, ElementsAre("expected warnings for nothing, got them for training"));
  EXPECT_THAT(outcomes[4].differences, ElementsAre("expected the records 'all', opens 'own'"));
  EXPECT_TRUE(outcomes[5].ok());
  EXPECT_THAT(outcomes[6].differences, ElementsAre("the policy has no role 'none'"));
}

TEST(PolicyTable, RefusesMistakesWithTheirLine) {
  const auto refusal = [](std::string_view person, std::string_view row) {
    const auto table = parse_table(
        fmt::format("today: 2026-06-15\npeople:\n  a: {}\ncases:\n  - {}\n", person, row), "t.yaml");
    return table ? std::string() : table.error().context;
  };
  EXPECT_EQ(refusal("{}", "{person: a, role: r, expect: denied}"), "");
  EXPECT_THAT(refusal("{}", "{person: b, role: r, expect: denied}"),
              HasSubstr("t.yaml:5: cases[0].person: there is no person called 'b'"));
  EXPECT_THAT(refusal("{}", "{person: a, role: r, expect: maybe}"), HasSubstr("expected allowed or denied"));
  EXPECT_THAT(refusal("{}", "{person: a, role: r, expect: denied, unmet: [forms]}"),
              HasSubstr("unknown prerequisite 'forms'"));
  EXPECT_THAT(refusal("{}", "{person: a, role: r, expect: allowed, unmet: []}"), HasSubstr("lacks nothing"));
  EXPECT_THAT(refusal("{}", "{person: a, role: r, expect: denied, records: own}"),
              HasSubstr("who is denied opens no records"));
  EXPECT_THAT(refusal("{}", "{person: a, role: r, expect: denied, at: soon}"),
              HasSubstr("expected a date like"));
  EXPECT_THAT(refusal("{like: z}", "{person: a, role: r, expect: denied}"),
              HasSubstr("t.yaml:3: people.a.like: no person above is called 'z'"));
  EXPECT_THAT(refusal("{card: lost}", "{person: a, role: r, expect: denied}"),
              HasSubstr("expected active, none or"));
  EXPECT_THAT(refusal("{forms: [{kind: f, roles: [r], state: new}]}", "{person: a, role: r, expect: denied}"),
              HasSubstr("unknown state 'new'"));
  EXPECT_THAT(refusal("{employed: 2020-01-01}", "{person: a, role: r, expect: denied}"),
              HasSubstr("unknown key"));
}

}  // namespace
}  // namespace cardgate::policy
