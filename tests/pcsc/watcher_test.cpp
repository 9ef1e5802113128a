// SPDX-License-Identifier: Apache-2.0
// The watcher on the real pcscd: nothing missed, nothing made up.
#include "pcsc/watcher.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/pcsc/reader_fixture.hpp"

namespace cardgate::pcsc {
namespace {

using Kind = ReaderEvent::Kind;
using std::chrono::steady_clock;

/// Collects events; can hold the watcher's thread, so that what happens meanwhile is met all at once.
class Events {
 public:
  void operator()(ReaderEvent event) {
    std::unique_lock lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
  }
  /// The next event that was not taken yet; fails the test when none comes.
  ReaderEvent next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 2 * patience, [&] { return taken_ < events_.size(); })) {
      ADD_FAILURE() << "no event came";
      return {};
    }
    return events_[taken_++];
  }
  /// Skips to the next event of this kind, of the first reader where it has one.
  ReaderEvent next(Kind kind) {
    for (;;) {
      const ReaderEvent event = next();
      if (event.kind == kind && (event.reader.empty() || event.reader == first_reader)) return event;
      if (::testing::Test::HasFailure()) return {};
    }
  }
  bool quiet_for(milliseconds time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return taken_ < events_.size(); });
  }
  void hold(bool on) {
    const std::lock_guard lock(mutex_);
    held_ = on;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReaderEvent> events_;
  std::size_t taken_ = 0;
  bool held_ = false;
};

