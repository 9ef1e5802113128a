// SPDX-License-Identifier: Apache-2.0
// Employee Self Service without a card, against the real service: from a person's particulars to a password, and every way
// in which somebody else does not get in.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "proto/token.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::HttpAnswer;
using testing::Stage;

constexpr const char* eves = "four plain words here";

class SelfService : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    const auto list = stage.dir / "blocklist.txt";
    ASSERT_TRUE(write_file_atomic(list, as_bytes("correct horse battery staple\n"), 0644));
    stage.limits = fmt::format(
        "passwords: {{opslimit: 1, memory: 8MiB, blocklist: {}}}\nlimits: {{sign_ins_per_minute: 1000}}\n",
        list.string());
    stage.up();
    ASSERT_EQ(stage.import(people()).status, 200);
  }
  /// Ada is at the help desk; Eve has no card.
  std::string people(const std::string& eve_more = "") const {
    return fmt::format(R"(people:
  - id: "1000"
    name: Ada Example
    line_manager: "2000"
    employed_from: 2020-01-01
    teams: [esr-workforce-systems]
    cards: [{{uuid: {}}}]
    forms: [{{kind: ESR06, role: esr-workforce-systems, verified_by: "2000", verified_on: 2026-01-02, approved_by: "3000",
              approved_on: 2026-01-03, valid_from: 2026-01-03}}]
    declarations: [{{name: core-confidentiality, version: "2026-1", signed_on: 2026-01-02}}]
  - {{id: "2000", name: Max Invented, employed_from: 2020-01-01}}
  - {{id: "3000", name: Tia Invented, employed_from: 2020-01-01, teams: [esr-workforce-systems]}}
  - {{id: "4000", name: Eve Invented-Young, username: eve, employed_from: 2020-01-01, date_of_birth: 1990-01-31,
      national_insurance: QQ123456C{}}}
  - {{id: "4100", name: "Zoë  O’Neill", username: "Zoë.O", employed_from: 2020-01-01, date_of_birth: 1992-04-05,
      national_insurance: QQ523456C}}
  - {{id: "5000", name: Sam Same, employed_from: 2020-01-01, date_of_birth: 1991-02-03, national_insurance: QQ223456C}}
  - {{id: "5001", name: Sam Same, employed_from: 2020-01-01, date_of_birth: 1991-02-03, national_insurance: QQ229999C}}
  - {{id: "6000", name: Old Leaver, employed_from: 2020-01-01, employed_until: 2021-01-01, date_of_birth: 1970-02-03,
      national_insurance: QQ323456C}}
)",
                       simcard::to_text(stage.card->data().uuid), eve_more);
  }
  HttpAnswer post(const std::string& target, const json::object& body) const {
    return stage.ask("POST", target, json::serialize(body), {"Content-Type: application/json"});
  }
  HttpAnswer enrol(const std::string& name, const std::string& born = "1990-01-31",
                   const std::string& ni = "QQ12") const {
    return post("/v1/enrolment", {{"name", name}, {"date_of_birth", born}, {"national_insurance", ni}});
  }
  HttpAnswer code_for(const std::string& person) const {
    return post("/v1/enrolment/codes", {{"person", person}});
  }
  HttpAnswer activate(const std::string& username, const std::string& code,
                      const std::string& password) const {
    return post("/v1/enrolment/activate",
                {{"username", username}, {"code", code}, {"new_password", password}});
  }
  HttpAnswer login(const std::string& username, const std::string& password) const {
    return post("/v1/sessions", {{"username", username}, {"password", password}});
  }
  HttpAnswer change(const std::string& username, const std::string& now, const std::string& next) const {
    return post("/v1/password", {{"username", username}, {"password", now}, {"new_password", next}});
  }
  static std::string text(const HttpAnswer& answer, std::string_view member) {
    const auto object = answer.json();
    const auto* found = find_string(object, member);
    return found == nullptr ? "" : std::string(*found);
  }
  /// Ada signs in with her card; the card stays in.
  void desk_opens() {
    stage.insert_and_wait();
    ASSERT_EQ(stage.sign_in().status, 201);
  }
  /// Eve has the password `eves`, and nobody is signed in.
  void eve_has_a_password() {
    desk_opens();
    ASSERT_EQ(enrol("Eve Invented-Young").status, 202);
    const auto code = code_for("4000");
    ASSERT_EQ(code.status, 201) << code.body;
    stage.pull();
    const auto done = activate("eve", text(code, "code"), eves);
    ASSERT_EQ(done.status, 200) << done.body;
  }
  std::string token_of(const HttpAnswer& session) const {
    const auto answer =
        post("/v1/token",
             {{"role", "employee-self-service"}, {"audience", "esr"}, {"session", text(session, "id")}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return text(answer, "access_token");
  }
  double metric(const std::string& name) const {
    const auto body = stage.ask("GET", "/metrics").body;
    const auto at = body.find("\ncardgate_" + name + " ");
    return at == std::string::npos ? 0 : std::stod(body.substr(at + name.size() + 11));
  }

  Stage stage;
};

TEST_F(SelfService, ANameIsTheSameHoweverPeopleTypeIt) {
  desk_opens();
  for (const auto* typed :
       {"Zoe O'Neill", "ZOE\u0308 O\u02bcNEILL", "Zo\u00eb  O\u2019Neill", "zoe oneill"}) {
    ASSERT_EQ(enrol(typed, "1992-04-05", "QQ52").status, 202);
    const auto code = code_for("4100");
    ASSERT_EQ(code.status, 201) << typed << code.body;
    EXPECT_EQ(text(code, "username"), "zo\u00eb.o");
    ASSERT_EQ(activate("ZOE\u0308.O", text(code, "code"), eves).status, 200);
  }
  stage.pull();
  for (const auto* typed : {"zoe\u0308.o", "Zo\u00eb.O"}) EXPECT_EQ(login(typed, eves).status, 201) << typed;
}

TEST_F(SelfService, TooLittleMemoryForAPasswordIsSaidAndCountsAgainstNobody) {
  ASSERT_EQ(stage.stop_daemon(), 0);
  const auto scarce = stage.dir / "scarce";
  stage.preload(CARDGATE_SCARCE_MEMORY_MODULE, "CARDGATE_SCARCE_MEMORY", scarce);
  stage.start_daemon();
  ASSERT_EQ(login("eve", "wrong").error(), "password_incorrect");
  ASSERT_TRUE(write_file_atomic(scarce, as_bytes("now"), 0644));
  for (int i = 0; i < 8; ++i) {
    const auto refused = login("eve", eves);
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(refused.error(), "passwords_unavailable") << refused.body;
  }
  const auto status = stage.ask("GET", "/v1/status");
  EXPECT_NE(status.body.find("too little memory to check passwords"), std::string::npos) << status.body;
  EXPECT_NE(status.body.find("\"state\":\"degraded\""), std::string::npos);
  ASSERT_TRUE(stage.daemon->wait_for_line("passwords_failing", seconds(5)));
  std::filesystem::remove(scarce);
  EXPECT_EQ(login("eve", "wrong").error(), "password_incorrect")
      << "no try was counted, so there is nothing to wait for";
  ASSERT_TRUE(stage.daemon->wait_for_line("passwords_working", seconds(5)));
  EXPECT_NE(stage.ask("GET", "/v1/status").body.find("\"state\":\"ok\""), std::string::npos);
  EXPECT_TRUE(stage.audit_says("too little memory"));
}

TEST_F(SelfService, LeadsFromParticularsToAPasswordThatOpensTheOwnRecordAlone) {
  const auto right = enrol("  eve  INVENTED-young");
  EXPECT_EQ(right.status, 202) << right.body;
  EXPECT_EQ(code_for("4000").error(), "no_session");
  desk_opens();
  EXPECT_EQ(code_for("2000").error(), "no_open_request");
  EXPECT_EQ(code_for("1000").error(), "not_yours_to_do") << "nobody gives a code to themselves";
  EXPECT_EQ(code_for("none").error(), "person_unknown");
  const auto replaced = code_for("4000");
  ASSERT_EQ(replaced.status, 201) << replaced.body;
  const auto given = code_for("4000");
  EXPECT_EQ(text(given, "username"), "eve");
  const std::string code = text(given, "code");
  EXPECT_EQ(code.size(), 14U) << code;
  stage.pull();

  EXPECT_EQ(activate("eve", text(replaced, "code"), eves).error(), "code_incorrect")
      << "replaced by a newer one";
  EXPECT_EQ(activate("eve", code, "short").error(), "password_refused");
  EXPECT_EQ(activate("eve", code, "Correct Horse Battery Staple").error(), "password_refused");
  EXPECT_EQ(activate("eve", code, "EveInvented1990").error(), "password_refused");
  std::string typed = code;
  for (auto& c : typed) c = c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto activated = activate("eve", typed, eves);
  ASSERT_EQ(activated.status, 200) << activated.body;
  EXPECT_EQ(text(activated, "username"), "eve");
  EXPECT_EQ(activate("eve", code, "another four words then").error(), "code_incorrect") << "it works once";

  const auto session = login("eve", eves);
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(text(session, "acr"), "password");
  EXPECT_EQ(session.json().at("amr"), (json::array{"pwd"}));
  EXPECT_FALSE(session.json().contains("card"));
  const auto token = stage.token("employee-self-service");
  ASSERT_EQ(token.status, 200) << token.body;
  const auto claims = stage
                          .ask("POST", "/v1/introspect", "token=" + text(token, "access_token"),
                               {"Content-Type: application/x-www-form-urlencoded"})
                          .json();
  EXPECT_EQ(claims.at("sub"), "4000");
  EXPECT_EQ(claims.at("acr"), "password");
  EXPECT_EQ(claims.at("amr"), (json::array{"pwd"}));
  EXPECT_EQ(claims.at("records"), "own");
  EXPECT_FALSE(claims.contains("revocation"));
  const auto core = stage.token("core");
  EXPECT_EQ(core.error(), "access_denied") << core.body;
  EXPECT_EQ(code_for("2000").error(), "card_needed") << "a password gives no rights over others";

  EXPECT_TRUE(stage.audit_says("\"act\":\"activated\""));
  const auto log = stage.audit_text();
  for (const auto& secret : {std::string("1990-01-31"), std::string("QQ12"), std::string(eves), code})
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
  EXPECT_EQ(stage.daemon->output().find(eves), std::string::npos);
}

TEST_F(SelfService, NeverTellsWhoseParticularsWereRight) {
  const auto right = enrol("Eve Invented-Young");
  ASSERT_EQ(right.status, 202);
  for (const auto& wrong :
       {enrol("Eve Invented"), enrol("Eve Invented-Young", "1990-01-30"),
        enrol("Eve Invented-Young", "1990-01-31", "QQ13"), enrol("Sam Same", "1991-02-03", "QQ22"),
        enrol("Old Leaver", "1970-02-03", "QQ32")}) {
    EXPECT_EQ(wrong.status, 202);
    EXPECT_EQ(wrong.body, right.body);
  }
  EXPECT_EQ(enrol("Eve Invented-Young", "1990-01-31", "Q!12").status, 400);
  EXPECT_TRUE(stage.audit_says("\"reason\":\"several\""));
  EXPECT_TRUE(stage.audit_says("\"reason\":\"no match\""));
  desk_opens();
  for (const char* id : {"5000", "5001", "6000"}) EXPECT_EQ(code_for(id).error(), "no_open_request") << id;
}

TEST_F(SelfService, AnswersAnUnknownNameLikeAWrongPasswordWithTheSameWork) {
  eve_has_a_password();
  const auto hashes = [&](const std::function<HttpAnswer()>& work) {
    const double before = metric("password_hashes_total");
    const auto answer = work();
    return std::pair(answer.body, metric("password_hashes_total") - before);
  };
  const auto wrong = hashes([&] { return login("eve", "four wrong words here"); });
  EXPECT_EQ(wrong.second, 1);
  EXPECT_EQ(hashes([&] { return login("nobody", "four wrong words here"); }), wrong);
  EXPECT_EQ(hashes([&] { return login("2000", "four wrong words here"); }), wrong) << "without a password";
  EXPECT_EQ(hashes([&] { return login("6000", "four wrong words here"); }), wrong) << "no longer employed";
  const auto wrong_code = hashes([&] { return activate("eve", "ABCD-EFGH-JKMN", eves); });
  EXPECT_EQ(hashes([&] { return activate("nobody", "ABCD-EFGH-JKMN", eves); }), wrong_code);
  EXPECT_EQ(hashes([&] { return activate("eve", "no code at all", eves); }), wrong_code);
  EXPECT_NE(wrong.first.find("password_incorrect"), std::string::npos) << wrong.first;
}

TEST_F(SelfService, WhoGuessesTooOftenWaitsEvenAfterARestartAndNobodyElseDoes) {
  eve_has_a_password();
  for (const char* who : {"eve", "nobody"}) {
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(login(who, "four wrong words here").error(), "password_incorrect") << i;
  }
  const double before = metric("password_hashes_total");
  const auto refused = login("eve", eves);
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_EQ(refused.error(), "throttled");
  EXPECT_GT(std::stoi(refused.headers.at("retry-after")), 0);
  EXPECT_EQ(login("nobody", eves).error(), "throttled");
  EXPECT_EQ(change("eve", eves, "another four words then").error(), "throttled") << "the same count";
  EXPECT_EQ(metric("password_hashes_total"), before) << "nothing was compared";
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.start_daemon();
  EXPECT_EQ(login("eve", eves).error(), "throttled");
  EXPECT_EQ(login("2000", "four wrong words here").error(), "password_incorrect") << "another name";
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201) << "cards are not touched";
}

