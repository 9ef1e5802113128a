// SPDX-License-Identifier: Apache-2.0
// Declarations, and training on record: what somebody signs is what they read.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeclarationCalls : public ::testing::Test {
 protected:
  DeclarationCalls() { house.sign_in(House::ada()); }
  json::object listed() {
    const auto list = house.ask("GET", "/v1/declarations", House::ada());
    EXPECT_EQ(list.status, 200) << list.body;
    return list.json().at("declarations").at(0).as_object();
  }
  std::shared_ptr<House::Call> begin_to_sign(std::string_view hash) {
    return house.begin("POST", "/v1/declarations", {{"name", "core-confidentiality"}, {"text_hash", hash}},
                       House::ada());
  }
  std::size_t signatures() { return house.owners().roll.record_of("1000").value().declarations.size(); }
  House house;
};

TEST_F(DeclarationCalls, ThePersonSignsTheTextThatTheyRead) {
  const auto text = listed();
  EXPECT_THAT(std::string(text.at("text").as_string()), HasSubstr("my own card and passcode alone"));
  const auto reply = house.finish(begin_to_sign(text.at("text_hash").as_string()));
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.text("signed_on"), "2026-06-01");
  EXPECT_TRUE(listed().at("signed").as_bool());
  EXPECT_EQ(signatures(), 2U) << "that of January, and this";
  EXPECT_THAT(house.records("declaration_signed"), SizeIs(1));
}

TEST_F(DeclarationCalls, AnotherTextIsNotSigned) {
  const auto read = listed();
  house.change_policy("I will not use anybody else's card", "I will use anybody's card");
  house.reload();
  const auto reply = house.finish(begin_to_sign(read.at("text_hash").as_string()));
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(reply.error(), "not_possible");
  EXPECT_THAT(reply.text("detail"), HasSubstr("The text has changed since you read it"));
  EXPECT_EQ(signatures(), 1U);
  EXPECT_THAT(house.records("declaration_signed"), IsEmpty());
}

TEST_F(DeclarationCalls, ThePersonSignsOutWhileTheSignatureIsRecorded) {
  const auto text = listed();
  auto held = house.hold_log();
  const auto call = begin_to_sign(text.at("text_hash").as_string());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.remove_card(House::reader_of(House::ada()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(signatures(), 1U);
  EXPECT_THAT(house.reasons("declaration_signed"),
              Contains("not done: the session, or the right to do it, ended meanwhile"));
}

// ---------------------------------------------------------------- training

class TrainingCalls : public ::testing::Test {
 protected:
  TrainingCalls() {
    house.sign_in(House::ada());
    house.sign_in(House::tia());
  }
  std::shared_ptr<House::Call> begin_to_record(const daemon::Peer& who, const char* person) {
    return house.begin(
        "POST", "/v1/training",
        {{"person", person}, {"course", "information-governance"}, {"completed_on", "2026-05-20"}}, who);
  }
  House house;
};

TEST_F(TrainingCalls, TheTeamRecordsACourse) {
  const auto reply = house.finish(begin_to_record(House::tia(), "1000"));
  ASSERT_EQ(reply.status, 201) << reply.body;
  const auto own = house.ask("GET", "/v1/training", House::ada());
  ASSERT_THAT(own.json().at("training").as_array(), SizeIs(1)) << own.body;
  EXPECT_EQ(own.json().at("training").at(0).at("recorded_by").at("id").as_string(), "3000");
  EXPECT_THAT(house.records("training_recorded"), SizeIs(1));
}

TEST_F(TrainingCalls, NobodyRecordsTheirOwnCourse) {
  const auto team = house.finish(begin_to_record(House::tia(), "3000"));
  EXPECT_EQ(team.status, 403) << team.body;
  EXPECT_EQ(team.error(), "not_yours_to_do");
  const auto core = house.finish(begin_to_record(House::ada(), "1000"));
  EXPECT_EQ(core.status, 403) << core.body;
  EXPECT_EQ(core.error(), "role_needed");
  EXPECT_THAT(house.records("training_recorded"), IsEmpty());
}

TEST_F(TrainingCalls, SomebodyElsesCoursesAreForTheirManagerAndTheTeam) {
  house.sign_in(House::max());
  const auto stranger = house.ask("GET", "/v1/training?person=2000", House::ada());
  EXPECT_EQ(stranger.status, 403) << stranger.body;
  EXPECT_EQ(stranger.error(), "role_needed");
  EXPECT_EQ(house.ask("GET", "/v1/training?person=1000", House::max()).status, 200);
  EXPECT_EQ(house.ask("GET", "/v1/training?person=3000", House::max()).status, 403) << "not his staff";
  EXPECT_THAT(house.reasons("looked_at"), Contains("training"));
}

TEST_F(TrainingCalls, ThePersonIsRemovedFromTheTeamWhileTheCourseIsRecorded) {
  house.sign_in(House::uma());
  auto held = house.hold_log();
  const auto call = begin_to_record(House::tia(), "1000");
  house.run_until([&] { return house.waiting_in_log() > 0; });
  const auto removing = house.begin(
      "POST", "/v1/removals", {{"person", "3000"}, {"reason", "Left"}, {"at_once", true}}, House::uma());
  house.run_until([&] { return house.owners().table.of_uid(3000).empty(); });
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(house.owners().roll.record_of("1000").value().training, IsEmpty());
}

}  // namespace
}  // namespace cardgate::testing
