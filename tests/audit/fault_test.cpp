// SPDX-License-Identifier: Apache-2.0
// Every write, sync, rename, reservation and deletion of the log fails in turn, and the power goes at every byte of a batch: no record
// is acknowledged that the log does not have, and the log verifies afterwards. The calls of the C library are replaced in this
// program, so that the log's own code is as it ships.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "audit/checkpoints.hpp"
#include "audit/layout.hpp"
#include "tests/audit/fixture.hpp"

namespace cardgate::audit::faults {

enum Kind {
  pwrite_call,
  write_call,
  fdatasync_call,
  fsync_call,
  rename_call,
  reserve_call,
  resize_call,
  unlink_call,
  kinds
};
constexpr std::array<const char*, kinds> names = {"pwrite", "write",     "fdatasync", "fsync",
                                                  "rename", "fallocate", "ftruncate", "unlink"};

enum class How { once, for_good, half };  // half: a part of the bytes is written before the error

/// Armed by one test at a time, read on the log's threads, which may still be in a call when the test puts it away.
struct Plan {
  std::recursive_mutex lock;  // `before` may make such calls itself
  std::atomic<bool> armed{false};
  Kind kind = kinds;
  int at = 0;  // from 1
  How how = How::once;
  int error = EIO;
  std::array<std::atomic<int>, kinds> seen{};
  std::function<void(Kind, int fd, const void* data, std::size_t size, off_t offset)> before;

  /// Whether this call fails.
  bool fails(Kind call, int fd = -1, const void* data = nullptr, std::size_t size = 0, off_t offset = 0) {
    if (!armed) return false;
    const std::scoped_lock hold(lock);
    if (!armed) return false;
    if (before) before(call, fd, data, size, offset);
    const int number = ++seen[call];
    if (call != kind || (how == How::for_good ? number < at : number != at)) return false;
    errno = error;
    return true;
  }
  void disarm() {
    const std::scoped_lock hold(lock);
    armed = false;
    kind = kinds;
    before = nullptr;
    for (auto& count : seen) count = 0;
  }
};

Plan& plan() {
  static Plan one;
  return one;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace cardgate::audit::faults

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  static auto* const call = cardgate::audit::faults::real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  auto& plan = cardgate::audit::faults::plan();
  if (plan.fails(cardgate::audit::faults::pwrite_call, fd, data, size, offset)) {
    const int error = errno;
    // The head is one sector, which a disk writes whole or not at all.
    const bool in_half =
        plan.how == cardgate::audit::faults::How::half && size != cardgate::audit::head_bytes;
    if (in_half) (void)!call(fd, data, size / 2, offset);
    errno = error;
    return -1;
  }
  return call(fd, data, size, offset);
}

ssize_t write(int fd, const void* data, size_t size) {
  static auto* const call = cardgate::audit::faults::real<ssize_t(int, const void*, size_t)>("write");
  if (cardgate::audit::faults::plan().fails(cardgate::audit::faults::write_call)) return -1;
  return call(fd, data, size);
}

int fdatasync(int fd) {
  static auto* const call = cardgate::audit::faults::real<int(int)>("fdatasync");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::fdatasync_call) ? -1 : call(fd);
}

int fsync(int fd) {
  static auto* const call = cardgate::audit::faults::real<int(int)>("fsync");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::fsync_call) ? -1 : call(fd);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const call = cardgate::audit::faults::real<int(const char*, const char*)>("rename");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::rename_call) ? -1 : call(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static auto* const call =
      cardgate::audit::faults::real<int(int, const char*, int, const char*, unsigned)>("renameat2");
  if (cardgate::audit::faults::plan().fails(cardgate::audit::faults::rename_call)) return -1;
  return call(from_folder, from, to_folder, to, flags);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  static auto* const call = cardgate::audit::faults::real<int(int, off_t, off_t)>("posix_fallocate");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::reserve_call)
             ? errno
             : call(fd, offset, size);
}

int ftruncate(int fd, off_t size) noexcept {
  static auto* const call = cardgate::audit::faults::real<int(int, off_t)>("ftruncate");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::resize_call) ? -1 : call(fd, size);
}

int unlink(const char* path) noexcept {
  static auto* const call = cardgate::audit::faults::real<int(const char*)>("unlink");
  return cardgate::audit::faults::plan().fails(cardgate::audit::faults::unlink_call) ? -1 : call(path);
}

}  // extern "C"

