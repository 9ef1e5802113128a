// SPDX-License-Identifier: Apache-2.0
// What takes access away while a disk is full, and what a kill leaves: in force at once, on record in the end, and nothing on
// record alone that never was.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::eventually;
using testing::Hospital;

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    const auto role = [](const char* name) {
      return fmt::format(
          "    forms: [{{kind: ESR06, role: {}, verified_by: \"2000\", approved_by: \"3000\"}}]\n"
          "    declarations: [{{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}}]\n",
          name);
    };
    const std::string employed = "    employed_from: 2018-01-01\n";
    trust.employ("esme", "Esme Invented",
                 employed + "    teams: [esr-workforce-systems]\n" + role("esr-workforce-systems"));
    trust.employ("mina", "Mina Invented", employed + role("manager-self-service"));
    trust.employ("joe", "Joe Invented", employed + "    line_manager: mina\n" + role("core"));
    trust.employ("ann", "Ann Invented", employed + "    line_manager: mina\n");
    trust.employ("kim", "Kim Invented", employed + "    line_manager: mina\n");
  }
  void TearDown() override {
    trust.leave(0);
    trust.leave(1);
    if (trust.stage.daemon) {
      EXPECT_EQ(trust.stage.stop_daemon(), 0);
    }
    for (const auto& folder : mounted) ::umount2(folder.c_str(), MNT_DETACH);
  }

  void mount(const char* name, const std::string& size) {
    const auto folder = trust.stage.dir / name;
    ASSERT_EQ(::mount("tmpfs", folder.c_str(), "tmpfs", 0, ("mode=700,size=" + size).c_str()), 0)
        << std::strerror(errno);
    mounted.push_back(folder);
  }
  void fill(const char* name) const {
    std::ofstream out(trust.stage.dir / name / "filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (out.write(page.data(), 4096).flush()) {
    }
  }
  void make_room(const char* name) const { std::filesystem::remove(trust.stage.dir / name / "filler"); }
  testing::HttpAnswer post(const std::string& who, const std::string& path, const json::object& body) {
    const bool in_body = body.contains("session");
    return trust.stage.ask("POST", in_body ? path : path + "?session=" + trust.session_of(who),
                           json::serialize(body), {"Content-Type: application/json"});
  }
  /// Begun by Esme, and on record, which holds the reason.
  std::jthread begin_rename(const std::string& id, const std::string& reason) {
    std::jthread begun([this, id, reason] {
      (void)post("esme", "/v1/staff/" + id + "/changes", {{"name", "Other"}, {"reason", reason}});
    });
    EXPECT_TRUE(trust.stage.audit_says(reason));
    return begun;
  }
  /// The service reads this `limits` from now on.
  void limit(const std::string& limits) {
    trust.stage.limits = "limits: {sign_ins_per_minute: 1000, " + limits + "}\n";
    trust.stage.write_config();
    trust.stage.daemon->signal(SIGHUP);
    ASSERT_TRUE(trust.stage.daemon->wait_for_line("read again", seconds(10)));
  }
  /// Asks for tokens until the log has no room for one.
  void fill_the_log() {
    limit("tokens_per_second: 100000, requests_per_second: 100000");
    fill("audit");
    testing::HttpAnswer answer;
    const bool full = eventually(seconds(60), [&] {
      for (int i = 0; i < 300; ++i) {
        answer = post("esme", "/v1/token",
                      {{"role", "employee-self-service"},
                       {"audience", "esr"},
                       {"session", trust.session_of("esme")},
                       {"fresh", true}});
        if (answer.status == 503) return true;
      }
      return false;
    });
    ASSERT_TRUE(full) << answer.status << answer.body;
  }
  void kill() {
    trust.stage.daemon->kill();
    trust.stage.daemon.reset();
  }
  void start_again() {
    trust.stage.start_daemon();
    trust.leave(0);
    trust.leave(1);
  }
  /// The records, in their order.
  std::vector<json::object> records() const {
    std::vector<json::object> out;
    const auto walked =
        audit::for_each(trust.stage.dir / "audit", [&](const json::object& record, std::string_view) {
          out.push_back(record);
          return true;
        });
    EXPECT_TRUE(walked) << walked.error().message();
    return out;
  }
  static std::string member(const json::object& record, std::string_view name) {
    const auto* text = find_string(record, name);
    if (text != nullptr) return std::string(*text);
    const auto* details = find_object(record, "details");
    text = details == nullptr ? nullptr : find_string(*details, name);
    return text == nullptr ? std::string() : std::string(*text);
  }
  static bool is_late(const json::object& record) {
    const auto* details = find_object(record, "details");
    return details != nullptr && details->contains("late");
  }
  bool log_is_sound() const {
    const auto report = audit::verify(trust.stage.dir / "audit", std::nullopt);
    if (report && !report->ok) ADD_FAILURE() << ::testing::PrintToString(report->problems);
    return report && report->ok;
  }
  std::string state_of_form(const std::string& person) {
    trust.seat("esme", 0);
    const auto shown = trust.can("esme", {"staff", "show", person});
    return std::string(shown.at("forms").at(0).at("state").as_string());
  }

  Hospital trust;
  std::vector<std::filesystem::path> mounted;
};