TEST_F(SelfService, ATemporaryPasswordIsGoodForChoosingAnotherOnly) {
  eve_has_a_password();
  desk_opens();
  EXPECT_EQ(post("/v1/password/reset", {{"person", "2000"}, {"reason", "asked"}}).error(), "no_password");
  EXPECT_EQ(post("/v1/password/reset", {{"person", "1000"}, {"reason", "mine"}}).error(), "not_yours_to_do");
  const auto reset = post("/v1/password/reset", {{"person", "4000"}, {"reason", "forgotten, badge seen"}});
  ASSERT_EQ(reset.status, 201) << reset.body;
  stage.pull();
  const std::string temporary = text(reset, "temporary_password");
  EXPECT_EQ(login("eve", eves).error(), "password_incorrect") << "the old one is void at once";
  EXPECT_EQ(login("eve", temporary).error(), "password_change_required");
  EXPECT_EQ(change("eve", temporary, temporary).error(), "password_refused");
  EXPECT_EQ(change("eve", temporary, "eve").error(), "password_refused");
  EXPECT_EQ(change("eve", temporary, "another four words then").status, 204);
  EXPECT_EQ(login("eve", temporary).error(), "password_incorrect");
  EXPECT_EQ(login("eve", "another four words then").status, 201);
  EXPECT_TRUE(stage.audit_says("forgotten, badge seen"));
  EXPECT_EQ(stage.audit_text().find(temporary), std::string::npos);
}

