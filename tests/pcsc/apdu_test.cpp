// SPDX-License-Identifier: Apache-2.0
#include "pcsc/apdu.hpp"

#include "pcsc/length_memory.hpp"

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

const std::string get_certificate = "00CB3FFF055C035FC105";
const std::string get_certificate_extended = "00CB3FFF0000055C035FC1050000";

Result<Response> read_certificate(CardChannel& card, Read read) {
  return exchange(card, Command::get_data(hex("5C035FC105")), read);
}

TEST(ApduT0, NoLeFollowsDataAndEveryHeaderHasAFifthByte) {
  const auto at_t0 = [](const Command& command) { return to_hex(command.encode_short(0, {}, true).bytes()); };
  EXPECT_EQ(at_t0(Command::case1(0x20, 0x00, 0x80)), "0020008000");
  EXPECT_EQ(at_t0(Command::case2(0xCB, 0x3F, 0xFF)), "00cb3fff00");
  EXPECT_EQ(at_t0(Command::case3(0x20, 0x00, 0x80, hex("0102"))), "00200080020102");
  EXPECT_EQ(at_t0(Command::case4(0xA4, 0x04, 0x00, hex("A0"))), "00a4040001a0");
}

TEST(ApduT0, TheFirstPartIsFetchedWhenTheCardSaysOnlyThatThereIsOne) {
  ScriptedCard card{{get_certificate, "6100"}, {"00C0000000", repeated("AA", 256) + "6100"}};
  card.speak_t0();
  const auto answer = read_certificate(card, Read::first_part);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data.size(), 256U) << "an empty part would be that of every card";
  EXPECT_EQ(answer->sw, 0x6100);
  EXPECT_TRUE(card.finished());
}

TEST(ApduT0, ACardThatGivesCrumbsIsAskedUntilThereIsAPart) {
  ScriptedCard card{{get_certificate, "6120"},
                    {"00C0000020", repeated("AA", 32) + "6120"},
                    {"00C0000020", repeated("BB", 32) + "6120"}};
  card.speak_t0();
  const auto answer = read_certificate(card, Read::first_part);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data.size(), first_part_bytes);
  EXPECT_TRUE(card.finished());
}

TEST(ApduT0, AChainIsClosedWithoutLe) {
  const Bytes data(266, 0x42);
  ScriptedCard card{{"1087079AFF" + repeated("42", 255), "9000"},
                    {"0087079A0B" + repeated("42", 11), "6102"},
                    {"00C0000002", "AABB 9000"}};
  card.speak_t0();
  EXPECT_EQ(to_hex(exchange(card, Command::general_authenticate(0x07, 0x9A, data))->data), "aabb");
  EXPECT_TRUE(card.finished());
}

TEST(ApduExtended, GoesOnlyWhereItSavesExchanges) {
  ScriptedCard card(
      std::vector<Step>{
          {"00A4040001A000", "6102"},
          {"00C0000002", "AAAA 9000"},
          {"00CB3FFF035C017E00", "7E00 9000"},
          {get_certificate + "00", repeated("AA", 256) + "6100"},
          {"008711 9A 02 7C00 00", "7C00 9000"},
          {get_certificate_extended, repeated("AA", 900) + "9000"},
      },
      true);
  EXPECT_TRUE(exchange(card, Command::select(hex("A0"))));
  EXPECT_TRUE(exchange(card, Command::get_data(hex("5C017E"))));
  EXPECT_TRUE(read_certificate(card, Read::first_part));
  EXPECT_TRUE(exchange(card, Command::general_authenticate(0x11, 0x9A, hex("7C00"))));
  EXPECT_EQ(read_certificate(card, Read::whole)->data.size(), 900U);
  EXPECT_FALSE(card.refused());
  EXPECT_TRUE(card.finished());
}

const std::string signature_extended = "0087079A00010A" + repeated("42", 266) + "0000";
const Step first_link{"1087079AFF" + repeated("42", 255), "9000"};
const std::string last_link = "0087079A0B" + repeated("42", 11) + "00";

TEST(ApduExtended, WhatTheCardDoesNotTakeSoIsSentInAChain) {
  for (const std::string refusal :
       {"6700", "6D00", "6E00", "6A80", "6A81", "6A86", "6B00", "6C00", "6F00", "6881", "6883", "9000"}) {
    SCOPED_TRACE(refusal);
    ScriptedCard card(std::vector<Step>{{signature_extended, refusal}, first_link, {last_link, "AA 9000"}},
                      true);
    const auto answer = exchange(card, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)));
    ASSERT_TRUE(answer);
    EXPECT_EQ(to_hex(answer->data), "aa");
    EXPECT_EQ(card.refused(), Refusal::by_card);
    EXPECT_TRUE(card.finished());
  }
}

TEST(ApduExtended, WhatTheReaderDoesNotCarryIsSentInAChain) {
  for (const std::string nothing : {silence, "", "90"}) {
    ScriptedCard card(std::vector<Step>{{signature_extended, nothing}, first_link, {last_link, "AA 9000"}},
                      true);
    EXPECT_EQ(exchange(card, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)))->sw, 0x9000);
    EXPECT_EQ(card.refused(), Refusal::by_reader);
    EXPECT_TRUE(card.finished());
  }
  ScriptedCard reading(std::vector<Step>{{get_certificate_extended, silence},
                                         {get_certificate + "00", repeated("AA", 256) + "6102"},
                                         {"00C0000002", "BBBB 9000"}},
                       true);
  EXPECT_EQ(read_certificate(reading, Read::whole)->data.size(), 258U);
  EXPECT_EQ(reading.refused(), Refusal::by_reader);
}