TEST_F(FullDisk, WhatTakesAccessAwayWhileTheLogFailsIsRecordedFirstWhenThereIsRoom) {
  mount("audit", "640k");
  trust.stage.audit_settings = ", segment_bytes: 65536";
  trust.open(false);
  trust.seat("esme", 0);
  trust.seat("joe", 1);
  fill_the_log();
  EXPECT_EQ(post("esme", "/v1/staff/ann/changes", {{"name", "Ann Other"}, {"reason", "x"}}).status, 503)
      << "what gives or moves waits for the log";
  const auto removed =
      post("esme", "/v1/removals", {{"person", "joe"}, {"reason", "Under investigation"}, {"at_once", true}});
  EXPECT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(trust.stage.ask("GET", "/v1/sessions/" + trust.session_of("joe")).status, 404);
  EXPECT_GE(trust.stage.service().at("late_records").as_int64(), 2);
  const auto said =
      trust.stage.daemon->wait_for_line("{\"event\":\"removal\",\"person\":\"joe\"", seconds(5));
  ASSERT_TRUE(said) << "the journal has it whole";
  EXPECT_NE(said->find("Under investigation"), std::string::npos) << *said;
  EXPECT_NE(said->find("CARDGATE_EVENT=audit_late"), std::string::npos) << *said;
  // A second disk failure of the day: the service is killed, and nobody was there to see the journal.
  kill();
  make_room("audit");
  start_again();
  EXPECT_TRUE(trust.stage.audit_says("\"person\":\"joe\",\"role\""));
  const auto all = records();
  const auto of_removal = std::ranges::find_if(all, [&](const auto& each) {
    return member(each, "event") == "removal" && member(each, "person") == "joe";
  });
  ASSERT_NE(of_removal, all.end());
  EXPECT_TRUE(is_late(*of_removal));
  EXPECT_LT(member(*of_removal, "happened"), member(*of_removal, "time"));
  EXPECT_EQ(member(*of_removal, "by"), "esme");
  const auto next_start =
      std::find_if(of_removal, all.end(), [&](const auto& each) { return member(each, "event") == "start"; });
  EXPECT_NE(next_start, all.end()) << "it stands before the start that followed";
  EXPECT_TRUE(std::any_of(all.begin(), next_start, [&](const auto& each) {
    return is_late(each) && member(each, "event") == "session_ended" && member(each, "person") == "joe";
  }));
  EXPECT_EQ(std::ranges::count_if(all, [&](const auto& each) { return member(each, "event") == "removal"; }),
            1);
  EXPECT_TRUE(log_is_sound());
}