TEST_F(SelfService, ASessionByPasswordOutlivesCardsAndEndsWithItsPassword) {
  eve_has_a_password();
  const auto session = login("eve", eves);
  ASSERT_EQ(session.status, 201) << session.body;
  const auto token = token_of(session);
  stage.insert_and_wait();
  const auto adas = stage.sign_in();
  ASSERT_EQ(adas.status, 201) << adas.body;
  stage.pull();
  EXPECT_TRUE(stage.audit_says("card_removed"));
  EXPECT_TRUE(stage.is_active(token)) << "somebody else's card";
  const auto again = login("eve", eves);
  ASSERT_EQ(again.status, 201);
  EXPECT_FALSE(stage.is_active(token)) << "one session a person and user";
  const auto newer = token_of(again);
  EXPECT_TRUE(stage.is_active(newer));
  EXPECT_EQ(change("eve", eves, "another four words then").status, 204);
  EXPECT_FALSE(stage.is_active(newer));
  EXPECT_TRUE(stage.audit_says("\"reason\":\"password_changed\""));
}

TEST_F(SelfService, ASessionByTheOldPasswordSurvivesNoChange) {
  eve_has_a_password();
  // From here on a sign-in makes a slow hash of its own, which ends after the one that changes the password.
  const std::string quick = "opslimit: 1, memory: 8MiB";
  stage.limits.replace(stage.limits.find(quick), quick.size(), "opslimit: 16, memory: 64MiB");
  stage.write_config();
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("were read again", seconds(10)));
  const double before = metric("password_hashes_total");
  auto changing =
      std::async(std::launch::async, [&] { return change("eve", eves, "another four words then").status; });
  ASSERT_TRUE(testing::eventually(seconds(10), [&] { return metric("password_hashes_total") > before; }));
  const auto old = login("eve", eves);
  int changed = changing.get();
  // The sign-in kept its new hash first: the change says that it did nothing, and is asked for again.
  if (changed == 409) changed = change("eve", eves, "another four words then").status;
  EXPECT_EQ(changed, 204);
  if (old.status == 201) {
    EXPECT_EQ(stage.ask("GET", "/v1/sessions/" + text(old, "id")).status, 404);
  } else {
    EXPECT_EQ(old.error(), "password_incorrect") << old.body;
  }
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").as_array().size(), 0U);
}

