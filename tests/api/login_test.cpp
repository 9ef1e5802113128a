// SPDX-License-Identifier: Apache-2.0
// Signing in to accounts of this machine: who may ask, what is answered, and that no try is spent on an account that is not the
// person's.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The machine has the accounts ada, max, tia and eve of these people, `shared` of Ada and Max, and `free`, of nobody.
class Login : public ::testing::Test {
 protected:
  Login() {
    auto& around = house.owners().accounts.surroundings;
    static const std::map<std::string, uid_t> accounts{{"root", 0},   {"ada", 1000},    {"max", 2000},
                                                       {"tia", 3000}, {"shared", 1500}, {"eve", 4000},
                                                       {"free", 1600}};
    around.by_name = [this](std::string name) -> std::optional<daemon::UnixAccount> {
      looked_up.push_back(name);
      for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;  // a directory that ignores case
      const auto found = accounts.find(name);
      if (found == accounts.end()) return std::nullopt;
      return daemon::UnixAccount{found->second, found->first};
    };
    around.by_uid = [](uid_t uid) -> std::optional<daemon::UnixAccount> {
      for (const auto& [name, number] : accounts) {
        if (number == uid) return daemon::UnixAccount{number, name};
      }
      return std::nullopt;
    };
    around.remote = [this](const daemon::Peer&, const std::vector<std::string>& local_units) {
      return remote && local_units.empty();
    };
    around.login_of = [](uid_t uid, const std::string& session) {
      return uid == 1000 && (session == "3" || session == "7");
    };
    around.elsewhere = [this](uid_t uid, const std::string& but) { return uid == 1000 && but != only_login; };
  }
  /// The directory answers from when this is set on, and says that every account is Ada's.
  std::shared_ptr<std::promise<void>> hold_directory() {
    auto gate = std::make_shared<std::promise<void>>();
    const auto open = gate->get_future().share();
    auto& around = house.owners().accounts.surroundings;
    around.by_name = [open](const std::string& name) {
      open.wait();
      return std::optional(daemon::UnixAccount{1000, name});
    };
    around.by_uid = [open](uid_t uid) {
      open.wait();
      return std::optional(daemon::UnixAccount{uid, "ada"});
    };
    return gate;
  }
  static daemon::Peer root() { return House::peer(0); }
  Reply need(const std::string& account, const daemon::Peer& who = root()) {
    return house.ask("GET", "/v1/login?account=" + account, who);
  }
  json::object with_account(const daemon::Peer& who, const char* account,
                            const char* code = House::passcode) {
    auto body = house.with_card(who, code);
    body["account"] = account;
    return body;
  }
  void configure(const std::string& pam) {
    house.write_config(House::usual_clients() + "pam: " + pam + "\n");
    house.reload();
  }
  void expect_use(const Reply& reply, const char* use, const char* words = "") {
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.text("use"), use) << reply.body;
    EXPECT_THAT(reply.text("text"), HasSubstr(words));
    EXPECT_LE(reply.text("text").size(), 511U);
  }
  void expect_refused(const Reply& reply, const char* error, const char* words) {
    EXPECT_EQ(reply.status, 403) << reply.body;
    EXPECT_EQ(reply.error(), error) << reply.body;
    EXPECT_THAT(reply.text("detail"), HasSubstr(words));
    EXPECT_EQ(house.driver->passcodes_spent(), 0) << "a try was spent";
    EXPECT_THAT(house.owners().table.all(), IsEmpty());
  }
  House house;
  bool remote = false;
  std::string only_login = "7";
  std::vector<std::string> looked_up;  // by name
};

// ---------------------------------------------------------------- what is needed

