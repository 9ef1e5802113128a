// SPDX-License-Identifier: Apache-2.0
// Looking at sessions, ending them, and hearing of them: each user of the machine their own.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class OpenSession : public ::testing::Test {
 protected:
  std::size_t listed(const daemon::Peer& who) {
    return house.ask("GET", "/v1/sessions", who).json().at("sessions").as_array().size();
  }
  House house;
  const std::string session = house.sign_in(House::ada());
  const std::string path = "/v1/sessions/" + session;
};

TEST_F(OpenSession, IsShownToItsOwnUserAndToRoot) {
  EXPECT_EQ(listed(House::ada()), 1U);
  EXPECT_EQ(listed(House::root()), 1U);
  const auto shown = house.ask("GET", path, House::ada());
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.text("state"), "active");
  EXPECT_EQ(shown.text("reader"), House::reader_of(House::ada()));
}

TEST_F(OpenSession, AnotherUserNeitherSeesNorEndsIt) {
  EXPECT_EQ(listed(House::max()), 0U);
  EXPECT_EQ(house.ask("GET", path, House::max()).status, 404);
  EXPECT_EQ(house.ask("DELETE", path, House::max()).status, 404);
  EXPECT_EQ(listed(House::ada()), 1U);
}

TEST_F(OpenSession, EndsWhenThePersonSignsOut) {
  EXPECT_EQ(house.ask("DELETE", path, House::ada()).status, 204);
  EXPECT_EQ(house.ask("GET", path, House::ada()).status, 404);
  EXPECT_THAT(house.reasons("session_ended"), Contains("signed_out"));
}

TEST_F(OpenSession, EndsAtOnceAndTheAnswerWaitsForTheRecord) {
  auto held = house.hold_log();
  const auto out = house.begin("DELETE", path, {}, House::ada());
  house.run_ready();
  EXPECT_EQ(listed(House::ada()), 0U);
  EXPECT_FALSE(out->answered());
  held.release();
  EXPECT_EQ(house.finish(out).status, 204);
}

TEST_F(OpenSession, OnlyItsOwnUserHearsThatItEnds) {
  const auto mine = house.ask("GET", "/v1/events", House::ada());
  const auto others = house.ask("GET", "/v1/events", House::max());
  ASSERT_TRUE(mine.listener && others.listener);
  house.remove_card(House::reader_of(House::ada()));
  EXPECT_THAT(mine.listener->take(), HasSubstr(session));
  const auto heard = others.listener->take();
  EXPECT_THAT(heard, HasSubstr("removed")) << "what happens at the readers is for all";
  EXPECT_THAT(heard, Not(HasSubstr(session)));
}

TEST_F(OpenSession, AUsersProgramsShareTheirListeners) {
  std::vector<Reply> listening;
  for (int count = 0; count < house.owners().admission.limits().listeners_per_uid; ++count) {
    listening.push_back(house.ask("GET", "/v1/events", House::ada()));
    ASSERT_TRUE(listening.back().listener);
  }
  EXPECT_EQ(house.ask("GET", "/v1/events", House::ada()).error(), "too_many_listeners");
  EXPECT_TRUE(house.ask("GET", "/v1/events", House::max()).listener);
  listening.pop_back();
  EXPECT_TRUE(house.ask("GET", "/v1/events", House::ada()).listener);
}

}  // namespace
}  // namespace cardgate::testing
