// SPDX-License-Identifier: Apache-2.0
#include "client/agent/seen.hpp"

#include <gtest/gtest.h>

namespace cardgate::agent {
namespace {

json::object object(std::string_view text) {
  return json::parse(text).as_object();
}

constexpr BootTime boot{std::chrono::hours(5)};
const WallTime wall = *parse_rfc3339("2026-01-31T09:00:00.000Z");

TEST(SeenRead, TakesWhatTheServiceSays) {
  const auto seen = read_seen(
      object(
          R"({"readers":[{"name":"A","card_present":true,"card":{"state":"ready","id":"u1","name":"Ada Example",
        "tries_left":3,"registered":true}},{"name":"B","card_present":true},{"name":"C","card_present":false},
        {"name":"D","card_present":true,"card":{"state":"unusable","problem":"It is no PIV card."}},
        {"name":"E","card_present":true,"card":{"state":"ready","id":"u2","tries_left":null,"registered":false}}],
        "downtime":[{"severity":"high","begins_at":"2026-01-31T10:00:00.000Z","ends_at":"2026-01-31T11:00:00.000Z",
        "text":"ESR is away."}]})"),
      object(R"({"sessions":[{"id":"s1","person":{"id":"1","name":"Ada Example"},"reader":"A","card":"u1",
        "state":"locked","card_removal":"lock","expires_at":"2026-01-31T09:30:00.000Z","warnings":["w"]}]})"),
      wall, boot);
  using State = SeenReader::State;
  ASSERT_EQ(seen.readers.size(), 5U);
  EXPECT_EQ(seen.readers[0].state, State::ready);
  EXPECT_EQ(seen.readers[0].card, "u1");
  EXPECT_EQ(seen.readers[0].tries_left, 3);
  EXPECT_EQ(seen.readers[1].state, State::hidden);
  EXPECT_EQ(seen.readers[2].state, State::empty);
  EXPECT_EQ(seen.readers[3].state, State::unusable);
  EXPECT_EQ(seen.readers[4].tries_left, -1);
  EXPECT_FALSE(seen.readers[4].registered);
  ASSERT_EQ(seen.sessions.size(), 1U);
  EXPECT_EQ(seen.sessions[0].state, SeenSession::State::locked);
  EXPECT_EQ(seen.sessions[0].card_removal, "lock");
  EXPECT_EQ(seen.sessions[0].ends, boot + std::chrono::minutes(30));
  EXPECT_EQ(seen.sessions[0].warnings, std::vector<std::string>{"w"});
  ASSERT_EQ(seen.downtime.size(), 1U);
  EXPECT_TRUE(seen.downtime[0].urgent);
  EXPECT_EQ(seen.downtime[0].begins, boot + std::chrono::hours(1));
}

TEST(SeenRead, AnEarlierNeedOfTheCardCounts) {
  const auto seen = read_seen({}, object(R"({"sessions":[{"id":"s1","expires_at":"2026-01-31T12:00:00.000Z",
    "card_needed_at":"2026-01-31T10:00:00.000Z"}]})"),
                              wall, boot);
  EXPECT_EQ(seen.sessions.at(0).ends, boot + std::chrono::hours(1));
}

TEST(SeenRead, LeavesOutWhatItDoesNotKnow) {
  const auto seen = read_seen(object(R"({"readers":[1,{"name":7}],"downtime":{}})"),
                              object(R"({"sessions":null})"), wall, boot);
  ASSERT_EQ(seen.readers.size(), 1U);
  EXPECT_EQ(seen.readers[0].name, "");
  EXPECT_TRUE(seen.sessions.empty());
}

TEST(SeenRead, BoundsItsLists) {
  json::array many;
  for (int i = 0; i < 1000; ++i) many.push_back(json::object{{"name", std::to_string(i)}});
  EXPECT_LE(read_seen({{"readers", many}}, {}, wall, boot).readers.size(), 64U);
}

TEST(SeenRead, TellsWhatEndsOnceThoughItEndsSeveralRoles) {
  const auto access = object(R"({"roles":[
    {"role":"core","lapses":[{"text":"Your training ends on 3 February 2026","next_step":"Book a course"}]},
    {"role":"manager","lapses":[{"text":"Your training ends on 3 February 2026","next_step":"Book a course"}]}]})");
  EXPECT_EQ(read_lapses(access),
            std::vector<std::string>{"Your training ends on 3 February 2026. Book a course."});
}

}  // namespace
}  // namespace cardgate::agent
