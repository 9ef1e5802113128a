// SPDX-License-Identifier: Apache-2.0
// Whom a name means, and who is shown the choices.
#include "daemon/people/people_named.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/limits.hpp"
#include "tests/daemon/with_register.hpp"

namespace cardgate::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PeopleNamedTest : public testing::WithRegister {
 protected:
  void SetUp() override {
    WithRegister::SetUp();
    std::string text = R"(people:
  - {id: "1", name: Mina Manager}
  - {id: "2", name: Max Manager}
  - {id: "10", name: Anna Bell, line_manager: "1"}
  - {id: "11", name: Eve Nocard, line_manager: "1"}
  - {id: "12", name: John Smith, line_manager: "1"}
  - {id: "20", name: John Smith, line_manager: "2"}
  - {id: "21", name: "Zoe  Stone", line_manager: "2"}
)";
    for (int i = 0; i < 30; ++i) text += "  - {id: \"9" + std::to_string(i) + "\", name: Many People}\n";
    import(text);
  }
  PeopleNamed find(const std::string& name, NameAsk ask) {
    ask.text = name;
    auto found = people_named(*staff, ask, stop);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *std::move(found) : PeopleNamed();
  }
  static std::vector<std::string> ids(const std::vector<PeopleNamed::Named>& list) {
    std::vector<std::string> out;
    for (const auto& one : list) out.push_back(one.id);
    return out;
  }
  const NameAsk mina{.text = {}, .me = "1", .managers = {"1"}};
  const NameAsk team{.text = {}, .me = "1", .managers = {}, .sees_all = true};
};

TEST_F(PeopleNamedTest, ANameThatIsOnePersonsWillDoHoweverItIsTyped) {
  EXPECT_THAT(ids(find("Anna Bell", mina).fit), ElementsAre("10"));
  EXPECT_THAT(ids(find(" anna  BELL ", mina).fit), ElementsAre("10"));
  EXPECT_THAT(ids(find("Zoe Stone", team).fit), ElementsAre("21"));
}

TEST_F(PeopleNamedTest, OfOnesOwnStaffANameMeansTheirOwn) {
  EXPECT_THAT(ids(find("John Smith", mina).fit), ElementsAre("12")) << "the other is not hers to name";
  const auto both = find("John Smith", team);
  EXPECT_THAT(ids(both.fit), ElementsAre("12", "20"));
  EXPECT_THAT(ids(both.choices), ElementsAre("12", "20"));
}

TEST_F(PeopleNamedTest, APartOfANameIsNeverTakenButTheChoicesAreShown) {
  const auto part = find("anna", mina);
  EXPECT_THAT(part.fit, IsEmpty());
  EXPECT_THAT(ids(part.choices), ElementsAre("10"));
  EXPECT_THAT(find("Stone", mina).choices, IsEmpty()) << "nobody else's staff";
  EXPECT_THAT(find("  ", team).choices, IsEmpty()) << "no name is not everybody's";
  EXPECT_EQ(find("Many", team).choices.size(), max_choices);
}

TEST_F(PeopleNamedTest, WhereItMayBeAnybodyOthersAreFoundAndNotShown) {
  auto anybody = mina;
  anybody.anybody = true;
  EXPECT_THAT(ids(find("Zoe Stone", anybody).fit), ElementsAre("21"));
  const auto both = find("John Smith", anybody);
  EXPECT_THAT(ids(both.fit), ElementsAre("12", "20"));
  EXPECT_THAT(ids(both.choices), ElementsAre("12")) << "the other is somebody else's";
  EXPECT_THAT(find("Zoe", anybody).choices, IsEmpty());
}

TEST_F(PeopleNamedTest, AStopOfTheServiceEndsTheSearch) {
  stop = true;
  EXPECT_EQ(people_named(*staff, {.text = "Anna Bell", .me = "1", .managers = {}, .sees_all = true}, stop)
                .error()
                .code,
            Errc::cancelled);
}

}  // namespace
}  // namespace cardgate::daemon