TEST_F(FullDisk, TheLogGoesOnByItselfAndNothingIsAskedOfAnybody) {
  mount("audit", "640k");
  trust.stage.audit_settings = ", segment_bytes: 65536";
  trust.open(false);
  trust.seat("esme", 0);
  fill_the_log();
  trust.leave(0);  // the card is out: its session ends
  EXPECT_GE(trust.stage.service().at("late_records").as_int64(), 1);
  make_room("audit");
  EXPECT_TRUE(trust.stage.daemon->wait_for_line("CARDGATE_EVENT=audit_caught_up", seconds(15)));
  EXPECT_TRUE(
      eventually(seconds(5), [&] { return trust.stage.service().at("late_records").as_int64() == 0; }));
  EXPECT_EQ(trust.stage.service().at("audit").as_string(), "ok");
  const auto all = records();
  EXPECT_TRUE(std::ranges::any_of(all, [&](const auto& each) {
    return is_late(each) && member(each, "event") == "session_ended" && member(each, "person") == "esme";
  }));
  EXPECT_TRUE(std::ranges::any_of(all, [&](const auto& each) {
    return member(each, "reason") == "the audit log could not be written; nothing was issued meanwhile";
  }));
  EXPECT_TRUE(log_is_sound());
}

TEST_F(FullDisk, WhatTakesAccessAwayWhileTheRegisterIsFullHoldsAtOnceAndIsWrittenLater) {
  mount("state", "8m");
  trust.open(false);
  trust.seat("esme", 0);
  const auto delegated =
      trust.has("mina", {"delegation", "give", "--to", "kim", "--role", "administrator-self-service",
                         "--until", trust.day(30), "--reason", "x"});
  trust.seat("esme", 0);
  trust.seat("joe", 1);
  ASSERT_TRUE(trust.holds("joe", "core"));
  const auto forms = trust.can("esme", {"staff", "show", "joe"}).at("forms").as_array();
  const auto form = std::to_string(forms.at(0).at("id").as_int64());
  fill("state");
  EXPECT_EQ(post("esme", "/v1/staff/ann/changes", {{"name", "Ann Other"}, {"reason", "x"}}).status, 503);

  const auto withdrawn = post("esme", "/v1/forms/" + form + "/withdraw", {{"reason", "Moved on"}});
  EXPECT_EQ(withdrawn.status, 202) << withdrawn.body;
  EXPECT_NE(withdrawn.body.find("in force from now on"), std::string::npos) << withdrawn.body;
  EXPECT_FALSE(trust.holds("joe", "core"));
  EXPECT_EQ(post("esme", "/v1/forms/" + form + "/withdraw", {{"reason", "Moved on"}}).status, 202)
      << "the same again is the same";
  EXPECT_EQ(post("esme", "/v1/removals", {{"person", "ann"}, {"reason", "Urgent"}, {"at_once", true}}).status,
            202);
  EXPECT_EQ(
      post("esme", "/v1/staff/mina/changes", {{"leave_from", trust.day(0)}, {"reason", "Leave"}}).status,
      202);
  EXPECT_EQ(post("esme", "/v1/staff/kim/cards",
                 {{"uuid", trust.card_of("kim")}, {"status", "lost"}, {"reason", "Bag stolen"}})
                .status,
            202);
  const auto ended =
      trust.stage.ask("DELETE", "/v1/delegations/" + std::to_string(delegated.at("id").as_int64()) +
                                    "?session=" + trust.session_of("esme"));
  EXPECT_EQ(ended.status, 202) << ended.body;
  const auto told =
      trust.run("esme", {"staff", "terminate", "joe", "--on", trust.day(0), "--reason", "Left"});
  EXPECT_EQ(told.status, 0) << told.all;
  EXPECT_NE(told.all.find("in force from now on"), std::string::npos) << told.all;
  EXPECT_EQ(trust.stage.service().at("unwritten_acts").as_int64(), 6);
  EXPECT_EQ(trust.stage.service().at("state").as_string(), "degraded");
  EXPECT_TRUE(trust.stage.daemon->wait_for_line("CARDGATE_EVENT=act_unwritten", seconds(5)));
  trust.leave(1);
  EXPECT_NE(trust.login("ann", 1).status, 0) << "removed";
  EXPECT_NE(trust.login("kim", 1).status, 0) << "the card is lost";
  EXPECT_NE(trust.login("mina", 1).status, 0) << "on leave";

  // Not even a kill makes them forgotten.
  kill();
  make_room("state");
  start_again();
  EXPECT_TRUE(
      eventually(seconds(15), [&] { return trust.stage.service().at("unwritten_acts").as_int64() == 0; }));
  trust.seat("esme", 0);
  const auto person = [&](const char* id) { return trust.can("esme", {"staff", "show", id}); };
  EXPECT_EQ(person("joe").at("forms").at(0).at("state").as_string(), "withdrawn");
  EXPECT_EQ(person("joe").at("employed_until").as_string(), trust.day(0));
  EXPECT_EQ(person("mina").at("leave_from").as_string(), trust.day(0));
  EXPECT_NE(trust.login("ann", 1).status, 0);
  EXPECT_NE(trust.login("kim", 1).status, 0);
  const auto all = records();
  const auto count = [&](std::string_view event, std::string_view who) {
    return std::ranges::count_if(all, [&](const auto& each) {
      return member(each, "event") == event && member(each, "person") == who &&
             member(each, "reason").find("not done") == std::string::npos && member(each, "deed") != "";
    });
  };
  EXPECT_EQ(count("removal", "ann"), 1);
  EXPECT_EQ(count("form", "joe"), 1);
  EXPECT_EQ(count("delegation", "kim"), 2) << "given and revoked";
  EXPECT_TRUE(log_is_sound());
}

