// SPDX-License-Identifier: Apache-2.0
#include "pcsc/apdu.hpp"

#include "tests/pcsc/scripted_card.hpp"

namespace cardgate::pcsc {
namespace {

TEST(Apdu, EncodesTheFourCasesShort) {
  EXPECT_EQ(to_hex(Command::case1(0x20, 0x00, 0x80).encode_short(0).bytes()), "00200080");
  EXPECT_EQ(to_hex(Command::case2(0xCB, 0x3F, 0xFF).encode_short(0).bytes()), "00cb3fff00");
  EXPECT_EQ(to_hex(Command::case3(0x20, 0x00, 0x80, hex("0102")).encode_short(0).bytes()), "00200080020102");
  EXPECT_EQ(to_hex(Command::case4(0xA4, 0x04, 0x00, hex("A0")).encode_short(0).bytes()), "00a4040001a000");
}

TEST(Apdu, EncodesTheFourCasesExtended) {
  EXPECT_EQ(to_hex(Command::case1(0x20, 0x00, 0x80).encode_extended().bytes()), "00200080");
  EXPECT_EQ(to_hex(Command::case2(0xCB, 0x3F, 0xFF).encode_extended().bytes()), "00cb3fff000000");
  EXPECT_EQ(to_hex(Command::case3(0x20, 0x00, 0x80, hex("0102")).encode_extended().bytes()),
            "002000800000020102");
  EXPECT_EQ(to_hex(Command::case4(0xA4, 0x04, 0x00, hex("A0")).encode_extended().bytes()),
            "00a40400000001a00000");
}

TEST(Apdu, LongDataGoesInAChain) {
  const Bytes data(266, 0x42);
  ScriptedCard card{{"1087079AFF" + repeated("42", 255), "9000"},
                    {"0087079A0B" + repeated("42", 11) + "00", "AA 9000"}};
  const auto answer = exchange(card, Command::general_authenticate(0x07, 0x9A, data));
  ASSERT_TRUE(answer);
  EXPECT_EQ(to_hex(answer->data), "aa");
  EXPECT_EQ(answer->sw, 0x9000);
  EXPECT_TRUE(card.finished());
}

TEST(Apdu, DataOfExactlyOneLinkIsNotChained) {
  EXPECT_EQ(Command::case3(0xDB, 0x3F, 0xFF, Bytes(255)).links(), 1U);
  EXPECT_EQ(Command::case3(0xDB, 0x3F, 0xFF, Bytes(256)).links(), 2U);
  EXPECT_EQ(Command::case3(0xDB, 0x3F, 0xFF, Bytes(510)).links(), 2U);
}

TEST(Apdu, ABrokenChainEndsWithTheCardsWord) {
  ScriptedCard card{{"1087079AFF" + repeated("42", 255), "6884"}};
  const auto answer = exchange(card, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->sw, 0x6884);
}

TEST(Apdu, AnExtendedChannelTakesOneExchange) {
  ScriptedCard card(
      std::vector<Step>{{"0087079A00010A" + repeated("42", 266) + "0000", repeated("AA", 300) + "9000"}},
      true);
  const auto answer = exchange(card, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data.size(), 300U);
}

const std::vector<Step> long_answer{{"00CB3FFF0401020304 00", repeated("AA", 256) + "6100"},
                                    {"00C0000000", repeated("BB", 256) + "6103"},
                                    {"00C0000003", "CCCCCC 9000"}};

TEST(Apdu, GetResponseGathersALongAnswer) {
  ScriptedCard card(long_answer);
  const auto answer = exchange(card, Command::get_data(hex("01020304")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data.size(), 515U);
  EXPECT_EQ(answer->data[256], 0xBB);
  EXPECT_EQ(answer->sw, 0x9000);
  EXPECT_TRUE(card.finished());
}

TEST(Apdu, TheFirstPartAloneLeavesTheRestUnread) {
  ScriptedCard card{long_answer[0]};
  const auto answer = exchange(card, Command::get_data(hex("01020304")), Read::first_part);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data.size(), 256U);
  EXPECT_EQ(answer->sw, 0x6100);
}

TEST(Apdu, EachExchangeCanFail) {
  expect_each_exchange_can_fail(
      long_answer, [](auto& card) { return exchange(card, Command::get_data(hex("01020304"))); });
}

TEST(Apdu, AWrongLeIsCorrectedOnce) {
  ScriptedCard card{{"00A4040001A000", "6C05"}, {"00A4040001A005", "0102030405 9000"}};
  EXPECT_EQ(exchange(card, Command::select(hex("A0")))->data.size(), 5U);
  EXPECT_TRUE(card.finished());

  ScriptedCard in_the_middle{
      {"00A4040001A000", "AA 6102"}, {"00C0000002", "6C01"}, {"00C0000001", "BB 9000"}};
  EXPECT_EQ(to_hex(exchange(in_the_middle, Command::select(hex("A0")))->data), "aabb");
}

TEST(Apdu, ACardThatCorrectsLeForEverIsLeft) {
  StubbornCard card(hex("6C05"));
  EXPECT_EQ(code_of(exchange(card, Command::select(hex("A0")))), Errc::card_protocol);
  EXPECT_EQ(card.exchanges, 2);
}

TEST(Apdu, ACommandThatWantsNoAnswerIsNeverSentTwice) {
  for (const std::string sw : {"6C05", "6105"}) {
    StubbornCard card(hex(sw));
    const auto answer = exchange(card, Command::verify(0x80, hex("313233343536FFFF")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(
        to_hex(Bytes{static_cast<std::uint8_t>(answer->sw >> 8), static_cast<std::uint8_t>(answer->sw)}),
        to_hex(hex(sw)));
    EXPECT_EQ(card.exchanges, 1);
  }
}

TEST(Apdu, AnEndlessAnswerIsCutOff) {
  StubbornCard empty_parts(hex("61FF"));
  EXPECT_EQ(code_of(exchange(empty_parts, Command::get_data(hex("5C017E")))), Errc::card_protocol);
  EXPECT_EQ(empty_parts.exchanges, max_exchanges);

  Bytes large(300, 0xAA);
  large.push_back(0x61);
  large.push_back(0x00);
  StubbornCard large_parts(large);
  EXPECT_EQ(code_of(exchange(large_parts, Command::get_data(hex("5C017E")))), Errc::too_large);
}

TEST(Apdu, AnAnswerWithoutStatusWordIsRefused) {
  for (const std::string answer : {"", "90"}) {
    StubbornCard card(hex(answer));
    EXPECT_EQ(code_of(exchange(card, Command::select(hex("A0")))), Errc::card_protocol);
  }
  StubbornCard enormous(Bytes(max_response_data + 3, 0x90));
  EXPECT_EQ(code_of(exchange(enormous, Command::select(hex("A0")))), Errc::card_protocol);
}

TEST(Apdu, TooLongACommandIsNotSent) {
  StubbornCard card(hex("9000"));
  EXPECT_EQ(code_of(exchange(card, Command::case3(0xDB, 0x3F, 0xFF, Bytes(max_command_data + 1)))),
            Errc::too_large);
  EXPECT_EQ(card.exchanges, 0);
}

}  // namespace
}  // namespace cardgate::pcsc
