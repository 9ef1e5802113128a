// SPDX-License-Identifier: Apache-2.0
// The audit log by the service: who may look, what they are shown, that each look is on record; and what helps at the desk.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

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

TEST_F(ReadingTheLog, ShowsNothingWhenTheLookCannotBeRecorded) {
  house.sign_in(House::tia());
  House::break_disks();
  see("/v1/staff/1000", House::tia());
  house.run_until([&] { return !house.owners().recorder.health().ok; });
  const auto reply = see("/v1/audit", House::tia());
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable") << reply.body;
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

TEST_F(Supporting, LooksBackADayOrAsFarAsItIsAsked) {
  wrong_passcode(House::ada());
  house.forward(std::chrono::hours(25));
  house.sign_in(House::tia());
  EXPECT_THAT(attempts(House::tia()).at("attempts").as_array(), IsEmpty());
  EXPECT_THAT(attempts(House::tia(), "&last=5").at("attempts").as_array(), SizeIs(1));
}

}  // namespace
}  // namespace cardgate::testing
