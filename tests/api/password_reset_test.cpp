// SPDX-License-Identifier: Apache-2.0
// A temporary password, handed out by the help desk.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PasswordReset : public ::testing::Test {
 protected:
  std::shared_ptr<House::Call> begin(const daemon::Peer& by, const char* person = "4000") {
    return house.begin("POST", "/v1/password/reset", {{"person", person}, {"reason", "Forgotten"}}, by);
  }
  Reply reset(const daemon::Peer& by, const char* person = "4000") { return house.finish(begin(by, person)); }
  Reply sign_in(const std::string& password) {
    return house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", password}}, House::eve());
  }
  House house;
};

TEST_F(PasswordReset, EndsSessionsAndMustBeChangedBeforeItOpensAnything) {
  house.sign_in(House::tia());
  ASSERT_EQ(sign_in(House::password).status, 201);
  const auto reply = reset(House::tia());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.text("username"), "eve");
  EXPECT_THAT(house.owners().table.of_uid(4000), IsEmpty());
  EXPECT_EQ(sign_in(House::password).error(), "password_incorrect");
  const auto temporary = reply.text("temporary_password");
  EXPECT_EQ(sign_in(temporary).error(), "password_change_required");
  const auto changed = house.ask(
      "POST", "/v1/password",
      {{"username", "eve"}, {"password", temporary}, {"new_password", "quite another one 77"}}, House::eve());
  EXPECT_EQ(changed.status, 204) << changed.body;
  EXPECT_EQ(sign_in("quite another one 77").status, 201);
  const auto records = house.records("password_reset");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records.front().at("person").as_string(), "4000");
  EXPECT_EQ(records.front().at("details").at("by").as_string(), "3000");
}

TEST_F(PasswordReset, OnlyTheHelpDeskHandsOneOut) {
  house.sign_in(House::max());
  const auto reply = reset(House::max());
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "role_needed");
  EXPECT_EQ(sign_in(House::password).status, 201);
}

TEST_F(PasswordReset, NobodyHandsOneToThemselves) {
  house.sign_in(House::tia());
  const auto reply = reset(House::tia(), "3000");
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "not_yours_to_do");
  EXPECT_THAT(house.reasons("client_refused"), Contains("own"));
}

TEST_F(PasswordReset, WhoeverHasNoPasswordGetsNone) {
  house.sign_in(House::tia());
  const auto reply = reset(House::tia(), "8000");
  EXPECT_EQ(reply.status, 409) << reply.body;
  EXPECT_EQ(reply.error(), "no_password");
}

TEST_F(PasswordReset, TheHelpersSessionEndsWhileItIsRecorded) {
  house.sign_in(House::tia());
  auto held = house.hold_log();
  const auto call = begin(House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_TRUE(reply.text("temporary_password").empty());
  EXPECT_EQ(sign_in(House::password).status, 201) << "the old password goes on";
  EXPECT_THAT(house.reasons("password_reset"),
              Contains("not done: the session, or the right to do it, ended meanwhile"));
}

}  // namespace
}  // namespace cardgate::testing
