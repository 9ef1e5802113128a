// SPDX-License-Identifier: Apache-2.0
// The audit log by the service: who may look, what they are shown, that each look is on record; and what helps at the desk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>

#include "audit/index.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct ReadingTheLog : ::testing::Test {
  Reply see(const std::string& target, const daemon::Peer& who) { return house.ask("GET", target, who); }
  static std::vector<std::string> events(const Reply& reply) {
    std::vector<std::string> out;
    const auto body = reply.json();
    const auto* records = find_array(body, "records");
    if (records == nullptr) return {"no records: " + reply.body};
    for (const auto& record : *records) out.emplace_back(record.at("event").as_string());
    return out;
  }
  /// What was looked up in the log, by the records of it.
  std::vector<json::object> looks() {
    auto all = house.records("looked_at");
    std::erase_if(all, [](const json::object& record) { return record.at("reason") != "audit log"; });
    return all;
  }
  static std::string last_number(const Reply& reply) {
    const auto body = reply.json();
    const auto& records = body.at("records").as_array();
    return records.empty() ? std::string() : std::to_string(records.back().at("seq").as_int64());
  }
  /// What SQLite says to it: 0 is well.
  int in_index(const char* statement) {
    sqlite3* database = nullptr;
    int came = sqlite3_open((house.dir / "state/audit-index/index.db").c_str(), &database);
    if (came == SQLITE_OK) came = sqlite3_exec(database, statement, nullptr, nullptr, nullptr);
    sqlite3_close(database);
    return came;
  }
  void let_managers_read(std::string_view records = "team") {
    house.change_policy("may: [delegate, request-removal, see-people]",
                        "may: [delegate, request-removal, see-people, read-audit]");
    if (records != "team")
      house.change_policy("    records: team\n", fmt::format("    records: {}\n", records));
    house.reload();
  }
  /// From here on no page is read.
  Held hold_pages() {
    auto gate = std::make_shared<std::promise<void>>();
    daemon::LogReading::PageWork<int> waiting = [open = gate->get_future().share()](
                                                    const std::filesystem::path&, audit::Index*,
                                                    const std::function<bool()>&) -> Result<int> {
      open.wait();
      return 0;
    };
    boost::asio::co_spawn(house.owners().io, house.owners().log_reading.page<int>(std::move(waiting)),
                          boost::asio::detached);
    house.run_ready();
    return Held(std::move(gate));
  }
  void wrong_passcode(const daemon::Peer& who) {
    house.insert_card(who);
    EXPECT_EQ(house.ask("POST", "/v1/sessions", house.with_card(who, "999999"), who).status, 401);
  }
  House house;
};

TEST_F(ReadingTheLog, OnlyWhoeverMayReadItDoes) {
  EXPECT_EQ(see("/v1/audit", House::ada()).error(), "no_session");
  house.sign_in(House::ada());
  EXPECT_EQ(see("/v1/audit", House::ada()).error(), "role_needed");
  house.sign_in(House::max());
  EXPECT_EQ(see("/v1/audit", House::max()).error(), "role_needed");
  EXPECT_THAT(house.reasons("client_refused"), Contains(HasSubstr("read-audit: no role lets them")));
  EXPECT_THAT(looks(), IsEmpty());
  house.sign_in(House::tia());
  EXPECT_THAT(events(see("/v1/audit?order=oldest", House::tia())), Contains("sign_in"));
  EXPECT_THAT(events(see("/v1/audit?event=sign_in", House::root())),
              ElementsAre("sign_in", "sign_in", "sign_in"));
}

TEST_F(ReadingTheLog, EachLookIsOnRecordWithWhoWasSeen) {
  house.sign_in(House::ada());
  const auto session = house.sign_in(House::tia());
  ASSERT_EQ(see("/v1/audit?person=1000", House::tia()).status, 200);
  auto recorded = looks();
  ASSERT_THAT(recorded, SizeIs(1));
  EXPECT_EQ(recorded[0].at("person"), "1000");
  EXPECT_EQ(recorded[0].at("session").as_string(), session);
  EXPECT_EQ(recorded[0].at("details").at("by"), "3000");
  ASSERT_EQ(see("/v1/audit?event=sign_in&from=yesterday", House::root()).status, 200);
  recorded = looks();
  ASSERT_THAT(recorded, SizeIs(2));
  EXPECT_EQ(recorded[1].at("details").at("by"), "root");
  EXPECT_EQ(json::serialize(recorded[1].at("details").at("people")), R"(["1000","3000"])");
  EXPECT_EQ(recorded[1].at("details").at("event"), "sign_in");
}

