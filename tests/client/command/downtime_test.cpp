// SPDX-License-Identifier: Apache-2.0
// cardgate downtime: what is asked for, and what people read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_service.hpp"

namespace cardgate::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* all_done =
    R"({"downtime":{"id":3},"message":"Downtime 3: Planned downtime (high) from ... "})";

struct DowntimeCommand : ::testing::Test {
  FakeService service;
  /// Root does these on the admin socket; here it is the same one.
  testing::Finished run(std::vector<std::string> arguments) {
    std::vector<std::string> all{"--admin-socket", service.socket().string(), "downtime"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return cardgate(service.socket(), all);
  }
  std::string last_request() const { return service.requests().empty() ? "" : service.requests().back(); }
};

TEST_F(DowntimeCommand, ListsInWords) {
  service.answer(
      "GET /v1/downtime",
      {ok(R"({"downtime":[{"id":3,"words":"Planned downtime (high) from A to B. Text.","closes":true},)"
          R"({"id":4,"words":"Emergency downtime (critical) since C.","closes":false}],"closed":true,)"
          R"("reopens_at":"2026-03-02T09:00:00Z"})")});
  const auto listed = run({"list"});
  EXPECT_EQ(listed.status, 0) << listed.all;
  EXPECT_THAT(listed.output, HasSubstr("3: Planned downtime (high) from A to B. Text.\n"));
  EXPECT_THAT(listed.output,
              HasSubstr("4: Emergency downtime (critical) since C. You can sign in all the same."));
  EXPECT_THAT(listed.output, HasSubstr("Nobody can sign in until "));
}

TEST_F(DowntimeCommand, SaysThatThereIsNone) {
  service.answer("GET /v1/downtime", {ok(R"({"downtime":[],"closed":false,"reopens_at":null})")});
  EXPECT_EQ(run({"list"}).output, "No downtime is announced.\n");
}

TEST_F(DowntimeCommand, PlansInTheTimeOfThisMachineOrWithItsZone) {
  service.answer("POST /v1/downtime", {ok(all_done, 201)});
  ASSERT_EQ(run({"plan", "--from", "2026-12-05T22:00:00+01:00", "--until", "2026-12-06T02:00:00Z",
                 "--severity", "high", "--text", "Upgrade"})
                .status,
            0);
  EXPECT_THAT(last_request(), HasSubstr(R"("begins_at":"2026-12-05T21:00:00.000Z")"));
  EXPECT_THAT(last_request(), HasSubstr(R"("ends_at":"2026-12-06T02:00:00.000Z")"));
  EXPECT_THAT(last_request(), HasSubstr(R"("severity":"high")"));
  const auto here =
      run({"plan", "--from", "2026-12-05 22:00", "--until", "2026-12-06 02:00", "--text", "Upgrade"});
  ASSERT_EQ(here.status, 0) << here.all;
  EXPECT_THAT(here.output, HasSubstr("Downtime 3: Planned downtime"));
  EXPECT_THAT(last_request(), HasSubstr(R"("begins_at":"2026-12-05T)"));
}

TEST_F(DowntimeCommand, DoesNotAskForWhatItDoesNotUnderstand) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"plan", "--from", "soon", "--until", "2026-12-06 02:00", "--text", "x"},
           {"plan", "--from", "2026-12-05 25:00", "--until", "2026-12-06 02:00", "--text", "x"},
           {"plan", "--from", "2026-02-30 10:00", "--until", "2026-12-06 02:00", "--text", "x"},
           {"plan", "--from", "2026-12-05 22:00", "--text", "x"},
           {"declare"},
           {"end", "3"},
           {"change"}}) {
    EXPECT_EQ(run(wrong).status, 2) << ::testing::PrintToString(wrong);
  }
  EXPECT_TRUE(service.requests().empty());
}

TEST_F(DowntimeCommand, ChangesWithdrawsDeclaresAndEnds) {
  service.answer("PUT /v1/downtime/3", {ok(all_done)});
  service.answer("DELETE /v1/downtime/3", {ok(all_done)});
  service.answer("POST /v1/emergencies", {ok(all_done, 201)});
  service.answer("POST /v1/downtime/3/end", {ok(all_done)});
  EXPECT_EQ(run({"change", "3", "--until", "2026-12-06T03:00:00Z"}).status, 0);
  EXPECT_THAT(last_request(), HasSubstr(R"({"ends_at":"2026-12-06T03:00:00.000Z"})"));
  EXPECT_EQ(run({"withdraw", "3"}).status, 0);
  EXPECT_EQ(run({"declare", "--text", "No network", "--close"}).status, 0);
  EXPECT_THAT(last_request(), HasSubstr(R"("closes":true)"));
  EXPECT_EQ(run({"end", "3", "--outcome", "It works again"}).status, 0);
  EXPECT_THAT(last_request(), HasSubstr(R"("outcome":"It works again")"));
}

