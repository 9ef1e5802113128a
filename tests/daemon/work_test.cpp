// SPDX-License-Identifier: Apache-2.0
// People's work against the real service: what must not happen, and bad input.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Hospital;

class Work : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    const auto role = [](const char* name) {
      return fmt::format(
          "    forms: [{{kind: ESR06, role: {}, verified_by: vera, approved_by: abe}}]\n"
          "    declarations: [{{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}}]\n",
          name);
    };
    trust.employ("esme", "Esme Invented",
                 "    employed_from: 2020-01-01\n    teams: [esr-workforce-systems]\n" +
                     role("esr-workforce-systems"));
    trust.employ("mina", "Mina Invented", "    employed_from: 2018-01-01\n" + role("manager-self-service"));
    trust.employ("joe", "Joe Invented", "    employed_from: 2018-01-01\n    line_manager: mina\n");
    trust.employ("vera", "Vera Invented");
    trust.employ("abe", "Abe Invented");
    trust.open(false);
  }
  Hospital trust;
};

TEST_F(Work, ManagersCannotGoRoundInARing) {
  trust.seat("esme");
  trust.cannot("esme", {"staff", "transfer", "mina", "--to", "joe", "--reason", "x"},
               "mina would be their own line manager");
  trust.cannot("esme", {"staff", "transfer", "mina", "--to", "mina", "--reason", "x"},
               "A person cannot be their own line manager");
  trust.cannot("esme", {"staff", "transfer", "mina", "--to", "nobody", "--reason", "x"},
               "no person with the personnel number 'nobody'");
  trust.cannot("esme", {"staff", "transfer", "nobody", "--to", "mina", "--reason", "x"},
               "no person with the personnel number 'nobody'");
  trust.can("esme", {"staff", "transfer", "joe", "--to", "none", "--reason", "x"}, "\"line_manager\":null");
}

TEST_F(Work, WhoeverLosesTheStaffLosesTheRoleAtOnce) {
  trust.seat("mina", 1);
  ASSERT_TRUE(trust.holds("mina", "manager-self-service"));
  trust.seat("esme", 0);
  trust.can("esme", {"staff", "transfer", "joe", "--to", "none", "--reason", "Moved"}, "");
  EXPECT_FALSE(trust.holds("mina", "manager-self-service"));
  EXPECT_TRUE(trust.stage.audit_says("access_removed"));
  trust.can("esme", {"staff", "transfer", "joe", "--to", "mina", "--reason", "Back"}, "");
  EXPECT_TRUE(trust.holds("mina", "manager-self-service")) << "both ways";
}

TEST_F(Work, EveryFieldTakesAnyTextAsText) {
  trust.seat("esme");
  for (const std::string name :
       {"Robert'); DROP TABLE person;--", "李雅婷", "Zoë \"Quote\" O'Neill", "محمد", "a\\b%_*", "🙂"}) {
    const auto shown = trust.can("esme", {"staff", "rename", "joe", "--name", name, "--reason", name});
    ASSERT_TRUE(shown.contains("name"));
    EXPECT_EQ(shown.at("name").as_string(), name);
    trust.can("esme", {"staff", "list", "--name", name}, "joe");
  }
  for (const std::string id : {"' OR '1'='1", "joe' --", "%", "5' UNION SELECT hash FROM password--"}) {
    trust.cannot("esme", {"staff", "show", id}, "no person with the personnel number");
    trust.cannot("esme", {"form", "approve", id}, "There is no form");
    trust.cannot("esme", {"removal", "request", "--person", id, "--reason", "x"},
                 "no person with the personnel number");
  }
}

