// SPDX-License-Identifier: Apache-2.0
// A year of a small invented trust, through the command line, with real cards and the real service, whose calendar is
// turned from day to day. Everybody in it is invented.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "audit/verify.hpp"
#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Hospital;

struct Year : ::testing::Test {
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }

  std::string numbered(const json::object& row) {
    return row.contains("id") ? std::to_string(row.at("id").as_int64()) : "none";
  }
  void root(int status, std::vector<std::string> arguments, std::string_view words) {
    const auto done = trust.stage.cardgate(arguments);
    EXPECT_EQ(done.status, status) << done.all;
    EXPECT_NE(done.all.find(words), std::string::npos) << done.all;
  }
  void refused_at_the_door(const std::string& id, std::string_view words) {
    const auto done = trust.login(id);
    EXPECT_EQ(done.status, 1) << done.all;
    EXPECT_NE(done.all.find(words), std::string::npos) << done.all;
    last_words = done.all;
    trust.leave();
  }
  /// The policy with one piece of text replaced, taken over while running.
  void change_policy(const std::string& from, const std::string& to) {
    const auto file = trust.stage.dir / "policy.yaml";
    std::string text = *read_file(file, 1 << 20);
    ASSERT_NE(text.find(from), std::string::npos) << from;
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
    ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0644));
    trust.stage.daemon->signal(SIGHUP);
    ASSERT_TRUE(testing::eventually(seconds(10), [&] {
      const auto policy = trust.stage.ask("GET", "/v1/status").json();
      const auto now = std::string(policy.at("service").at("policy").as_string());
      const bool changed = now != policy_hash;
      if (changed) policy_hash = now;
      return changed;
    }));
  }

  void found_the_team();
  void managers_get_access();
  void a_joiner();
  void delegation();
  void a_stand_in();
  void training_lapses();
  void declarations_are_renewed();
  void urgent_removal();
  void lost_card();
  void a_leaver_and_a_rehire();
  void the_policy_changes();
  void breaking_the_glass();

  Hospital trust;
  std::string policy_hash, last_words;
};

// Who is who: the team, a chief, a director, a manager, an administrator, two on the ward and one who joins later.
constexpr const char* esme = "5001";
constexpr const char* tom = "5002";
constexpr const char* chief = "5010";
constexpr const char* dora = "5009";
constexpr const char* mina = "5003";
constexpr const char* ann = "5005";
constexpr const char* sid = "5006";
constexpr const char* joe = "5004";

void Year::found_the_team() {
  refused_at_the_door(joe, "Your employment begins on " + trust.spoken_day(10));
  root(0, {"setup", "--person", esme, "--person", tom},
       "Esme Invented (5001) is appointed to ESR & Workforce Systems");
  // Another pair than at first, before anybody signed in: whom it replaces has nothing left.
  root(0, {"setup", "--person", ann, "--person", tom}, "Ann Invented (5005) is appointed");
  root(0, {"setup", "--person", esme, "--person", tom}, "is appointed");
  ASSERT_TRUE(trust.stage.audit_says("\"instead_of\":[\"5005\"]"));
  trust.seat(ann);
  trust.can(ann, {"form", "list"}, "set-up named somebody else");
  trust.leave();
  trust.seat(esme);
  trust.cannot(esme, {"staff", "list"}, "You have not signed the core user confidentiality declaration");
  trust.cannot(esme, {"staff", "list"}, "You need the role ESR & Workforce Systems for this");
  trust.signs(esme);
  trust.can(esme, {"staff", "list"}, "Tom Invented");
  trust.seat(tom, 1);
  trust.signs(tom);
  ASSERT_TRUE(trust.stage.audit_says("closed: both have signed in"));
  root(1, {"setup", "--person", ann, "--person", sid}, "Set-up is closed");
  // Neither does it alone.
  const auto asked =
      trust.can(esme, {"form", "submit", "--role", "core", "--reason", "To look at records"}, "submitted");
  trust.cannot(esme, {"form", "verify", numbered(asked)}, "You cannot verify your own form");
  trust.cannot(tom, {"form", "verify", numbered(asked)}, "Only the person's line manager");
  trust.can(esme, {"form", "withdraw", numbered(asked), "--reason", "Not needed"}, "withdrawn");
  trust.cannot(esme, {"form", "submit", "--role", "matron", "--reason", "x"},
               "There is no role called \"matron\". You can ask for: core (Core ESR), ");
}

