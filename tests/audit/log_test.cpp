// SPDX-License-Identifier: Apache-2.0
#include "audit/log.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AuditLog : public AuditTest {};

TEST_F(AuditLog, KeepsWhatItWasGivenInOrder) {
  write_log(3);
  EXPECT_THAT(event_names(),
              ElementsAre("segment", "checkpoint", "sign_in", "sign_in", "sign_in", "checkpoint"));
  EXPECT_THAT(people(), ElementsAre("P1", "P2", "P3"));
  const Report report = verify_log();
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.first, 1U);
  EXPECT_EQ(report.last, 6U);
  EXPECT_EQ(report.records, 6U);
  EXPECT_EQ(report.checkpoints, 2U);
  EXPECT_EQ(report.unsigned_tail, 0U);
  EXPECT_FALSE(report.torn_tail);
}

TEST_F(AuditLog, WritesTogetherWhatIsToWaitForEachOther) {
  const auto log = open();
  const auto before = log->health().syncs;
  std::promise<void> all;
  std::atomic<int> done = 0;
  for (int i = 0; i < 20; ++i) {
    log->append(
        sign_in("P"),
        [&](const Result<void>& result) {
          EXPECT_TRUE(result);
          if (++done == 20) all.set_value();
        },
        Keep::no, Begin::when_told);
  }
  EXPECT_EQ(log->health().waiting, 20U) << "nobody has said that there are no more";
  EXPECT_EQ(done, 0);
  log->begin();
  all.get_future().wait();
  EXPECT_EQ(log->health().syncs, before + 1);
  std::atomic<bool> first = false;
  log->append(sign_in("Q"), [&](const Result<void>&) { first = true; }, Keep::no, Begin::when_told);
  ASSERT_TRUE(log->append_and_wait(sign_in("R"))) << "one that does not wait takes it along";
  EXPECT_TRUE(first);
}

TEST_F(AuditLog, ForgetsNoneThatWaitsWhenItEnds) {
  bool done = false;
  {
    const auto log = open();
    log->append(
        sign_in("P9"), [&](const Result<void>& result) { done = bool(result); }, Keep::no, Begin::when_told);
  }
  EXPECT_TRUE(done);
  EXPECT_THAT(people(), ElementsAre("P9"));
}

TEST_F(AuditLog, ContinuesTheChainWhenOpenedAgain) {
  write_log(2);
  write_log(2);
  write_log(0);
  EXPECT_THAT(people(), ElementsAre("P1", "P2", "P1", "P2"));
  EXPECT_EQ(segments().size(), 1U);
  const Report report = verify_log();
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.last, report.records);
}

TEST_F(AuditLog, VerifiesWhileItIsOpenAndGivesBackItsSpaceWhenClosed) {
  {
    const auto log = open();
    append(*log, 5);
    const Report report = verify_log();
    EXPECT_TRUE(report.ok);
    EXPECT_FALSE(report.torn_tail);
    EXPECT_EQ(report.unsigned_tail, 5U);
    EXPECT_EQ(std::filesystem::file_size(path(newest())), options.segment_bytes);
  }
  EXPECT_LT(std::filesystem::file_size(path(newest())), 4096U);
}

TEST_F(AuditLog, ChainCrossesSegments) {
  write_log(300);
  EXPECT_GT(segments().size(), 2U);
  const Report report = verify_log();
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_EQ(report.segments, segments().size());
  EXPECT_EQ(people().size(), 300U);
  for (const auto& name : segments())
    EXPECT_LE(std::filesystem::file_size(path(name)), options.segment_bytes);
  write_log(300);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditLog, AFullBatchCrossesSegmentsToo) {
  std::atomic<int> done = 0;
  {
    const auto log = open();
    for (int i = 0; i < 1000; ++i) {
      log->append(sign_in("P"), [&](const Result<void>& r) { done += r ? 1 : 1000000; });
    }
  }
  EXPECT_EQ(done, 1000);
  EXPECT_EQ(people().size(), 1000U);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditLog, TheLongestRecordFitsIntoTheSmallestSegment) {
  const std::string text(600, '"');
  const Record longest{"access_removed", text, text, text, text, text, text, {{"a", std::string(500, '\\')}}};
  {
    const auto log = open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append_and_wait(longest));
  }
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditLog, DeletesOldSegmentsAndSaysSo) {
  options.keep_segments = 2;
  write_log(600);
  EXPECT_EQ(segments().size(), 2U);
  EXPECT_THAT(event_names(), testing::Contains("retention"));
  const Report report = verify_log();
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_GT(report.first, 1U);

  auto files = read_files(options.directory);
  files.erase(segments().front());
  write_files(options.directory, files);
  EXPECT_FALSE(verify_log().ok);
}