TEST_F(SelfService, NoticesAndOtherPeoplesBusinessTakeTheCard) {
  eve_has_a_password();
  ASSERT_EQ(login("eve", eves).status, 201);
  const auto notices = stage.ask("GET", "/v1/notices");
  EXPECT_EQ(notices.status, 403);
  EXPECT_NE(notices.body.find("card_needed"), std::string::npos) << notices.body;
  EXPECT_EQ(stage.ask("DELETE", "/v1/notices/1").status, 403);
  EXPECT_EQ(stage.ask("GET", "/v1/policy/explain?person=4000&role=core").status, 403);
  EXPECT_EQ(stage.ask("GET", "/v1/team").status, 403);
  EXPECT_EQ(stage.ask("GET", "/v1/access").status, 200) << "their own access is theirs to see";
}

TEST_F(SelfService, ALeaversOrRemovedPersonsSessionEnds) {
  eve_has_a_password();
  for (const std::string end : {", employed_until: 2026-01-01", ", removed: {reason: urgent}"}) {
    ASSERT_EQ(stage.import(people(", employed_until: none")).status, 200);
    const auto session = login("eve", eves);
    ASSERT_EQ(session.status, 201) << session.body;
    const auto token = token_of(session);
    const auto imported = stage.import(people(end));
    ASSERT_EQ(imported.status, 200) << imported.body;
    EXPECT_FALSE(stage.is_active(token)) << end;
    EXPECT_EQ(login("eve", eves).error(), "access_denied") << "who knows the password may hear why";
    EXPECT_EQ(login("eve", "four wrong words here").error(), "password_incorrect") << "who does not, may not";
    EXPECT_EQ(change("eve", eves, "another four words then").error(), "access_denied");
  }
}

