// SPDX-License-Identifier: Apache-2.0
// Downtime from its announcement to its end, as people, programs and the clock meet it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class InDowntime : public ::testing::Test {
 protected:
  static json::object window(const char* from, const char* until, const char* text = "ESR is upgraded") {
    return {{"begins_at", fmt::format("2026-06-01T{}:00Z", from)},
            {"ends_at", fmt::format("2026-06-01T{}:00Z", until)},
            {"severity", "moderate"},
            {"text", text}};
  }
  Reply plan(const char* from, const char* until, const daemon::Peer& who = House::root()) {
    return house.ask("POST", "/v1/downtime", window(from, until), who);
  }
  json::array listed() {
    return house.ask("GET", "/v1/downtime", House::vera()).json().at("downtime").as_array();
  }
  Reply sign_in(const daemon::Peer& who) {
    house.insert_card(who);
    return house.ask("POST", "/v1/sessions", house.with_card(who), who);
  }
  Reply by_password() {
    return house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", House::password}},
                     House::eve());
  }
  Reply token(const daemon::Peer& who, const char* role = "core") {
    return house.ask("POST", "/v1/token", {{"role", role}, {"audience", "esr"}}, who);
  }
  std::size_t sessions_of(const daemon::Peer& who) { return house.owners().table.of_uid(who.uid).size(); }
  /// What the log says of downtime, in its order: "announced by root".
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("downtime")) {
      const auto& details = record.at("details").as_object();
      out.push_back(std::string(details.at("act").as_string()) +
                    (details.contains("by") ? " by " + std::string(details.at("by").as_string()) : ""));
    }
    return out;
  }
  void configure(const std::string& downtime) {
    house.write_config(House::usual_clients() + "downtime: " + downtime + "\n");
    house.reload();
  }
  void to(const char* clock) {
    const auto when = parse_rfc3339(fmt::format("2026-06-01T{}:00Z", clock)).value();
    house.forward(std::chrono::duration_cast<milliseconds>(when - house.clock.wall()));
  }

  House house;
};

TEST_F(InDowntime, GoesFromItsAnnouncementToItsEndByItself) {
  house.sign_in(House::ada());
  const auto planned = plan("12:20", "13:00");
  ASSERT_EQ(planned.status, 201) << planned.body;
  EXPECT_THAT(planned.text("message"),
              HasSubstr("Downtime 1: Planned downtime (moderate) from 1 June 2026 at 12:20"));
  ASSERT_THAT(listed(), SizeIs(1));
  EXPECT_THAT(acts(), ElementsAre("announced by root"));
  // At the sign-in it is told.
  const auto max = sign_in(House::max());
  ASSERT_EQ(max.status, 201) << max.body;
  EXPECT_THAT(max.body, HasSubstr("ESR is upgraded"));

  to("12:10");
  EXPECT_THAT(acts(), ElementsAre("announced by root", "reminded"));
  to("12:19");
  EXPECT_THAT(acts(), SizeIs(2)) << "once";
  to("12:20");
  EXPECT_THAT(acts(), Contains("began"));
  EXPECT_EQ(sessions_of(House::ada()), 1U) << "there is time to save work";
  const auto refused = by_password();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.error(), "downtime");
  EXPECT_THAT(refused.text("detail"), HasSubstr("until 1 June 2026 at 13:00 UTC"));
  EXPECT_THAT(refused.text("detail"), HasSubstr("ESR is upgraded"));
  EXPECT_EQ(refused.text("ends_at"), "2026-06-01T13:00:00.000Z");
  house.remove_card(House::reader_of(House::max()));
  EXPECT_EQ(sign_in(House::max()).error(), "downtime");

  to("12:25");
  EXPECT_EQ(sessions_of(House::ada()), 0U) << "drained";
  EXPECT_THAT(house.reasons("session_ended"), Contains("downtime"));
  to("12:59");
  EXPECT_EQ(by_password().error(), "downtime");
  to("13:00");
  EXPECT_THAT(acts(), ElementsAre("announced by root", "reminded", "began", "ended"));
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_EQ(by_password().status, 201) << "open by itself";
  EXPECT_EQ(sign_in(House::ada()).status, 201);
}