TEST(ApduExtended, AReaderThatLostTheCardOverItIsSpokenToInShortOnes) {
  ScriptedCard locked(std::vector<Step>{{signature_extended, silence}, {first_link.command, "6982"}}, true);
  EXPECT_EQ(exchange(locked, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)))->sw, 0x6982);
  EXPECT_EQ(locked.refused(), Refusal::by_reader) << "or the next signature would fail the same way";
  ScriptedCard silent(std::vector<Step>{{signature_extended, silence}, {first_link.command, silence}}, true);
  EXPECT_EQ(code_of(exchange(silent, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)))),
            Errc::pcsc_card_mute);
  EXPECT_EQ(silent.refused(), Refusal::by_reader);
  ScriptedCard pulled(std::vector<Step>{{signature_extended, silence}, {first_link.command, "9000"}}, true);
  pulled.fail_at(1);
  EXPECT_EQ(code_of(exchange(pulled, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)))),
            Errc::pcsc_card_removed);
  EXPECT_FALSE(pulled.refused()) << "that says nothing about the reader";
}

TEST(ApduExtended, ACardThatRefusesTheSameEitherWayIsBelieved) {
  ScriptedCard card(std::vector<Step>{{signature_extended, "6A80"}, {first_link.command, "6A80"}}, true);
  EXPECT_EQ(exchange(card, Command::general_authenticate(0x07, 0x9A, Bytes(266, 0x42)))->sw, 0x6A80);
  EXPECT_FALSE(card.refused());
  for (const std::string state : {"6A82", "6982", "6983", "6985", "6A88"}) {
    ScriptedCard about_state(std::vector<Step>{{get_certificate_extended, state}}, true);
    EXPECT_TRUE(read_certificate(about_state, Read::whole)) << state;
    EXPECT_TRUE(about_state.finished()) << state;
  }
}

TEST(ApduHalfRead, ACardThatWantsItsAnswerFetchedFirstGetsTheCommandOnceMore) {
  const std::string sign = "0087119E027C0000";
  ScriptedCard card{{get_certificate + "00", repeated("AA", 256) + "6100"},
                    {sign, "6985"},
                    {"00C0000000", repeated("AA", 256) + "6110"},
                    {"00C0000010", repeated("AA", 16) + "9000"},
                    {sign, "7C00 9000"},
                    {sign, "6985"}};
  EXPECT_TRUE(read_certificate(card, Read::first_part));
  const auto signing = Command::general_authenticate(0x11, 0x9E, hex("7C00"));
  EXPECT_EQ(exchange(card, signing)->sw, 0x9000);
  EXPECT_EQ(exchange(card, signing)->sw, 0x6985) << "nothing waits now, so it is meant";
  EXPECT_TRUE(card.finished());
}

TEST(ApduHalfRead, ACardThatHasDroppedItAlreadyGetsTheCommandOnceMore) {
  const std::string sign = "0087119E027C0000";
  for (const std::string dropped : {"6985", "6D00", "6F00", "9000"}) {
    ScriptedCard card{{get_certificate + "00", repeated("AA", 256) + "6100"},
                      {sign, "6985"},
                      {"00C0000000", dropped},
                      {sign, "7C00 9000"}};
    EXPECT_TRUE(read_certificate(card, Read::first_part));
    EXPECT_EQ(exchange(card, Command::general_authenticate(0x11, 0x9E, hex("7C00")))->sw, 0x9000) << dropped;
    EXPECT_TRUE(card.finished());
  }
}

TEST(ApduHalfRead, APasscodeWaitsUntilTheAnswerIsFetched) {
  ScriptedCard card{{get_certificate + "00", repeated("AA", 256) + "6110"},
                    {"00C0000010", repeated("AA", 16) + "9000"},
                    {"0020008008313233343536FFFF", "6985"}};
  EXPECT_TRUE(read_certificate(card, Read::first_part));
  EXPECT_EQ(exchange(card, Command::verify(0x80, hex("313233343536FFFF")))->sw, 0x6985);
  EXPECT_TRUE(card.finished()) << "and is sent once";
}

TEST(LengthMemory, KnowsReadersByNameAndCardsByTheirAtrAndIsBounded) {
  LengthMemory memory;
  const Bytes atr{0x3B, 0x80};
  memory.refused(Refusal::by_reader, "Old", atr);
  EXPECT_TRUE(memory.keeps_short("Old", Bytes{0x3B, 0x01}));
  EXPECT_FALSE(memory.keeps_short("New", atr));
  memory.refused(Refusal::by_card, "New", atr);
  EXPECT_TRUE(memory.keeps_short("Another", atr));
  for (std::size_t i = 0; i < LengthMemory::most; ++i)
    memory.refused(Refusal::by_reader, "Token " + std::to_string(i), atr);
  EXPECT_TRUE(memory.keeps_short("Token " + std::to_string(LengthMemory::most - 1), {}));
  EXPECT_FALSE(memory.keeps_short("Old", {})) << "the oldest make room";
}

TEST(Apdu, TooLongACommandIsNotSent) {
  StubbornCard card(hex("9000"));
  EXPECT_EQ(code_of(exchange(card, Command::case3(0xDB, 0x3F, 0xFF, Bytes(max_command_data + 1)))),
            Errc::too_large);
  EXPECT_EQ(card.exchanges, 0);
}

}  // namespace
}  // namespace cardgate::pcsc