void Year::managers_get_access() {
  // Whom nobody manages cannot have a need verified: that is told, with what to do.
  trust.seat(chief);
  trust.can(chief, {"form", "submit", "--role", "core", "--reason", "x", "--until", trust.day(20)},
            "submitted");
  trust.form(dora, "manager-self-service", chief, esme);
  trust.signs(dora);
  EXPECT_TRUE(trust.holds(dora, "manager-self-service"));
  const auto number = trust.form(mina, "manager-self-service", dora, tom);
  trust.signs(mina);
  trust.seat(mina);
  EXPECT_TRUE(trust.holds(mina, "manager-self-service"));
  EXPECT_FALSE(trust.holds(mina, "core"));
  // Approved is approved once.
  trust.seat(esme, 1);
  trust.cannot(esme, {"form", "approve", number}, "is already approved");
}

void Year::a_joiner() {
  trust.turn_to(10);
  trust.seat(joe, 0);
  EXPECT_FALSE(trust.holds(joe, "core"));
  const auto form = numbered(
      trust.can(joe, {"form", "submit", "--role", "core", "--reason", "Rotas on ward 4"}, "submitted"));
  trust.seat(mina, 1);
  trust.can(mina, {"form", "list"}, "Rotas on ward 4");
  trust.can(mina, {"form", "verify", form}, "verified");
  trust.cannot(mina, {"form", "approve", form}, "You need the role ESR & Workforce Systems");
  trust.signs(joe);
  trust.seat(esme, 1);
  EXPECT_FALSE(trust.holds(joe, "core")) << "verified is not approved";
  trust.can(esme, {"form", "approve", form}, "approved");
  EXPECT_TRUE(trust.holds(joe, "core")) << "at once, in the session that is open";
  trust.can(joe, {"notice", "list"}, "Your access form " + form + " was approved");
  trust.cannot(joe, {"staff", "show", sid}, "You need the role");
}

void Year::delegation() {
  trust.seat(mina, 1);
  trust.can(mina, {"record", "allowed", joe, "--role", "manager-self-service"}, "\"allowed\":true");
  trust.cannot(mina, {"record", "allowed", ann, "--role", "manager-self-service"}, "No.");
  trust.cannot(mina, {"record", "allowed", "nobody", "--role", "manager-self-service"}, "No.");
  trust.can(mina, {"staff", "team"}, "Joe Invented");
  trust.cannot(mina, {"staff", "show", ann}, "your own staff and the staff you act for");
  trust.form(ann, "administrator-self-service", dora, esme);
  trust.signs(ann);
  trust.seat(ann, 0);
  EXPECT_FALSE(trust.holds(ann, "administrator-self-service")) << "nobody delegated to her";
  trust.seat(mina, 1);
  trust.cannot(
      mina, {"delegation", "give", "--to", ann, "--role", "core", "--until", trust.day(50), "--reason", "x"},
      "Core ESR cannot be delegated");
  trust.can(mina,
            {"delegation", "give", "--to", ann, "--role", "administrator-self-service", "--until",
             trust.day(200), "--reason", "Rotas"},
            trust.day(200));
  EXPECT_TRUE(trust.holds(ann, "administrator-self-service"));
  trust.can(ann, {"record", "allowed", sid, "--role", "administrator-self-service"}, "\"allowed\":true");
  trust.cannot(ann, {"record", "allowed", mina, "--role", "administrator-self-service"}, "No.");
  trust.cannot(ann,
               {"delegation", "give", "--to", joe, "--role", "administrator-self-service", "--until",
                trust.day(50), "--reason", "x"},
               "You need the role Manager Self Service");
}