TEST_F(AuditLog, KeepsOnlyTheOpenSegmentWhenAskedTo) {
  options.keep_segments = 1;
  write_log(400);
  EXPECT_EQ(segments().size(), 1U);
  EXPECT_TRUE(verify_log().ok);
  write_log(1);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditLog, DoesNotDeleteASegmentThatIsNotSigned) {
  write_log(200);
  const auto first = segments().front();
  auto files = read_files(options.directory);
  files[first].pop_back();
  write_files(options.directory, files);
  options.keep_segments = 2;
  const auto log = open();
  append(*log, 100);
  EXPECT_EQ(segments().front(), first);
}

TEST_F(AuditLog, SignsWhatHasWaitedLongEnough) {
  options.checkpoint_after = milliseconds(20);
  const auto log = open();
  append(*log, 1);
  for (int i = 0; i < 500 && verify_log().unsigned_tail > 0; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(verify_log().unsigned_tail, 0U);
  const auto lines = verify_log().records;
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(verify_log().records, lines);  // nothing is written when nothing happens
}

TEST_F(AuditLog, SignsAfterSoManyRecords) {
  options.checkpoint_every = 10;
  const auto log = open();
  append(*log, 35);
  EXPECT_EQ(verify_log().checkpoints, 4U);
  EXPECT_EQ(verify_log().unsigned_tail, 5U);
}

TEST_F(AuditLog, TellsEveryThreadOnce) {
  constexpr int threads = 8;
  constexpr int each = 200;
  std::vector<std::atomic<int>> told(threads * each);
  {
    const auto log = open();
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          const int number = t * each + i;
          log->append(sign_in(std::to_string(number)), [&told, number](const Result<void>& r) {
            if (r) ++told[static_cast<std::size_t>(number)];
          });
          if (i % 16 == 0) {
            EXPECT_TRUE(log->append_and_wait({.event = "incident"}));
          }
        }
      });
    }
    workers.clear();
    EXPECT_LE(log->health().syncs, log->health().records);
  }
  for (const auto& count : told) EXPECT_EQ(count, 1);
  const auto order = people();
  EXPECT_EQ(order.size(), told.size());
  // Each thread's own records stand in the order in which it gave them.
  std::vector<int> last(threads, -1);
  for (const auto& person : order) {
    const int number = std::stoi(person);
    int& before = last[static_cast<std::size_t>(number / each)];
    EXPECT_GT(number, before);
    before = number;
  }
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditLog, RefusesWhatIsNoEventAndWhatDoesNotFitIntoTheQueue) {
  options.queue_limit = 2;
  auto log = open();
  EXPECT_EQ(log->append_and_wait({.event = "nonsense"}).error().code, Errc::invalid_argument);
  // The writer is held inside the first Done, so that the queue fills.
  std::promise<void> held;
  std::promise<void> go;
  log->append(sign_in("P1"), [&](const Result<void>&) {
    held.set_value();
    go.get_future().wait();
  });
  held.get_future().wait();
  log->append(sign_in("P2"), {});
  log->append(sign_in("P3"), {});
  EXPECT_EQ(log->append_and_wait(sign_in("P4")).error().code, Errc::unavailable);
  go.set_value();
  log.reset();
  EXPECT_THAT(people(), ElementsAre("P1", "P2", "P3"));
}

TEST_F(AuditLog, HealthCounts) {
  const auto log = open();
  append(*log, 3);
  const auto health = log->health();
  EXPECT_TRUE(health.ok);
  EXPECT_EQ(health.problem, "");
  EXPECT_EQ(health.next_sequence, 6U);
  EXPECT_EQ(health.records, 5U);
  EXPECT_GE(health.syncs, 4U);
}

TEST_F(AuditLog, BelongsToOneProcessAndOneKey) {
  {
    const auto log = open();
    EXPECT_EQ(try_open().error().code, Errc::unavailable);
  }
  EXPECT_EQ(try_open(8).error().code, Errc::invalid_argument);
  EXPECT_TRUE(try_open());
  EXPECT_EQ(*read_public_key(path("key.pub")), test_key().public_key());
}

TEST_F(AuditLog, RefusesOptionsThatMakeNoSense) {
  options.segment_bytes = 100;
  EXPECT_EQ(try_open().error().code, Errc::invalid_argument);
  options.segment_bytes = 32768;
  options.directory = root / "not" / "there";
  EXPECT_EQ(try_open().error().code, Errc::not_found);
  EXPECT_EQ(verify(root, std::nullopt).error().code, Errc::not_found);
  EXPECT_EQ(verify(root / "not", std::nullopt).error().code, Errc::not_found);
}

}  // namespace
}  // namespace cardgate::audit
