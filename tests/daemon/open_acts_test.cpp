// SPDX-License-Identifier: Apache-2.0
// What a crash leaves of acts that were begun, and what is owed to the register.
#include "daemon/people/open_acts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/limits.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

using work::Taking;

class OpenActsStory : public ::testing::Test {
 protected:
  OpenActsStory() { std::filesystem::permissions(dir.path(), std::filesystem::perms(0700)); }
  OpenAct act(const std::string& id, bool takes = false) const {
    OpenAct out;
    out.id = id;
    out.record.event = takes ? "form" : "register_changed";
    out.record.person = "joe";
    out.record.reason = "a \"reason\"\nof two lines";
    out.record.details = {{"deed", id}, {"by", "esme"}};
    if (takes) {
      out.person = "joe";
      out.notice = "Your form was withdrawn.";
      out.taking = Taking{.kind = Taking::Kind::withdraw_form,
                          .number = 12,
                          .reason = "Moved",
                          .doer = {"esme", parse_date("2026-03-02").value()}};
    }
    return out;
  }
  static bool begin(OpenActs& acts, const OpenAct& what) {
    boost::asio::io_context io;
    bool kept = false;
    const auto run = [&]() -> boost::asio::awaitable<void> {
      auto beginning = acts.begin(what);
      kept = co_await std::move(beginning);
    };
    boost::asio::co_spawn(io, run(), boost::asio::detached);
    io.run();
    return kept;
  }
  std::vector<std::string> left(std::size_t bytes = 65536) const {
    OpenActs acts(dir / "open-acts", bytes);
    std::vector<std::string> ids;
    for (const auto& each : acts.take_left()) ids.push_back(each.id);
    return ids;
  }
  static reg::Person joe() {
    reg::Person person;
    person.id = "joe";
    reg::Form form;
    form.id = 12;
    form.state = reg::Form::State::approved;
    person.forms = {form};
    return person;
  }
  testing::TempDir dir;
  using Ids = std::vector<std::string>;
};

TEST_F(OpenActsStory, WhatIsNotedStaysNotedWhenItCannotBeNotedAgain) {
  {
    OpenActs acts(dir / "open-acts", 8192);
    EXPECT_TRUE(begin(acts, act("a", true)));
    std::vector<std::string> others;
    for (std::string id = "b"; begin(acts, act(id, true)); id += "b") others.push_back(id);
    EXPECT_FALSE(others.empty());
    EXPECT_TRUE(begin(acts, act("a", true))) << "there is no room for it, and no need";
    for (const auto& id : others) acts.end(id);
  }
  const auto ids = left(8192);
  EXPECT_NE(std::ranges::find(ids, "a"), ids.end());
}

TEST_F(OpenActsStory, WhatBeganAndDidNotEndIsThereAtTheNextStart) {
  {
    OpenActs acts(dir / "open-acts", 65536);
    EXPECT_TRUE(begin(acts, act("a")));
    EXPECT_TRUE(begin(acts, act("b", true)));
    EXPECT_TRUE(begin(acts, act("c")));
    acts.end("a");
    acts.end("never begun");
  }
  EXPECT_EQ(left(), (Ids{"b", "c"}));
  OpenActs acts(dir / "open-acts", 65536);
  const auto again = acts.take_left();
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(json::serialize(to_json(again[0])), json::serialize(to_json(act("b", true))));
  EXPECT_EQ(again[1].record.reason, act("c").record.reason);
  EXPECT_TRUE(again[0].kept);
  acts.end("b");
  acts.end("c");
}

TEST_F(OpenActsStory, AllEndedLeaveNothingAndRoomForAsManyAgain) {
  OpenActs acts(dir / "open-acts", 8192);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(begin(acts, act(std::to_string(i)))) << i;
    acts.end(std::to_string(i));
  }
  ASSERT_TRUE(begin(acts, act("last")));
  EXPECT_EQ(left(8192), Ids{"last"});
  acts.end("last");
}

TEST_F(OpenActsStory, NotedAgainItIsAsItWasNotedLast) {
  {
    OpenActs acts(dir / "open-acts", 65536);
    auto what = act("a", true);
    EXPECT_TRUE(begin(acts, what));
    what.recorded = true;
    EXPECT_TRUE(begin(acts, what));
  }
  OpenActs acts(dir / "open-acts", 65536);
  const auto again = acts.take_left();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(again[0].recorded);
}

TEST_F(OpenActsStory, WhatGivesLeavesHalfOfTheRoomToWhatTakes) {
  OpenActs acts(dir / "open-acts", open_acts_bytes);
  int given = 0;
  while (begin(acts, act("give " + std::to_string(given)))) ++given;
  EXPECT_GT(given, 100);
  EXPECT_TRUE(begin(acts, act("take", true)));
}

TEST_F(OpenActsStory, HeldItIsInForceWhateverTheRegisterSays) {
  OpenActs acts(dir / "open-acts", 65536);
  acts.hold(act("a", true));
  auto person = joe();
  acts.apply(person);
  EXPECT_EQ(person.forms[0].state, reg::Form::State::withdrawn);
  acts.apply(person);
  EXPECT_EQ(person.forms[0].state, reg::Form::State::withdrawn) << "once is enough";
  auto other = joe();
  other.id = "ada";
  acts.apply(other);
  EXPECT_EQ(other.forms[0].state, reg::Form::State::approved);
  EXPECT_NE(acts.same("joe", *act("b", true).taking), nullptr);
  EXPECT_EQ(acts.same("ada", *act("b", true).taking), nullptr);
  EXPECT_TRUE(acts.owed().empty());
  acts.held("a")->owed = true;
  EXPECT_EQ(acts.owed(), Ids{"a"});
  acts.release("a");
  person = joe();
  acts.apply(person);
  EXPECT_EQ(person.forms[0].state, reg::Form::State::approved);
}

TEST_F(OpenActsStory, WithoutADiskItIsInForceAndThatIsSaid) {
  OpenActs acts(dir / "no such folder" / "open-acts", 65536);
  EXPECT_NE(acts.problem(), "");
  EXPECT_FALSE(begin(acts, act("a", true)));
  acts.hold(act("a", true));
  auto person = joe();
  acts.apply(person);
  EXPECT_EQ(person.forms[0].state, reg::Form::State::withdrawn);
  acts.end("a");
}

TEST_F(OpenActsStory, TheRegisterKeepsWhichWereCarriedOutLast) {
  auto staff = reg::open_sqlite(dir / "register.db");
  ASSERT_TRUE(staff) << staff.error().message();
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(note_done(**staff, std::to_string(i)));
  EXPECT_TRUE(*was_done(**staff, "399"));
  EXPECT_TRUE(*was_done(**staff, "150"));
  EXPECT_FALSE(*was_done(**staff, "99")) << "as many as can be on their way, and no more";
  EXPECT_FALSE(*was_done(**staff, "19")) << "not a part of another";
  // In the change itself: neither without the other.
  const auto undone = (*staff)->change("nobody", [&](reg::Person&) { return note_done(**staff, "x"); });
  EXPECT_FALSE(undone);
  EXPECT_FALSE(*was_done(**staff, "x"));
}

}  // namespace
}  // namespace cardgate::daemon
