// SPDX-License-Identifier: Apache-2.0
// What `policy check` finds in a policy that loads.
#include "policy/check.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// "error 12 role: text".
std::vector<std::string> lines(std::string_view yaml) {
  const auto policy = parse_policy(yaml, "policy.yaml");
  EXPECT_TRUE(policy) << policy.error().context;
  std::vector<std::string> out;
  for (const auto& item : check(*policy)) {
    EXPECT_FALSE(item.next_step.empty()) << item.text;
    out.push_back(fmt::format("{} {} {}: {}", name(item.severity), item.line, item.role, item.text));
  }
  return out;
}

/// Nothing is wrong with it: one who does everything for others, and needs nothing that they give.
constexpr std::string_view sound = R"(declarations:
  d: I will be careful.
roles:
  desk:
    sign_in: [card]
    requires: [employed]
    records: all
    may: [submit-forms, approve-forms, record-training, delegate, request-removal, remove-access, restore-access, manage-staff, give-codes, see-people]
  reader:
    sign_in: [card]
    requires:
      - employed
      - form: {kind: F1}
      - declaration: {name: d, version: "1"}
      - training: {course: fire, mode: deny}
      - delegation
      - team: {name: t}
    records: delegated
)";

std::string changed(std::string_view from, std::string_view to) {
  std::string text(sound);
  const auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(PolicyCheck, TheShippedPolicyIsClean) {
  for (const auto& item : check(shipped())) EXPECT_EQ(item.severity, Finding::Severity::note) << item.text;
}

TEST(PolicyCheck, TheShippedPolicysFirstMembersComeFromSetup) {
  const auto found = check(shipped());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].text, HasSubstr("esr-workforce-systems, manager-self-service"));
  EXPECT_THAT(found[0].next_step, HasSubstr("cardgate setup"));
}

TEST(PolicyCheck, FindsNothingWhereNothingIsWrong) {
  EXPECT_THAT(lines(sound), IsEmpty());
}

TEST(PolicyCheck, RolesThatNobodyCanEverHold) {
  struct Row {
    std::string_view act, subject, verb;
    int line;
  };
  for (const auto& [act, subject, verb, line] :
       std::vector<Row>{{"approve-forms", "form 'F1'", "approve it", 13},
                        {"record-training", "training 'fire'", "put it on record", 15},
                        {"delegate", "delegation", "delegate it", 16}}) {
    EXPECT_THAT(lines(changed(fmt::format("{}, ", act), "")),
                Contains(fmt::format("error {} reader: nobody can ever have it: it requires {}, but nobody "
                                     "can {}: no role has the act '{}'",
                                     line, subject, verb, act)));
  }
}

TEST(PolicyCheck, ARoleThatOnlyUnreachableRolesCouldHelpToIsUnreachableToo) {
  // Who may approve needs a delegation, and nobody may delegate.
  const auto text = changed("delegate, ", "");
  const auto place = text.find("requires: [employed]");
  const auto found = lines(std::string(text).replace(place, 20, "requires: [employed, delegation]"));
  EXPECT_THAT(found,
              Contains("error 13 reader: nobody can ever have it: it requires form 'F1', but nobody can "
                       "approve it: nobody can have any of the roles with the act 'approve-forms'"));
  EXPECT_THAT(found, Contains(HasSubstr("error 0 : access can be removed, but never given back")));
}

TEST(PolicyCheck, CirclesAreANoteOnly) {
  const auto found = lines(changed("requires: [employed]", "requires: [employed, form: {kind: F1}]"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], "note 4 : to get desk, a person needs something that only people with it can give");
}

TEST(PolicyCheck, ACircleThatSetUpCannotBegin) {
  EXPECT_THAT(
      lines(changed("requires: [employed]", "requires: [employed, training: {course: fire, mode: deny}]")),
      ::testing::ElementsAre(
          "warning 4 : to get desk, a person needs something that only people with it can give, and "
          "`cardgate setup`, which gives a form and a team, is not enough to begin"));
}

TEST(PolicyCheck, EachDifferentOneIsComparedAndNotTheFirstAlone) {
  // The first names no version, so only the two behind it contradict each other.
  const std::string third = R"(  writer:
    sign_in: [card]
    requires: [declaration: {name: d, version: "2"}]
    records: all
)";
  EXPECT_THAT(lines(changed("requires: [employed]", "requires: [declaration: {name: d}]") + third),
              Contains(HasSubstr(
                  "writer: it requires version 2 of the declaration 'd', but reader requires version 1")));
}

