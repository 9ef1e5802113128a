// SPDX-License-Identifier: Apache-2.0
// Which level of mapping rules decides whom a certificate stands for.
#include "daemon/people/holder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/with_register.hpp"

namespace cardgate::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* people = R"(people:
  - {id: a, name: Ada Example, identities: {upn: ada@example.org, email: ward@example.org}}
  - {id: b, name: Ben Invented, identities: {upn: ben@example.org, email: ward@example.org, "subject:UID": "7"}}
)";

class HolderTest : public testing::WithRegister {
 protected:
  void SetUp() override {
    WithRegister::SetUp();
    import(people);
    certificate.issuer = "CN=Example Root";
    certificate.serial = "01";
    certificate.upn = {"Ada@example.org"};
    certificate.email = {"ward@example.org"};
    certificate.subject_fields.emplace("UID", "7");
  }

  static trust::MapRule rule(const std::string& name, const std::string& map, std::int64_t priority,
                             const std::string& match = "<ISSUER>Example") {
    auto made = trust::parse_map_rule(map).value();
    made.name = name;
    made.priority = priority;
    made.match = trust::Match::parse(match).value();
    return made;
  }
  Holder find(const std::vector<trust::MapRule>& rules, bool every_level = false) {
    return find_holder(*staff, rules, certificate, nullptr, every_level).value();
  }

  trust::CertificateInfo certificate;
};

TEST_F(HolderTest, TheFirstLevelThatLeadsToAnybodyDecides) {
  EXPECT_THAT(find({rule("late", "subject:UID", 2), rule("early", "upn", 1)}).people, ElementsAre("a"));
  EXPECT_THAT(find({rule("late", "subject:UID", 1), rule("early", "upn", 2)}).people, ElementsAre("b"));
}

TEST_F(HolderTest, ALevelThatDoesNotMatchOrFindsNobodyIsPassedBy) {
  const auto holder = find({rule("other", "upn", 0, "<ISSUER>Nowhere"), rule("nobody", "issuer_serial", 1),
                            rule("nameless", "card_uuid", 1), rule("good", "subject:UID", 2)});
  EXPECT_THAT(holder.people, ElementsAre("b"));
  ASSERT_EQ(holder.rules.size(), 4U);
  EXPECT_FALSE(holder.rules[0].report.matched);
  EXPECT_THAT(holder.rules[1].found.at(0).people, IsEmpty());
  EXPECT_FALSE(holder.rules[2].decides);
  EXPECT_TRUE(holder.rules[3].decides);
}

TEST_F(HolderTest, NamesOfOneLevelMustLeadToOnePerson) {
  EXPECT_THAT(find({rule("one", "upn", 1), rule("two", "subject:UID", 1)}).people, ElementsAre("a", "b"));
  EXPECT_THAT(find({rule("one", "email", 0), rule("two", "upn", 1)}).people, ElementsAre("a", "b"))
      << "an ambiguous level is not settled by the next";
  EXPECT_THAT(find({rule("one", "upn", 1), rule("two", "issuer_serial", 1)}).people, ElementsAre("a"));
}

TEST_F(HolderTest, LaterLevelsAreLookedUpOnlyWhenAskedFor) {
  const std::vector rules{rule("early", "upn", 1), rule("late", "subject:UID", 2)};
  EXPECT_THAT(find(rules).rules[1].found, IsEmpty());
  const auto all = find(rules, true);
  EXPECT_THAT(all.people, ElementsAre("a"));
  EXPECT_THAT(all.rules[1].found.at(0).people, ElementsAre("b"));
  EXPECT_FALSE(all.rules[1].decides);
}

TEST_F(HolderTest, NobodyIsNobody) {
  EXPECT_THAT(find({rule("x", "card_uuid", 0)}).people, IsEmpty());
  EXPECT_THAT(find({}).people, IsEmpty());
}

}  // namespace
}  // namespace cardgate::daemon