TEST_F(Login, ALentCardNeedsANewPasscodeAndThePasswordStaysOpen) {
  const auto spare = house.make_card("00000000-0000-4000-8000-000000009101", "Pool card 1");
  house.sign_in(House::tia());
  const json::object card{
      {"uuid", spare.id}, {"certificate_name", "Pool card 1"}, {"reason", "For the desk"}};
  ASSERT_EQ(house.ask("POST", "/v1/pool-cards", card, House::tia()).status, 201);
  const json::object loan{
      {"person", "1000"}, {"ends_at", "2026-06-01T20:00:00Z"}, {"reason", "Forgot the card"}};
  ASSERT_EQ(house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan, House::tia()).status, 200);
  house.insert_card(House::reader_of(House::ada()), spare);
  // `refused` goes on with the password on Enter.
  expect_use(need("ada"), "refused", "Choose a new passcode first");
  expect_use(need("ada"), "refused", "use your password");
  auto body = house.with_card(House::ada(), spare);
  const int before = house.driver->passcodes_spent();
  body["account"] = "ada";
  const auto refused = house.ask("POST", "/v1/sessions", body, House::ada());
  EXPECT_EQ(refused.error(), "passcode_change_required") << refused.body;
  EXPECT_EQ(house.driver->passcodes_spent(), before);
  body.erase("account");
  body.erase("card");
  body["new_passcode"] = "246810";
  ASSERT_EQ(house.ask("POST", "/v1/cards/" + spare.id + "/passcode", body, House::ada()).status, 204);
  expect_use(need("ada"), "passcode");
}

TEST_F(Login, ACardOfTheAccountIsAskedForItsPasscode) {
  house.insert_card(House::ada());
  const auto reply = need("ada");
  expect_use(reply, "passcode", "Your staff card, 3 tries left.");
  EXPECT_EQ(reply.text("reader"), House::reader_of(House::ada()));
  EXPECT_EQ(reply.text("card"), house.card_of(House::ada()).id);
  EXPECT_EQ(reply.json().at("tries_left").as_int64(), 3);
  EXPECT_FALSE(reply.json().at("last_try").as_bool());
  EXPECT_FALSE(reply.json().contains("resume"));
  EXPECT_TRUE(reply.json().at("allowed").as_bool());
}

TEST_F(Login, WithoutACardItIsAskedForOnlyWhereThePersonHasOne) {
  expect_use(need("ada"), "insert", "Put your staff card into the reader");
  expect_use(need("eve"), "password");
  configure("{no_card: password}");
  expect_use(need("ada"), "password");
}

TEST_F(Login, WhoIsNotInTheRegisterAndRootHaveThePassword) {
  house.insert_card(House::ada());
  expect_use(need("free"), "password");
  expect_use(need("nobody-has-this"), "password");
  expect_use(need("root"), "password");
}

TEST_F(Login, WhoIsNotAtTheMachineHasThePassword) {
  house.insert_card(House::ada());
  remote = true;
  const auto reply = need("ada");
  expect_use(reply, "password");
  EXPECT_TRUE(reply.json().at("remote").as_bool());
  configure("{remote: allow}");
  expect_use(need("ada"), "passcode");
  configure("{local_units: [ward.service]}");
  expect_use(need("ada"), "passcode");
}

TEST_F(Login, AnAccountIsTheSameHoweverItsNameIsWritten) {
  house.insert_card(House::ada());
  expect_use(need("ADA"), "passcode");
  const auto reply = house.ask("POST", "/v1/sessions", with_account(House::ada(), "Ada"), root());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(house.records("sign_in").front().at("details").as_object().at("account").as_string(), "ada");
}

TEST_F(Login, ANameThatSomebodyElseThanRootChoseIsNeverLookedUp) {
  house.insert_card(House::ada());
  expect_use(need("ada", House::ada()), "passcode");
  for (const char* account : {"max", "nobody-has-this", "ADA"}) {
    EXPECT_EQ(need(account, House::ada()).status, 403) << account;
    EXPECT_EQ(house.ask("POST", "/v1/sessions", with_account(House::ada(), account), House::ada()).status,
              403);
    EXPECT_EQ(
        house.ask("DELETE", std::string("/v1/sessions/none?at_logout_of=7&account=") + account, House::ada())
            .status,
        404);
  }
  EXPECT_EQ(house.ask("POST", "/v1/sessions", with_account(House::ada(), "ada"), House::ada()).status, 201);
  EXPECT_THAT(looked_up, IsEmpty());
}

