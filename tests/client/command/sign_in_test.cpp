// SPDX-License-Identifier: Apache-2.0
// cardgate login: what is asked of whom, and what never is.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_service.hpp"

namespace cardgate::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string status(const std::string& readers) {
  return ok(
      R"({"service":{"version":"0","state":"ok","problems":[],"audit":"ok","pcscd":"ok","policy":"a"},"readers":[)" +
      readers + R"(],"downtime":[]})");
}
std::string ready(const std::string& reader, const std::string& card, int tries) {
  return fmt::format(
      R"({{"name":"{}","card_present":true,"card":{{"state":"ready","id":"{}","tries_left":{}}}}})", reader,
      card, tries);
}

struct Login : ::testing::Test {
  FakeService service;
  Login() {
    service.answer("GET /v1/status", {status(ready("Reader 0", "5f1d", 3))});
    service.answer("GET /v1/sessions", {ok(R"({"sessions":[]})")});
    service.answer(
        "POST /v1/sessions",
        {ok(R"({"id":"S1","person":{"id":"10017","name":"Anna Example"},"reader":"Reader 0","card":"5f1d",)"
            R"("expires_at":"2026-03-02T21:00:00.000Z","state":"active","warnings":["Renew it"]})",
            201)});
  }
  testing::Finished login(std::vector<std::string> more = {}, const std::string& input = "864209\n") {
    std::vector<std::string> arguments{"login", "--passcode-stdin"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return cardgate(service.socket(), arguments, input);
  }
  std::string sign_in_request() const {
    for (const auto& request : service.requests()) {
      if (request.starts_with("POST /v1/sessions")) return request;
    }
    return {};
  }
  bool passcode_was_sent() const {
    for (const auto& request : service.requests()) {
      if (request.find("passcode") != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(Login, TakesACardThatDoesNotTellItsTries) {
  service.answer("GET /v1/status", {status(R"({"name":"Reader 0","card_present":true,)"
                                           R"("card":{"state":"ready","id":"5f1d","tries_left":null}})")});
  const auto done = login();
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("tries_left":null)"));
}

TEST_F(Login, NamesTheCardAndItsTriesAsShown) {
  const auto done = login();
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("Signed in: Anna Example (10017)"));
  EXPECT_THAT(done.output, HasSubstr("! Renew it"));
  EXPECT_THAT(
      sign_in_request(),
      ::testing::EndsWith(R"({"reader":"Reader 0","card":"5f1d","tries_left":3,"passcode":"864209"})"));
  EXPECT_THAT(done.all, Not(HasSubstr("864209")));
}

TEST_F(Login, SaysHowManyTriesAreLeft) {
  service.answer("POST /v1/sessions", {problem(401, "passcode_incorrect", "Wrong passcode. 2 tries are left.",
                                               {{"tries_left", 2}})});
  const auto done = login();
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.all, HasSubstr("2 tries are left"));
  const auto body = parse_json(login({"--json"}).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("tries_left"), 2);
}

TEST_F(Login, SendsNoPasscodeToABlockedCardOrForTheLastTry) {
  service.answer("GET /v1/status", {status(ready("Reader 0", "5f1d", 0))});
  const auto blocked = login();
  EXPECT_EQ(blocked.status, 1);
  EXPECT_THAT(blocked.all, HasSubstr("blocked"));
  service.answer("GET /v1/status", {status(ready("Reader 0", "5f1d", 1))});
  const auto last = login();
  EXPECT_EQ(last.status, 1);
  EXPECT_THAT(last.all, HasSubstr("--spend-last-try"));
  EXPECT_FALSE(passcode_was_sent());
  EXPECT_EQ(login({"--spend-last-try"}).status, 0);
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("spend_last_try":true)"));
}

TEST_F(Login, AsksForTheReaderWhenSeveralHoldACard) {
  service.answer("GET /v1/status",
                 {status(ready("Reader 0", "5f1d", 3) + "," + ready("Reader 1", "77aa", 2))});
  const auto which = login();
  EXPECT_EQ(which.status, 2);
  EXPECT_THAT(which.all, HasSubstr("Card ending 77aa, in Reader 1"));
  EXPECT_FALSE(passcode_was_sent());
  EXPECT_EQ(login({"--reader", "er 1"}).status, 0);
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("card":"77aa","tries_left":2)"));
}

std::string ready_of(const std::string& reader, const std::string& card, const std::string& more,
                     int tries = 3) {
  return fmt::format(
      R"({{"name":"{}","card_present":true,"card":{{"state":"ready","id":"{}","tries_left":{},{}}}}})",
      reader, card, tries, more);
}
const std::string ours = R"("name":"Anna Example","registered":true)";

TEST_F(Login, TakesTheCardThatIsRegisteredHereBesideAStrangers) {
  for (const std::string problem : {"", R"(,"problem":"It has expired.")"}) {
    service.answer("GET /v1/status",
                   {status(ready_of("Reader 0", "99aa", R"("name":"Sam Visitor","registered":false)") + "," +
                           ready_of("Reader 1", "5f1d", ours + problem))});
    const auto done = login();
    EXPECT_EQ(done.status, 0) << "the service says why it does not do, where it does not: " << done.all;
  }
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("reader":"Reader 1","card":"5f1d")"));
}

TEST_F(Login, SaysWhoseEachCardIsWhenItCannotTell) {
  const auto two = status(ready_of("Reader 0", "99aa", R"("name":"Ben Example","registered":true)", 0) + "," +
                          ready_of("Reader 1", "aabb-5f1d", ours));
  service.answer("GET /v1/status", {two});
  const auto both = login();
  EXPECT_EQ(both.status, 2) << "a blocked card is still its owner's: " << both.all;
  EXPECT_THAT(both.all, HasSubstr("Ben Example, card ending 99aa, in Reader 0"));
  EXPECT_THAT(both.all, HasSubstr("Anna Example, card ending 5f1d, in Reader 1"));
  service.answer("GET /v1/status",
                 {status(ready_of("Reader 0", "99aa", R"("registered":false)") + "," +
                         ready_of("Reader 1", "77aa", R"("name":"Sam","registered":false)"))});
  const auto neither = login();
  EXPECT_EQ(neither.status, 2);
  EXPECT_THAT(neither.all, HasSubstr("Card ending 99aa, in Reader 0 (not registered here)"));
  EXPECT_FALSE(passcode_was_sent());
}

TEST_F(Login, WaitsForTheSecondCardToBeReadBeforeItTakesOne) {
  const auto first = ready_of("Reader 0", "99aa", R"("name":"Sam Visitor","registered":false)");
  const auto reading =
      status(first + R"(,{"name":"Reader 1","card_present":true,"card":{"state":"reading"}})");
  service.answer("GET /v1/status", {reading, status(first + "," + ready_of("Reader 1", "5f1d", ours))});
  service.answer("GET /v1/events",
                 {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                  "event: card\ndata: {\"kind\":\"read\",\"reader\":\"Reader 1\"}\n\n"});
  const auto done = login();
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("card":"5f1d")"));
}

TEST_F(Login, SaysWhyThereIsNoCardToUse) {
  for (const auto& [readers, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "no card reader"},
           {R"({"name":"Reader 0","card_present":false})", "Put your card in"},
           {R"({"name":"Reader 0","card_present":true})", "may not sign in at Reader 0"},
           {R"({"name":"Reader 0","card_present":true,"card":{"state":"unusable","problem":"It is mute"}})",
            "It is mute"}}) {
    service.answer("GET /v1/status", {status(readers)});
    const auto done = login();
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.all, HasSubstr(words));
  }
  EXPECT_EQ(login({"--reader", "Ward 9"}).status, 1);
}

TEST_F(Login, WaitsForACardThatIsBeingRead) {
  const auto reading = status(R"({"name":"Reader 0","card_present":true,"card":{"state":"reading"}})");
  service.answer("GET /v1/status", {reading, reading, status(ready("Reader 0", "5f1d", 3))});
  service.answer("GET /v1/events",
                 {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                  "event: card\ndata: {\"kind\":\"read\",\"reader\":\"Reader 0\"}\n\n"});
  const auto done = login();
  EXPECT_EQ(done.status, 0) << done.all;
}

TEST_F(Login, UnlocksALockedSessionOfTheSameCard) {
  service.answer("GET /v1/sessions",
                 {ok(R"({"sessions":[{"id":"S7","card":"5f1d","reader":"Reader 0","state":"locked"}]})")});
  service.answer("POST /v1/sessions/S7/resume",
                 {ok(R"({"id":"S7","person":{"id":"10017","name":"Anna Example"}})")});
  const auto done = login();
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("Unlocked: Anna Example"));
}

TEST_F(Login, SendsNothingThatCannotBeAPasscode) {
  for (const std::string& input : {std::string("86\"4209\n"), std::string("864\\209\n"),
                                   std::string("8642é9\n"), std::string(65, '8')}) {
    const auto done = login({}, input);
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.all, HasSubstr("No try was spent"));
  }
  EXPECT_FALSE(passcode_was_sent());
}

TEST_F(Login, NeedsATerminalOrADescriptor) {
  const auto done = cardgate(service.socket(), {"login"});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.all, HasSubstr("--passcode-stdin"));
  EXPECT_EQ(cardgate(service.socket(), {"login", "--passcode-fd", "77"}).status, 4);
}

TEST_F(Login, NamesTheUserForRoot) {
  EXPECT_EQ(login({"--for-user", "4711"}).status, 0);
  EXPECT_THAT(sign_in_request(), HasSubstr(R"("for_uid":4711,)"));
  EXPECT_EQ(login({"--for-user", "no-such-user-here"}).status, 2);
}

}  // namespace
}  // namespace cardgate::client
