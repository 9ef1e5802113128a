// SPDX-License-Identifier: Apache-2.0
// The audit log as an auditor, a help desk and root read it, with the real service and the real command.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LookingIntoTheLog : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    trust.employ(
        "audrey", "Audrey Invented",
        "    employed_from: 2018-01-01\n    teams: [esr-workforce-systems]\n    forms: [{kind: ESR06, role: "
        "esr-workforce-systems, verified_by: \"2000\", approved_by: \"3000\"}]\n    declarations: [{name: "
        "core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}]\n");
    trust.employ("sixto", "Sixto Invented", "    employed_from: 2018-01-01\n");
    trust.open(false);
    trust.seat("audrey", 0);
  }
  std::string log() { return (trust.stage.dir / "audit").string(); }
  testing::Finished as_audrey(std::vector<std::string> arguments) {
    return trust.run("audrey", std::move(arguments));
  }
  testing::Hospital trust;
};

TEST_F(LookingIntoTheLog, AnAuditorReadsItUnderTheirOwnCardAndThatIsOnRecord) {
  trust.seat("sixto", 1);
  const auto shown = as_audrey({"audit", "show", "--service", "--event", "sign_in", "--since", "today"});
  EXPECT_EQ(shown.status, 0) << shown.all;
  EXPECT_THAT(shown.output,
              HasSubstr("sign_in            Audrey Invented (audrey) signed in with card and passcode at "));
  EXPECT_THAT(shown.output, HasSubstr("Sixto Invented (sixto) signed in"));
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(5), [&] {
    return trust.stage.audit_says(R"("reason":"audit log")") && trust.stage.audit_says(R"("by":"audrey")");
  }));
  const auto table = as_audrey({"audit", "show", "--service", "--csv", "--person", "Sixto Invented"});
  EXPECT_EQ(table.status, 0) << table.all;
  EXPECT_THAT(table.output, HasSubstr(",sign_in,done,sixto,"));
  const auto story = as_audrey({"audit", "show", "--service", "--story", trust.session_of("sixto")});
  EXPECT_THAT(story.output, HasSubstr("Sixto Invented (sixto) signed in with card and passcode"));
  EXPECT_THAT(story.output, Not(HasSubstr("Audrey")));
  // Others may not.
  trust.cannot("sixto", {"audit", "show", "--service"}, "ESR & Workforce Systems");
  const auto backwards =
      as_audrey({"audit", "show", "--service", "--since", "2026-03-02", "--to", "2026-03-01"});
  EXPECT_EQ(backwards.status, 2);
  EXPECT_THAT(backwards.all, HasSubstr("before it begins"));
}

TEST_F(LookingIntoTheLog, RootReadsTheFilesOrAsksTheService) {
  const auto by_files = trust.stage.cardgate({"audit", "show", "--dir", log(), "--event", "sign_in"});
  EXPECT_EQ(by_files.status, 0) << by_files.all;
  EXPECT_THAT(by_files.output, HasSubstr("audrey signed in with card and passcode"));
  EXPECT_FALSE(trust.stage.audit_says(R"("reason":"audit log")"));
  const auto by_service = trust.stage.cardgate({"audit", "show", "--service", "--event", "sign_in"});
  EXPECT_EQ(by_service.status, 0) << by_service.all;
  EXPECT_THAT(by_service.output, HasSubstr("Audrey Invented (audrey) signed in"));
  EXPECT_TRUE(
      testing::eventually(std::chrono::seconds(5), [&] { return trust.stage.audit_says(R"("by":"root")"); }));
  // The lines are as they are in the log.
  const auto raw =
      trust.stage.cardgate({"audit", "show", "--service", "--json", "--event", "sign_in", "--last", "1"});
  EXPECT_TRUE(trust.stage.audit_says(raw.output.substr(0, raw.output.find('\n')))) << raw.output;
}

TEST_F(LookingIntoTheLog, TheHelpDeskSeesWhatSomebodyTried) {
  const auto none = as_audrey({"support", "--person", "Sixto Invented"});
  EXPECT_EQ(none.status, 0) << none.all;
  EXPECT_THAT(none.output, HasSubstr("Sixto Invented (sixto) has tried nothing at this machine since"));
  trust.seat("sixto", 1);
  const auto refused = trust.run("sixto", {"token", "--role", "core", "--audience", "esr"});
  EXPECT_EQ(refused.status, 1);
  const auto told = as_audrey({"support", "--person", "sixto"});
  EXPECT_EQ(told.status, 0) << told.all;
  EXPECT_THAT(told.output, HasSubstr("What Sixto Invented (sixto) tried since"));
  EXPECT_THAT(
      told.output,
      HasSubstr("Sixto Invented (sixto) did not get into Core ESR (esr): something that the role needs"));
  EXPECT_THAT(told.output, HasSubstr("Now: This is still missing:"));
  EXPECT_THAT(told.output, HasSubstr("Who can put it right: "));
  EXPECT_THAT(told.output, Not(HasSubstr(trust.card_of("sixto"))));
  trust.cannot("sixto", {"support", "--person", "audrey"}, "ESR & Workforce Systems");
}

}  // namespace
}  // namespace cardgate