TEST_F(Login, TheCardOfSomebodyElseDoesNotDoAndIsNotNamed) {
  house.insert_card(House::max());
  const auto reply = need("ada");
  expect_use(reply, "refused", "does not belong to the account 'ada'");
  EXPECT_THAT(reply.body, Not(HasSubstr("Max")));
  EXPECT_FALSE(reply.json().contains("card"));
}

TEST_F(Login, OfTwoCardsTheAccountsOwnIsTaken) {
  house.insert_card(House::max());
  house.insert_card(House::tia());
  house.insert_card(House::ada());
  const auto reply = need("ada");
  expect_use(reply, "passcode", "Your staff card in reader of 1000, 3 tries left.");
  EXPECT_EQ(reply.text("card"), house.card_of(House::ada()).id);
}

TEST_F(Login, AnAccountOfTwoPeopleIsRefusedAndSaid) {
  expect_use(need("shared"), "password");
  house.insert_card(House::ada());
  expect_use(need("shared"), "refused", "belongs to more than one person");
}

TEST_F(Login, TheLastTryAndABlockedCardAreSaid) {
  auto card = house.card_of(House::ada());
  card.tries_left = 1;
  house.insert_card(House::reader_of(House::ada()), card);
  const auto last = need("ada");
  expect_use(last, "passcode", "one try left");
  EXPECT_TRUE(last.json().at("last_try").as_bool());
  house.remove_card(House::reader_of(House::ada()));
  card.tries_left = 0;
  house.insert_card(House::reader_of(House::ada()), card);
  expect_use(need("ada"), "refused", "blocked");
}

TEST_F(Login, TwoWrongPasscodesAskForTheCardAgain) {
  house.insert_card(House::ada());
  for (int i = 0; i < 2; ++i) {
    const auto wrong = house.ask("POST", "/v1/sessions", with_account(House::ada(), "ada", "000000"), root());
    EXPECT_EQ(wrong.error(), "passcode_incorrect") << wrong.body;
  }
  expect_use(need("ada"), "refused", "take the card out and put it in again");
}

TEST_F(Login, ARemovedPersonIsToldByTheirCard) {
  house.sign_in(House::tia());
  house.insert_card(House::ada());
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  house.remove_card(House::reader_of(House::tia()));
  expect_use(need("ada"), "refused", "Your access has been paused");
}

TEST_F(Login, AnUnregisteredCardIsSaid) {
  auto card = house.card_of(House::ada());
  house.insert_card("reader of 1000", card);
  // Its UUID is nobody's any more.
  house.sign_in(House::tia());
  const auto lost =
      house.ask("POST", "/v1/staff/1000/cards",
                {{"uuid", card.id}, {"status", "lost"}, {"reason", "Lost on the ward"}}, House::tia());
  ASSERT_EQ(lost.status, 200) << lost.body;
  house.remove_card(House::reader_of(House::tia()));
  expect_use(need("ada"), "refused", "no longer active");
}

TEST_F(Login, AsksAboutOthersAreRefused) {
  house.insert_card(House::ada());
  EXPECT_EQ(need("ada", House::ada()).text("use"), "passcode");
  for (const char* account : {"max", "root", "free", "nobody-has-this"}) {
    const auto reply = need(account, House::ada());
    EXPECT_EQ(reply.status, 403) << account << reply.body;
    EXPECT_EQ(reply.error(), "not_owner");
  }
  EXPECT_EQ(house.ask("GET", "/v1/login", root()).status, 400);
  EXPECT_EQ(house.ask("GET", "/v1/login?account=ada&phase=else", root()).status, 400);
  EXPECT_THAT(house.records("sign_in_refused"), IsEmpty()) << "asking is not recorded";
}

// ---------------------------------------------------------------- signing in

TEST_F(Login, RootOpensASessionForTheAccountsUser) {
  house.insert_card(House::ada());
  const auto reply = house.ask("POST", "/v1/sessions", with_account(House::ada(), "ada"), root());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(house.owners().table.find(reply.text("id"))->uid, 1000U);
  const auto records = house.records("sign_in");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records.front().at("details").as_object().at("account").as_string(), "ada");
}