TEST_F(SelfService, ASessionIsResumedByItsPersonsPasswordAlone) {
  eve_has_a_password();
  const auto session = login("eve", eves);
  ASSERT_EQ(session.status, 201);
  const std::string id = text(session, "id");
  ASSERT_FALSE(token_of(session).empty());
  const std::string target = "/v1/sessions/" + id + "/resume";
  EXPECT_EQ(post(target, {{"username", "eve"}, {"password", "four wrong words here"}}).error(),
            "password_incorrect");
  EXPECT_EQ(
      post(target, {{"reader", Stage::reader}, {"card", "x"}, {"tries_left", 3}, {"passcode", "123456"}})
          .error(),
      "card_changed");
  const auto resumed = post(target, {{"username", "eve"}, {"password", eves}});
  EXPECT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_EQ(text(resumed, "state"), "active");
  stage.insert_and_wait();
  const auto adas = stage.sign_in();
  ASSERT_EQ(adas.status, 201);
  EXPECT_EQ(
      post("/v1/sessions/" + text(adas, "id") + "/resume", {{"username", "eve"}, {"password", eves}}).error(),
      "sign_in_mismatch");
}

TEST_F(SelfService, AReloadBringsANewListAndNewCostsOrChangesNothing) {
  eve_has_a_password();
  const std::string next = "another four words then";
  ASSERT_TRUE(write_file_atomic(stage.dir / "blocklist.txt", as_bytes(next + "\n"), 0644));
  const std::string before = stage.limits;
  stage.limits.replace(before.find("opslimit: 1"), 11, "opslimit: 0");
  stage.write_config();
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("nothing was reloaded", seconds(10)));
  EXPECT_EQ(change("eve", eves, next).status, 204) << "the old list";
  stage.limits = before;
  stage.limits.replace(before.find("opslimit: 1"), 11, "opslimit: 2");
  stage.write_config();
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("were read again", seconds(10)));
  EXPECT_EQ(change("eve", next, "yet four more words").status, 204);
  EXPECT_EQ(change("eve", "yet four more words", next).error(), "password_refused") << "the new list";
  // Hashes made before are made anew at the next sign-in: one to compare, one to keep; then one.
  stage.limits = before;
  stage.limits.replace(before.find("opslimit: 1"), 11, "opslimit: 3");
  stage.write_config();
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(
      testing::eventually(seconds(10), [&] { return metric("reloads_total{result=\"taken\"}") == 2; }));
  for (const double hashes : {2, 1}) {
    const double made = metric("password_hashes_total");
    EXPECT_EQ(login("eve", "yet four more words").status, 201);
    EXPECT_EQ(metric("password_hashes_total") - made, hashes);
  }
}