void Year::a_stand_in() {
  trust.turn_to(60);
  trust.seat(mina, 0);
  trust.can(mina,
            {"delegation", "stand-in", "--person", ann, "--until", trust.day(80), "--reason", "Annual leave"},
            "");
  trust.seat(sid, 0);
  const auto form =
      numbered(trust.can(sid, {"form", "submit", "--role", "core", "--reason", "Bank work"}, "submitted"));
  trust.seat(ann, 1);
  trust.can(ann, {"form", "verify", form}, "verified");
  trust.seat(tom, 1);
  trust.can(tom, {"form", "approve", form}, "approved");
  trust.signs(sid);
  EXPECT_TRUE(trust.holds(sid, "core"));
  trust.turn_to(81);
  trust.seat(sid, 0);
  const auto late = numbered(
      trust.can(sid, {"form", "submit", "--role", "supervisor-self-service", "--reason", "x"}, "submitted"));
  trust.seat(ann, 1);
  trust.cannot(ann, {"form", "verify", late}, "Only the person's line manager, or somebody who stands in");
  trust.seat(mina, 1);
  trust.can(mina, {"form", "reject", late, "--reason", "Not a supervisor"}, "rejected");
  trust.can(sid, {"notice", "list"}, "was rejected by Mina Invented (5003). The reason: Not a supervisor");
}

void Year::training_lapses() {
  trust.turn_to(100);
  trust.seat(esme, 1);
  trust.cannot(esme, {"training", "record", "--person", joe, "--course", "juggling", "--on", trust.day(90)},
               "Courses: information-governance (");
  trust.can(esme,
            {"training", "record", "--person", joe, "--course", "information-governance", "--on",
             trust.day(90), "--until", trust.day(120)},
            "");
  trust.seat(tom, 0);
  trust.can(
      tom,
      {"training", "record", "--person", esme, "--course", "information-governance", "--on", trust.day(90)},
      "");
  trust.can(
      esme,
      {"training", "record", "--person", tom, "--course", "information-governance", "--on", trust.day(90)},
      "");
  trust.can(
      esme,
      {"training", "record", "--person", mina, "--course", "information-governance", "--on", trust.day(90)},
      "");
  change_policy("course: information-governance, mode: warn", "course: information-governance, mode: deny");
  trust.seat(joe, 0);
  EXPECT_TRUE(trust.holds(joe, "core"));
  trust.turn_to(121);
  trust.seat(joe, 0);
  EXPECT_FALSE(trust.holds(joe, "core"));
  const auto access = trust.stage.cardgate({"access", "--role", "core"});
  EXPECT_NE(access.all.find("Your information governance training ended on " + trust.spoken_day(120)),
            std::string::npos)
      << access.all;
  trust.seat(esme, 1);
  trust.can(
      esme,
      {"training", "record", "--person", joe, "--course", "information-governance", "--on", trust.day(121)},
      "");
  trust.seat(joe, 0);
  EXPECT_TRUE(trust.holds(joe, "core"));
  change_policy("course: information-governance, mode: deny", "course: information-governance, mode: warn");
}

void Year::declarations_are_renewed() {
  trust.turn_to(201);
  trust.seat(ann, 0);
  EXPECT_FALSE(trust.holds(ann, "administrator-self-service")) << "the delegation is over";
  trust.seat(joe, 1);
  EXPECT_TRUE(trust.holds(joe, "core"));
  change_policy("version: \"2026-1\"", "version: \"2027-1\"");
  EXPECT_FALSE(trust.holds(joe, "core")) << "a new version asks again";
  trust.cannot(joe, {"declaration", "sign", "core-confidentiality", "--text-hash", "00"},
               "The text has changed since you read it");
  trust.signs(joe);
  EXPECT_TRUE(trust.holds(joe, "core"));
  for (const auto* id : {esme, tom, mina, sid}) trust.signs(id);
}