TEST(PolicyCheck, Declarations) {
  EXPECT_THAT(lines(changed("  d: I will be careful.\n", "  e: I will be careful.\n")),
              ::testing::ElementsAre(
                  "error 14 reader: it requires the declaration 'd', which has no text, so nobody can "
                  "read and sign it",
                  "warning 2 : no role requires the declaration 'e'"));
  EXPECT_THAT(lines(changed("requires: [employed]", "requires: [declaration: {name: d, version: \"2\"}]")),
              Contains("error 14 reader: it requires version 1 of the declaration 'd', but desk requires "
                       "version 2: a person who signs one still lacks the other"));
  EXPECT_THAT(
      lines(changed("requires: [employed]",
                    "requires: [declaration: {name: d, version: \"1\", valid_for: 30d, title: D}]")),
      ::testing::ElementsAre(
          HasSubstr("warning 14 reader: a signature of the declaration 'd' counts for a different time"),
          "warning 14 reader: the declaration 'd' is called 'd' here, but 'D' in desk, so people "
          "will think of two things"));
}

TEST(PolicyCheck, TrainingThatWarnsHereAndDeniesThere) {
  const auto found =
      lines(changed("requires: [employed]", "requires: [training: {course: fire, mode: warn}]"));
  EXPECT_THAT(found, Contains("warning 15 reader: a missing course 'fire' denies here, but warns in desk"));
  auto text = changed("mode: deny", "mode: warn");
  text.replace(text.find("record-training, "), 17, "");
  EXPECT_THAT(lines(text),
              ::testing::ElementsAre(HasSubstr("warning 15 reader: it warns people without the training "
                                               "'fire', but nobody can put it on record")));
}

TEST(PolicyCheck, ActsThatNobodyHas) {
  EXPECT_THAT(lines(changed("restore-access, ", "")),
              Contains(HasSubstr("error 0 : access can be removed, but never given back")));
  for (const char* act : {"request-removal", "manage-staff", "give-codes", "remove-access"}) {
    const auto found = lines(changed(fmt::format("{}, ", act), ""));
    EXPECT_THAT(found, Contains(HasSubstr(fmt::format("no role has the act '{}'", act))));
    EXPECT_THAT(found, Not(Contains(HasSubstr("error")))) << act;
  }
  EXPECT_THAT(lines(changed("manage-staff, ", "")),
              Contains(HasSubstr("warning 17 reader: it requires the team 't'")));
}

TEST(PolicyCheck, DelegatedRecordsWithoutADelegation) {
  EXPECT_THAT(lines(changed("      - delegation\n", "")),
              ::testing::ElementsAre(
                  HasSubstr("warning 9 reader: it opens the records of the line manager who delegated it")));
}

TEST(PolicyCheck, AbsurdPoliciesAreFoundToBeSo) {
  const auto found = lines("roles: {a: {sign_in: [card], requires: [form: {kind: F}], records: all}}");
  EXPECT_EQ(
      std::ranges::count_if(found, [](const std::string& line) { return line.starts_with("error 1 a"); }), 1);
}

TEST(PolicyCheck, TimesThatCanNeverCome) {
  const auto of_desk = [](std::string_view lines_of_role) {
    return lines(changed("    records: all\n", fmt::format("    records: all\n{}", lines_of_role)));
  };
  EXPECT_THAT(of_desk("    card_removal: keep 8h\n    step_up: card\n"), IsEmpty());
  EXPECT_THAT(of_desk("    screen_lock: keep 15m\n"), IsEmpty());
  EXPECT_THAT(of_desk("    card_removal: keep 8h\n    screen_lock: keep 15m\n"),
              Contains(HasSubstr("note 4 desk: its card may be out and its screen locked")));
  EXPECT_THAT(of_desk("    max_session: 4h\n    card_removal: keep 8h\n"),
              Contains(HasSubstr("warning 4 desk: its card may be out for longer than a session lasts")));
  EXPECT_THAT(of_desk("    max_session: 4h\n    screen_lock: keep 8h\n"),
              Contains(HasSubstr("warning 4 desk: a session outlives a locked screen for longer")));
  EXPECT_THAT(of_desk("    max_session: 4h\n    step_up: card\n    step_up_age: 4h\n"),
              Contains(HasSubstr("warning 4 desk: it never asks for card and passcode again")));
  EXPECT_THAT(of_desk("    screen_lock: keep 30m\n"),
              Contains(HasSubstr("note 4 desk: behind a locked screen")));
  EXPECT_THAT(lines(changed("roles:\n",
                            "roles:\n  own:\n    sign_in: [password]\n    requires: [employed]\n"
                            "    records: own\n    card_removal: keep 8h\n")),
              Contains(HasSubstr("and nobody signs in to it by card")));
}

TEST(PolicyCheck, MarksOnActsThatNoRoleHas) {
  EXPECT_THAT(lines(changed("roles:\n", "acts:\n  delegate: {step_up: card}\nroles:\n")), IsEmpty());
  std::string text = changed("roles:\n", "acts:\n  give-codes: {step_up: card}\nroles:\n");
  text.replace(text.find(", give-codes"), std::string_view(", give-codes").size(), "");
  EXPECT_THAT(lines(text),
              Contains(HasSubstr("warning 4 : it asks for card and passcode for the act 'give-codes'")));
}

}  // namespace
}  // namespace cardgate::policy
