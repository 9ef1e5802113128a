// SPDX-License-Identifier: Apache-2.0
#include "audit/sentence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/event.hpp"
#include "audit/filter.hpp"
#include "audit/reason_words.hpp"
#include "audit/when.hpp"

namespace cardgate::audit {
namespace {

using testing::HasSubstr;

json::object record_of(std::string_view text) {
  return json::parse(text).get_object();
}

TEST(AuditSentence, EveryRecordedEventHasOne) {
  for (const auto& info : events()) {
    if (!info.is_recorded()) continue;
    EXPECT_TRUE(has_sentence(info.name)) << info.name;
    // Bare, and with everything: no brace, bracket or empty sentence is left.
    for (const char* more :
         {"", R"(,"person":"10017","role":"core","client":"esr","session":"s","reason":"passcode_incorrect",
                "details":{"by":"10018","act":"approved","reader":"Desk","form":"7","count":3})"}) {
      const auto text = sentence(record_of(fmt::format(R"({{"event":"{}"{}}})", info.name, more)));
      EXPECT_TRUE(text.ends_with('.') || text.ends_with(".\"")) << info.name << ": " << text;
      EXPECT_EQ(text.find_first_of("{}[]"), std::string::npos) << info.name << ": " << text;
      EXPECT_EQ(text.find("  "), std::string::npos) << info.name << ": " << text;
      EXPECT_GT(text.size(), 10U);
    }
  }
}

TEST(AuditSentence, SaysWhatHappenedInPlainWords) {
  EXPECT_EQ(sentence(record_of(R"({"event":"sign_in","person":"10017","details":{"reader":"Ward 4 desk"}})")),
            "10017 signed in with card and passcode at Ward 4 desk.");
  EXPECT_EQ(sentence(record_of(R"({"event":"sign_in","person":"10017","details":{"sign_in":"password"}})")),
            "10017 signed in by password.");
  EXPECT_EQ(sentence(record_of(R"({"event":"sign_in","person":"ab123"})")),
            "ab123 signed in with card and passcode.");
  EXPECT_EQ(sentence(record_of(R"({"event":"sign_in_refused","reason":"passcode_incorrect"})")),
            "Somebody was not signed in: the passcode was wrong.");
  EXPECT_EQ(
      sentence(record_of(R"({"event":"token_refused","person":"10017","role":"core","reason":"access_denied",
                "details":{"audience":"esr","unmet":["form","training"]}})")),
      "10017 did not get into core (esr): something that the role needs was missing (an approved access form "
      "is "
      "missing; training is missing).");
  EXPECT_EQ(sentence(record_of(R"({"event":"form","person":"10017","reason":"not done: the disk is full",
                "details":{"act":"approved","form":"7","by":"10018"}})")),
            "This was not done after all (the disk is full): 10018 approved the access of 10017 (form 7).");
  EXPECT_EQ(
      sentence(record_of(R"({"event":"looked_at","details":{"by":"root","people":["1","2"],"count":2}})")),
      "The machine's administrator looked at what is on record about 2 people.");
  EXPECT_EQ(sentence(record_of(R"({"event":"an_event_of_tomorrow","reason":"why_not"})")),
            "an_event_of_tomorrow: why not.");
}

TEST(AuditSentence, CallsPeopleAndRolesByTheirNames) {
  const Speaker speaker{.person = [](std::string_view id) { return "Anna Bell (" + std::string(id) + ")"; },
                        .role = [](std::string_view) { return std::string("Core ESR"); }};
  EXPECT_EQ(sentence(record_of(R"({"event":"token","person":"10017","role":"core","client":"esr-desktop"})"),
                     speaker),
            "Anna Bell (10017) got into Core ESR, by the program esr-desktop.");
}

TEST(AuditSentence, KnowsWhatCameOfARecord) {
  const auto came = [](std::string_view text) { return outcome_of(record_of(text)); };
  EXPECT_EQ(came(R"({"event":"token"})"), Outcome::done);
  EXPECT_EQ(came(R"({"event":"token_refused","reason":"access_denied"})"), Outcome::refused);
  EXPECT_EQ(came(R"({"event":"import","reason":"3 bad lines"})"), Outcome::refused);
  EXPECT_EQ(came(R"({"event":"import"})"), Outcome::done);
  EXPECT_EQ(came(R"({"event":"form","reason":"not done: why"})"), Outcome::not_done);
  EXPECT_EQ(came(R"({"event":"repeated","details":{"event":"sign_in_refused"}})"), Outcome::refused);
  EXPECT_EQ(came(R"({"event":"repeated","details":{"event":"token"}})"), Outcome::done);
}

TEST(AuditReasons, EveryRemedyIsASentence) {
  EXPECT_EQ(reason_words("passcode_blocked"),
            "the card is blocked, because the passcode was wrong too often");
  EXPECT_EQ(reason_words("some_new_code"), "some new code");
  EXPECT_EQ(reason_words("She left on Monday"), "She left on Monday");
  EXPECT_THAT(std::string(reason_remedy("certificate_weak_key")), HasSubstr("smartcard help desk"));
  EXPECT_TRUE(reason_remedy("She left on Monday").empty());
}

// Times as people say them.

struct AuditWhen : testing::Test {
  Calendar london = Calendar::of("Europe/London").value();
  WallTime now = parse_rfc3339("2026-07-15T10:30:00Z").value();  // 11:30 in London
  std::string at(std::string_view text, Edge edge = Edge::begin) const {
    const auto moment = when(text, now, london, edge);
    return moment ? to_rfc3339(*moment).substr(0, 19) : "none";
  }
};

TEST_F(AuditWhen, UnderstandsWhatPeopleSay) {
  EXPECT_EQ(at("yesterday"), "2026-07-13T23:00:00");
  EXPECT_EQ(at("yesterday", Edge::end), "2026-07-14T23:00:00");
  EXPECT_EQ(at("today"), "2026-07-14T23:00:00");
  EXPECT_EQ(at("2 hours ago"), "2026-07-15T08:30:00");
  EXPECT_EQ(at("an hour ago"), "2026-07-15T09:30:00");
  EXPECT_EQ(at("1 week ago"), "2026-07-08T10:30:00");
  EXPECT_EQ(at("2026-01-31"), "2026-01-31T00:00:00");
  EXPECT_EQ(at("2026-01-31", Edge::end), "2026-02-01T00:00:00");
  EXPECT_EQ(at("2026-07-01 09:30"), "2026-07-01T08:30:00");
  EXPECT_EQ(at("09:30"), "2026-07-15T08:30:00");
  EXPECT_EQ(at("2026-07-01T09:30:00Z"), "2026-07-01T09:30:00");
  // The day on which the clocks go forward has 23 hours.
  EXPECT_EQ(at("2026-03-29"), "2026-03-29T00:00:00");
  EXPECT_EQ(at("2026-03-29", Edge::end), "2026-03-29T23:00:00");
  for (const char* wrong : {"", "soon", "hours ago", "-1 hours ago", "2026-02-30", "25:00", "1 fortnight ago",
                            "99999999999 days ago", "2026-01-31 9:30"})
    EXPECT_EQ(at(wrong), "none") << wrong;
}

}  // namespace
}  // namespace cardgate::audit