TEST_F(InDowntime, SpendsNoTryOfACard) {
  ASSERT_EQ(plan("12:01", "13:00").status, 201);
  to("12:02");
  house.insert_card(House::ada());
  const auto wrong = house.with_card(House::ada(), "999999");
  EXPECT_EQ(house.ask("POST", "/v1/sessions", wrong, House::ada()).error(), "downtime")
      << "the card was not asked";
}

TEST_F(InDowntime, TokensEndWithTheSessions) {
  house.sign_in(House::ada());
  ASSERT_EQ(plan("12:03", "13:00").status, 201);
  to("12:05");
  const auto last = token(House::ada());
  ASSERT_EQ(last.status, 200) << last.body;
  EXPECT_LE(last.json().at("expires_in").as_int64(), 180) << "no token outlives the drain";
  to("12:08");
  EXPECT_EQ(token(House::ada()).error(), "no_session");
}

TEST_F(InDowntime, WhoManagesItGoesOn) {
  house.sign_in(House::tia());
  ASSERT_EQ(plan("12:01", "13:00", House::tia()).status, 201);
  EXPECT_THAT(acts(), ElementsAre("announced by 3000"));
  to("12:10");
  EXPECT_EQ(sessions_of(House::tia()), 1U);
  EXPECT_EQ(token(House::tia(), "esr-workforce-systems").status, 200);
  EXPECT_EQ(token(House::tia()).error(), "access_denied") << "a role that she does not hold";
  EXPECT_EQ(sign_in(House::uma()).status, 201) << "and whoever comes to help";
  const auto removed =
      house.ask("POST", "/v1/removals", {{"person", "1000"}, {"reason", "Lost laptop"}, {"at_once", true}},
                House::tia());
  EXPECT_LT(removed.status, 300) << "access is removed at any time: " << removed.body;
  const auto ended = house.ask("POST", "/v1/downtime/1/end", {{"outcome", "Done early"}}, House::tia());
  ASSERT_EQ(ended.status, 200) << ended.body;
  EXPECT_THAT(ended.text("message"), HasSubstr("Done early"));
  EXPECT_EQ(by_password().status, 201);
  EXPECT_THAT(acts(), ElementsAre("announced by 3000", "began", "ended by 3000"));
}

TEST_F(InDowntime, RolesThatOnlyReadGoOnWhereTheConfigurationSaysSo) {
  configure("{open_roles: [employee-self-service], drain: 1m}");
  house.sign_in(House::ada());
  ASSERT_EQ(token(House::ada()).status, 200);
  ASSERT_EQ(plan("12:01", "13:00").status, 201);
  to("12:03");
  EXPECT_EQ(sessions_of(House::ada()), 1U);
  EXPECT_EQ(house.owners().table.token_count(), 0U) << "what core gave has ended";
  EXPECT_EQ(token(House::ada()).error(), "downtime");
  EXPECT_EQ(token(House::ada(), "employee-self-service").status, 200);
  EXPECT_EQ(by_password().status, 201);
  const auto form = house.ask("POST", "/v1/forms", {{"role", "core"}, {"reason", "Ward work"}}, House::ada());
  EXPECT_EQ(form.error(), "downtime") << "nothing is changed: " << form.body;
}

TEST_F(InDowntime, WhoSignsInByARoleThatGoesOnHasNoOtherWhileTheRestDrains) {
  configure("{open_roles: [employee-self-service], drain: 1h}");
  house.sign_in(House::max());
  ASSERT_EQ(plan("12:01", "13:30").status, 201);
  to("12:05");
  EXPECT_EQ(token(House::max(), "manager-self-service").status, 200)
      << "who was here before has time to save their work";
  ASSERT_EQ(sign_in(House::ada()).status, 201);
  EXPECT_EQ(token(House::ada(), "employee-self-service").status, 200);
  EXPECT_EQ(token(House::ada()).error(), "downtime");
}

