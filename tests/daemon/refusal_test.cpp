// SPDX-License-Identifier: Apache-2.0
// What goes wrong at a desk and at a socket: each has its own clear answer, and the service goes on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/daemon/other_user.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::as_user;
using testing::http;
using testing::HttpAnswer;
using testing::Stage;

class Refusal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void faults(const std::function<void(simcard::Faults&)>& edit) {
    auto now = stage.card->faults();
    edit(now);
    stage.card->set_faults(now);
  }
  /// A card that cannot be used at all says so in the status, spends no try and gets no session.
  void expect_unusable(std::string_view words) {
    stage.insert_and_wait();
    const auto card = stage.card_status();
    EXPECT_EQ(card.at("state"), "unusable") << json::serialize(card);
    EXPECT_NE(std::string(card.at("problem").as_string()).find(words), std::string::npos)
        << json::serialize(card);
    EXPECT_EQ(stage.sign_in().status, 403);
    EXPECT_EQ(stage.card->pin_tries(), 3);
    EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
  }
  /// A card whose certificate is not good is shown, but opens nothing and spends no try.
  void expect_certificate_refused(std::string_view status) {
    stage.insert_and_wait();
    const auto answer = stage.sign_in();
    EXPECT_EQ(answer.status, 403) << answer.body;
    EXPECT_EQ(answer.error(), "certificate_refused");
    EXPECT_NE(answer.body.find(status), std::string::npos) << answer.body;
    EXPECT_EQ(stage.card->pin_tries(), 3);
  }
  Stage stage;
};