void Year::urgent_removal() {
  trust.turn_to(210);
  trust.seat(sid, 0);
  EXPECT_TRUE(trust.holds(sid, "core"));
  trust.seat(mina, 1);
  trust.cannot(mina, {"removal", "request", "--person", ann, "--reason", "x"},
               "your own staff and the staff you act for");
  trust.cannot(mina, {"removal", "request", "--person", sid, "--reason", "Under investigation", "--at-once"},
               "You need the role ESR & Workforce Systems");
  const auto removal = numbered(trust.can(
      mina, {"removal", "request", "--person", sid, "--reason", "Under investigation"}, "requested"));
  EXPECT_TRUE(trust.holds(sid, "core")) << "asked for is not done";
  trust.seat(esme, 1);
  trust.can(esme, {"removal", "do", removal}, "done");
  EXPECT_EQ(trust.stage.ask("GET", "/v1/sessions/" + trust.session_of(sid)).status, 404) << "ended at once";
  refused_at_the_door(sid, "access");
  EXPECT_EQ(last_words.find("nvestigation"), std::string::npos)
      << "the reason is not for the person: " << last_words;
  trust.can(esme, {"removal", "restore", removal, "--reason", "Closed"}, "restoring");
  trust.has(tom, {"removal", "decline", removal, "--reason", "Not yet"}, "\"state\":\"done\"");
  trust.can(esme, {"notice", "list"}, "A colleague declined that: Not yet");
  refused_at_the_door(sid, "access");
  trust.can(esme, {"removal", "restore", "--person", sid, "--reason", "Closed"}, "restoring");
  trust.cannot(esme, {"removal", "restore", "--person", sid, "--reason", "Closed"},
               "a second member of the team must agree");
  refused_at_the_door(sid, "access");
  trust.has(tom, {"removal", "restore", removal, "--reason", "Agreed"}, "restored");
  trust.seat(sid, 0);
  EXPECT_TRUE(trust.holds(sid, "core"));
}

void Year::lost_card() {
  trust.seat(esme, 1);
  trust.cannot(esme,
               {"staff", "stop-card", joe, "--card", trust.card_of(sid), "--status", "lost", "--reason", "x"},
               "is not registered to this person");
  trust.cannot(esme, {"staff", "give-card", joe, "--card", trust.card_of(sid), "--reason", "x"},
               "registered to somebody else");
  trust.can(
      esme,
      {"staff", "stop-card", sid, "--card", trust.card_of(sid), "--status", "lost", "--reason", "On a bus"},
      "lost");
  EXPECT_EQ(trust.stage.ask("GET", "/v1/sessions/" + trust.session_of(sid)).status, 404)
      << "refused everywhere at once";
  refused_at_the_door(sid, "is not registered to you, or it is no longer active");
  const auto card = trust.new_card(sid);
  trust.has(esme, {"staff", "give-card", sid, "--card", card, "--reason", "Lost the old one"}, card);
  trust.seat(sid, 1);
  EXPECT_TRUE(trust.holds(sid, "core"));
}

void Year::a_leaver_and_a_rehire() {
  trust.turn_to(219);
  trust.seat(esme, 1);
  trust.can(esme, {"staff", "terminate", joe, "--on", trust.day(220), "--reason", "Resigned"},
            trust.day(220));
  trust.turn_to_end_of(220, 12);
  trust.seat(joe, 0);
  trust.can(joe, {"notice", "list"},
            "Your last day of employment is now on record as " + trust.spoken_day(220));
  EXPECT_TRUE(trust.holds(joe, "core"));
  trust.can(joe, {"notice", "list"}, trust.spoken_day(220) + " is your last day of employment");
  const auto session = trust.session_of(joe);
  EXPECT_TRUE(testing::eventually(seconds(30), [&] {
    return trust.stage.ask("GET", "/v1/sessions/" + session).status == 404;
  })) << "the session ends at midnight without anybody acting";
  refused_at_the_door(joe, "Your employment ended on " + trust.spoken_day(220));
  trust.turn_to(300);
  trust.seat(esme, 1);
  trust.cannot(esme, {"staff", "terminate", joe, "--on", trust.day(400), "--reason", "x"},
               "This person has left");
  trust.can(esme, {"staff", "rehire", joe, "--from", trust.day(300), "--until", "none", "--reason", "Back"},
            "employed");
  refused_at_the_door(joe, "is not registered to you, or it is no longer active");
  trust.has(esme, {"staff", "give-card", joe, "--card", trust.new_card(joe), "--reason", "Back"}, "active");
  trust.seat(joe, 0);
  EXPECT_FALSE(trust.holds(joe, "core")) << "what was granted before counts no more";
  trust.form(joe, "core", mina, tom);
  trust.signs(joe);
  EXPECT_TRUE(trust.holds(joe, "core"));
}