TEST_F(InDowntime, AClockThatWasWrongForAMomentTakesNoNoticeAway) {
  ASSERT_EQ(plan("14:00", "15:00").status, 201);
  house.clock.slip(hours(2) + minutes(5));
  house.forward(minutes(1));
  ASSERT_THAT(acts(), Contains("began"));
  house.clock.slip(-hours(2) - minutes(5));
  house.forward(minutes(1));
  const auto before = acts().size();
  to("14:00");
  EXPECT_THAT(acts().size(), ::testing::Gt(before));
  EXPECT_EQ(acts().back(), "began");
}

TEST_F(InDowntime, AConfigurationWithAnUnknownRoleIsRefused) {
  house.write_config(House::usual_clients() + "downtime: {open_roles: [cook]}\n");
  const auto refused = house.ask("POST", "/v1/reload", House::root());
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.text("detail"), HasSubstr("cook"));
}

TEST_F(InDowntime, SeveralTogetherAreOneAndBothAreTold) {
  ASSERT_EQ(plan("12:10", "12:40").status, 201);
  ASSERT_EQ(plan("12:30", "13:00").status, 201);
  to("12:15");
  EXPECT_EQ(by_password().text("ends_at"), "2026-06-01T13:00:00.000Z");
  to("12:45");
  EXPECT_EQ(by_password().error(), "downtime");
  EXPECT_THAT(listed(), SizeIs(1));
  to("13:00");
  EXPECT_EQ(by_password().status, 201);
  EXPECT_THAT(acts(), SizeIs(6)) << "what was passed over between two looks is said once";
}

TEST_F(InDowntime, BadPlansAreRefusedInWords) {
  EXPECT_EQ(plan("11:00", "13:00").error(), "not_possible");
  EXPECT_THAT(plan("11:00", "13:00").text("detail"), HasSubstr("past"));
  EXPECT_EQ(plan("13:00", "12:30").error(), "not_possible");
  EXPECT_EQ(house.ask("POST", "/v1/downtime", {{"text", "x"}}, House::root()).error(), "not_possible");
  EXPECT_EQ(house.ask("POST", "/v1/downtime", window("soon", "13:00"), House::root()).error(), "bad_request");
  auto long_text = window("12:10", "13:00");
  long_text["text"] = std::string(501, 'x');
  EXPECT_EQ(house.ask("POST", "/v1/downtime", long_text, House::root()).error(), "bad_request");
  EXPECT_THAT(acts(), IsEmpty());
}

TEST_F(InDowntime, IsNotForEverybodyToPlan) {
  house.sign_in(House::ada());
  EXPECT_EQ(plan("12:10", "13:00", House::ada()).error(), "role_needed");
  EXPECT_EQ(plan("12:10", "13:00", House::vera()).error(), "no_session");
  ASSERT_EQ(plan("12:10", "13:00").status, 201);
  EXPECT_EQ(house.ask("DELETE", "/v1/downtime/1", House::ada()).error(), "role_needed");
  EXPECT_EQ(house.ask("POST", "/v1/emergencies", {{"text", "Fire"}}, House::ada()).error(), "role_needed");
  EXPECT_THAT(listed(), SizeIs(1));
}

TEST_F(InDowntime, ThereAreNotMoreThanAnybodyCouldRead) {
  for (int i = 0; i < 50; ++i) ASSERT_EQ(plan("12:10", "13:00").status, 201) << i;
  EXPECT_EQ(plan("12:10", "13:00").error(), "not_possible");
}

