// SPDX-License-Identifier: Apache-2.0
// What people read after an act: what was done, what happens next, who was told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/work/messages.hpp"
#include "policy/reader.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::daemon::work {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Date on(std::string_view text) {
  return parse_date(text).value();
}

struct Messages : ::testing::Test {
  Messages() {
    anna.id = "10017";
    anna.name = "Anna Bell";
    anna.line_manager = "10001";
    anna.employed_from = on("2020-01-01");
    form.id = 10;
    form.role = "core";
  }
  Teller by(const std::string& actor) const {
    return {policy, record_of, actor, parse_rfc3339("2026-11-26T12:00:00Z").value()};
  }
  std::string of_form(reg::Form::State state, const std::string& actor) {
    form.state = state;
    return after_form(by(actor), anna, form);
  }
  policy::Policy policy = policy::load_policy(source_file("config/policy.yaml")).value();
  RecordOf record_of = [this](const std::string& id) -> Result<reg::Person> {
    if (id == "10017") return anna;
    if (id != "10001") return Error{Errc::not_found, {}};
    reg::Person cora;
    cora.id = id;
    cora.name = "Cora Chief";
    cora.is_line_manager = true;
    return cora;
  };
  reg::Person anna;
  reg::Form form;
};

TEST_F(Messages, CallAPersonByNameAndNumber) {
  EXPECT_EQ(called(record_of, "10001"), "Cora Chief (10001)");
  EXPECT_EQ(called(record_of, "99999"), "99999");
  EXPECT_EQ(called(record_of, "root"), "the machine's administrator");
}

TEST_F(Messages, SayWhoDecidesNextAboutAForm) {
  using State = reg::Form::State;
  EXPECT_EQ(of_form(State::submitted, "10017"),
            "Form 10 (Core ESR) is sent. Next: your line manager, Cora Chief (10001), verifies it.");
  EXPECT_EQ(of_form(State::submitted, "10001"),
            "Form 10 (Core ESR for Anna Bell) is sent. Next: somebody who stands in for you verifies it, "
            "because you asked for it yourself. Anna Bell was told.");
  EXPECT_EQ(
      of_form(State::verified, "10001"),
      "Form 10 (Core ESR for Anna Bell) is verified. Next: the ESR & Workforce Systems team approves it. "
      "Anna Bell was told.");
  EXPECT_EQ(of_form(State::rejected, "10001"),
            "Form 10 (Core ESR for Anna Bell) is rejected. Anna Bell was told, with your reason.");
  anna.line_manager.clear();
  EXPECT_EQ(of_form(State::submitted, "10017"),
            "Form 10 (Core ESR) is sent. No line manager is on record for you, so it cannot be verified yet. "
            "Ask the Human Resources team to name one.");
}

TEST_F(Messages, SayWhatIsStillMissingOnceAFormIsApproved) {
  EXPECT_EQ(
      of_form(reg::Form::State::approved, "10004"),
      "Form 10 (Core ESR for Anna Bell) is approved. To use Core ESR, Anna Bell still needs: active card, "
      "approved form, signed declaration. Anna Bell was told.");
}

TEST_F(Messages, SayThatARemovalIsAskedForAndNotDoneYet) {
  reg::Removal removal;
  removal.id = 1;
  removal.requested_by = "10001";
  removal.state = reg::Removal::State::requested;
  EXPECT_EQ(
      after_removal(by("10001"), anna, removal),
      "Removal 1 is asked for. Next: the ESR & Workforce Systems team decides. Until then Anna Bell can "
      "still work, and is not told.");
  removal.state = reg::Removal::State::done;
  EXPECT_THAT(after_removal(by("10004"), anna, removal),
              HasSubstr("Anna Bell's access is stopped and their sessions are ended."));
  removal.state = reg::Removal::State::restoring;
  EXPECT_THAT(
      after_removal(by("10004"), anna, removal),
      HasSubstr("a second member of the ESR & Workforce Systems team must agree: cardgate removal restore "
                "--person 10017"));
}

TEST_F(Messages, SayDaysAsPeopleDo) {
  EXPECT_THAT(
      after_acting(by("10001"), anna, {3, "10001", on("2026-12-01"), on("2027-03-31"), "10001", false}),
      HasSubstr("Stand-in 3: Anna Bell stands in for you from 1 December 2026 until 31 March 2027."));
  anna.employed_until = on("2027-03-31");
  StaffChange leaves;
  leaves.employed_until = anna.employed_until;
  EXPECT_EQ(
      after_change(by("10004"), anna, leaves, {}, {}, true),
      "Anna Bell's last day is 31 March 2027. Access ends by itself after that day. Anna Bell was told.");
}

TEST_F(Messages, SayThatACardOfSomebodyWhoDecidesWaits) {
  anna.cards = {{"8b1f", "waiting", std::nullopt}};
  EXPECT_THAT(after_card(by("10004"), anna, "8b1f"), HasSubstr("Next: a second member of the"));
  anna.cards = {{"8b1f", "lost", std::nullopt}};
  EXPECT_EQ(
      after_card(by("10004"), anna, "8b1f"),
      "Anna Bell's card 8b1f is recorded as lost. It is refused everywhere from now on. Anna Bell was told.");
}

}  // namespace
}  // namespace cardgate::daemon::work