TEST_F(FullDisk, WithRoomAgainTheRegisterIsWrittenWithoutARestart) {
  mount("state", "8m");
  trust.open(false);
  trust.seat("esme", 0);
  const auto forms = trust.can("esme", {"staff", "show", "joe"}).at("forms").as_array();
  fill("state");
  EXPECT_EQ(post("esme", "/v1/forms/" + std::to_string(forms.at(0).at("id").as_int64()) + "/withdraw",
                 {{"reason", "Moved on"}})
                .status,
            202);
  make_room("state");
  EXPECT_TRUE(trust.stage.daemon->wait_for_line("CARDGATE_EVENT=act_written", seconds(15)));
  EXPECT_EQ(trust.stage.service().at("unwritten_acts").as_int64(), 0);
  EXPECT_EQ(state_of_form("joe"), "withdrawn");
  EXPECT_TRUE(trust.stage.audit_says("Your access form"));
}

// The disk of the register is held, so that what comes then is on record and not in the register for a while.
TEST_F(FullDisk, TheNextStartSaysWhatWasOnRecordAndNotCarriedOut) {
  trust.stage.with_held_disk();
  trust.open(false);
  trust.seat("esme", 0);
  trust.seat("joe", 1);
  const auto forms = trust.can("esme", {"staff", "show", "joe"}).at("forms").as_array();
  const auto form = std::to_string(forms.at(0).at("id").as_int64());
  trust.stage.hold("register");
  // The first is being written when the service is killed; the others wait behind it.
  auto moving = begin_rename("kim", "Moved");
  auto renaming = begin_rename("ann", "Married");
  std::jthread withdrawing(
      [&] { (void)post("esme", "/v1/forms/" + form + "/withdraw", {{"reason", "Gone on"}}); });
  ASSERT_TRUE(eventually(seconds(10), [&] { return !trust.holds("joe", "core"); })) << "it waits for no disk";
  ASSERT_TRUE(trust.stage.audit_says("Gone on"));
  kill();
  trust.stage.release();
  moving.join();
  renaming.join();
  withdrawing.join();
  start_again();
  EXPECT_TRUE(trust.stage.audit_says("not done: the service stopped before it was carried out"));
  EXPECT_EQ(state_of_form("joe"), "withdrawn") << "what takes access away is done in the end";
  EXPECT_EQ(trust.can("esme", {"staff", "show", "ann"}).at("name").as_string(), "Ann Invented");
  const auto all = records();
  const auto act =
      std::ranges::find_if(all, [&](const auto& each) { return member(each, "reason") == "Married"; });
  ASSERT_NE(act, all.end());
  const auto taken_back = std::find_if(act, all.end(), [&](const auto& each) {
    return member(each, "reason").starts_with("not done: ") && member(each, "deed") == member(*act, "deed");
  });
  ASSERT_NE(taken_back, all.end());
  EXPECT_EQ(member(*taken_back, "event"), "register_changed");
  EXPECT_TRUE(std::any_of(taken_back, all.end(), [&](const auto& each) {
    return member(each, "event") == "start";
  })) << "it stands before the start";
  // Said once.
  kill();
  start_again();
  const auto deed = member(*act, "deed");
  EXPECT_EQ(std::ranges::count_if(records(),
                                  [&](const auto& each) {
                                    return member(each, "reason").starts_with("not done: ") &&
                                           member(each, "deed") == deed;
                                  }),
            1);
  EXPECT_TRUE(log_is_sound());
}