TEST_F(InDowntime, IsChangedExtendedAndWithdrawn) {
  ASSERT_EQ(plan("12:10", "12:40").status, 201);
  ASSERT_EQ(plan("14:00", "15:00").status, 201);
  EXPECT_EQ(house.ask("PUT", "/v1/downtime/1", {{"ends_at", "2026-06-01T12:50:00Z"}}, House::root()).status,
            200);
  EXPECT_EQ(house.ask("PUT", "/v1/downtime/9", {{"text", "x"}}, House::root()).status, 404);
  to("12:20");
  EXPECT_EQ(house.ask("DELETE", "/v1/downtime/1", House::root()).error(), "not_possible") << "it has begun";
  const auto longer =
      house.ask("PUT", "/v1/downtime/1", {{"ends_at", "2026-06-01T13:30:00Z"}}, House::root());
  ASSERT_EQ(longer.status, 200) << longer.body;
  EXPECT_THAT(longer.text("message"), HasSubstr("takes longer"));
  EXPECT_EQ(house.ask("DELETE", "/v1/downtime/2", House::root()).status, 200);
  to("13:00");
  EXPECT_EQ(by_password().error(), "downtime");
  to("13:30");
  EXPECT_EQ(by_password().status, 201);
  to("14:30");
  EXPECT_EQ(sign_in(House::ada()).status, 201) << "the second was withdrawn";
  EXPECT_THAT(acts(), ElementsAre("announced by root", "announced by root", "changed by root", "began",
                                  "extended by root", "withdrawn by root", "ended"));
}

TEST_F(InDowntime, AnEmergencyIsToldAtOnceAndEndsByHand) {
  const auto declared =
      house.ask("POST", "/v1/emergencies", {{"text", "No network"}, {"ends_at", "2026-06-01T12:30:00Z"}},
                House::root());
  ASSERT_EQ(declared.status, 201) << declared.body;
  EXPECT_EQ(by_password().status, 201) << "it tells, and closes nothing";
  to("12:30");
  to("12:40");
  EXPECT_THAT(acts(), ElementsAre("declared by root", "overdue"));
  EXPECT_EQ(house.ask("POST", "/v1/downtime/1/end", {{"outcome", "A new switch"}}, House::root()).status,
            200);
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_EQ(house.records("downtime").back().at("reason").as_string(), "A new switch");
}

TEST_F(InDowntime, AnEmergencyIsPassedOnAndTheTeamIsToldWhenItLastsTooLong) {
  ASSERT_EQ(
      house.ask("POST", "/v1/emergencies", {{"text", "No network"}, {"severity", "critical"}}, House::root())
          .status,
      201);
  const auto passed_on = house.ask("PUT", "/v1/downtime/1", {{"ticket", "INC0012345"}}, House::root());
  ASSERT_EQ(passed_on.status, 200) << passed_on.body;
  EXPECT_THAT(passed_on.text("message"), HasSubstr("It was passed on as INC0012345."));
  EXPECT_EQ(passed_on.json().at("downtime").at("ticket").as_string(), "INC0012345");
  EXPECT_EQ(house.records("downtime").back().at("details").at("ticket").as_string(), "INC0012345");
  house.run_until([&] { return !house.owners().downtime.owes(1); });
  house.restart();
  EXPECT_EQ(listed().at(0).at("ticket").as_string(), "INC0012345") << "it is on file";
  house.forward(hours(4));
  EXPECT_THAT(acts(), ElementsAre("declared by root", "changed by root", "repair_late"));
  ASSERT_EQ(plan("20:00", "21:00").status, 201);
  EXPECT_EQ(house.ask("PUT", "/v1/downtime/2", {{"ticket", "INC2"}}, House::root()).error(), "not_possible");
}

TEST_F(InDowntime, AnEmergencyThatClosesEndsSessions) {
  house.sign_in(House::ada());
  ASSERT_EQ(house.ask("POST", "/v1/emergencies", {{"text", "Leak"}, {"closes", true}}, House::root()).status,
            201);
  const auto refused = by_password();
  EXPECT_EQ(refused.error(), "downtime");
  EXPECT_EQ(refused.json().at("ends_at"), json::value(nullptr));
  to("12:05");
  EXPECT_EQ(sessions_of(House::ada()), 0U);
}