TEST_F(SelfService, KeepsNoPasswordInMemory) {
  eve_has_a_password();
  ASSERT_EQ(login("eve", eves).status, 201);
  ASSERT_EQ(login("eve", "seven wrong words never typed before here").status, 401);
  ASSERT_EQ(change("eve", eves, "another four words then").status, 204);
  desk_opens();
  const auto reset = post("/v1/password/reset", {{"person", "4000"}, {"reason", "forgotten, badge seen"}});
  ASSERT_EQ(reset.status, 201);
  const auto left = [&](std::string_view words) {
    return testing::occurrences_in_memory(stage.daemon->pid(), words);
  };
  ASSERT_GT(left("Eve Invented-Young"), 0U) << "the memory was not read";
  for (const std::string& secret :
       {std::string(eves), std::string("seven wrong words"), std::string("another four words then"),
        text(reset, "temporary_password")})
    EXPECT_EQ(left(secret), 0U) << secret;
}

TEST_F(SelfService, TheCommandLeadsTheSameWay) {
  const auto expect = [&](int status, std::string_view words, std::vector<std::string> arguments,
                          const std::string& input = {}) {
    const std::string line = ::testing::PrintToString(arguments);
    const auto done = stage.cardgate(std::move(arguments), input);
    EXPECT_EQ(done.status, status) << line << "\n" << done.all;
    EXPECT_NE(done.all.find(words), std::string::npos) << line << " does not say \"" << words << "\":\n"
                                                       << done.all;
    return done.output;
  };
  expect(0, "If these details",
         {"enrol", "--name", "Eve Invented-Young", "--date-of-birth", "1990-01-31", "--passcode-stdin"},
         "QQ12\n");
  desk_opens();
  const auto given = parse_json(expect(0, "", {"--json", "enrol", "code", "--person", "4000"}));
  ASSERT_TRUE(given);
  const std::string code(given->at("code").as_string());
  expect(1, "guessed first", {"enrol", "activate", "--username", "eve", "--passcode-stdin"},
         code + "\naaaaaaaaaaaaaa\n");
  const std::string odd = "p\xC3\xA4ss \"w\xC3\xB6rd\" \\ with all";
  expect(0, "login --username eve", {"enrol", "activate", "--username", "eve", "--passcode-stdin"},
         code + "\n" + odd + "\n");
  expect(0, "temporary", {"password", "reset", "--help"});
  const auto reset =
      parse_json(expect(0, "", {"--json", "password", "reset", "--person", "4000", "--reason", "forgotten"}));
  ASSERT_TRUE(reset);
  const std::string temporary(reset->at("temporary_password").as_string());
  stage.pull();
  expect(1, "cardgate password", {"login", "--username", "eve", "--passcode-stdin"}, temporary + "\n");
  expect(0, "changed", {"password", "--username", "eve", "--passcode-stdin"}, temporary + "\n" + odd + "\n");
  expect(1, "password is wrong", {"login", "--username", "eve", "--passcode-stdin"}, "wrong\n");
  expect(0, "Eve Invented-Young", {"login", "--username", "eve", "--passcode-stdin"}, odd);
  expect(0, "by password", {"whoami"});
  expect(0, "", {"token", "--role", "employee-self-service", "--audience", "esr"});
  expect(2, "excludes", {"login", "--username", "eve", "--reader", "x"});
  expect(0, "", {"logout"});
}

}  // namespace
}  // namespace cardgate
