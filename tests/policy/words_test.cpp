// SPDX-License-Identifier: Apache-2.0
// What people are told, and who can put it right.
#include <functional>

#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

struct Told {
  std::string role;
  std::function<void(Facts&)> take;
  std::string text, who, next_step;
};

TEST(Words, SayWhatIsMissingWhoHelpsAndWhatToDo) {
  const std::string team = "ESR & Workforce Systems team";
  const std::string hr = "Human Resources team";
  const std::vector<Told> table{
      {"core", [](Facts& f) { f.employed_from.reset(); }, "No first day of employment is on record for you",
       hr, "Ask the Human Resources team to record it"},
      {"core", [](Facts& f) { f.employed_from = date("2026-07-01"); },
       "Your employment begins on 1 July 2026", hr,
       "If the date is wrong, ask the Human Resources team to correct it"},
      {"core", [](Facts& f) { f.employed_until = date("2026-05-31"); },
       "Your employment ended on 31 May 2026", hr,
       "If the date is wrong, ask the Human Resources team to correct it"},
      {"core", [](Facts& f) { f.card_active = false; },
       "This card is not registered to you, or it is no longer active", "smartcard help desk",
       "Use your current card, or take this one to the smartcard help desk"},
      {"core", [](Facts& f) { f.forms.clear(); }, "You have no ESR06 access form for Core ESR",
       "you, your line manager, the ESR & Workforce Systems team",
       "Fill in the ESR06 access form for this role (cardgate form submit), and ask your line manager to "
       "verify "
       "it"},
      {"core", [](Facts& f) { f.forms.at(1).verified = false; },
       "Your ESR06 access form for Core ESR is not verified yet", "your line manager",
       "Ask your line manager to verify that you need this access"},
      {"core",
       [](Facts& f) {
         f.forms.at(1).verified = false;
         f.line_manager.clear();
       },
       "Your ESR06 access form for Core ESR is not verified yet", hr,
       "No line manager is on record for you. Ask the Human Resources team to record one"},
      {"core", [](Facts& f) { f.forms.at(1).approved = false; },
       "Your ESR06 access form for Core ESR is not approved yet", team,
       "Ask the ESR & Workforce Systems team to approve it"},
      {"core", [](Facts& f) { f.forms.at(1).valid_from = date("2026-07-01"); },
       "Your ESR06 access form for Core ESR begins on 1 July 2026", team,
       "Wait until then. If the date is wrong, ask the ESR & Workforce Systems team"},
      {"core", [](Facts& f) { f.declarations.clear(); },
       "You have not signed the core user confidentiality declaration", "you",
       "Read and sign it: cardgate declaration sign core-confidentiality"},
      {"manager-self-service", [](Facts& f) { f.is_line_manager = false; }, "No staff are on record as yours",
       hr, "Ask the Human Resources team to record your team"},
      {"administrator-self-service", [](Facts& f) { f.delegations.clear(); },
       "No line manager has delegated Administrator Self Service to you", "the line manager for whom you act",
       "Ask the line manager for whom you act to delegate it to you"},
      {"administrator-self-service", [](Facts& f) { f.delegations.at(0).revoked = true; },
       "The delegation of Administrator Self Service to you has ended", "the line manager for whom you act",
       "Ask the line manager for whom you act to delegate it to you"},
      {"esr-workforce-systems", [](Facts& f) { f.teams.clear(); },
       "You are not a member of the ESR & Workforce Systems team", team,
       "Ask the ESR & Workforce Systems team if you should be"},
  };
  for (const auto& row : table) {
    Facts facts = everything();
    row.take(facts);
    const auto decision = decide(shipped(), facts, {row.role, SignIn::card}, noon);
    ASSERT_EQ(decision.unmet.size(), 1U) << row.text;
    EXPECT_EQ(decision.unmet[0].text, row.text);
    EXPECT_EQ(decision.unmet[0].who, row.who);
    EXPECT_EQ(decision.unmet[0].next_step, row.next_step);
  }
}

TEST(Words, SignInOfTheWrongKind) {
  const auto by_password = decide(shipped(), everything(), {"core", SignIn::password}, noon);
  EXPECT_EQ(by_password.unmet.at(0).text, "Core ESR cannot be used when you sign in by password");
  EXPECT_EQ(by_password.unmet.at(0).next_step, "Sign in with your card");
}

TEST(Words, DescribeARole) {
  EXPECT_EQ(
      describe(*shipped().role("administrator-self-service")),
      (std::vector<std::string>{
          "signs in by card",
          "access is not removed",
          "is employed today",
          "uses a card that is registered to them and active",
          "has an ESR06 access form for this role, verified by one other person and approved by another",
          "has signed the core user confidentiality declaration, version 2026-1",
          "holds a delegation of this role from a line manager",
          "has completed the information governance training (missing it warns only)",
          "may open these records: those of the team of the line manager who delegated",
          "a session lasts 12 h at most and locks after 15 min without use; a token lasts 5 min",
          "taking the card out ends the session and its tokens",
          "locking the screen locks the session",
      }));
  EXPECT_EQ(describe(*shipped().role("employee-self-service")).front(), "signs in by password or card");
}

}  // namespace
}  // namespace cardgate::policy