TEST_F(Login, AnAccountThatIsNotThePersonsSpendsNoTry) {
  house.insert_card(House::ada());
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "max"), root()),
                 "account_not_yours", "is not yours");
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "free"), root()),
                 "account_not_yours", "add it to your record");
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "shared"), root()),
                 "account_not_yours", "more than one person");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("account_not_yours"));
}

TEST_F(Login, RootsAccountAndOthersNeedTheirRight) {
  house.insert_card(House::ada());
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "root"), root()),
                 "sign_in_not_allowed", "Nobody can sign in as root");
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "max"), House::ada()),
                 "sign_in_not_allowed", "Only root");
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "no-such"), root()),
                 "sign_in_not_allowed", "no account 'no-such'");
  auto other = with_account(House::ada(), "ada");
  other["for_uid"] = 2000;
  expect_refused(house.ask("POST", "/v1/sessions", other, root()), "sign_in_not_allowed", "number 1000");
  remote = true;
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "ada"), root()),
                 "sign_in_not_allowed", "at this machine");
  configure("{root: allow}");
  remote = false;
  expect_refused(house.ask("POST", "/v1/sessions", with_account(House::ada(), "root"), root()),
                 "account_not_yours", "'root' is not yours");
}

TEST_F(Login, AnAccountThatIsTakenAwayWhileTheCardWorksOpensNothing) {
  house.sign_in(House::tia());
  house.insert_card(House::ada());
  house.driver->hold();
  auto call = house.begin("POST", "/v1/sessions", with_account(House::ada(), "ada"), root());
  house.run_until([&] { return house.driver->held(); });
  remote = true;  // asked once, before the passcode
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  house.driver->release();
  EXPECT_EQ(house.finish(call).status, 403);
  EXPECT_EQ(house.owners().table.of_uid(1000).size(), 0U);
}

// ---------------------------------------------------------------- taking up a session

TEST_F(Login, ASessionOfTheSameCardIsTakenUp) {
  const auto id = house.sign_in(House::ada());
  EXPECT_EQ(need("ada").text("resume"), id) << "open: sudo must not end the desktop's session";
  const auto reply =
      house.ask("POST", "/v1/sessions/" + id + "/resume", with_account(House::ada(), "ada"), root());
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.text("id"), id);
  EXPECT_EQ(
      house.ask("POST", "/v1/sessions/" + id + "/resume", with_account(House::ada(), "max"), root()).status,
      404)
      << "the session is not that account's";
  EXPECT_EQ(house.owners().table.all().size(), 1U);
}

// ---------------------------------------------------------------- logging out

TEST_F(Login, ASessionEndsWithTheLastLoginOfItsUser) {
  const auto id = house.sign_in(House::ada());
  const auto goes_on = house.ask("DELETE", "/v1/sessions/" + id + "?at_logout_of=3", root());
  EXPECT_EQ(goes_on.status, 200) << goes_on.body;
  EXPECT_EQ(goes_on.text("id"), id);
  EXPECT_EQ(house.ask("DELETE", "/v1/sessions/" + id + "?at_logout_of=7", House::max()).status, 404);
  EXPECT_EQ(house.ask("DELETE", "/v1/sessions/" + id + "?at_logout_of=7", root()).status, 204);
  EXPECT_THAT(house.owners().table.all(), IsEmpty());
}