TEST_F(Work, DatesThatCannotBeAreRefusedAndChangeNothing) {
  trust.seat("esme");
  trust.cannot("esme", {"staff", "terminate", "joe", "--on", "2026-02-30", "--reason", "x"},
               "must be a day like 2026-01-31");
  trust.cannot("esme", {"staff", "terminate", "joe", "--on", "9999-01-01", "--reason", "x"},
               "years 1900 to 2199");
  trust.cannot("esme", {"staff", "terminate", "joe", "--on", "2001-01-01", "--reason", "x"},
               "The last day of employment is before the first day");
  trust.cannot("esme",
               {"staff", "leave", "joe", "--from", trust.day(10), "--until", trust.day(5), "--reason", "x"},
               "The last day of the leave is before the first day");
  trust.seat("joe", 1);
  trust.cannot("joe", {"form", "submit", "--role", "core", "--reason", "x", "--until", trust.day(-1)},
               "The last day is before the first day");
  trust.cannot("joe", {"form", "submit", "--role", "core", "--reason", "x", "--until", trust.day(9000)},
               "five years at most");
  trust.cannot("joe", {"form", "submit", "--role", "employee-self-service", "--reason", "x"},
               "needs no access form");
  const auto record = trust.can("esme", {"staff", "show", "joe"});
  EXPECT_TRUE(record.at("employed_until").is_null());
  EXPECT_TRUE(record.at("leave_from").is_null());
  EXPECT_TRUE(record.at("forms").as_array().empty());
}

TEST_F(Work, LeaveEndsAccessAndItsEndGivesItBack) {
  trust.seat("joe", 1);
  trust.seat("esme", 0);
  trust.can("esme", {"staff", "leave", "joe", "--from", trust.day(0), "--reason", "Parental leave"},
            "on leave");
  EXPECT_EQ(trust.stage.ask("GET", "/v1/sessions/" + trust.session_of("joe")).status, 404);
  const auto refused = trust.login("joe", 1);
  EXPECT_NE(refused.all.find("You are on leave until further notice"), std::string::npos) << refused.all;
  trust.can("esme", {"staff", "leave", "joe", "--from", "none", "--reason", "Back"}, "employed");
  trust.can("esme", {"staff", "leave", "joe", "--from", trust.day(10), "--until", trust.day(20), "--reason",
                     "Booked"});
  const auto changed =
      trust.stage.ask("POST", "/v1/staff/joe/changes?session=" + trust.session_of("esme"),
                      R"({"leave_until": "none", "reason": "Longer"})", {"Content-Type: application/json"});
  EXPECT_EQ(changed.status, 200) << changed.body;
  const auto longer = trust.can("esme", {"staff", "show", "joe"});
  EXPECT_EQ(std::string(longer.at("leave_from").as_string()), trust.day(10));
  EXPECT_TRUE(longer.at("leave_until").is_null()) << "it takes away only, and is done all the same";
  trust.can("esme", {"staff", "leave", "joe", "--from", "none", "--reason", "Back"}, "employed");
  trust.seat("joe", 1);
}

TEST_F(Work, EachLookAtSomebodyElseIsRecorded) {
  trust.seat("esme");
  trust.can("esme", {"staff", "show", "joe"}, "Joe Invented");
  EXPECT_TRUE(trust.stage.audit_says("\"event\":\"looked_at\",\"person\":\"joe\""));
  trust.seat("joe", 1);
  trust.can("joe", {"staff", "show", "joe"}, "Joe Invented");
  trust.cannot("joe", {"staff", "show", "esme"}, "You need the role");
  trust.cannot("joe", {"staff", "show", "no such person"}, "You need the role");
}

