// SPDX-License-Identifier: Apache-2.0
// The first password: a person asks for an account, the help desk gives a code, the code sets a password.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class Enrolling : public ::testing::Test {
 protected:
  static constexpr const char* password = "what vera thought of";

  Reply ask(const char* born = House::born) {
    return house.ask(
        "POST", "/v1/enrolment",
        {{"name", "Vera Invented"}, {"date_of_birth", born}, {"national_insurance", House::ni_start}},
        House::vera());
  }
  std::shared_ptr<House::Call> begin_code(const daemon::Peer& helper) {
    return house.begin("POST", "/v1/enrolment/codes", {{"person", "8000"}}, helper);
  }
  Reply make_code(const daemon::Peer& helper) { return house.finish(begin_code(helper)); }
  std::shared_ptr<House::Call> begin_activating(const std::string& code) {
    return house.begin("POST", "/v1/enrolment/activate",
                       {{"username", "8000"}, {"code", code}, {"new_password", password}}, House::vera());
  }
  Reply activate(const std::string& code) { return house.finish(begin_activating(code)); }
  /// Vera has asked, and Tia, who is signed in now, has given her this code.
  std::string code() {
    house.sign_in(House::tia());
    EXPECT_EQ(ask().status, 202);
    const auto made = make_code(House::tia());
    EXPECT_EQ(made.status, 201) << made.body;
    return made.text("code");
  }
  Reply sign_in() {
    return house.ask("POST", "/v1/sessions", {{"username", "8000"}, {"password", password}}, House::vera());
  }
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("enrolment")) {
      const auto* details = record.if_contains("details");
      const auto* act = details == nullptr ? nullptr : find_string(details->as_object(), "act");
      if (act != nullptr) out.emplace_back(*act);
    }
    return out;
  }
  House house;
};

TEST_F(Enrolling, FromAskingToTheFirstSignIn) {
  const auto given = code();
  const auto activated = activate(given);
  ASSERT_EQ(activated.status, 200) << activated.body;
  EXPECT_EQ(activated.text("username"), "8000");
  EXPECT_EQ(sign_in().status, 201);
  EXPECT_THAT(acts(), ElementsAre("asked", "code", "activated"));
}

TEST_F(Enrolling, WhoeverAsksDoesNotLearnWhetherTheDetailsAreRight) {
  const auto wrong = ask("1980-05-05");
  const auto right = ask();
  EXPECT_EQ(wrong.status, 202) << wrong.body;
  EXPECT_EQ(wrong.body, right.body);
  EXPECT_THAT(house.reasons("enrolment"), ElementsAre("no match", "match"));
}

TEST_F(Enrolling, NobodyGetsACodeWithoutHavingAsked) {
  house.sign_in(House::tia());
  ask("1980-05-05");
  const auto made = make_code(House::tia());
  EXPECT_EQ(made.status, 409) << made.body;
  EXPECT_EQ(made.error(), "no_open_request");
}

TEST_F(Enrolling, OnlyTheHelpDeskGivesCodes) {
  house.sign_in(House::max());
  ask();
  const auto made = make_code(House::max());
  EXPECT_EQ(made.status, 403) << made.body;
  EXPECT_EQ(made.error(), "role_needed");
  EXPECT_THAT(house.reasons("client_refused"), Contains("give-codes: no role lets them"));
}

TEST_F(Enrolling, AWrongCodeSetsNoPassword) {
  const auto given = code();
  const auto wrong = activate("0000-0000-0000");
  EXPECT_EQ(wrong.status, 401) << wrong.body;
  EXPECT_EQ(wrong.error(), "code_incorrect");
  EXPECT_EQ(sign_in().status, 401);
  EXPECT_THAT(house.reasons("enrolment"), Contains("code_incorrect"));
  EXPECT_EQ(activate(given).status, 200) << "one slip does not cost the code";
}

TEST_F(Enrolling, ACodeWorksOnce) {
  const auto given = code();
  EXPECT_EQ(activate(given).status, 200);
  const auto again = activate(given);
  EXPECT_EQ(again.status, 401) << again.body;
  EXPECT_EQ(again.error(), "code_incorrect");
}

TEST_F(Enrolling, ACodeIsOverAfterThreeDays) {
  const auto given = code();
  house.forward(std::chrono::hours(72));
  const auto late = activate(given);
  EXPECT_EQ(late.status, 401) << late.body;
  EXPECT_EQ(late.error(), "code_incorrect");
}

TEST_F(Enrolling, TheHelpersSessionEndsWhileTheCodeIsRecorded) {
  house.sign_in(House::tia());
  ask();
  auto held = house.hold_log();
  const auto call = begin_code(House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "no_session");
  EXPECT_TRUE(reply.text("code").empty());
  EXPECT_THAT(house.reasons("enrolment"),
              Contains("not done: the session, or the right to do it, ended meanwhile"));
  house.sign_in(House::uma());
  EXPECT_EQ(make_code(House::uma()).status, 201) << "Vera need not ask again";
}

TEST_F(Enrolling, ThePersonIsRemovedWhileTheirCodeIsCompared) {
  const auto given = code();
  const auto call = begin_activating(given);
  house.pass_register();  // the try is counted there, and the comparison has begun
  auto held = house.hold_register();
  const auto removing = house.begin(
      "POST", "/v1/removals", {{"person", "8000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  house.run_until([&] {
    const auto vera = house.owners().roll.record_of("8000");
    return vera && vera->removed;
  });
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "access_denied");
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(acts(), Not(Contains("activated")));
}

}  // namespace
}  // namespace cardgate::testing