// Neither the log nor the reserve beside it took the words: what is in memory alone is lost with a kill.
TEST_F(FullDisk, WhatCouldNotBeSaidOfAnActIsSaidByTheNextStart) {
  mount("audit", "640k");
  trust.stage.audit_settings = ", segment_bytes: 65536";
  std::filesystem::create_directories(trust.stage.dir / "state" /
                                      "late-records");  // no reserve can be made there
  trust.stage.with_held_disk();
  trust.open(false);
  trust.seat("esme", 0);
  trust.stage.hold("register");
  auto moving = begin_rename("kim", "Moved");
  auto renaming = begin_rename("ann", "Married");
  fill_the_log();
  trust.leave(0);  // so that it is not carried out when its turn comes
  trust.stage.release();
  moving.join();
  renaming.join();
  EXPECT_TRUE(
      eventually(seconds(10), [&] { return trust.stage.service().at("late_records").as_int64() >= 2; }));
  kill();
  make_room("audit");
  start_again();
  ASSERT_TRUE(trust.stage.audit_says("not done: "));
  const auto all = records();
  const auto act =
      std::ranges::find_if(all, [&](const auto& each) { return member(each, "reason") == "Married"; });
  ASSERT_NE(act, all.end());
  EXPECT_TRUE(std::any_of(act, all.end(), [&](const auto& each) {
    return member(each, "reason").starts_with("not done: ") && member(each, "deed") == member(*act, "deed");
  }));
  EXPECT_TRUE(log_is_sound());
}

TEST_F(FullDisk, NoSignInIsRecordedForWhomThereIsNoRoom) {
  trust.open(false);
  limit("sessions: 1");
  trust.seat("esme", 0);
  const auto refused = trust.login("joe", 1);
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.all.find("Too many people are signed in"), std::string::npos) << refused.all;
  EXPECT_TRUE(trust.stage.audit_says(
      "\"event\":\"sign_in_refused\",\"person\":\"joe\",\"reason\":\"too_many_sessions\""));
  const auto all = records();
  EXPECT_TRUE(std::ranges::none_of(all, [&](const auto& each) {
    return member(each, "event") == "sign_in" && member(each, "person") == "joe";
  }));
  trust.leave(0);
  trust.leave(1);
  trust.seat("joe", 1);
}

TEST_F(FullDisk, WhatPeopleQuoteByItsNumberIsInTheLogUnderThatNumber) {
  trust.open(false);
  trust.seat("esme", 0);
  const auto number = [](const json::object& answer) { return std::to_string(answer.at("id").as_int64()); };
  const auto form = number(trust.has("ann", {"form", "submit", "--role", "core", "--reason", "Ward work"}));
  const auto second =
      number(trust.has("ann", {"form", "submit", "--role", "supervisor-self-service", "--reason", "x"}));
  EXPECT_NE(form, second);
  const auto delegation =
      number(trust.has("mina", {"delegation", "give", "--to", "kim", "--role", "administrator-self-service",
                                "--until", trust.day(30), "--reason", "x"}));
  trust.seat("esme", 0);
  const auto removal = number(trust.can("esme", {"removal", "request", "--person", "kim", "--reason", "x"}));
  const auto stand_in = number(trust.can("esme", {"delegation", "stand-in", "--person", "joe", "--manager",
                                                  "mina", "--until", trust.day(5), "--reason", "x"}));
  const auto all = records();
  const auto recorded = [&](std::string_view event, std::string_view what, const std::string& wanted) {
    return std::ranges::any_of(all, [&](const auto& each) {
      return member(each, "event") == event && member(each, what) == wanted && !member(each, "deed").empty();
    });
  };
  EXPECT_TRUE(recorded("form", "form", form));
  EXPECT_TRUE(recorded("form", "form", second));
  EXPECT_TRUE(recorded("delegation", "delegation", delegation));
  EXPECT_TRUE(recorded("removal", "removal", removal));
  EXPECT_TRUE(recorded("acting_manager", "number", stand_in));
}

}  // namespace
}  // namespace cardgate
