// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment: whatever was acknowledged is in the log.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

class AuditCrash : public AuditTest {
 protected:
  /// In the child: four threads append, and tell the pipe what was acknowledged, until the end comes.
  [[noreturn]] void append_for_ever(int pipe, int round) {
    auto log = Log::open(options, test_key(), clock);
    if (!log) ::_exit(2);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const int id = (round * 4 + t) * 1000000 + i;
          if (!(*log)->append_and_wait(sign_in(std::to_string(id)))) ::_exit(3);
          if (::write(pipe, &id, sizeof id) != sizeof id) ::_exit(4);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    ::_exit(5);
  }

  /// Kills the child after so many acknowledgements (none: after some microseconds of its start) and gives
  /// all of them.
  std::set<std::string> acknowledged_before_kill(int round, std::size_t count,
                                                 std::chrono::microseconds delay) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      append_for_ever(ends[1], round);
    }
    ::close(ends[1]);
    std::set<std::string> out;
    int id = 0;
    while (out.size() < count && ::read(ends[0], &id, sizeof id) == sizeof id) out.insert(std::to_string(id));
    std::this_thread::sleep_for(delay);
    ::kill(child, SIGKILL);
    while (::read(ends[0], &id, sizeof id) == sizeof id) out.insert(std::to_string(id));
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    return out;
  }
};

TEST_F(AuditCrash, NoAcknowledgedRecordIsLost) {
  options.checkpoint_every = 50;
  std::mt19937 random(4711);
  std::set<std::string> acknowledged;
  for (int round = 0; round < 20; ++round) {
    const std::size_t count = round % 4 == 0 ? 0 : std::uniform_int_distribution<std::size_t>(1, 150)(random);
    const std::chrono::microseconds delay(
        std::uniform_int_distribution<int>(0, count == 0 ? 20000 : 2000)(random));
    acknowledged.merge(acknowledged_before_kill(round, count, delay));
    // A kill before the first start was complete leaves no log; everything else verifies as it stands.
    if (const auto report = verify(options.directory, test_key().public_key());
        report && !acknowledged.empty()) {
      EXPECT_TRUE(report->ok) << round << testing::PrintToString(report->problems);
    }
    {
      ASSERT_TRUE(open());
    }
    const Report report = verify_log();
    ASSERT_TRUE(report.ok) << round << testing::PrintToString(report.problems);
  }
  const auto kept = people();
  const std::set<std::string> all(kept.begin(), kept.end());
  EXPECT_EQ(all.size(), kept.size());
  for (const auto& id : acknowledged) ASSERT_TRUE(all.contains(id)) << id;
  EXPECT_GT(acknowledged.size(), 100U);
}

}  // namespace
}  // namespace cardgate::audit