TEST_F(InDowntime, AnEmergencyWaitsForNoDisk) {
  House::break_disks();
  const auto declared =
      house.ask("POST", "/v1/emergencies", {{"text", "Disk"}, {"closes", true}}, House::root());
  EXPECT_EQ(declared.status, 202) << declared.body;
  EXPECT_THAT(declared.text("message"), HasSubstr("cannot be written"));
  EXPECT_THAT(listed(), SizeIs(1));
  EXPECT_NE(plan("12:10", "13:00").status, 201) << "what can wait is refused";
  House::mend_disks();
  house.run_until([&] { return !house.owners().downtime.owes(1); });
  house.restart();
  EXPECT_THAT(listed(), SizeIs(1));
}

TEST_F(InDowntime, EndsWithoutADiskAndStaysEnded) {
  House::break_disks();
  ASSERT_EQ(house.ask("POST", "/v1/emergencies", {{"text", "Disk"}, {"closes", true}}, House::root()).status,
            202);
  EXPECT_EQ(house.ask("PUT", "/v1/downtime/1", {{"text", "All disks"}}, House::root()).status, 202);
  const auto ended = house.ask("POST", "/v1/downtime/1/end", {{"outcome", "Mended"}}, House::root());
  EXPECT_EQ(ended.status, 202) << ended.body;
  EXPECT_THAT(listed(), IsEmpty());
  House::mend_disks();
  house.run_until([&] { return !house.owners().downtime.owes(1); });
  house.restart();
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_EQ(by_password().status, 201);
}

TEST_F(InDowntime, GoesOnOverARestart) {
  ASSERT_EQ(plan("12:20", "13:00").status, 201);
  to("12:12");
  house.pass_register();
  house.restart();
  EXPECT_THAT(listed(), SizeIs(1));
  EXPECT_THAT(acts(), ElementsAre("announced by root", "reminded")) << "not said again";
  house.clock.forward(minutes(30));
  house.restart();
  EXPECT_THAT(acts(), ElementsAre("announced by root", "reminded", "began"));
  EXPECT_EQ(by_password().error(), "downtime");
  house.clock.forward(hours(5));
  house.restart();
  EXPECT_THAT(acts(), ElementsAre("announced by root", "reminded", "began", "ended"));
  EXPECT_EQ(by_password().status, 201);
  ASSERT_EQ(plan("19:00", "20:00").status, 201);
  EXPECT_EQ(listed().front().at("id").as_int64(), 2) << "numbers are not used again";
}

TEST_F(InDowntime, BeginsWhileSomebodySignsIn) {
  ASSERT_EQ(plan("12:01", "13:00").status, 201);
  house.insert_card(House::ada());
  auto held = house.hold_log();
  const auto signing_in = house.begin("POST", "/v1/sessions", house.with_card(House::ada()), House::ada());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  to("12:02");
  held.release();
  EXPECT_EQ(house.finish(signing_in).error(), "downtime");
  EXPECT_EQ(sessions_of(House::ada()), 0U);
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains(HasSubstr("not done: a downtime began")));
}

