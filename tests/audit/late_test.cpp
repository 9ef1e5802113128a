// SPDX-License-Identifier: Apache-2.0
// What was done while the log could not be written is in it in the end: first, in its order, and marked.
#include "audit/late_records.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Record removal(const std::string& person) {
  return {.event = "removal", .person = person, .reason = "urgent", .details = {{"act", "done"}}};
}
Record revoked(const std::string& jti) {
  return {.event = "revoked", .details = {{"jti", jti}}};
}

/// No file of this process is written past so many bytes while this lives: the log fails with an error, as on a full disk.
class BrokenDisk {
 public:
  explicit BrokenDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~BrokenDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  BrokenDisk(const BrokenDisk&) = delete;
  BrokenDisk& operator=(const BrokenDisk&) = delete;

 private:
  struct rlimit before_{};
  void (*handler_)(int) = nullptr;
};

class LateStory : public AuditTest {
 protected:
  LateStory() {
    options.late_file = root / "late-records";
    options.late_bytes = 8192;
    options.segment_bytes = 65536;
    options.unwritten = [this](const Unwritten& record) {
      const std::lock_guard lock(mutex);
      said.push_back(record);
    };
    options.late_written = [this](std::size_t count) {
      const std::lock_guard lock(mutex);
      written += count;
    };
  }
  /// Appends and waits until it is written or kept.
  static Result<void> put(Log& log, Record record, Keep keep) {
    std::promise<Result<void>> outcome;
    log.append(std::move(record), [&](const Result<void>& result) { outcome.set_value(result); }, keep);
    return outcome.get_future().get();
  }
  /// The log goes on by itself.
  bool caught_up(const Log& log) const {
    for (int i = 0; i < 1000; ++i) {
      // Not by asking for the health, which makes the log try.
      {
        const std::lock_guard lock(mutex);
        if (written > 0) return log.health().late == 0;
      }
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
  /// So much that the log breaks where the reserve, which is smaller, does not.
  static void fill(Log& log) {
    for (int i = 0; i < 60; ++i)
      ASSERT_TRUE(log.append_and_wait({.event = "stop", .reason = std::string(100, '.')}));
    append(log, 1);
  }
  /// Past the bytes used, every write fails.
  rlim_t used() { return read_files(options.directory)[newest()].find('\0'); }
  /// event, person and whether it is late, of each record but the log's own.
  std::vector<std::string> story() const {
    std::vector<std::string> out;
    const auto walked = for_each(options.directory, [&](const json::object& record, std::string_view) {
      const auto* event = find_event(record.at("event").as_string());
      if (event->internal || event->name == "stop") return true;
      std::string line(event->name);
      if (const auto* person = find_string(record, "person")) line += " " + std::string(*person);
      const auto* details = find_object(record, "details");
      if (details != nullptr && details->contains("late")) line += " late";
      out.push_back(std::move(line));
      return true;
    });
    EXPECT_TRUE(walked) << walked.error().message();
    return out;
  }

  mutable std::mutex mutex;
  std::vector<Unwritten> said;
  std::size_t written = 0;
};

TEST_F(LateStory, WhatWasDoneMeanwhileComesFirstInItsOrderAndMarked) {
  options.retry_after = milliseconds(50);
  {
    const auto log = open();
    fill(*log);
    {
      const BrokenDisk broken(used());
      EXPECT_FALSE(put(*log, removal("joe"), Keep::always));
      clock.now += std::chrono::minutes(7);
      EXPECT_FALSE(put(*log, revoked("t1"), Keep::if_room));
      EXPECT_FALSE(log->append_and_wait(sign_in("refused")));
      EXPECT_FALSE(put(*log, {.event = "client_refused", .reason = "some program"}, Keep::said));
      EXPECT_EQ(log->health().late, 2U);
      EXPECT_EQ(log->health().late_unsafe, 0U);
      EXPECT_FALSE(log->health().ok);
      clock.now += std::chrono::minutes(3);
    }
    EXPECT_TRUE(caught_up(*log));
    append(*log, 1);
  }
  EXPECT_THAT(story(), ElementsAre("sign_in P1", "removal joe late", "revoked late", "sign_in P1"));
  const auto report = verify_log();
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  std::string text;
  for (const auto& [name, content] : read_files(options.directory)) text += content;
  EXPECT_THAT(text, HasSubstr("\"time\":\"2026-03-02T09:10:00.000Z\""))
      << "the line's time is when it was written";
  EXPECT_THAT(text, HasSubstr("\"act\":\"done\",\"late\":true,\"happened\":\"2026-03-02T09:00:00.000Z\""));
  EXPECT_THAT(text, HasSubstr("\"happened\":\"2026-03-02T09:07:00.000Z\""));
  ASSERT_THAT(said, SizeIs(3));
  EXPECT_EQ(said[0].kept, Kept::in_reserve);
  EXPECT_THAT(said[0].record, HasSubstr("{\"event\":\"removal\",\"person\":\"joe\",\"reason\":\"urgent\""));
  EXPECT_EQ(said[2].keep, Keep::said);
  EXPECT_THAT(said[2].record, HasSubstr("some program"));
  EXPECT_THAT(Reserve::open(options.late_file, options.late_bytes)->take_lines(), IsEmpty());
}

TEST_F(LateStory, ItOutlivesTheServiceAndStandsBeforeWhatTheNextOneWrites) {
  std::unique_ptr<BrokenDisk> broken;
  {
    const auto log = open();
    fill(*log);
    broken = std::make_unique<BrokenDisk>(used());
    EXPECT_FALSE(put(*log, removal("joe"), Keep::always));
  }
  broken.reset();
  {
    const auto log = open();
    append(*log, 1);
    EXPECT_EQ(log->health().late, 0U);
  }
  EXPECT_THAT(story(), ElementsAre("sign_in P1", "removal joe late", "sign_in P1"));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(LateStory, WhatACrashLeftInTheReserveIsNotWrittenTwice) {
  std::string reserve;
  {
    const auto log = open();
    fill(*log);
    {
      const BrokenDisk broken(used());
      EXPECT_FALSE(put(*log, removal("joe"), Keep::always));
      EXPECT_FALSE(put(*log, removal("ada"), Keep::always));
      reserve = read_file(options.late_file, 1 << 20).value();
    }
    EXPECT_TRUE(log->append_and_wait(sign_in("P2")));
  }
  std::ofstream(options.late_file, std::ios::binary) << reserve;  // as before it was emptied
  write_log(1);
  EXPECT_THAT(story(),
              ElementsAre("sign_in P1", "removal joe late", "removal ada late", "sign_in P2", "sign_in P1"));
}

TEST_F(LateStory, DamagedLinesOfTheReserveCostTheirOwnRecordAlone) {
  {
    LateRecords late(options.late_file, options.late_bytes);
    late.keep({{removal("joe"), clock.now, Keep::always}});
    late.keep({{removal("ada"), clock.now, Keep::always}});
  }
  auto bytes = read_file(options.late_file, 1 << 20).value();
  bytes[40] ^= 1;
  std::ofstream(options.late_file, std::ios::binary) << bytes;
  const auto log = open();
  append(*log, 1);
  EXPECT_THAT(story(), ElementsAre("removal ada late", "sign_in P1"));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(LateStory, WhatComesInNumbersCannotPushOutWhatTakesAccessAway) {
  {
    const auto log = open();
    fill(*log);
    {
      const BrokenDisk broken(used());
      for (int i = 0; i < 100; ++i) EXPECT_FALSE(put(*log, revoked(std::to_string(i)), Keep::if_room));
      EXPECT_FALSE(put(*log, removal("joe"), Keep::always));
      EXPECT_EQ(said.back().kept, Kept::in_reserve);
      EXPECT_EQ(said[99].kept, Kept::nowhere);
      EXPECT_THAT(said[99].record, HasSubstr("\"jti\":\"99\"")) << "the journal has it all the same";
    }
    EXPECT_TRUE(log->append_and_wait(sign_in("P2")));
  }
  const auto lines = story();
  EXPECT_THAT(lines, Contains("removal joe late"));
  EXPECT_THAT(lines, Contains("incident"));
  std::string text;
  for (const auto& [name, content] : read_files(options.directory)) text += content;
  EXPECT_THAT(text, HasSubstr("records were lost while the audit log could not be written"));
  EXPECT_THAT(text, testing::ContainsRegex("\"lost\":\\{\"revoked\":[0-9]+\\}"));
}

TEST_F(LateStory, MoreThanASegmentOfThemCrossesSegments) {
  options.segment_bytes = 32768;
  options.late_bytes = 1 << 20;
  {
    const auto log = open();
    fill(*log);
    {
      const BrokenDisk broken(used());
      // The limit is in the middle of this reserve: some wait in memory alone.
      for (int i = 0; i < 300; ++i) EXPECT_FALSE(put(*log, removal(std::to_string(i)), Keep::always));
      EXPECT_EQ(log->health().late, 300U);
    }
    EXPECT_TRUE(log->append_and_wait(sign_in("P2")));
  }
  EXPECT_GT(segments().size(), 2U);
  const auto lines = story();
  ASSERT_EQ(lines.size(), 302U);
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(lines[i + 1], "removal " + std::to_string(i) + " late");
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(LateStory, WhoeverWaitsForAllThatWasGivenFindsItWrittenOrKept) {
  const auto log = open();
  fill(*log);
  const auto settled = [&] {
    std::promise<void> done;
    log->when_settled([&](const Result<void>&) { done.set_value(); });
    done.get_future().wait();
  };
  log->append(revoked("t1"), {}, Keep::if_room);
  settled();
  EXPECT_THAT(story(), Contains("revoked"));
  {
    const BrokenDisk broken(used());
    log->append(removal("joe"), {}, Keep::always);
    settled();
    EXPECT_THAT(read_file(options.late_file, 1 << 20).value(), HasSubstr("\"person\":\"joe\""));
  }
  settled();
  EXPECT_TRUE(caught_up(*log));
}

TEST_F(LateStory, WithoutAReserveTheyWaitInMemoryAndThatIsSaid) {
  options.late_file = root / "no such folder" / "late-records";
  const auto log = open();
  fill(*log);
  EXPECT_THAT(log->health().late_problem, HasSubstr("No such file"));
  {
    const BrokenDisk broken(used());
    EXPECT_FALSE(put(*log, removal("joe"), Keep::always));
    EXPECT_EQ(said.back().kept, Kept::in_memory);
    EXPECT_EQ(log->health().late_unsafe, 1U);
  }
  EXPECT_TRUE(log->append_and_wait(sign_in("P2")));
  EXPECT_THAT(story(), ElementsAre("sign_in P1", "removal joe late", "sign_in P2"));
  EXPECT_EQ(log->health().late_unsafe, 0U);
}

TEST_F(LateStory, TheMarksStandEvenWhereTheDetailsAreTooLarge) {
  Record large = removal("joe");
  for (int i = 0; i < 36; ++i) large.details["text" + std::to_string(i)] = std::string(100, 'x');
  ASSERT_THAT(encode_unchecked(large), Not(HasSubstr("\"cut\":true")));
  EXPECT_THAT(
      encode_late(large, clock.now, "ID"),
      testing::EndsWith("\"details\":{\"cut\":true,\"late\":true,\"happened\":\"2026-03-02T09:00:00.000Z\","
                        "\"late_id\":\"ID\"}"));
}

}  // namespace
}  // namespace cardgate::audit