TEST_F(ReadingTheLog, WhoIsOnlyInTheDetailsWasSeenToo) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  ASSERT_EQ(see("/v1/audit?event=sign_in", House::tia()).status, 200);
  ASSERT_EQ(events(see("/v1/audit?event=looked_at", House::root())), std::vector<std::string>{"looked_at"});
  const auto recorded = looks();
  ASSERT_THAT(recorded, SizeIs(2));
  EXPECT_EQ(json::serialize(recorded[0].at("details").at("people")), R"(["1000"])");
  EXPECT_EQ(json::serialize(recorded[1].at("details").at("people")), R"(["1000","3000"])");
}

TEST_F(ReadingTheLog, WhatWasAskedForIsOnRecordAndMakesItAnotherLook) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  ASSERT_EQ(see("/v1/audit?person=1000&event=sign_in&to=2026-06-30", House::tia()).status, 200);
  ASSERT_EQ(
      see("/v1/audit?person=1000&event=sign_in&reason=pass&client=desk&outcome=refused", House::tia()).status,
      200);
  auto recorded = looks();
  ASSERT_THAT(recorded, SizeIs(2));
  const auto& first = recorded[0].at("details").as_object();
  EXPECT_EQ(recorded[0].at("person"), "1000");
  EXPECT_EQ(first.at("event"), "sign_in");
  EXPECT_THAT(std::string(first.at("to_at").as_string()), HasSubstr("2026-0"));
  EXPECT_FALSE(first.contains("to"));  // would be taken for a person
  const auto& second = recorded[1].at("details").as_object();
  EXPECT_EQ(second.at("of_reason"), "pass");
  EXPECT_EQ(second.at("of_client"), "desk");
  EXPECT_EQ(second.at("outcome"), "refused");
  for (int i = 0; i < 5; ++i) house.reload();
  std::string cursor;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = see("/v1/audit?event=reload&limit=2" + cursor, House::tia());
    ASSERT_EQ(page.status, 200) << page.body;
    cursor = "&before=" + last_number(page);
  }
  EXPECT_THAT(looks(), SizeIs(5));
}

TEST_F(ReadingTheLog, WhoFollowsTheLogDoesNotFillItWithTheirOwnLooks) {
  house.sign_in(House::tia());
  house.sign_in(House::uma());
  std::string mine;
  std::string hers;
  const auto poll = [&](const daemon::Peer& who, std::string& cursor) {
    const auto page = see("/v1/audit?order=oldest" + (cursor.empty() ? cursor : "&after=" + cursor), who);
    ASSERT_EQ(page.status, 200) << page.body;
    if (const auto last = last_number(page); !last.empty()) cursor = last;
  };
  for (int polls = 0; polls < 20; ++polls) {
    poll(House::tia(), mine);
    poll(House::uma(), hers);
  }
  EXPECT_LE(looks().size(), 10U);  // of forty
}

TEST_F(ReadingTheLog, GivesPagesFromEitherEnd) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  for (int i = 0; i < 5; ++i) house.reload();
  std::vector<std::string> numbers;
  std::string cursor;
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = see("/v1/audit?event=reload&limit=2" + cursor, House::tia());
    ASSERT_EQ(page.status, 200) << page.body;
    const auto body = page.json();
    for (const auto& record : body.at("records").as_array())
      numbers.push_back(std::to_string(record.at("seq").as_int64()));
    if (body.at("next").is_null()) break;
    cursor = "&before=" + std::string(body.at("next").as_string());
  }
  EXPECT_THAT(numbers, SizeIs(5));
  EXPECT_TRUE(
      std::ranges::is_sorted(numbers, std::greater<>(), [](const auto& text) { return std::stoi(text); }));
  const auto body = see("/v1/audit?event=reload&order=oldest&after=" + numbers[2], House::tia()).json();
  EXPECT_THAT(body.at("records").as_array(), SizeIs(2));
}