TEST_F(Login, AtTheLastLogoutTheSessionsThatWereOpenedMeanwhileEndToo) {
  const auto ended = house.sign_in(House::ada());
  EXPECT_EQ(house.ask("DELETE", "/v1/sessions/" + ended, House::ada()).status, 204);
  const auto opened =
      house.ask("POST", "/v1/sessions", with_account(House::ada(), "ada"), root());  // by a screen lock
  ASSERT_EQ(opened.status, 201) << opened.body;
  const auto others = house.sign_in(House::max());
  const auto log_out = [&](const std::string& rest, const daemon::Peer& who) {
    return house.ask("DELETE", "/v1/sessions/" + ended + "?" + rest, who).status;
  };
  EXPECT_EQ(log_out("at_logout_of=7", root()), 404);
  EXPECT_EQ(log_out("account=ada", root()), 400);
  EXPECT_EQ(log_out("at_logout_of=7&account=", root()), 400);
  EXPECT_EQ(log_out("at_logout_of=7&account=nobody-has-this", root()), 404);
  EXPECT_EQ(log_out("at_logout_of=7&account=ada", House::max()), 404);
  EXPECT_EQ(log_out("at_logout_of=3&account=ada", root()), 204) << "another login stands";
  EXPECT_EQ(house.owners().table.all().size(), 2U);
  EXPECT_EQ(house.ask("DELETE", "/v1/sessions/" + others + "?at_logout_of=7&account=ada", root()).status, 404)
      << "the session is not that account's";
  EXPECT_EQ(log_out("at_logout_of=7&account=ada", root()), 204);
  EXPECT_THAT(house.owners().table.of_uid(1000), IsEmpty());
  EXPECT_EQ(house.owners().table.of_uid(2000).size(), 1U);
}

TEST_F(Login, TheLogoutOfALoginThatOpenedNoSessionEndsThoseOfItsAccount) {
  house.sign_in(House::ada());  // as the agent does it
  house.sign_in(House::max());
  const auto log_out = [&](const std::string& rest, const daemon::Peer& who) {
    return house.ask("DELETE", "/v1/sessions/none?" + rest, who).status;
  };
  EXPECT_EQ(log_out("at_logout_of=8&account=ada", root()), 404) << "logind knows no such login";
  EXPECT_EQ(log_out("at_logout_of=7&account=max", root()), 404) << "the login is somebody else's";
  EXPECT_EQ(log_out("at_logout_of=7&account=ada", House::max()), 404) << "only root speaks for others";
  EXPECT_EQ(log_out("at_logout_of=3&account=ada", root()), 204) << "another login stands";
  EXPECT_EQ(house.owners().table.all().size(), 2U);
  EXPECT_EQ(log_out("at_logout_of=7&account=ada", root()), 204);
  EXPECT_THAT(house.owners().table.of_uid(1000), IsEmpty());
  EXPECT_EQ(house.owners().table.of_uid(2000).size(), 1U);
}

// ---------------------------------------------------------------- the account phase

TEST_F(Login, WhoIsRemovedIsRefusedByPasswordToo) {
  house.sign_in(House::tia());
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_TRUE(need("ada").json().at("allowed").as_bool()) << "not enforced";
  configure("{account: enforce}");
  const auto refused = house.ask("GET", "/v1/login?account=ada&phase=account", root());
  EXPECT_FALSE(refused.json().at("allowed").as_bool());
  EXPECT_THAT(refused.text("allowed_text"), HasSubstr("Access to this account has been paused."));
  EXPECT_EQ(refused.text("use"), "password") << "cards are not looked at";
  EXPECT_FALSE(need("Ada").json().at("allowed").as_bool()) << "written otherwise";
  EXPECT_FALSE(need("shared").json().at("allowed").as_bool()) << "one of two is removed";
  for (const char* account : {"max", "free", "root", "nobody-has-this"})
    EXPECT_TRUE(need(account).json().at("allowed").as_bool()) << account;
}

TEST_F(Login, WhoHasLeftIsRefusedByPasswordToo) {
  house.sign_in(House::tia());
  const auto left = house.ask("POST", "/v1/staff/4000/changes",
                              {{"employed_until", "2026-05-31"}, {"reason", "Left"}}, House::tia());
  ASSERT_EQ(left.status, 200) << left.body;
  configure("{account: enforce}");
  const auto refused = need("eve");
  EXPECT_FALSE(refused.json().at("allowed").as_bool());
  EXPECT_THAT(refused.text("allowed_text"), HasSubstr("Your employment ended on 31 May 2026"));
}

// ---------------------------------------------------------------- a slow directory