class Watching : public ReaderTest {
 protected:
  void watch() {
    watcher_ = std::make_unique<Watcher>([this](ReaderEvent event) { events_(std::move(event)); });
  }
  void TearDown() override {
    events_.hold(false);
    watcher_.reset();
  }
  Events events_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(Watching, ReadersAreAnnouncedAndCardsComeAndGo) {
  watch();
  EXPECT_EQ(events_.next().kind, Kind::service_up);
  EXPECT_EQ(events_.next().kind, Kind::reader_added);
  EXPECT_EQ(events_.next().kind, Kind::reader_added);
  insert();
  const auto inserted = events_.next();
  EXPECT_EQ(inserted.kind, Kind::card_inserted);
  EXPECT_EQ(inserted.reader, first_reader);
  EXPECT_EQ(inserted.atr, card_->atr());
  EXPECT_FALSE(inserted.mute);
  EXPECT_NE(inserted.insertion, 0U);
  pull();
  const auto removed = events_.next();
  EXPECT_EQ(removed.kind, Kind::card_removed);
  EXPECT_EQ(removed.insertion, inserted.insertion);
}

TEST_F(Watching, AReaderWhoseNameIsNoUtf8IsAnnouncedAsItIsShown) {
  pcscd_.stop();
  pcscd_.call_readers("Lecteur \xe9tage\x1b[2J");
  start_pcscd();
  ASSERT_TRUE(link_->insert());
  watch();
  for (;;) {
    const auto event = events_.next();
    ASSERT_FALSE(HasFailure());
    if (event.kind != Kind::card_inserted) continue;
    EXPECT_EQ(event.reader, "Lecteur \\xE9tage\\x1B[2J 00 00");
    break;
  }
}

TEST_F(Watching, ACardThatIsInAtTheStartIsAnnounced) {
  insert();
  watch();
  EXPECT_EQ(events_.next(Kind::card_inserted).reader, first_reader);
}

TEST_F(Watching, AFastSwapIsARemovalAndAnInsertion) {
  insert();
  pull();  // so that pcscd's counter is not 0
  insert();
  watch();
  const auto first = events_.next(Kind::card_inserted);
  events_.hold(true);
  // Something that the watcher tells of, so that its thread is held; then a swap that it cannot watch.
  simcard::Card second(card_->data());
  simcard::VpcdLink second_link(second, simcard::second_reader);
  ASSERT_TRUE(second_link.insert());
  ASSERT_EQ(events_.next().reader, Pcscd::second_name);
  pull();
  insert();
  events_.hold(false);
  EXPECT_EQ(events_.next(Kind::card_removed).insertion, first.insertion);
  EXPECT_GT(events_.next(Kind::card_inserted).insertion, first.insertion);
}

TEST_F(Watching, AFastSwapOfTheVeryFirstCardIsSeenToo) {
  // In the reader when pcscd starts: the event counter is 0, with which pcsc-lite compares nothing.
  insert();
  pcscd_.stop();
  start_pcscd();
  watch();
  const auto first = events_.next(Kind::card_inserted);
  pull();
  insert();
  EXPECT_EQ(events_.next(Kind::card_removed).insertion, first.insertion);
  EXPECT_GT(events_.next(Kind::card_inserted).insertion, first.insertion);
}

TEST_F(Watching, PullAndPutBackAtOnceIsNeverMissed) {
  insert();
  watch();
  auto last = events_.next(Kind::card_inserted);
  for (int i = 0; i < 3; ++i) {
    pull();  // pcscd must have seen it: of a swap between two of its looks the driver tells nobody
    ASSERT_TRUE(link_->insert());
    EXPECT_EQ(events_.next(Kind::card_removed).insertion, last.insertion);
    const auto again = events_.next(Kind::card_inserted);
    EXPECT_GT(again.insertion, last.insertion);
    last = again;
  }
}

TEST_F(Watching, AResetIsNoEvent) {
  insert();
  watch();
  events_.next(Kind::card_inserted);
  while (!events_.quiet_for(milliseconds(200))) events_.next();
  for (int i = 0; i < 3; ++i) {
    OtherProgram().reset();
    auto transaction = begin();
    ASSERT_TRUE(transaction) << transaction.error().message();
    ASSERT_TRUE(piv::select(*transaction));
    ASSERT_TRUE(transaction->end());
  }
  EXPECT_TRUE(events_.quiet_for(milliseconds(2500)));
}

TEST_F(Watching, AMuteCardIsAnnouncedAsSuch) {
  simcard::Faults faults;
  faults.no_atr = true;
  card_->set_faults(faults);
  watch();
  ASSERT_TRUE(link_->insert());
  const auto inserted = events_.next(Kind::card_inserted);
  EXPECT_TRUE(inserted.mute);
  EXPECT_TRUE(inserted.atr.empty());
  link_->pull();
  EXPECT_EQ(events_.next(Kind::card_removed).insertion, inserted.insertion);
}

TEST_F(Watching, ARestartOfPcscdIsSurvived) {
  insert();
  watch();
  const auto before = events_.next(Kind::card_inserted);
  while (!events_.quiet_for(milliseconds(200))) events_.next();
  pcscd_.kill();
  const auto removed = events_.next();
  EXPECT_EQ(removed.kind, Kind::card_removed) << "the card first";
  EXPECT_EQ(removed.insertion, before.insertion);
  EXPECT_EQ(events_.next().kind, Kind::reader_removed);
  EXPECT_EQ(events_.next().kind, Kind::reader_removed);
  const auto down = events_.next();
  EXPECT_EQ(down.kind, Kind::service_down);
  EXPECT_EQ(down.why.code, Errc::pcsc_no_service);
  start_pcscd();
  events_.next(Kind::service_up);
  events_.next(Kind::reader_added);
  EXPECT_GT(events_.next(Kind::card_inserted).insertion, before.insertion);
}

TEST_F(Watching, WithoutPcscdItWaitsAndSaysSoOnce) {
  pcscd_.stop();
  watch();
  const auto down = events_.next();
  EXPECT_EQ(down.kind, Kind::service_down);
  EXPECT_NE(down.why.context.find("systemctl start pcscd.socket"), std::string::npos);
  EXPECT_TRUE(events_.quiet_for(milliseconds(1000)));
  start_pcscd();
  EXPECT_EQ(events_.next().kind, Kind::service_up);
}

TEST_F(Watching, AHungPcscdIsGoneAndComesBackByItself) {
  insert();
  watch();
  const auto before = events_.next(Kind::card_inserted);
  while (!events_.quiet_for(milliseconds(200))) events_.next();
  pcscd_.signal(SIGSTOP);
  const auto removed = events_.next();
  EXPECT_EQ(removed.kind, Kind::card_removed) << "nobody can say that it is still in";
  EXPECT_EQ(removed.insertion, before.insertion);
  EXPECT_EQ(events_.next().kind, Kind::reader_removed);
  EXPECT_EQ(events_.next().kind, Kind::reader_removed);
  const auto down = events_.next();
  EXPECT_EQ(down.kind, Kind::service_down);
  EXPECT_EQ(down.why.code, Errc::pcsc_no_service);
  EXPECT_NE(down.why.context.find("does not answer"), std::string::npos) << down.why.context;
  EXPECT_TRUE(events_.quiet_for(milliseconds(1000)));
  pcscd_.signal(SIGCONT);
  EXPECT_EQ(events_.next().kind, Kind::service_up);
  EXPECT_GT(events_.next(Kind::card_inserted).insertion, before.insertion);
}

TEST_F(Watching, AHungPcscdThatIsRestartedIsFoundAgain) {
  watch();
  events_.next(Kind::service_up);
  pcscd_.signal(SIGSTOP);
  events_.next(Kind::service_down);
  pcscd_.kill();
  start_pcscd();
  events_.next(Kind::service_up);
}

TEST_F(Watching, ItStopsAtOnceWhilePcscdHangs) {
  watch();
  events_.next(Kind::service_up);
  pcscd_.signal(SIGSTOP);
  for (const bool noticed : {false, true}) {
    if (noticed) {
      watch();
      events_.next(Kind::service_down);
    }
    const auto start = steady_clock::now();
    watcher_.reset();
    EXPECT_LT(steady_clock::now() - start, milliseconds(500)) << noticed;
  }
  pcscd_.signal(SIGCONT);
}

TEST_F(Watching, ItStopsAtOnce) {
  for (const bool running : {true, false}) {
    if (!running) pcscd_.stop();
    watch();
    events_.next(running ? Kind::service_up : Kind::service_down);
    std::this_thread::sleep_for(milliseconds(200));  // into its wait
    const auto start = steady_clock::now();
    watcher_.reset();
    EXPECT_LT(steady_clock::now() - start, milliseconds(500)) << running;
  }
}

}  // namespace
}  // namespace cardgate::pcsc