TEST_F(ReadingTheLog, NamesPeopleAndSaysWhatTheTimesCameTo) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  const auto body = see("/v1/audit?from=2%20hours%20ago&event=sign_in", House::tia()).json();
  EXPECT_EQ(body.at("from_at"), "2026-06-01T10:00:00.000Z");
  EXPECT_EQ(body.at("time_zone"), "UTC");
  EXPECT_THAT(json::serialize(body.at("people")), HasSubstr(R"({"id":"1000","name":"Ada)"));
}

TEST_F(ReadingTheLog, RefusesWhatItDoesNotUnderstand) {
  house.sign_in(House::tia());
  for (const char* query : {"from=soon", "event=sign_ins", "outcome=perhaps", "order=best", "limit=0",
                            "limit=201", "after=x", "from=2026-06-02&to=2026-06-01", "colour=red"}) {
    const auto reply = see(std::string("/v1/audit?") + query, House::tia());
    EXPECT_EQ(reply.status, 400) << query << " " << reply.body;
  }
  EXPECT_THAT(see("/v1/audit?from=2026-06-02&to=2026-06-01", House::tia()).text("detail"),
              HasSubstr("before it begins"));
  EXPECT_EQ(see("/v1/audit?person=nobody%20known", House::tia()).error(), "person_unknown");
  EXPECT_THAT(looks(), IsEmpty());
}

TEST_F(ReadingTheLog, AManagerIsShownTheOwnTeamOnlyAndNobodyElseInIt) {
  house.change_policy("may: [delegate, request-removal, see-people]",
                      "may: [delegate, request-removal, see-people, read-audit]");
  house.reload();
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  // Of these two looks one names ada among others.
  ASSERT_EQ(see("/v1/audit?event=sign_in", House::tia()).status, 200);
  ASSERT_EQ(see("/v1/staff/1000", House::tia()).status, 200);
  house.sign_in(House::max());
  EXPECT_EQ(see("/v1/audit", House::max()).error(), "record_not_yours");
  EXPECT_EQ(see("/v1/audit?person=4000", House::max()).error(), "record_not_yours");
  const auto mine = see("/v1/audit?person=1000", House::max());
  ASSERT_EQ(mine.status, 200) << mine.body;
  EXPECT_THAT(events(mine), Contains("sign_in"));
  const auto body = mine.json();
  for (const auto& record : body.at("records").as_array()) EXPECT_EQ(record.at("person"), "1000");
  EXPECT_THAT(mine.body, Not(HasSubstr("\"people\":[\"")));
}

TEST_F(ReadingTheLog, AManagerIsNotToldWhoElseIsInARecord) {
  let_managers_read();
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  ASSERT_EQ(see("/v1/staff/1000", House::tia()).status, 200);
  house.sign_in(House::max());
  const auto mine = see("/v1/audit?person=1000&event=looked_at", House::max());
  ASSERT_EQ(events(mine), std::vector<std::string>{"looked_at"}) << mine.body;
  const auto body = mine.json();
  EXPECT_EQ(body.at("records").at(0).at("details").at("by"), "");
  ASSERT_THAT(body.at("people").as_array(), SizeIs(1));
  EXPECT_EQ(body.at("people").at(0).at("id"), "1000");
  // Whoever reads everybody's is told.
  const auto all = see("/v1/audit?person=1000&event=looked_at&order=oldest", House::tia()).json();
  EXPECT_EQ(all.at("records").at(0).at("details").at("by"), "3000");
}

TEST_F(ReadingTheLog, ShowsNothingOfOthersWhenTheReachShrinksMeanwhile) {
  let_managers_read("all");
  house.sign_in(House::ada());
  house.sign_in(House::max());
  ASSERT_EQ(see("/v1/audit", House::max()).status, 200);
  const auto before = looks().size();
  auto held = hold_pages();
  const auto call = house.begin("GET", "/v1/audit?person=1000", {}, House::max());
  house.run_ready();
  house.change_policy("    records: all\n    may: [delegate, request-removal, see-people, read-audit]\n",
                      "    records: team\n    may: [delegate, request-removal, see-people, read-audit]\n");
  house.reload();
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.error(), "record_not_yours") << reply.body;
  EXPECT_EQ(looks().size(), before);
  EXPECT_EQ(see("/v1/audit?person=1000", House::max()).status, 200);
}