TEST_F(Work, ALineManagerSeesWhatEndsWhatIsMissingAndWhatWaits) {
  trust.seat("esme", 1);
  trust.seat("mina", 0);
  trust.has("joe", {"form", "submit", "--role", "core", "--reason", "Rotas", "--until", trust.day(5)});
  trust.seat("mina", 0);
  const auto waiting = trust.can("mina", {"form", "list"}).at("waiting").as_array();
  ASSERT_EQ(waiting.size(), 1U);
  const auto form = std::to_string(waiting.at(0).at("id").as_int64());
  trust.can("mina", {"form", "verify", form});
  trust.can("esme", {"form", "approve", form});
  trust.signs("joe");
  trust.seat("mina", 0);
  trust.can("mina", {"removal", "request", "--person", "joe", "--reason", "Under investigation"});
  const auto said = trust.run("mina", {"staff", "team"});
  EXPECT_EQ(said.status, 0) << said.all;
  EXPECT_NE(said.all.find("ends in 5 days (" + trust.spoken_day(5) +
                          "): ESR06 access form for Core ESR. It ends Core ESR."),
            std::string::npos)
      << said.all;
  EXPECT_NE(said.all.find("Core ESR: yes, until "), std::string::npos) << said.all;
  EXPECT_NE(said.all.find("Also due: training"), std::string::npos) << said.all;
  EXPECT_NE(said.all.find("asked for, waits for the team"), std::string::npos) << said.all;
  EXPECT_EQ(said.all.find("Under investigation"), std::string::npos)
      << "why is not for this list: " << said.all;
}

TEST_F(Work, WhereANumberIsAskedANameWillDo) {
  trust.seat("esme", 0);
  trust.can("esme", {"staff", "show", "joe invented"}, "\"id\":\"joe\"");
  trust.cannot("esme", {"staff", "show", "Joe"},
               "Give the whole name or the personnel number: Joe Invented (joe)");
  EXPECT_TRUE(trust.stage.audit_says("choices of a name"));
  trust.can("esme", {"staff", "transfer", "Joe Invented", "--to", "Vera Invented", "--reason", "x"},
            "\"line_manager\":{\"id\":\"vera\",\"name\":\"Vera Invented\"}");
  trust.can("esme", {"staff", "transfer", "joe", "--to", "Mina Invented", "--reason", "x"}, "mina");
  trust.can("esme", {"staff", "rename", "abe", "--name", "Joe Invented", "--reason", "x"});
  trust.cannot("esme", {"staff", "show", "Joe Invented"}, "Several people are called 'Joe Invented'");
  const auto twice = trust.stage.ask("GET", "/v1/staff/Joe%20Invented?session=" + trust.session_of("esme"));
  EXPECT_EQ(twice.status, 409);
  EXPECT_EQ(json::serialize(twice.json().at("choices")),
            R"([{"id":"abe","name":"Joe Invented"},{"id":"joe","name":"Joe Invented"}])");
  // Of those whom she may see, a line manager has one.
  trust.seat("mina", 1);
  const auto asked =
      trust.can("mina", {"removal", "request", "--person", "Joe Invented", "--reason", "x"}, "requested");
  EXPECT_EQ(asked.at("person").at("id").as_string(), "joe");
  trust.cannot("mina", {"removal", "request", "--person", "Abe", "--reason", "x"},
               "no person whom you may name");
  trust.seat("joe", 1);
  trust.cannot("joe", {"removal", "request", "--person", "Mina Invented", "--reason", "x"},
               "You need the role");
  trust.cannot("joe", {"staff", "show", "Mina Invented"}, "You need the role");
}

TEST_F(Work, ALineManagerWithoutARoleIsShownTheNumbersOfHerStaff) {
  trust.import("people:\n  - {id: vera, name: Vera Invented, employed_from: 2018-01-01}\n");
  trust.seat("esme", 0);
  trust.can("esme", {"staff", "transfer", "joe", "--to", "vera", "--reason", "x"});
  trust.seat("vera", 1);
  const auto team = trust.can("vera", {"staff", "team"});
  EXPECT_EQ(json::serialize(team.at("people")), R"([{"id":"joe","name":"Joe Invented"}])");
  EXPECT_TRUE(team.at("names_only").as_bool());
  EXPECT_TRUE(trust.stage.audit_says("team, names"));
  trust.cannot("vera", {"staff", "show", "joe"}, "You need the role");
  trust.seat("joe", 1);
  trust.cannot("joe", {"staff", "team"}, "You need the role");
}

