// SPDX-License-Identifier: Apache-2.0
// Questions about the policy and about certificates: they change nothing, but tell of people.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PolicyQuestions : public ::testing::Test {
 protected:
  Reply explain(const daemon::Peer& who, const std::string& question) {
    return house.ask("GET", "/v1/policy/explain?" + question, who);
  }
  House house;
};

TEST_F(PolicyQuestions, TheTeamIsToldWhatSomebodyLacks) {
  house.sign_in(House::tia());
  const auto core = explain(House::tia(), "person=1000&role=core");
  ASSERT_EQ(core.status, 200) << core.body;
  EXPECT_TRUE(core.json().at("allowed").as_bool());
  EXPECT_EQ(core.json().at("person").at("name").as_string(), "Ada Example");
  const auto manager = explain(House::tia(), "person=1000&role=manager-self-service");
  EXPECT_FALSE(manager.json().at("allowed").as_bool());
  EXPECT_THAT(manager.json().at("unmet").as_array(), SizeIs(2)) << "no form, no staff: " << manager.body;
  EXPECT_THAT(house.reasons("looked_at"), Contains("what-if for core"));
}

TEST_F(PolicyQuestions, OthersPeopleAreNotExplained) {
  house.sign_in(House::ada());
  house.sign_in(House::max());
  EXPECT_EQ(explain(House::ada(), "person=1000&role=core").status, 200) << "herself";
  const auto without_role = explain(House::ada(), "person=2000&role=core");
  EXPECT_EQ(without_role.status, 403) << without_role.body;
  EXPECT_EQ(without_role.error(), "role_needed");
  EXPECT_EQ(explain(House::max(), "person=1000&role=core").status, 200) << "his staff";
  const auto not_his = explain(House::max(), "person=3000&role=core");
  EXPECT_EQ(not_his.status, 403) << not_his.body;
  EXPECT_EQ(not_his.error(), "record_not_yours");
}

TEST_F(PolicyQuestions, ThePersonSignsOutWhileTheNameIsLookedUp) {
  house.sign_in(House::tia());
  house.run_ready();
  const auto call = house.begin("GET", "/v1/policy/explain?person=Ada%20Example&role=core", {}, House::tia());
  bool begun = false;
  house.run_until([&] { return std::exchange(begun, true); });  // one step: the look-up has begun
  house.remove_card(House::reader_of(House::tia()));
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "no_session");
  EXPECT_THAT(house.records("looked_at"), IsEmpty());
}

TEST_F(PolicyQuestions, AForecastTellsWhoWillLoseARole) {
  const auto brought = house.finish(house.begin_with(
      "POST", "/v1/staff/import", "application/yaml",
      "people: [{id: \"1000\", name: Ada Example, employed_from: 2020-01-01, employed_until: 2026-06-10}]",
      House::root()));
  ASSERT_EQ(brought.status, 200) << brought.body;
  house.sign_in(House::tia());
  const auto reply = house.ask("GET", "/v1/policy/forecast?days=30&role=core", House::tia());
  ASSERT_EQ(reply.status, 200) << reply.body;
  ASSERT_THAT(reply.json().at("lapses").as_array(), SizeIs(1)) << reply.body;
  EXPECT_EQ(reply.json().at("lapses").at(0).at("person").at("id").as_string(), "1000");
  EXPECT_EQ(reply.json().at("lapses").at(0).at("last_day").as_string(), "2026-06-10");
  EXPECT_THAT(house.reasons("looked_at"), Contains("forecast"));
}

TEST_F(PolicyQuestions, AForecastOfEverybodyIsForWhoeverSeesEverybody) {
  house.sign_in(House::ada());
  house.sign_in(House::max());
  const auto core = house.ask("GET", "/v1/policy/forecast", House::ada());
  EXPECT_EQ(core.status, 403) << core.body;
  EXPECT_EQ(core.error(), "role_needed");
  const auto manager = house.ask("GET", "/v1/policy/forecast", House::max());
  EXPECT_EQ(manager.status, 403) << manager.body;
  EXPECT_EQ(manager.error(), "record_not_yours");
}

TEST_F(PolicyQuestions, ThePersonSignsOutWhileTheForecastIsMade) {
  house.sign_in(House::tia());
  auto held = house.hold_log();
  const auto call = house.begin("GET", "/v1/policy/forecast", {}, House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });  // that she asked: the forecast has begun
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "no_session");
}

// ---------------------------------------------------------------- certificates

class CertificateQuestions : public ::testing::Test {
 protected:
  std::shared_ptr<House::Call> begin(const std::string& pem) {
    return house.begin("POST", "/v1/certificates/explain", {{"certificate", pem}}, House::root());
  }
  std::string adas() { return test::to_pem(house.card_of(House::ada()).certificate, "CERTIFICATE"); }
  House house;
};

TEST_F(CertificateQuestions, RootIsToldWhoseACertificateIs) {
  const auto reply = house.finish(begin(adas()));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.json().at("valid").as_bool()) << reply.body;
  EXPECT_EQ(reply.json().at("person").at("id").as_string(), "1000");
  EXPECT_THAT(reply.text("text"), HasSubstr("It belongs to Ada Example (1000)."));
  EXPECT_THAT(house.records("certificate_explained"), SizeIs(1));
}

TEST_F(CertificateQuestions, AnotherAuthoritysCertificateIsNotGood) {
  auto others = test::Ca::root();
  const auto reply = house.finish(begin(test::to_pem(others.issue({}), "CERTIFICATE")));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_FALSE(reply.json().at("valid").as_bool());
  EXPECT_TRUE(reply.json().at("person").is_null()) << reply.body;
  EXPECT_THAT(house.reasons("certificate_explained"), Contains("person_unknown"));
}

TEST_F(CertificateQuestions, ItIsForRootAlone) {
  house.sign_in(House::tia());
  const auto reply = house.ask("POST", "/v1/certificates/explain", {{"certificate", adas()}}, House::tia());
  EXPECT_EQ(reply.status, 404) << reply.body;
}

TEST_F(CertificateQuestions, NothingIsToldWhenTheLogFails) {
  auto held = house.hold_log();
  const auto call = begin(adas());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_THAT(reply.body, Not(HasSubstr("Ada")));
}

}  // namespace
}  // namespace cardgate::testing