/// The right is asked again when the page has been read.
TEST_F(ReadingTheLog, ShowsNothingWhenTheSessionEndsMeanwhile) {
  house.sign_in(House::tia());
  auto held = hold_pages();
  const auto call = house.begin("GET", "/v1/audit", {}, House::tia());
  house.run_ready();
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_NE(reply.status, 200) << reply.body;
  EXPECT_THAT(looks(), IsEmpty());
}

/// ... and when the look has been recorded.
TEST_F(ReadingTheLog, ShowsNothingWhenTheSessionEndsWhileTheLookIsRecorded) {
  house.sign_in(House::tia());
  for (const char* target : {"/v1/audit", "/v1/support?person=1000"}) {
    house.sign_in(House::tia());
    auto held = house.hold_log();
    const auto call = house.begin("GET", target, {}, House::tia());
    house.run_until([&] { return call->answered() || house.waiting_in_log() > 0; });
    EXPECT_FALSE(call->answered()) << target;
    house.remove_card(House::reader_of(House::tia()));
    held.release();
    const auto reply = house.finish(call);
    EXPECT_NE(reply.status, 200) << target << " " << reply.body;
  }
}

TEST_F(ReadingTheLog, ShowsNothingWhenTheLookCannotBeRecorded) {
  house.sign_in(House::tia());
  House::break_disks();
  const auto reply = see("/v1/audit", House::tia());
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable") << reply.body;
}

TEST_F(ReadingTheLog, AnIndexThatFailsIsMadeAnew) {
  house.sign_in(House::tia());
  ASSERT_EQ(see("/v1/audit?person=3000", House::tia()).status, 200);
  ASSERT_EQ(in_index("DROP TABLE part; DROP TABLE segment"), SQLITE_OK);
  EXPECT_THAT(events(see("/v1/audit?person=3000", House::tia())), Contains("sign_in"));
  EXPECT_THAT(events(see("/v1/audit?person=3000", House::tia())), Contains("sign_in"));
  EXPECT_EQ(in_index("SELECT * FROM part, segment"), SQLITE_OK);
}

TEST_F(ReadingTheLog, KeepsNoIndexWhereOthersMayWrite) {
  const auto folder = house.dir / "shared";
  std::filesystem::create_directory(folder);
  for (const auto others : {std::filesystem::perms::group_write, std::filesystem::perms::others_write}) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all | others);
    const auto index = audit::Index::open(folder / "index.db");
    ASSERT_FALSE(index);
    EXPECT_EQ(index.error().code, Errc::permission_denied);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  EXPECT_TRUE(audit::Index::open(folder / "index.db"));
}

TEST_F(ReadingTheLog, OneUserOfTheMachineLooksOnceAtATime) {
  house.sign_in(House::tia());
  const auto first = house.begin("GET", "/v1/audit", {}, House::tia());
  const auto second = house.begin("GET", "/v1/audit", {}, House::tia());
  const auto reply = house.finish(second);
  EXPECT_EQ(reply.error(), "one_at_a_time") << reply.body;
  EXPECT_EQ(house.finish(first).status, 200);
}

// The help desk.

struct Supporting : ReadingTheLog {
  json::object attempts(const daemon::Peer& who, const std::string& more = {}) {
    const auto reply = see("/v1/support?person=1000" + more, who);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json();
  }
};

TEST_F(Supporting, ShowsWhySomebodyWasRefusedAndWhatPutsItRight) {
  wrong_passcode(House::ada());
  house.sign_in(House::tia());
  const auto body = attempts(House::tia());
  EXPECT_EQ(body.at("person").at("name"), "Ada Example");
  ASSERT_THAT(body.at("attempts").as_array(), SizeIs(1));
  const auto& one = body.at("attempts").at(0).as_object();
  EXPECT_EQ(one.at("text").as_string(),
            fmt::format("Ada Example (1000) was not signed in at {}: the passcode was wrong.",
                        House::reader_of(House::ada())));
  EXPECT_THAT(std::string(one.at("now").as_string()), HasSubstr("Sign in again with the right passcode"));
  EXPECT_EQ(one.at("refused"), true);
  const auto recorded = house.records("looked_at");
  ASSERT_THAT(recorded, SizeIs(1));
  EXPECT_EQ(recorded[0].at("reason"), "support");
  EXPECT_EQ(recorded[0].at("person"), "1000");
}