namespace cardgate::audit {
namespace {

using faults::How;
using faults::Kind;
using faults::plan;

class AuditFaults : public AuditTest {
 protected:
  AuditFaults() {
    options.checkpoint_every = 3;
    options.tell_every = milliseconds(0);
    options.tell_checkpoint = [this](const std::string& line) { told += line + "\n"; };
  }
  ~AuditFaults() override { plan().disarm(); }

  /// A record of about 3 KB, so that a segment is soon full.
  static Record large(int number) {
    Record record = sign_in(std::to_string(number));
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) record.details[name] = std::string(500, 'x');
    return record;
  }

  /// A start, records through several segments, a stop.
  void story() {
    auto log = try_open();
    if (!log) return;
    for (int i = 1; i <= 25; ++i) {
      ++given;
      if (!(*log)->append_and_wait(large(given))) continue;
      const std::lock_guard lock(looking);
      acknowledged.insert(std::to_string(given));
    }
  }

  /// After the fault the log is opened as if nothing had been: everything that was acknowledged is there, once.
  void judge(const std::string& what) {
    {
      auto log = try_open();
      ASSERT_TRUE(log) << what << ": " << log.error().message();
      ASSERT_TRUE((*log)->append_and_wait(large(++given))) << what;
      acknowledged.insert(std::to_string(given));
    }
    const Report report = verify_log();
    ASSERT_TRUE(report.ok) << what << testing::PrintToString(report.problems);
    const auto kept = people();
    const std::set<std::string> all(kept.begin(), kept.end());
    ASSERT_EQ(all.size(), kept.size()) << what << ": a record stands twice";
    const int oldest = std::stoi(kept.front());  // older ones may have been deleted in order
    for (const auto& id : acknowledged) {
      if (options.keep_segments > 0 && std::stoi(id) < oldest) continue;
      ASSERT_TRUE(all.contains(id)) << what << ": record " << id << " was acknowledged and is not there";
    }
    if (told.empty()) return;
    // No checkpoint left the machine for what the log does not have.
    const auto book = CheckpointBook::parse(told).value();
    const auto against =
        verify(options.directory, Question{.key = test_key().public_key(), .book = &book}).value();
    ASSERT_TRUE(against.ok) << what << testing::PrintToString(against.problems);
  }

  void begin_anew() {
    std::filesystem::remove_all(options.directory);
    acknowledged.clear();
    told.clear();
    given = 0;
  }

  std::array<int, faults::kinds> count_calls() {
    begin_anew();
    plan().armed = true;
    story();
    std::array<int, faults::kinds> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = plan().seen[i];
    plan().disarm();
    EXPECT_EQ(acknowledged.size(), 25U);
    return out;
  }

  std::mutex looking;  // of the log's thread at what was acknowledged
  std::set<std::string> acknowledged;
  std::string told;
  int given = 0;
};

TEST_F(AuditFaults, EveryCallFailsInTurnAndNothingThatWasAcknowledgedIsLost) {
  std::printf("  %-10s %6s %10s %8s %8s %12s %10s\n", "call", "calls", "how", "kept", "faults",
              "acknowledged", "verifies");
  for (const std::size_t keep : {0U, 2U}) {
    options.keep_segments = keep;
    const auto calls = count_calls();
    for (int kind = 0; kind < faults::kinds; ++kind) {
      for (const How how : {How::once, How::for_good, How::half}) {
        if (how == How::half && kind != faults::pwrite_call) continue;
        std::size_t total = 0;
        const int count = calls[static_cast<std::size_t>(kind)];
        // Of what is called often, some under a sanitizer.
        const int step = count > 20 ? static_cast<int>(place_step) : 1;
        for (int at = 1; at <= count; at += step) {
          begin_anew();
          plan().kind = static_cast<Kind>(kind);
          plan().at = at;
          plan().how = how;
          plan().error = at % 2 == 0 ? ENOSPC : EIO;
          plan().armed = true;
          story();
          plan().disarm();
          total += acknowledged.size();
          judge(std::string(faults::names[static_cast<std::size_t>(kind)]) + " number " + std::to_string(at));
          if (HasFatalFailure()) return;
        }
        if (count == 0) continue;
        const char* word = how == How::once ? "once" : how == How::for_good ? "for good" : "half";
        std::printf("  %-10s %6d %10s %8s %8d %12zu %7d/%d\n", faults::names[static_cast<std::size_t>(kind)],
                    count, word, keep == 0 ? "all" : "two", count, total, count, count);
      }
    }
    EXPECT_GT(calls[faults::pwrite_call], 30);
    EXPECT_GT(calls[faults::fdatasync_call], 30);
    EXPECT_GT(calls[faults::rename_call], 2);
    EXPECT_GT(calls[faults::reserve_call], 2);
    EXPECT_EQ(calls[faults::unlink_call] > 4, true);
  }
}

TEST_F(AuditFaults, ThePowerGoesBeforeEveryCall) {
  struct Moment {
    Files files;
    std::set<std::string> acknowledged;
    std::string told;
  };
  std::vector<Moment> moments;
  options.keep_segments = 2;
  plan().before = [&](Kind, int, const void*, std::size_t, off_t) {
    const std::lock_guard lock(looking);
    moments.push_back({read_files(options.directory), acknowledged, told});
  };
  plan().armed = true;
  story();
  plan().disarm();
  ASSERT_GT(moments.size(), 100U);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    write_files(options.directory, moments[i].files);
    acknowledged = moments[i].acknowledged;
    told = moments[i].told;
    given = 1000;
    judge("before call " + std::to_string(i));
    if (HasFatalFailure()) return;
  }
  std::printf("  the power went before each of %zu calls: the log went on and verified each time\n",
              moments.size());
}