TEST_F(Work, ARefusalNamesTheRoleThatThePersonIsNearestTo) {
  // Esme is of the team, and lacks the signature of the newest text alone.
  trust.import(
      "people:\n  - {id: esme, name: Esme Invented, employed_from: 2020-01-01, declarations: [{name: "
      "core-confidentiality, version: \"2020-1\", signed_on: 2020-01-02}]}\n");
  trust.seat("esme");
  trust.cannot("esme", {"staff", "show", "joe"}, "You need the role ESR & Workforce Systems");
}

TEST_F(Work, TheOnlyCardIsStoppedWithoutItsNumber) {
  trust.seat("esme");
  trust.can("esme", {"staff", "stop-card", "joe", "--status", "lost", "--reason", "On a bus"}, "\"lost\"");
  trust.cannot("esme", {"staff", "stop-card", "joe", "--status", "lost", "--reason", "x"},
               "has no active card");
}

TEST_F(Work, TheListOfStaffRefusesWhatDoesNotExist) {
  trust.seat("esme");
  trust.cannot("esme", {"staff", "list", "--role", "matron"}, "There is no role with that name");
  trust.cannot("esme", {"staff", "list", "--state", "gone"}, "must be one of: employed, on leave");
  trust.can("esme", {"staff", "list", "--state", "employed", "--role", "manager-self-service"},
            "Mina Invented");
  const auto both = trust.run("esme", {"staff", "list", "--csv", "--json"});
  EXPECT_EQ(both.status, 2) << both.all;
  const auto csv = trust.run("esme", {"staff", "list", "--csv", "--name", "joe"});
  EXPECT_EQ(csv.output,
            "id,name,email,line_manager,state,employed_from,employed_until,roles\n"
            "joe,Joe Invented,,mina,employed,2018-01-01,,employee-self-service\n");
}

TEST_F(Work, EverybodyMayAskWhatTheyThemselvesWouldGet) {
  trust.seat("joe");
  const auto own = trust.stage.ask("GET", "/v1/policy/explain?person=joe&role=core");
  EXPECT_EQ(own.status, 200) << own.body;
  EXPECT_FALSE(own.json().at("allowed").as_bool());
  EXPECT_EQ(trust.stage.ask("GET", "/v1/policy/explain?person=mina&role=core").status, 403);
  EXPECT_FALSE(trust.stage.audit_says("looked_at")) << "nobody else was looked at";
  EXPECT_EQ(trust.stage.admin("GET", "/v1/policy/explain?person=joe&role=core").status, 200);
  EXPECT_TRUE(trust.stage.audit_says("\"event\":\"looked_at\",\"person\":\"joe\""));
  EXPECT_TRUE(trust.stage.audit_says("\"by\":\"root\""));
}

TEST_F(Work, OfTwoSessionsEachIsAnsweredByItsName) {
  trust.seat("joe", 0);
  trust.seat("mina", 1);
  EXPECT_EQ(trust.stage.ask("GET", "/v1/access").status, 409);
  const auto mine = trust.stage.ask("GET", "/v1/access?session=" + trust.session_of("mina"));
  EXPECT_EQ(mine.json().at("person").at("id").as_string(), "mina");
  const auto both = trust.stage.cardgate({"whoami"});
  EXPECT_EQ(both.status, 0);
  EXPECT_NE(both.output.find("Manager Self Service"), std::string::npos) << both.output;
  EXPECT_NE(both.output.find("Joe Invented"), std::string::npos) << both.output;
  trust.seat("esme", 0);
  trust.cannot("esme", {"enrol", "code", "--person", "joe"}, "This person has not asked for an account yet");
  trust.cannot("esme", {"password", "reset", "--person", "joe", "--reason", "forgotten"},
               "This person has no password yet");
}