TEST_F(InDowntime, TwoWhoChangeItAtTheSameTimeDoNotUndoEachOther) {
  ASSERT_EQ(plan("12:30", "13:00").status, 201);
  auto held = house.hold_register();
  const auto first = house.begin("DELETE", "/v1/downtime/1", {}, House::root());
  const auto second = house.begin("PUT", "/v1/downtime/1", {{"text", "Another text"}}, House::root());
  house.run_ready();
  held.release();
  EXPECT_EQ(house.finish(first).status, 200);
  EXPECT_NE(house.finish(second).status, 200);
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(InDowntime, AnswersEventsStatusAndMetrics) {
  const auto listening = house.ask("GET", "/v1/events", House::vera());
  ASSERT_TRUE(listening.listener);
  ASSERT_EQ(plan("12:20", "13:00").status, 201);
  const auto told = listening.listener->take();
  EXPECT_THAT(told, HasSubstr("event: downtime"));
  EXPECT_THAT(told, HasSubstr(R"("kind":"announced")"));
  EXPECT_THAT(told, HasSubstr("ESR is upgraded"));
  const auto status = house.ask("GET", "/v1/status", House::vera()).json();
  EXPECT_EQ(status.at("downtime").as_array().front().at("id").as_int64(), 1);
  to("12:21");
  const auto metrics = house.ask("GET", "/metrics", House::vera()).body;
  EXPECT_THAT(metrics, HasSubstr("cardgate_downtime_closed 1"));
  EXPECT_THAT(metrics, HasSubstr("cardgate_downtime_open 1"));
  EXPECT_THAT(metrics, HasSubstr(R"(cardgate_downtime_notices_total{act="announced"} 1)"));
}

TEST_F(InDowntime, StandsInTheFileForLoginsUntilItIsOver) {
  const auto file = house.dir / "motd";
  configure(fmt::format("{{motd: {}}}", file.string()));
  const auto text = [&] {
    const auto read = read_file(file, 4096);
    return read ? *read : std::string("no file");
  };
  EXPECT_EQ(text(), "");
  ASSERT_EQ(plan("12:20", "13:00").status, 201);
  EXPECT_EQ(text(),
            "Planned downtime (moderate) from 1 June 2026 at 12:20 UTC to 1 June 2026 at 13:00 UTC. ESR is "
            "upgraded.\n");
  to("12:21");
  EXPECT_EQ(text(), "Planned downtime (moderate) until 1 June 2026 at 13:00 UTC. ESR is upgraded.\n");
  to("13:00");
  EXPECT_EQ(text(), "");
}

/// A socket as cardgate-notice.socket is one.
class Hook {
 public:
  explicit Hook(const std::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 8), 0);
  }
  /// The next notice, when there is one and it is whole.
  std::optional<json::object> next() {
    if (!peer_) peer_ = FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    char buffer[2048];
    for (ssize_t count = 0; peer_ && (count = ::read(peer_.get(), buffer, sizeof buffer)) >= 0;) {
      if (count > 0) {
        text_.append(buffer, static_cast<std::size_t>(count));
        continue;
      }
      peer_.reset();
      return parse_json(std::exchange(text_, {}))->as_object();
    }
    return std::nullopt;
  }

 private:
  FileDescriptor socket_, peer_;
  std::string text_;
};

TEST_F(InDowntime, IsHandedToTheHookOneConnectionANotice) {
  const auto path = house.dir / "notice.sock";
  configure(fmt::format("{{hook: {}}}", path.string()));
  ASSERT_EQ(plan("12:20", "13:00").status, 201) << "nobody listens, and all goes on";
  Hook hook(path);
  std::optional<json::object> notice;
  const auto next = [&] {
    notice.reset();
    house.run_until([&] { return notice || (notice = hook.next()); });
    return *notice;
  };
  to("12:10");
  const auto reminded = next();
  EXPECT_EQ(reminded.at("act").as_string(), "reminded");
  EXPECT_EQ(reminded.at("downtime").as_int64(), 1);
  EXPECT_THAT(std::string(reminded.at("text").as_string()), HasSubstr("ESR is upgraded"));
  to("12:20");
  EXPECT_EQ(next().at("act").as_string(), "began");
}

TEST_F(InDowntime, AClockThatJumpsIsFollowed) {
  ASSERT_EQ(plan("12:20", "13:00").status, 201);
  house.clock.forward(minutes(45));
  house.service().clock_was_set();
  EXPECT_EQ(by_password().error(), "downtime");
  EXPECT_THAT(acts(), ElementsAre("announced by root", "began")) << "of what was passed over the last";
  house.clock.forward(minutes(30));
  house.service().clock_was_set();
  EXPECT_EQ(by_password().status, 201);
}

}  // namespace
}  // namespace cardgate::testing
