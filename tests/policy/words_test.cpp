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
      {"core", [](Facts& f) { f.employed_from.reset(); }, "Your first day of employment is not on record", hr,
       "Ask the Human Resources team to put it on record"},
      {"core", [](Facts& f) { f.employed_from = date("2026-07-01"); }, "Your employment begins on 2026-07-01",
       hr, "Ask the Human Resources team to put the date right if it is wrong"},
      {"core", [](Facts& f) { f.employed_until = date("2026-05-31"); }, "Your employment ended on 2026-05-31",
       hr, "Ask the Human Resources team to put the date right if it is wrong"},
      {"core", [](Facts& f) { f.card_active = false; },
       "This card is not registered to you as an active card", "smartcard help desk",
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
       "Nobody is on record as your line manager: ask the Human Resources team to name one"},
      {"core", [](Facts& f) { f.forms.at(1).approved = false; },
       "Your ESR06 access form for Core ESR is not approved yet", team,
       "Ask the ESR & Workforce Systems team to approve it"},
      {"core", [](Facts& f) { f.forms.at(1).valid_from = date("2026-07-01"); },
       "Your ESR06 access form for Core ESR counts from 2026-07-01", team,
       "Wait until then, or ask the ESR & Workforce Systems team if the date is wrong"},
      {"core", [](Facts& f) { f.declarations.clear(); },
       "You have not signed the core user confidentiality declaration", "you",
       "Read and sign it: cardgate declaration sign core-confidentiality"},
      {"manager-self-service", [](Facts& f) { f.is_line_manager = false; },
       "Nobody is on record as reporting to you", hr,
       "Ask the Human Resources team to put your team on record"},
      {"administrator-self-service", [](Facts& f) { f.delegations.clear(); },
       "No line manager has delegated Administrator Self Service to you", "the line manager for whom you act",
       "Ask the line manager for whom you act to delegate it to you"},
      {"administrator-self-service", [](Facts& f) { f.delegations.at(0).revoked = true; },
       "Administrator Self Service was delegated to you, and that was revoked",
       "the line manager for whom you act", "Ask the line manager for whom you act to delegate it to you"},
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
      }));
  EXPECT_EQ(describe(*shipped().role("employee-self-service")).front(), "signs in by password or card");
}

}  // namespace
}  // namespace cardgate::policy