TEST_F(Refusal, ACardThatIsNotPiv) {
  stage.up();
  faults([](auto& f) { f.not_piv = true; });
  expect_unusable("not a smartcard of the kind");
}
TEST_F(Refusal, AMuteCard) {
  stage.up();
  faults([](auto& f) { f.no_atr = true; });
  expect_unusable("does not answer");
}
TEST_F(Refusal, ACardThatTalksNonsense) {
  stage.up();
  faults([](auto& f) { f.nonsense = true; });
  expect_unusable("");
}
TEST_F(Refusal, ACardWithoutCertificate) {
  stage.up();
  faults([](auto& f) { f.no_certificate = true; });
  expect_unusable("no sign-in certificate");
}
TEST_F(Refusal, ACardOfAnotherIssuer) {
  stage.up();
  auto foreign_ca = simcard::Ca::open_or_create(stage.dir / "foreign");
  ASSERT_TRUE(foreign_ca);
  simcard::Personalisation person;
  person.uuid = stage.card->data().uuid;
  const auto foreign = simcard::personalise(*foreign_ca, person);
  ASSERT_TRUE(foreign);
  faults([&](auto& f) { f.foreign_certificate = foreign->authentication.certificate; });
  expect_certificate_refused("untrusted_issuer");
}
TEST_F(Refusal, ACardThatSignsWithAnotherKey) {
  stage.up();
  const auto other = simcard::generate_key(simcard::KeyKind::p256);
  ASSERT_TRUE(other);
  faults([&](auto& f) { f.sign_with = other->private_key; });
  stage.insert_and_wait();
  const auto answer = stage.sign_in();
  EXPECT_EQ(answer.error(), "certificate_refused") << answer.body;
  EXPECT_TRUE(stage.audit_says("possession_not_proved"));
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").as_array().size(), 0U);
}
TEST_F(Refusal, ARevokedCard) {
  stage.up();
  ASSERT_TRUE(stage.ca->revoke(stage.card->data().authentication.certificate));
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("read again", seconds(10)));
  expect_certificate_refused("revoked");
}
TEST_F(Refusal, ARevokedCardEndsTheLiveSession) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(stage.ca->revoke(stage.card->data().authentication.certificate));
  stage.daemon->signal(SIGHUP);
  EXPECT_TRUE(testing::eventually(seconds(10), [&] { return !stage.is_active(token); }));
  EXPECT_TRUE(stage.audit_says("certificate_refused"));
}
TEST_F(Refusal, ARevokedCardEndsThoughOtherFilesNeverRest) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  std::atomic<bool> over = false;
  std::thread restless([&] {
    // Not one that is read as a list, but one more change in the folder, and never half a second without.
    for (int i = 0; !over; ++i) {
      std::ofstream(stage.ca->crls() / ".restless") << i;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  EXPECT_TRUE(stage.ca->revoke(stage.card->data().authentication.certificate));
  EXPECT_TRUE(testing::eventually(seconds(20), [&] { return !stage.is_active(token); }));
  over = true;
  restless.join();
}
TEST_F(Refusal, AMissingCrlFailsClosed) {
  stage.up();
  std::filesystem::remove_all(stage.ca->crls());
  std::filesystem::create_directory(stage.ca->crls());
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("read again", seconds(10)));
  expect_certificate_refused("crl_missing");
}

TEST_F(Refusal, TheStatusSaysOfACardThatStaysInWhatHoldsNow) {
  stage.up();
  stage.insert_and_wait();
  const auto problem = [&] { return stage.card_status().contains("problem"); };
  EXPECT_FALSE(problem());
  const auto lists = stage.dir / "lists-kept";
  std::filesystem::create_directory(lists);
  for (const auto& list : std::filesystem::directory_iterator(stage.ca->crls())) {
    std::filesystem::copy(list.path(), lists / list.path().filename());
    std::filesystem::remove(list.path());
  }
  EXPECT_TRUE(testing::eventually(seconds(10), problem))
      << "its list is gone, and nobody could sign in with it";
  EXPECT_EQ(stage.sign_in().error(), "certificate_refused");
  for (const auto& list : std::filesystem::directory_iterator(lists))
    std::filesystem::copy(list.path(), stage.ca->crls() / list.path().filename());
  EXPECT_TRUE(testing::eventually(seconds(10), [&] { return !problem(); })) << "and the other way round";
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Refusal, AWrongPasscodeSaysHowManyTriesAreLeft) {
  stage.up();
  stage.insert_and_wait();
  const auto first = stage.sign_in("654321");
  EXPECT_EQ(first.status, 401) << first.body;
  EXPECT_EQ(first.json().at("tries_left"), 2);
  EXPECT_EQ(stage.card_status().at("tries_left"), 2);
  EXPECT_EQ(stage.sign_in().status, 201) << "the right one still opens";
  EXPECT_EQ(stage.card->pin_tries(), 3);
}
TEST_F(Refusal, NoTrySpentOnAMismatchAMalformedPasscodeOrTheLastTry) {
  stage.up();
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in(Stage::pin, 2).error(), "card_changed");
  EXPECT_EQ(stage.sign_in("12").error(), "passcode_format");
  EXPECT_EQ(stage.sign_in("12345a").error(), "passcode_format");
  const auto other = stage.ask(
      "POST", "/v1/sessions",
      fmt::format(R"({{"reader":"{}","card":"another","tries_left":3,"passcode":"123456"}})", Stage::reader),
      {"Content-Type: application/json"});
  EXPECT_EQ(other.error(), "card_changed");
  EXPECT_EQ(stage.card->pin_tries(), 3);

  // Two failures an insertion, then the card has to come out; the last try is the person's own decision.
  EXPECT_EQ(stage.sign_in("000000").status, 401);
  EXPECT_EQ(stage.sign_in("000000").status, 401);
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_EQ(stage.sign_in().error(), "reinsert_card");
  stage.pull();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("tries_left"), 1);
  EXPECT_EQ(stage.sign_in().error(), "last_try");
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_EQ(stage.sign_in(Stage::pin, 1, true).status, 201);
  EXPECT_EQ(stage.card->pin_tries(), 3);
}
TEST_F(Refusal, ABlockedCardIsExplained) {
  stage.up();
  ASSERT_TRUE(stage.card->change([](auto& data) { data.pin_tries = 0; }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("tries_left"), 0);
  const auto answer = stage.sign_in();
  EXPECT_EQ(answer.error(), "passcode_blocked") << answer.body;
  EXPECT_NE(answer.body.find("help desk"), std::string::npos);
}
TEST_F(Refusal, ACardUnlockedByAnotherProgramOpensNothing) {
  stage.up();
  faults([](auto& f) { f.verify_always_ok = false; });
  stage.insert_and_wait();
  // Another program verifies the PIN and stays connected; a wrong passcode must still be wrong.
  const auto other = testing::Process::start({"opensc-tool", "--reader", "0", "--wait", "-s",
                                              "00:A4:04:00:09:A0:00:00:03:08:00:00:10:00", "-s",
                                              "00:20:00:80:08:31:32:33:34:35:36:FF:FF"});
  ASSERT_TRUE(other);
  (*other)->wait(seconds(10));
  EXPECT_EQ(stage.sign_in("654321").status, 401);
}
TEST_F(Refusal, ACardNobodyIsRegisteredFor) {
  stage.up();
  auto data = simcard::personalise(*stage.ca, {});
  ASSERT_TRUE(data);
  simcard::Card stranger(std::move(*data));
  simcard::VpcdLink second(stranger, simcard::second_reader);
  ASSERT_TRUE(second.insert());
  HttpAnswer answer;
  const auto body = fmt::format(R"({{"reader":"{}","card":"{}","tries_left":3,"passcode":"123456"}})",
                                testing::Pcscd::second_name, simcard::to_text(stranger.data().uuid));
  EXPECT_TRUE(testing::eventually(seconds(10), [&] {
    answer = stage.ask("POST", "/v1/sessions", body, {"Content-Type: application/json"});
    return answer.error() == "person_unknown";
  })) << answer.body;
  EXPECT_EQ(stranger.pin_tries(), 3);
  second.pull();
}

TEST_F(Refusal, BodiesAndPathsThatAreWrong) {
  stage.up();
  const auto json_body = [&](const std::string& body) {
    return stage.ask("POST", "/v1/token", body, {"Content-Type: application/json"});
  };
  EXPECT_EQ(json_body("not json").status, 400);
  EXPECT_EQ(json_body(R"({"role":"core","role":"core","audience":"esr"})").status, 400);
  EXPECT_EQ(json_body(R"({"role":7,"audience":"esr"})").status, 400);
  EXPECT_EQ(json_body(R"({"role":"core","audience":"esr","colour":"blue"})").status, 400);
  EXPECT_EQ(json_body(std::string(70'000, 'x')).status, 413);
  EXPECT_EQ(stage.ask("POST", "/v1/token", "{}", {"Content-Type: text/plain"}).status, 415);
  EXPECT_EQ(stage.ask("GET", "/nothing").status, 404);
  const auto method = stage.ask("PUT", "/v1/token");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "POST");
  EXPECT_EQ(stage.import("people: []").status, 200);
  EXPECT_EQ(
      http(stage.socket, "POST", "/v1/staff/import", "people: []", {"Content-Type: application/yaml"}).status,
      404)
      << "root's calls are not on everyone's socket";
  EXPECT_EQ(
      testing::raw(
          stage.socket,
          "GET /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
          .status,
      400);
  EXPECT_EQ(testing::raw(stage.socket, "\x16\x03\x01garbage\r\n\r\n").status, 400);
  EXPECT_EQ(testing::raw(stage.socket, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x')).status,
            431);
  EXPECT_EQ(testing::raw(stage.socket, "POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
                         seconds(15))
                .status,
            408)
      << "a body that never comes";
  // Two requests in one go get two answers.
  const auto pipelined = testing::raw(stage.socket,
                                      "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                      "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(pipelined.status, 404);
  EXPECT_EQ(testing::raw(stage.socket, "GET /v1/status HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(Refusal, TokensThatAreNotOurs) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  EXPECT_TRUE(stage.is_active(token));
  auto altered = token;
  altered[token.size() / 2] = altered[token.size() / 2] == 'A' ? 'B' : 'A';
  for (const auto& bad : {altered, token.substr(0, token.size() - 1), std::string("x"), token + "."}) {
    EXPECT_FALSE(stage.is_active(bad));
    EXPECT_EQ(stage.ask("GET", "/v1/verify?audience=esr", "", {"Authorization: Bearer " + bad}).status, 401);
  }
  EXPECT_EQ(stage.ask("GET", "/v1/verify?audience=esr").headers.at("www-authenticate"), "Bearer");
  EXPECT_EQ(stage
                .ask("GET", "/v1/verify?audience=esr&role=manager-self-service", "",
                     {"Authorization: Bearer " + token})
                .status,
            403);
  EXPECT_EQ(stage.ask("GET", "/v1/verify?audience=other", "", {"Authorization: Bearer " + token}).status,
            403);
  EXPECT_EQ(stage.token("core", "other").error(), "audience_not_allowed");
  EXPECT_EQ(stage.token("supervisor-self-service").error(), "role_not_allowed");
  EXPECT_EQ(
      stage.ask("POST", "/v1/revoke", "token=" + token, {"Content-Type: application/x-www-form-urlencoded"})
          .status,
      200);
  EXPECT_FALSE(stage.is_active(token));
}

TEST_F(Refusal, ATokenTooManyIsOnRecordAsRefused) {
  stage.limits = "limits: {tokens_per_session: 1}\n";
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  ASSERT_EQ(stage.token().status, 200);
  EXPECT_EQ(stage.token("employee-self-service").error(), "too_many_tokens");
  ASSERT_TRUE(stage.audit_says("\"reason\":\"too_many_tokens\""));
  const auto log = stage.audit_text();
  const auto first = log.find("\"event\":\"token\"");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("\"event\":\"token\"", first + 1), std::string::npos)
      << "one token, one record of a token";
}

TEST_F(Refusal, AFormWithdrawnEndsTheRolesTokens) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_EQ(
      stage
          .import(stage.people(
              "{kind: ESR06, role: core, verified_by: \"2000\", approved_by: \"3000\", withdrawn: true}"))
          .status,
      200);
  EXPECT_FALSE(stage.is_active(token));
  const auto refused = stage.token();
  EXPECT_EQ(refused.error(), "access_denied") << refused.body;
  ASSERT_EQ(stage.import(stage.people()).status, 200);
  EXPECT_EQ(stage.token().status, 200) << "and back again, at once";
}
TEST_F(Refusal, ALeaverIsOutAtOnce) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  auto people = stage.people();
  people.replace(people.find("employed_from: 2020-01-01"), 25,
                 "employed_from: 2020-01-01\n    employed_until: 2021-01-01");
  ASSERT_EQ(stage.import(people).status, 200);
  EXPECT_FALSE(stage.is_active(token));
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").as_array().size(), 0U);
  const auto again = stage.sign_in();
  EXPECT_EQ(again.error(), "access_denied") << again.body;
  EXPECT_EQ(stage.card->pin_tries(), 3);
}
TEST_F(Refusal, AnImportIsAllOrNothing) {
  stage.up();
  const auto refused = stage.import(
      "people:\n  - {id: \"7\", name: New Invented}\n  - {id: \"8\", name: 5, employed_from: tomorrow}\n  - "
      "{id: \"9\", colour: blue}\n");
  EXPECT_EQ(refused.status, 422) << refused.body;
  const auto body = refused.json();
  EXPECT_GE(find_array(body, "lines")->size(), 2U) << refused.body;
  EXPECT_EQ(stage.admin("GET", "/v1/policy/explain?person=7&role=core").status, 404);
}

TEST_F(Refusal, AnotherUsersBusinessIsNotShown) {
  if (!testing::can_be_another_user()) GTEST_SKIP() << "needs real root to become another user";
  stage.up();
  stage.insert_and_wait();
  const auto session = stage.sign_in();
  ASSERT_EQ(session.status, 201);
  const std::string id(session.json().at("id").as_string());
  const auto token = stage.token_text();

  using testing::neighbour;  // has no session
  using testing::stranger;
  const auto get = [&](uid_t uid, const std::string& target) {
    return as_user(uid, [&] { return http(stage.socket, "GET", target); });
  };
  const auto post = [&](uid_t uid, const std::string& target, const std::string& body,
                        const std::string& type) {
    return as_user(uid, [&] { return http(stage.socket, "POST", target, body, {"Content-Type: " + type}); });
  };
  EXPECT_EQ(get(neighbour, "/v1/sessions/" + id).status, 404);
  EXPECT_EQ(get(neighbour, "/v1/sessions").body.find(id), std::string::npos);
  const std::string form = "application/x-www-form-urlencoded";
  const std::string json_type = "application/json";
  EXPECT_EQ(post(neighbour, "/v1/token",
                 fmt::format(R"({{"role":"core","audience":"esr","session":"{}"}})", id), json_type)
                .error(),
            "no_session");
  EXPECT_EQ(post(neighbour, "/v1/revoke", "token=" + token, form).error(), "not_owner");
  EXPECT_TRUE(stage.is_active(token));
  // The card is signed in for root: the neighbour may not take it over.
  const auto body = fmt::format(R"({{"reader":"{}","card":"{}","tries_left":3,"passcode":"123456"}})",
                                Stage::reader, simcard::to_text(stage.card->data().uuid));
  EXPECT_EQ(post(neighbour, "/v1/sessions", body, json_type).error(), "card_in_use");

  const auto seen = get(stranger, "/v1/status");
  EXPECT_EQ(seen.status, 200);
  EXPECT_NE(seen.body.find("\"card_present\":true"), std::string::npos) << seen.body;
  EXPECT_EQ(seen.body.find("tries_left"), std::string::npos) << seen.body;
  EXPECT_EQ(post(stranger, "/v1/sessions", body, json_type).error(), "sign_in_not_allowed");
  EXPECT_EQ(post(stranger, "/v1/token", R"({"role":"core","audience":"esr"})", json_type).error(),
            "audience_not_allowed");
  EXPECT_EQ(post(stranger, "/v1/introspect", "token=" + token, form).error(), "client_not_allowed");
  EXPECT_EQ(as_user(stranger, [&] { return http(stage.admin_socket, "GET", "/v1/status"); }).status, 0);
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

/// By its bytes: what a program that asks for roles which it makes up puts into the log, and whom that silences.
TEST_F(Refusal, AFloodOfMadeUpNamesIsAFewLinesOfTheLogAndSilencesNobody) {
  stage.limits = "limits: {requests_per_second: 100000, tokens_per_second: 100000}\n";
  stage.up();
  const auto ask = [&](int number) {
    const auto body =
        fmt::format(R"({{"role":"made-up-{}-{}","audience":"esr"}})", number, std::string(200, 'x'));
    return http(stage.socket, "POST", "/v1/token", body, {"Content-Type: application/json"});
  };
  ASSERT_EQ(ask(0).error(), "role_not_allowed");
  ASSERT_TRUE(testing::eventually(seconds(5), [&] { return stage.audit_says("made-up-0-"); }));
  const auto before = stage.audit_text().size();
  constexpr int flood = 4200;  // more than a table of names would hold
  for (int i = 1; i <= flood; ++i) ASSERT_EQ(ask(i).status, 403) << i;
  EXPECT_LT(stage.audit_text().size() - before, 4096U) << "a line for each of them was 3 MB";
  if (testing::can_be_another_user()) {
    const auto neighbour = as_user(65533, [&] { return stage.token(); });
    EXPECT_EQ(neighbour.error(), "no_session");
    EXPECT_TRUE(testing::eventually(seconds(5), [&] { return stage.audit_says("uid=65533"); }));
  }
  // Nobody asks any more: the count is written because its time is up.
  EXPECT_TRUE(testing::eventually(seconds(30), [&] { return stage.audit_says(R"("event":"repeated")"); }));
  EXPECT_TRUE(stage.audit_says(R"("reason":"role_not_allowed","details":{"event":"token_refused","count":)"));
}

}  // namespace
}  // namespace cardgate