TEST_F(Login, ADirectoryThatDoesNotAnswerHoldsUpNobodyElse) {
  house.insert_card(House::ada());
  const auto gate = hold_directory();
  std::vector<std::shared_ptr<House::Call>> asking;
  const auto ask = [&](const std::string& more) {
    asking.push_back(house.begin("GET", "/v1/login?account=ada" + more, {}, root()));
  };
  // Two are being looked up, 16 wait, and the others are told at once.
  for (int i = 0; i < 20; ++i) ask("");
  EXPECT_EQ(house.ask("GET", "/v1/status", House::max()).status, 200);
  house.run_until([&] { return asking.back()->answered(); });
  const auto full = house.finish(asking.back());
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.error(), "accounts_unavailable");
  // Whoever was let in has places of their own: leavers are still kept out.
  const auto let_in = house.begin("GET", "/v1/login?account=ada&phase=account", {}, root());
  house.run_ready();
  EXPECT_FALSE(let_in->answered());
  gate->set_value();
  EXPECT_EQ(house.finish(let_in).status, 200);
  for (const auto& each : asking) EXPECT_THAT(house.finish(each).status, ::testing::AnyOf(200, 503));
}

TEST_F(Login, WhatHangsIsGivenUpAndTheWorldIsLookedAtAfterTheWait) {
  house.insert_card(House::ada());
  const auto gate = hold_directory();
  const auto hangs = house.ask("GET", "/v1/login?account=ada", root());
  EXPECT_EQ(hangs.error(), "accounts_unavailable") << hangs.body;
  auto call = house.begin("POST", "/v1/sessions", with_account(House::ada(), "ada"), root());
  house.run_ready();
  house.remove_card(House::reader_of(House::ada()));
  gate->set_value();
  EXPECT_EQ(house.finish(call).error(), "no_card");
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
}

TEST_F(Login, OneUserOfTheMachineTakesTwoPlacesOfALookup) {
  const auto gate = hold_directory();
  std::vector<std::shared_ptr<House::Call>> asking;
  for (int i = 0; i < 3; ++i) asking.push_back(house.begin("GET", "/v1/login?account=ada", {}, House::ada()));
  house.run_until([&] { return asking[2]->answered(); });
  EXPECT_EQ(house.finish(asking[2]).status, 503);
  gate->set_value();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(house.finish(asking[static_cast<std::size_t>(i)]).status, 200);
  EXPECT_EQ(house.ask("GET", "/v1/login?account=ada", House::ada()).status, 200);
}

// ---------------------------------------------------------------- rates

TEST_F(Login, WhoTriesAgainAndAgainUsesUpTheShareOfThatAccountAlone) {
  house.insert_card(House::ada());
  house.insert_card(House::max());
  // 1000 a minute in the house; each is refused, and spends nothing.
  Reply reply;
  for (int i = 1; i <= 1100; ++i) {
    if (i % 400 == 0) house.forward(seconds(1));  // not more requests a second than root may send
    auto body = with_account(House::ada(), "ada");
    body["tries_left"] = 2;
    reply = house.ask("POST", "/v1/sessions", body, root());
  }
  EXPECT_EQ(reply.error(), "rate_limited") << reply.body;
  EXPECT_EQ(house.ask("POST", "/v1/sessions", with_account(House::max(), "max"), root()).status, 201);
  EXPECT_LT(house.records("sign_in_refused").size(), 50U) << "the log is flooded";
}

TEST_F(Login, QuestionsOfRootCountForTheAccountAndTheAccountPhaseIsAlwaysAnswered) {
  house.insert_card(House::max());
  Reply reply;
  for (int i = 0; i < 510 && reply.status != 429; ++i) reply = need("ada");
  EXPECT_EQ(reply.error(), "rate_limited") << reply.body;
  expect_use(need("max"), "passcode");
  EXPECT_EQ(house.ask("GET", "/v1/login?account=ada&phase=account", root()).status, 200);
  EXPECT_EQ(house.ask("GET", "/v1/login?phase=account&account=ada", House::ada()).status, 429)
      << "by themselves";
}

}  // namespace
}  // namespace cardgate::testing