TEST_F(DowntimeCommand, StatusSaysWhatLasts) {
  service.answer("GET /v1/status",
                 {ok(R"({"readers":[],"downtime":[{"id":4,"kind":"emergency","severity":"critical",)"
                     R"("begins_at":"2026-03-02T09:00:00Z","ends_at":null,"text":"No network"}]})")});
  EXPECT_THAT(cardgate(service.socket(), {"status"}).output,
              HasSubstr("Emergency downtime (critical), since "));
}

struct FaultCommand : ::testing::Test {
  FakeService service;
  testing::Finished run(std::vector<std::string> arguments) {
    std::vector<std::string> all{"--admin-socket", service.socket().string(), "fault"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return cardgate(service.socket(), all);
  }
  std::string last_request() const { return service.requests().empty() ? "" : service.requests().back(); }
};

TEST_F(FaultCommand, ReportsAndDecides) {
  const auto answer = ok(R"({"id":7,"message":"Your report has number 7."})");
  for (const char* call : {"POST /v1/faults", "POST /v1/faults/7/class", "POST /v1/faults/8/join",
                           "POST /v1/faults/7/pass-on", "POST /v1/faults/7/close"})
    service.answer(call, {answer});
  EXPECT_EQ(run({"report", "--text", "No light"}).output, "Your report has number 7.\n");
  EXPECT_EQ(run({"report", "No light on ward 4"}).output, "Your report has number 7.\n");
  EXPECT_THAT(last_request(), HasSubstr(R"("text":"No light on ward 4")"));
  EXPECT_EQ(run({"class", "7", "--severity", "high", "--text", "No printing"}).status, 0);
  EXPECT_THAT(last_request(), HasSubstr(R"("severity":"high","text":"No printing")"));
  EXPECT_EQ(run({"join", "8", "--to", "7"}).status, 0);
  EXPECT_EQ(run({"pass-on", "7", "--ticket", "INC1", "--expected", "2026-12-05T15:00:00Z"}).status, 0);
  EXPECT_THAT(last_request(), HasSubstr(R"("expected_at":"2026-12-05T15:00:00.000Z")"));
  EXPECT_EQ(run({"close", "7", "--outcome", "A new drum"}).status, 0);
  EXPECT_EQ(run({"report"}).status, 2);
}

TEST_F(FaultCommand, ListsWhatIsToldAndWhatWasReported) {
  service.answer(
      "GET /v1/faults",
      {ok(R"({"faults":[{"id":7,"severity":"high","words":"Fault (high): No printing.","text":"No printing"},)"
          R"({"id":8,"severity":null,"words":"Fault: The reader is dark.","text":"The reader is dark",)"
          R"("reporter":"uid 1000","reported_at":"2026-03-02T09:00:00Z","ticket":"INC1"}]})")});
  const auto listed = run({"list"});
  EXPECT_THAT(listed.output, HasSubstr("7: Fault (high): No printing.\n"));
  EXPECT_THAT(listed.output, HasSubstr("Nobody has said yet how bad it is"));
  EXPECT_THAT(listed.output, HasSubstr("passed on as INC1"));
}

TEST_F(FaultCommand, ARefusalSaysWhatToDoMeanwhile) {
  service.answer(
      "POST /v1/faults",
      {problem(503, "downtime", "Closed because of downtime until noon.",
               {{"continuity", json::object{{"text", "Use the paper forms."},
                                            {"place", "Front desk"},
                                            {"telephone", "01632 960123"},
                                            {"owner", json::object{{"id", "7"}, {"name", "Mia Invented"}}},
                                            {"reviewed_on", "2026-05-01"}}}})});
  const auto refused = run({"report", "--text", "x"});
  EXPECT_THAT(refused.all,
              HasSubstr("Meanwhile: Use the paper forms.\n  where: Front desk\n  telephone: 01632"));
  EXPECT_THAT(refused.all, HasSubstr("answers for this plan: Mia Invented (reviewed on 2026-05-01)"));
}

}  // namespace
}  // namespace cardgate::client