void Year::the_policy_changes() {
  trust.form(sid, "supervisor-self-service", mina, tom);
  trust.seat(sid, 0);
  ASSERT_TRUE(trust.holds(sid, "supervisor-self-service"));
  trust.stage.roles = "employee-self-service, core";
  trust.stage.write_config();
  change_policy("  supervisor-self-service:\n", "  ward-supervisor:\n");
  EXPECT_TRUE(trust.stage.audit_says(
      "\"event\":\"access_removed\",\"person\":\"5006\",\"role\":\"supervisor-self-service\""));
  EXPECT_TRUE(testing::eventually(seconds(10), [&] {
    return trust.run(sid, {"notice", "list"})
               .all.find("The role 'supervisor-self-service' no longer exists") != std::string::npos;
  }));
  trust.can(sid, {"form", "list"}, "this role no longer exists");
  EXPECT_TRUE(trust.holds(sid, "core")) << "the rest goes on";
}

void Year::breaking_the_glass() {
  root(1, {"setup", "--person", ann}, "Set-up is closed");
  root(0, {"setup", "--person", ann, "--break-glass", "Both are ill"}, "Every member of the team is told");
  trust.seat(tom, 1);
  trust.can(tom, {"notice", "list"}, "the machine's administrator gave Ann Invented the role ESR");
  trust.seat(ann, 0);
  trust.signs(ann);
  trust.can(ann, {"staff", "list"}, "Joe Invented");
  trust.turn_to(308);
  trust.seat(ann, 0);
  trust.cannot(ann, {"staff", "list"}, "You need the role");
}

TEST_F(Year, OfASmallTrust) {
  trust.employ(esme, "Esme Invented", "    employed_from: 2020-01-01\n");
  trust.employ(tom, "Tom Invented", "    employed_from: 2020-01-01\n");
  trust.employ(chief, "Chris Invented", "    employed_from: 2015-01-01\n");
  trust.employ(dora, "Dora Invented", "    employed_from: 2016-01-01\n    line_manager: \"5010\"\n");
  trust.employ(mina, "Mina Invented", "    employed_from: 2018-01-01\n    line_manager: \"5009\"\n");
  trust.employ(ann, "Ann Invented", "    employed_from: 2019-01-01\n    line_manager: \"5009\"\n");
  trust.employ(sid, "Sid Invented", "    employed_from: 2019-01-01\n    line_manager: \"5003\"\n");
  trust.employ(joe, "Joe Invented",
               fmt::format("    employed_from: {}\n    line_manager: \"5003\"\n", trust.day(10)));
  trust.open(true);
  trust.turn_to(0);
  policy_hash =
      std::string(trust.stage.ask("GET", "/v1/status").json().at("service").at("policy").as_string());
  const std::pair<const char*, void (Year::*)()> months[] = {
      {"the team", &Year::found_the_team},
      {"managers", &Year::managers_get_access},
      {"a joiner", &Year::a_joiner},
      {"delegation", &Year::delegation},
      {"a stand-in", &Year::a_stand_in},
      {"training", &Year::training_lapses},
      {"declarations", &Year::declarations_are_renewed},
      {"urgent removal", &Year::urgent_removal},
      {"a lost card", &Year::lost_card},
      {"a leaver", &Year::a_leaver_and_a_rehire},
      {"the policy", &Year::the_policy_changes},
      {"breaking the glass", &Year::breaking_the_glass},
  };
  for (const auto& [name, play] : months) {
    SCOPED_TRACE(name);
    (this->*play)();
    if (HasFatalFailure()) return;
  }
  trust.leave(0);
  trust.leave(1);
  ASSERT_EQ(trust.stage.stop_daemon(), 0);
  const auto report = audit::verify(trust.stage.dir / "audit", std::nullopt);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok) << ::testing::PrintToString(report->problems);
  const auto audit = trust.stage.audit_text();
  for (const auto* words :
       {"Under investigation", "Both are ill", "\"by\":\"5003\"", "Rotas on ward 4", "On a bus"}) {
    EXPECT_NE(audit.find(words), std::string::npos) << words;
  }
}

}  // namespace
}  // namespace cardgate
