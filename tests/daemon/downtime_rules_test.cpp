// SPDX-License-Identifier: Apache-2.0
// Downtime as values: what is due, what is closed, what may be planned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/work/downtime.hpp"

namespace cardgate::daemon::work {
namespace {

using reg::Downtime;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

WallTime moment(std::string_view text) {
  return parse_rfc3339(text).value();
}

const WallTime midday = moment("2026-06-01T12:00:00Z");
const DowntimeRules lead_times{{days(7), hours(24), hours(1), minutes(10)}, minutes(5)};

Downtime planned(WallTime from, WallTime until, WallTime made = midday) {
  DowntimeAsk wanted{from, until, "moderate", "ESR is upgraded. Use the paper forms"};
  auto out = plan(wanted, made).value();
  out.id = 1;
  return out;
}

DowntimeAsk asking(std::optional<WallTime> from, std::optional<WallTime> until) {
  return {from, until, "high", "The network is renewed"};
}

std::string why_not(const Result<Downtime>& outcome) {
  return outcome ? "it was not refused" : outcome.error().context;
}

/// What is said of it from `now` on, each with its time, when somebody looks every minute.
std::vector<std::string> said_over(Downtime downtime, WallTime now) {
  std::vector<std::string> out;
  for (const WallTime end = *downtime.until + minutes(5); now <= end; now += minutes(1)) {
    const auto what = due(downtime, lead_times, now);
    if (!what) continue;
    out.push_back(std::string(name(*what)) + " " + to_rfc3339(now).substr(5, 11));
    downtime.told_at = now;
  }
  return out;
}

TEST(DowntimeRules, IsSaidAgainAtTheTimesBefore) {
  EXPECT_THAT(said_over(planned(midday + days(10), midday + days(10) + hours(2)), midday),
              ElementsAre("reminded 06-04T12:00", "reminded 06-10T12:00", "reminded 06-11T11:00",
                          "reminded 06-11T11:50", "began 06-11T12:00", "ended 06-11T14:00"));
}

TEST(DowntimeRules, WhatWasBeforeItWasPlannedIsNotSaid) {
  EXPECT_THAT(said_over(planned(midday + minutes(30), midday + hours(2)), midday),
              ElementsAre("reminded 06-01T12:20", "began 06-01T12:30", "ended 06-01T14:00"));
}

TEST(DowntimeRules, OfSeveralThatAreDueTheLastIsSaid) {
  const auto downtime = planned(midday + days(10), midday + days(10) + hours(2));
  EXPECT_EQ(due(downtime, lead_times, midday + days(9) + hours(23) + minutes(30)), Said::reminded);
  EXPECT_EQ(due(downtime, lead_times, midday + days(10) + minutes(1)), Said::began);
  EXPECT_EQ(due(downtime, lead_times, midday + days(11)), Said::ended);
}

TEST(DowntimeRules, ANoticeIsDueOnceAlsoWhenTheClockGoesBack) {
  auto downtime = planned(midday + minutes(30), midday + hours(2));
  downtime.told_at = midday + minutes(40);
  EXPECT_EQ(due(downtime, lead_times, midday + minutes(35)), std::nullopt);
  EXPECT_EQ(due(downtime, lead_times, midday + minutes(45)), std::nullopt);
}

TEST(DowntimeRules, ClosesSignInsThenSessionsThenOpens) {
  const std::vector open{planned(midday + hours(1), midday + hours(2))};
  const auto before = closing_at(open, lead_times, midday + minutes(59));
  EXPECT_FALSE(before.sign_ins);
  EXPECT_EQ(before.sessions_end, midday + minutes(65));
  const auto draining = closing_at(open, lead_times, midday + minutes(60));
  EXPECT_TRUE(draining.sign_ins);
  EXPECT_FALSE(draining.sessions);
  EXPECT_EQ(draining.reopens, midday + hours(2));
  const auto drained = closing_at(open, lead_times, midday + minutes(65));
  EXPECT_TRUE(drained.sessions);
  EXPECT_EQ(drained.sessions_end, std::nullopt);
  EXPECT_FALSE(closing_at(open, lead_times, midday + hours(2)).sign_ins) << "the end itself is open";
}

TEST(DowntimeRules, SessionsOutliveOneThatIsShorterThanItsDrain) {
  const std::vector open{planned(midday + minutes(1), midday + minutes(4))};
  EXPECT_TRUE(closing_at(open, lead_times, midday + minutes(2)).sign_ins);
  EXPECT_FALSE(closing_at(open, lead_times, midday + minutes(3)).sessions);
  EXPECT_EQ(closing_at(open, lead_times, midday).sessions_end, std::nullopt);
}

TEST(DowntimeRules, SeveralThatOverlapOrTouchAreOneClosing) {
  auto second = planned(midday + minutes(90), midday + hours(3));
  second.id = 2;
  auto third = planned(midday + hours(3), midday + hours(4));
  third.id = 3;
  const std::vector open{planned(midday + hours(1), midday + hours(2)), second, third};
  const auto closing = closing_at(open, lead_times, midday + minutes(70));
  EXPECT_EQ(closing.reopens, midday + hours(4));
  EXPECT_EQ(closing.because->id, 3);
  EXPECT_FALSE(closing_at(open, lead_times, midday + hours(4)).sign_ins);
}

TEST(DowntimeRules, AnEmergencyLastsUntilSomebodyEndsIt) {
  auto emergency = declare(asking(std::nullopt, midday + hours(1)), true, midday).value();
  const std::vector open{emergency};
  EXPECT_TRUE(closing_at(open, lead_times, midday + hours(5)).sign_ins);
  EXPECT_EQ(closing_at(open, lead_times, midday + hours(5)).reopens, std::nullopt)
      << "what was expected is over";
  EXPECT_EQ(due(emergency, lead_times, midday + hours(1)), Said::overdue);
  emergency.told_at = midday + hours(1);
  EXPECT_EQ(due(emergency, lead_times, midday + hours(9)), std::nullopt) << "said once";
  EXPECT_FALSE(
      closing_at(std::vector{declare(asking({}, {}), false, midday).value()}, lead_times, midday).sign_ins);
  EXPECT_THAT(words(declare(asking({}, {}), false, midday).value(), Said::declared, lead_times),
              HasSubstr("Nobody knows yet when it will be over"));
}

TEST(DowntimeRules, AnEmergencyIsPassedOnAndLastsAsLongAsIsAgreed) {
  DowntimeRules rules = lead_times;
  rules.impacts = {{{"nobody can work", minutes(15), hours(4)},
                    {"a department cannot work", hours(1), hours(8)},
                    {"people work more slowly", hours(4), hours(48)},
                    {"somebody is held up", hours(24), hours(120)}}};
  auto emergency = declare(asking({}, {}), false, midday).value();
  emergency.id = 4;
  EXPECT_THAT(words_now(emergency, rules, midday), HasSubstr("(high: a department cannot work) since"));
  EXPECT_EQ(next_change(std::vector{emergency}, rules, midday), midday + hours(8));
  EXPECT_EQ(due(emergency, rules, midday + hours(8)), Said::repair_late);
  EXPECT_THAT(words(emergency, Said::repair_late, rules), HasSubstr("cardgate downtime change 4 --ticket"));
  DowntimeAsk upwards;
  upwards.ticket = "INC0012345";
  const auto passed_on = change(emergency, upwards, midday + minutes(5)).value();
  EXPECT_THAT(words(passed_on.downtime, passed_on.said, rules), HasSubstr("It was passed on as INC0012345."));
  EXPECT_THAT(words(passed_on.downtime, Said::repair_late, rules), HasSubstr("passed on as INC0012345"));
  const auto odd = change(planned(midday + hours(1), midday + hours(2)), upwards, midday);
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().context, HasSubstr("not passed on"));
}

TEST(DowntimeRules, AnEmergencyThatIsExpectedToEndBeforeAPlannedOneOpensWithThat) {
  auto emergency = declare(asking({}, midday + hours(2)), true, midday).value();
  emergency.id = 2;
  const std::vector both{planned(midday + hours(1), midday + hours(4)), emergency};
  const auto closing = closing_at(both, lead_times, midday + minutes(90));
  EXPECT_EQ(closing.reopens, midday + hours(4));
  EXPECT_FALSE(closing.expected);
  EXPECT_EQ(closing.since, midday);
  const std::vector one{emergency};
  const auto alone = closing_at(one, lead_times, midday + minutes(90));
  EXPECT_TRUE(alone.expected);
  EXPECT_THAT(closed_words(alone, lead_times),
              HasSubstr("It is expected to be over on 1 June 2026 at 14:00"));
  const auto overdue = closing_at(both, lead_times, midday + hours(3));
  EXPECT_EQ(overdue.reopens, std::nullopt) << "nobody knows";
  EXPECT_THAT(closed_words(overdue, lead_times), HasSubstr("Nobody knows yet"));
}

TEST(DowntimeRules, WhatBeginsAtOnceIsSaidToHaveBegun) {
  EXPECT_EQ(due(planned(midday, midday + hours(1)), lead_times, midday), Said::began);
}

TEST(DowntimeRules, PlansAreRefusedInWords) {
  EXPECT_THAT(why_not(plan(asking(midday - seconds(1), midday + hours(1)), midday)),
              HasSubstr("in the past"));
  EXPECT_THAT(why_not(plan(asking(midday + hours(1), {}), midday)), HasSubstr("needs an end"));
  EXPECT_THAT(why_not(plan(asking(midday + hours(1), midday + hours(1)), midday)),
              HasSubstr("later than the beginning"));
  EXPECT_THAT(why_not(plan(asking(midday + days(367), midday + days(368)), midday)), HasSubstr("one year"));
  EXPECT_THAT(why_not(plan(asking(midday + hours(1), midday + days(40)), midday)), HasSubstr("31 days"));
  DowntimeAsk awful = asking(midday + hours(1), midday + hours(2));
  awful.severity = "awful";
  EXPECT_THAT(why_not(plan(awful, midday)), HasSubstr("critical, high, moderate or standard"));
  EXPECT_THAT(why_not(declare(asking({}, midday - hours(1)), true, midday)),
              HasSubstr("later than the beginning"));
}

TEST(DowntimeRules, WhatHasBegunKeepsItsBeginning) {
  const auto downtime = planned(midday + hours(1), midday + hours(2));
  const WallTime later = midday + minutes(70);
  EXPECT_FALSE(change(downtime, asking(midday + hours(3), midday + hours(4)), later));
  DowntimeAsk longer;
  longer.until = midday + hours(3);
  const auto extended = change(downtime, longer, later);
  ASSERT_TRUE(extended);
  EXPECT_EQ(extended->said, Said::extended);
  EXPECT_THAT(words(extended->downtime, Said::extended, lead_times), HasSubstr("takes longer"));
  EXPECT_EQ(change(downtime, longer, midday)->said, Said::changed) << "before it begins";
  DowntimeAsk over;
  over.until = midday + minutes(65);
  EXPECT_FALSE(change(downtime, over, later)) << "it is ended by `end`, with its outcome";
  EXPECT_FALSE(change(downtime, {}, midday)) << "nothing was asked";
  EXPECT_FALSE(withdraw(downtime, later));
  EXPECT_TRUE(withdraw(downtime, midday));
  EXPECT_FALSE(end(downtime, "done", midday));
  const auto emergency = declare(asking({}, {}), true, midday).value();
  EXPECT_TRUE(end(emergency, "done", midday - hours(1))) << "the clock that it began by was wrong";
  EXPECT_TRUE(closing_at(std::vector{emergency}, lead_times, midday - hours(1)).sign_ins);
  EXPECT_FALSE(withdraw(emergency, midday - hours(1)));
  EXPECT_EQ(end(downtime, "done", later)->ended_at, later);
}

TEST(DowntimeRules, AChangedOneIsAnnouncedAnew) {
  DowntimeAsk later;
  later.from = midday + days(3);
  later.until = midday + days(3) + hours(1);
  const auto changed = change(planned(midday + hours(2), midday + hours(3)), later, midday + minutes(90));
  ASSERT_TRUE(changed);
  EXPECT_THAT(said_over(changed->downtime, midday + minutes(90)),
              ElementsAre("reminded 06-03T12:00", "reminded 06-04T11:00", "reminded 06-04T11:50",
                          "began 06-04T12:00", "ended 06-04T13:00"));
}

TEST(DowntimeRules, TheNextLookIsAtTheNextChange) {
  const std::vector open{planned(midday + hours(2), midday + hours(3))};
  EXPECT_EQ(next_change(open, lead_times, midday), midday + hours(1));
  EXPECT_EQ(next_change(open, lead_times, midday + hours(1)), midday + minutes(110));
  EXPECT_EQ(next_change(open, lead_times, midday + hours(2)), midday + minutes(125)) << "drained";
  EXPECT_EQ(next_change(open, lead_times, midday + minutes(125)), midday + hours(3));
  EXPECT_EQ(next_change(open, lead_times, midday + hours(3)), std::nullopt);
}

TEST(DowntimeRules, WordsSayWhenAndWhatToDo) {
  const auto downtime = planned(midday + hours(1), midday + hours(2));
  EXPECT_EQ(words(downtime, Said::announced, lead_times),
            "Planned downtime (moderate) from 1 June 2026 at 13:00 UTC to 1 June 2026 at 14:00 UTC. ESR is "
            "upgraded. Use "
            "the paper forms.");
  EXPECT_THAT(words(downtime, Said::began, lead_times), HasSubstr("signed out on 1 June 2026 at 13:05 UTC"));
  EXPECT_THAT(closed_words(closing_at(std::vector{downtime}, lead_times, midday + minutes(61)), lead_times),
              HasSubstr("Closed because of downtime until 1 June 2026 at 14:00 UTC"));
  auto ended = ended_by_itself(downtime);
  ended.outcome = "The upgrade is done";
  EXPECT_EQ(words(ended, Said::ended, lead_times), "The downtime is over. The upgrade is done.");
}

}  // namespace
}  // namespace cardgate::daemon::work
