// SPDX-License-Identifier: Apache-2.0
#include "proto/problem.hpp"

#include <gtest/gtest.h>

namespace cardgate::proto {
namespace {

TEST(ProblemBody, HasTheMembersOfRfc9457AndItsOwn) {
  const Problem problem{
      401, "passcode_incorrect", "The passcode is not right", "2 tries are left", {{"tries_left", 2}}};
  EXPECT_EQ(
      to_body(problem),
      R"({"type":"urn:cardgate:problem:passcode_incorrect","title":"The passcode is not right","status":401,)"
      R"("detail":"2 tries are left","error":"passcode_incorrect","tries_left":2})");
}

TEST(ProblemBody, KeepsItsOwnMembersFromExtraOnes) {
  const auto body =
      parse_json(to_body({403, "access_denied", "t", "d", {{"status", 200}, {"error", "none"}}}));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("status"), 403);
  EXPECT_EQ(body->as_object().at("error"), "access_denied");
}

TEST(ProblemBody, ComesBackAsItWasWritten) {
  const Problem problem{423, "session_locked", "Locked", "Unlock with the passcode", {{"session", "abc"}}};
  const auto read = parse_problem(to_body(problem));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->status, problem.status);
  EXPECT_EQ(read->error, problem.error);
  EXPECT_EQ(read->title, problem.title);
  EXPECT_EQ(read->detail, problem.detail);
  EXPECT_EQ(read->extra, problem.extra);
}

TEST(ProblemBody, RefusesOtherDocuments) {
  for (const std::string_view text : {"", "[]", "{}", R"({"error":"x"})", R"({"error":"","status":400})",
                                      R"({"error":"x","status":"400"})", R"({"error":"x","status":4000})"}) {
    EXPECT_FALSE(parse_problem(text)) << text;
  }
}

}  // namespace
}  // namespace cardgate::proto