TEST_F(Supporting, SaysThatItHasWorkedSinceAndWhatIsStillMissing) {
  wrong_passcode(House::ada());
  house.sign_in(House::ada());
  const auto asked =
      house.ask("POST", "/v1/token", {{"role", "manager-self-service"}, {"audience", "esr"}}, House::ada());
  ASSERT_EQ(asked.status, 403) << asked.body;
  ASSERT_EQ(house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada()).status,
            200);
  house.sign_in(House::tia());
  const auto body = attempts(House::tia());
  const auto& list = body.at("attempts").as_array();
  ASSERT_THAT(list, SizeIs(4));
  EXPECT_EQ(list[0].at("event"), "token");
  EXPECT_EQ(list[1].at("event"), "token_refused");
  EXPECT_EQ(list[1].at("now"), "This is still missing:");
  EXPECT_THAT(list[1].at("unmet").as_array(), Not(IsEmpty()));
  EXPECT_EQ(list[3].at("event"), "sign_in_refused");
  EXPECT_EQ(list[3].at("now"), "It has worked since.");
}

TEST_F(Supporting, TellsNoTokenNoCardAndNobodyElse) {
  house.sign_in(House::ada());
  ASSERT_EQ(house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada()).status,
            200);
  house.sign_in(House::max());
  house.sign_in(House::tia());
  const auto reply = see("/v1/support?person=1000&last=50", House::tia());
  const auto tokens = house.records("token");
  ASSERT_THAT(tokens, SizeIs(1));
  EXPECT_THAT(reply.body, Not(HasSubstr(std::string(tokens[0].at("details").at("jti").as_string()))));
  EXPECT_THAT(reply.body, Not(HasSubstr(house.card_of(House::ada()).id)));
  EXPECT_THAT(reply.body, Not(HasSubstr("2000")));
  EXPECT_THAT(reply.body, Not(HasSubstr("session\"")));
}

TEST_F(Supporting, IsForWhoeverHelpsAndForTheirPeopleOnly) {
  house.sign_in(House::ada());
  EXPECT_EQ(see("/v1/support?person=3000", House::ada()).error(), "role_needed");
  house.sign_in(House::max());
  EXPECT_EQ(see("/v1/support?person=1000", House::max()).error(), "role_needed");
  // The help desk's act is enough.
  house.change_policy("may: [delegate, request-removal, see-people]",
                      "may: [delegate, request-removal, see-people, give-codes]");
  house.reload();
  EXPECT_EQ(see("/v1/support?person=1000", House::max()).status, 200);
  EXPECT_NE(see("/v1/support?person=3000", House::max()).status, 200);
  EXPECT_EQ(see("/v1/support", House::max()).status, 400);
  EXPECT_EQ(see("/v1/support?person=1000&last=51", House::max()).status, 400);
  EXPECT_EQ(see("/v1/support?person=1000", House::root()).status, 200);
}

TEST_F(Supporting, SaysWhatTheHelpDeskLacks) {
  house.change_policy("may: [delegate, request-removal, see-people]",
                      "may: [delegate, request-removal, see-people, give-codes]");
  house.change_policy("\nroles:\n", "\nacts:\n  give-codes: {step_up: card, step_up_age: 1m}\nroles:\n");
  house.reload();
  house.sign_in(House::max());
  EXPECT_EQ(see("/v1/support?person=3000", House::max()).error(), "record_not_yours");
  house.forward(std::chrono::minutes(2));
  EXPECT_EQ(see("/v1/support?person=1000", House::max()).error(), "step_up_required");
}

TEST_F(Supporting, ShowsNothingWhenTheLookCannotBeRecorded) {
  house.sign_in(House::tia());
  House::break_disks();
  const auto reply = see("/v1/support?person=1000", House::tia());
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable") << reply.body;
}

TEST_F(Supporting, LooksBackADayOrAsFarAsItIsAsked) {
  wrong_passcode(House::ada());
  house.forward(std::chrono::hours(25));
  house.sign_in(House::tia());
  EXPECT_THAT(attempts(House::tia()).at("attempts").as_array(), IsEmpty());
  EXPECT_THAT(attempts(House::tia(), "&last=5").at("attempts").as_array(), SizeIs(1));
}

}  // namespace
}  // namespace cardgate::testing
