// SPDX-License-Identifier: Apache-2.0
#include "pcsc/reader_table.hpp"

#include <gtest/gtest.h>

namespace cardgate::pcsc {
namespace {

const std::string the_reader = "Example Reader 00 00";
const Bytes atr{0x3B, 0x80, 0x80, 0x01, 0x01};

ReaderState empty(std::uint16_t counter) {
  return {true, false, false, counter, {}};
}
ReaderState card(std::uint16_t counter) {
  return {true, true, false, counter, atr};
}
ReaderState mute(std::uint16_t counter) {
  return {true, true, true, counter, {}};
}

/// "+R" reader added, "-R" removed, "+1" card of insertion 1, "+1m" a mute one, "-1" removed.
std::string story(const ReaderTable::Events& events) {
  std::string text;
  for (const ReaderEvent& event : events) {
    const std::string number = std::to_string(event.insertion);
    text += text.empty() ? "" : " ";
    switch (event.kind) {
      case ReaderEvent::Kind::reader_added:
        text += "+R";
        break;
      case ReaderEvent::Kind::reader_removed:
        text += "-R";
        break;
      case ReaderEvent::Kind::card_inserted:
        text += "+" + number + (event.mute ? "m" : "");
        break;
      case ReaderEvent::Kind::card_removed:
        text += "-" + number;
        break;
      default:
        text += "?";
    }
  }
  return text;
}

struct Table : ::testing::Test {
  Table() { EXPECT_EQ(story(table.set_readers({the_reader})), "+R"); }
  std::string observe(const ReaderState& state) { return story(table.observe(the_reader, state)); }
  ReaderTable table;
};

TEST_F(Table, ACardComesAndGoes) {
  EXPECT_EQ(observe(empty(0)), "");
  EXPECT_EQ(observe(card(1)), "+1");
  EXPECT_EQ(observe(card(1)), "");
  EXPECT_EQ(observe(empty(2)), "-1");
  EXPECT_EQ(observe(card(3)), "+2");
}

TEST_F(Table, AFastSwapIsSeenByTheCounter) {
  EXPECT_EQ(observe(card(0)), "+1");
  EXPECT_EQ(observe(card(2)), "-1 +2");
  EXPECT_EQ(observe(card(0)), "-2 +3") << "the counter has 16 bits and starts again";
}

TEST_F(Table, AResetIsNoRemoval) {
  EXPECT_EQ(observe(card(1)), "+1");
  EXPECT_EQ(observe(mute(1)), "") << "fell silent during a reset";
  ReaderState warm = card(1);
  warm.atr = {0x3B, 0x00};
  EXPECT_EQ(observe(warm), "") << "a warm ATR may differ from the cold one";
}

TEST_F(Table, AMuteCardThatWakesIsANewInsertion) {
  EXPECT_EQ(observe(mute(1)), "+1m");
  EXPECT_EQ(observe(mute(1)), "");
  EXPECT_EQ(observe(card(1)), "-1 +2");
}

TEST_F(Table, AReaderThatCannotBeTalkedToHasNoCard) {
  EXPECT_EQ(observe(card(1)), "+1");
  EXPECT_EQ(observe({false, false, false, 0, {}}), "-1");
  EXPECT_EQ(observe(card(1)), "+2");
}

TEST_F(Table, AReaderTakesItsCardWithIt) {
  EXPECT_EQ(observe(card(1)), "+1");
  EXPECT_EQ(story(table.set_readers({"Other"})), "-1 -R +R");
  EXPECT_EQ(observe(card(1)), "") << "no longer ours";
}

TEST_F(Table, TheEndOfTheServiceIsTheEndOfAll) {
  EXPECT_EQ(observe(card(1)), "+1");
  EXPECT_EQ(story(table.clear()), "-1 -R");
  EXPECT_EQ(story(table.set_readers({the_reader})), "+R");
  EXPECT_EQ(observe(card(1)), "+2") << "insertion numbers are never used twice";
}

}  // namespace
}  // namespace cardgate::pcsc