TEST_F(Work, ANoticeThatIsDroppedIsInTheLog) {
  trust.seat("esme", 1);
  trust.can("esme", {"staff", "terminate", "joe", "--on", trust.day(90), "--reason", "Retires"});
  trust.seat("joe", 0);
  const auto notices = trust.can("joe", {"notice", "list"}, "Your last day").at("notices").as_array();
  ASSERT_EQ(notices.size(), 1U);
  trust.can("joe", {"notice", "drop", std::to_string(notices.at(0).at("id").as_int64())});
  EXPECT_TRUE(trust.stage.audit_says("\"act\":\"dropped\""));
  trust.can("esme", {"notice", "list"}, "\"notices\":[]");
}

TEST_F(Work, TheTokenSaysWhoseRecordsAndAGateAsksForOne) {
  trust.seat("mina");
  const auto body = json::serialize(json::object{{"role", "manager-self-service"}, {"audience", "esr"}});
  const auto answer = trust.stage.ask("POST", "/v1/token", body, {"Content-Type: application/json"}).json();
  const std::string token(*find_string(answer, "access_token"));
  const auto first = token.find('.');
  const auto payload = from_base64url(token.substr(first + 1, token.rfind('.') - first - 1));
  EXPECT_NE(as_text(*payload).find("\"records\":\"team\",\"records_of\":[\"mina\"]"), std::string::npos)
      << as_text(*payload);
  const auto ask = [&](const std::string& id, const std::string& bearer) {
    return trust.stage.ask("GET", "/v1/records/" + id + "/allowed", {}, {"Authorization: Bearer " + bearer});
  };
  EXPECT_NE(ask("joe", token).body.find("\"allowed\":true"), std::string::npos);
  EXPECT_NE(ask("esme", token).body.find("\"allowed\":false"), std::string::npos);
  EXPECT_EQ(ask("joe", token + "x").status, 401);
  trust.leave();
  EXPECT_EQ(ask("joe", token).status, 401) << "the card is out";
}

TEST_F(Work, ListsThatAreAskedForAreNoRefusalsAndTheLogSaysWhatWasAskedFor) {
  trust.seat("joe");
  trust.can("joe", {"form", "list"});
  EXPECT_FALSE(trust.stage.audit_says("approve-forms: ")) << "nothing was tried";
  trust.can("joe", {"form", "submit", "--role", "core", "--reason", "Ward work", "--until", trust.day(30)});
  EXPECT_TRUE(trust.stage.audit_says("\"asked_role\":\"core\""));
  EXPECT_TRUE(trust.stage.audit_says("\"valid_until\":\"" + trust.day(30) + "\""));
}

TEST_F(Work, NobodyMakesThemselvesALineManagerOrTakesAnothersName) {
  trust.seat("esme");
  const auto post = [&](const std::string& path, const json::object& body) {
    return trust.stage.ask("POST", path, json::serialize(body), {"Content-Type: application/json"});
  };
  const auto acting =
      post("/v1/acting",
           {{"person", "esme"}, {"manager", "mina"}, {"valid_until", trust.day(5)}, {"reason", "x"}});
  EXPECT_EQ(acting.status, 403);
  EXPECT_NE(acting.body.find("You cannot name yourself"), std::string::npos) << acting.body;
  const auto named = post("/v1/staff/joe/changes", {{"username", "mina"}, {"reason", "x"}});
  EXPECT_EQ(named.status, 422);
  EXPECT_NE(named.body.find("somebody else's id"), std::string::npos) << named.body;
}

TEST_F(Work, AStopInTheMiddleOfAnActLeavesItDoneOrNotDone) {
  trust.seat("esme");
  for (int round = 0; round < 3; ++round) {
    auto shown = trust.can(
        "esme", {"staff", "rename", "joe", "--name", fmt::format("Joe {}", round), "--reason", "x"});
    trust.stage.daemon->kill();
    trust.stage.daemon.reset();
    trust.stage.start_daemon();
    trust.leave(0);
    trust.seat("esme");
    EXPECT_EQ(trust.can("esme", {"staff", "show", "joe"}).at("name").as_string(),
              fmt::format("Joe {}", round));
  }
}

}  // namespace
}  // namespace cardgate