TEST_F(AuditFaults, ThePowerGoesAtEveryByteOfABatch) {
  Files before;
  std::string batch;
  std::size_t offset = 0;
  {
    const auto log = open();
    append(*log, 2);
    std::atomic<bool> held{false};
    std::atomic<bool> go{false};
    // While the writer is busy with one record, the others gather.
    log->append(sign_in("held"), [&](const Result<void>&) {
      held = true;
      while (!go) std::this_thread::yield();
    });
    while (!held) std::this_thread::yield();
    for (int i = 0; i < 7; ++i) log->append(sign_in("batch" + std::to_string(i)), {});
    before = read_files(options.directory);
    plan().before = [&](Kind kind, int, const void* data, std::size_t size, off_t at) {
      if (kind != faults::pwrite_call || size == head_bytes || !batch.empty()) return;
      batch.assign(static_cast<const char*>(data), size);
      offset = static_cast<std::size_t>(at);
    };
    plan().armed = true;
    go = true;
    ASSERT_TRUE(log->append_and_wait(sign_in("batch7")));
    plan().disarm();
  }
  ASSERT_GT(std::count(batch.begin(), batch.end(), '\n'), 6);
  std::string name;
  for (const auto& [file, content] : before) {
    if (file.ends_with(".jsonl")) name = file;
  }
  acknowledged = {"P1", "P2", "held"};
  const auto check = [&](const Files& files, const std::string& what) {
    write_files(options.directory, files);
    {
      const auto log = try_open();
      ASSERT_TRUE(log) << what << ": " << log.error().message();
    }
    const Report report = verify_log();
    ASSERT_TRUE(report.ok) << what << testing::PrintToString(report.problems);
    const auto kept = people();
    for (const auto& id : acknowledged) ASSERT_THAT(kept, testing::Contains(id)) << what;
    // What else is there is whole records of the batch, from its beginning.
    for (std::size_t i = 3; i < kept.size(); ++i) ASSERT_EQ(kept[i], "batch" + std::to_string(i - 3)) << what;
  };
  for (std::size_t length = 0; length <= batch.size(); length += place_step) {
    Files files = before;
    files[name].replace(offset, length, batch.substr(0, length));
    check(files, "after byte " + std::to_string(length));
    if (HasFatalFailure()) return;
  }
  // Sectors reach the disk in any order.
  const std::size_t first = offset / 512;
  const std::size_t sectors = (offset + batch.size() - 1) / 512 - first + 1;
  ASSERT_LE(sectors, 12U);
  for (std::size_t set = 0; set < (1UL << sectors); set += place_step) {
    Files files = before;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if ((set >> ((offset + i) / 512 - first)) & 1U) files[name][offset + i] = batch[i];
    }
    check(files, "sectors " + std::to_string(set));
    if (HasFatalFailure()) return;
  }
  std::printf(
      "  the power went at each of %zu bytes of a batch of %td lines, and with each of %zu sets of its %zu "
      "sectors\n",
      batch.size(), std::count(batch.begin(), batch.end(), '\n'), std::size_t(1) << sectors, sectors);
}

}  // namespace
}  // namespace cardgate::audit
