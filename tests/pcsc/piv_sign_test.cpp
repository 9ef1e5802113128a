// SPDX-License-Identifier: Apache-2.0
// What needs the PIN: tries left, VERIFY, GENERAL AUTHENTICATE.
#include <algorithm>
#include <array>
#include <fstream>

#include "pcsc/piv.hpp"
#include "pcsc/tlv.hpp"
#include "tests/pcsc/scripted_card.hpp"

namespace cardgate::pcsc {
namespace {

Secret pin(std::string_view digits) {
  return Secret(digits);
}

TEST(PivTriesLeft, AreReadWithoutSpendingOne) {
  const std::vector<std::pair<std::string, int>> answers{
      {"63C3", 3}, {"63CF", 15}, {"63C1", 1},  {"63C0", 0}, {"6983", 0},
      {"6984", 0}, {"6303", 3},  {"630F", 15}, {"6301", 1}, {"6300", piv::tries_not_told}};
  for (const auto& [sw, tries] : answers) {
    ScriptedCard card{{"00200080", sw}};
    EXPECT_EQ(piv::tries_left(card).value(), tries) << sw;
  }
}

TEST(PivTriesLeft, AreToldByACardThatWantsToReadALengthOfZero) {
  for (const char* refused : {"6700", "6C00", "6A80", "6A86", "6B00"}) {
    ScriptedCard card{{"00200080", refused}, {"0020008000", "63C3"}};
    EXPECT_EQ(piv::tries_left(card).value(), 3) << refused;
    EXPECT_TRUE(card.finished());
  }
}

TEST(PivTriesLeft, ACardThatIsUnlockedAfterAResetIsLockedAgain) {
  ScriptedCard card{{"00200080", "9000"}, {"0020FF80", "9000"}, {"00200080", "63C3"}};
  const auto state = piv::passcode_state(card);
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->tries_left, 3);
  EXPECT_TRUE(state->outlived_reset);
  EXPECT_TRUE(card.finished());
}

TEST(PivTriesLeft, ACardThatCannotBeLockedIsRefused) {
  ScriptedCard keeps{{"00200080", "9000"}, {"0020FF80", "9000"}, {"00200080", "9000"}};
  EXPECT_EQ(code_of(piv::tries_left(keeps)), Errc::card_protocol);
  ScriptedCard knows_no_such{
      {"00200080", "9000"}, {"0020FF80", "6A86"}, {"0020FF8000", "6A86"}, {"00200080", "9000"}};
  EXPECT_EQ(code_of(piv::tries_left(knows_no_such)), Errc::card_protocol);
}

TEST(PivTriesLeft, AreNotToldWithoutContacts) {
  for (const char* sw : {"6982", "6A81"}) {
    ScriptedCard card{{"00200080", sw}};
    EXPECT_EQ(code_of(piv::tries_left(card)), Errc::permission_denied) << sw;
  }
}

TEST(PivTriesLeft, ACardThatKnowsNoPivCommandIsNotPiv) {
  for (const char* sw : {"6D00", "6E00"}) {
    ScriptedCard card{{"00200080", sw}};
    EXPECT_EQ(code_of(piv::tries_left(card)), Errc::card_not_piv) << sw;
  }
}

TEST(PivTriesLeft, AnythingElseIsUnexpected) {
  ScriptedCard unknown{{"00200080", "6A88"}};
  EXPECT_EQ(code_of(piv::tries_left(unknown)), Errc::card_data_missing);
  for (const char* sw : {"6700", "6CFF", "6F00"}) {
    ScriptedCard card{{"00200080", sw}, {"0020008000", sw}};
    EXPECT_EQ(code_of(piv::tries_left(card)), Errc::card_status) << sw;
  }
}

TEST(PivTriesLeft, OfTheUnblockingKeyAreToldByFewCards) {
  const std::vector<std::pair<std::string, int>> answers{
      {"63C2", 2}, {"6302", 2}, {"6983", 0}, {"6A88", piv::tries_not_told}, {"6300", piv::tries_not_told}};
  for (const auto& [sw, tries] : answers) {
    ScriptedCard card{{"00200081", sw}};
    EXPECT_EQ(piv::puk_tries_left(card).value(), tries) << sw;
  }
  ScriptedCard odd{{"00200081", "6A86"}, {"0020008100", "6A86"}};
  EXPECT_EQ(piv::puk_tries_left(odd).value(), piv::tries_not_told);
}

TEST(PivPinFormat, IsSixToEightDigits) {
  for (const char* good : {"123456", "1234567", "00000000"}) EXPECT_TRUE(piv::check_pin_format(pin(good)));
  for (const char* bad : {"12345", "123456789", "12345a", "123 56", "12345\n", "１２３４５６"})
    EXPECT_EQ(code_of(piv::check_pin_format(pin(bad))), Errc::pin_format) << bad;
  EXPECT_EQ(code_of(piv::check_pin_format(Secret())), Errc::pin_format);
}

const std::string verify_command = "00200080 08 313233343536FFFF";

TEST(PivVerifyPin, SendsItPadded) {
  ScriptedCard six{{verify_command, "9000"}};
  EXPECT_TRUE(piv::verify_pin(six, pin("123456")));
  ScriptedCard eight{{"00200080 08 3132333435363738", "9000"}};
  EXPECT_TRUE(piv::verify_pin(eight, pin("12345678")));
}

TEST(PivVerifyPin, ReportsTriesLeft) {
  ScriptedCard card{{verify_command, "63C2"}, {"00200080", "63C2"}};
  const auto refused = piv::verify_pin(card, pin("123456"));
  EXPECT_EQ(code_of(refused), Errc::pin_incorrect);
  EXPECT_EQ(tries_left(refused.error()), 2);
  EXPECT_TRUE(card.finished());
}

// 6300, 6984 and their like come from real cards: what was sent and is not 9000 was a try.
TEST(PivVerifyPin, WhateverIsNotAYesIsAFailureAndTheTriesAreAskedForAgain) {
  for (const char* sw : {"63C7", "6307", "6300", "6984", "6985", "6982", "6700", "6A80", "6A86", "6A88",
                         "6B00", "6D00", "6F00", "6581", "6C08", "6108", "9001", "6983"}) {
    ScriptedCard card{{verify_command, sw}, {"00200080", "63C5"}};
    const auto refused = piv::verify_pin(card, pin("123456"));
    EXPECT_EQ(code_of(refused), Errc::pin_incorrect) << sw;
    EXPECT_EQ(tries_left(refused.error()), 5) << sw << ": the card's own count";
    EXPECT_TRUE(card.finished()) << "a passcode is sent once: " << sw;
  }
}

TEST(PivVerifyPin, ACardThatDoesNotCountAloudIsBelievedInWhatItSaid) {
  const std::vector<std::pair<std::string, int>> told{
      {"63C4", 4}, {"6304", 4}, {"6300", piv::tries_not_told}, {"6985", piv::tries_not_told}};
  for (const auto& [sw, tries] : told) {
    for (const char* silence : {"6300", "6A88"}) {
      ScriptedCard card{{verify_command, sw}, {"00200080", silence}};
      const auto refused = piv::verify_pin(card, pin("123456"));
      EXPECT_EQ(code_of(refused), Errc::pin_incorrect) << sw;
      EXPECT_EQ(tries_left(refused.error()), tries) << sw << " " << silence;
    }
  }
}

TEST(PivVerifyPin, TheLastTryBlocksTheCardHoweverItSaysSo) {
  const std::vector<std::pair<std::string, std::string>> ways{
      {"6983", "6983"}, {"63C0", "63C0"}, {"6300", "6983"}, {"6984", "6984"}, {"63C0", "6A88"}};
  for (const auto& [sw, state] : ways) {
    ScriptedCard card{{verify_command, sw}, {"00200080", state}};
    EXPECT_EQ(code_of(piv::verify_pin(card, pin("123456"))), Errc::pin_blocked) << sw;
  }
}

TEST(PivVerifyPin, AnAnswerThatIsNoneIsNoYes) {
  ScriptedCard card{{verify_command, "90"}};
  EXPECT_EQ(code_of(piv::verify_pin(card, pin("123456"))), Errc::card_protocol);
}

const std::string change_command = "00240080 10 313233343536FFFF 363534333231FFFF";
TEST(PivChangePin, ARefusedNewOneIsToldFromAWrongOldOneByTheCount) {
  for (const char* sw : {"6A80", "6985", "6984", "6700"}) {
    ScriptedCard kept{{change_command, sw}, {"00200080", "63C3"}};
    const auto fresh = piv::change_pin(kept, pin("123456"), pin("654321"), piv::Pin::application, 3);
    EXPECT_EQ(code_of(fresh), Errc::pin_format) << sw;
    EXPECT_NE(fresh.error().number, 0) << "it was sent";
    ScriptedCard counted{{change_command, sw}, {"00200080", "63C2"}};
    const auto old = piv::change_pin(counted, pin("123456"), pin("654321"), piv::Pin::application, 3);
    EXPECT_EQ(code_of(old), Errc::pin_incorrect) << sw;
    EXPECT_EQ(tries_left(old.error()), 2);
  }
  ScriptedCard wrong{{change_command, "63C2"}, {"00200080", "63C2"}};
  EXPECT_EQ(code_of(piv::change_pin(wrong, pin("123456"), pin("654321"), piv::Pin::application, 3)),
            Errc::pin_incorrect);
}

const std::string unblock_command = "002C0080 10 3132333435363738 363534333231FFFF";
TEST(PivUnblockPin, WhateverIsNotAYesIsAFailureOfTheKey) {
  for (const char* sw : {"63C7", "6300", "6984", "6985", "6982", "6700", "6A88", "6F00"}) {
    ScriptedCard card{{unblock_command, sw}, {"00200081", "63C2"}};
    const auto refused = piv::unblock_pin(card, pin("12345678"), pin("654321"));
    EXPECT_EQ(code_of(refused), Errc::puk_incorrect) << sw;
    EXPECT_EQ(tries_left(refused.error()), 2) << sw;
  }
  const std::vector<std::pair<std::string, int>> told{
      {"63C2", 2}, {"6302", 2}, {"6300", piv::tries_not_told}};
  for (const auto& [sw, tries] : told) {
    ScriptedCard card{{unblock_command, sw}, {"00200081", "6A88"}};
    const auto refused = piv::unblock_pin(card, pin("12345678"), pin("654321"));
    EXPECT_EQ(code_of(refused), Errc::puk_incorrect) << sw;
    EXPECT_EQ(tries_left(refused.error()), tries) << sw;
  }
  for (const char* sw : {"6983", "63C0"}) {
    ScriptedCard card{{unblock_command, sw}, {"00200081", "6A88"}};
    EXPECT_EQ(code_of(piv::unblock_pin(card, pin("12345678"), pin("654321"))), Errc::puk_blocked) << sw;
  }
  ScriptedCard form{{unblock_command, "6A80"}};
  EXPECT_EQ(code_of(piv::unblock_pin(form, pin("12345678"), pin("654321"))), Errc::pin_format);
  ScriptedCard without{{unblock_command, "6D00"}};
  EXPECT_EQ(code_of(piv::unblock_pin(without, pin("12345678"), pin("654321"))), Errc::key_unsupported);
}

TEST(PivVerifyPin, ABadFormSpendsNothing) {
  ScriptedCard card{};
  EXPECT_EQ(code_of(piv::verify_pin(card, pin("12345"))), Errc::pin_format);
  EXPECT_EQ(card.exchanges(), 0U);
}

/// Refuses the PIN, or is pulled during the command.
class RefusingCard final : public CardChannel {
 public:
  explicit RefusingCard(bool pulled) : pulled_(pulled) {}
  Result<Bytes> transmit(BytesView) override {
    if (pulled_) return Errc::pcsc_card_removed;
    return Bytes{0x63, 0xC2};
  }

 private:
  bool pulled_;
};

// Masked, so that the test's own constants are not what it finds.
constexpr std::uint8_t mask = 0x55;
constexpr std::array<std::uint8_t, 8> masked_pin{'8' ^ mask, '4' ^ mask, '7' ^ mask, '3' ^ mask,
                                                 '6' ^ mask, '2' ^ mask, '5' ^ mask, '1' ^ mask};

/// Whether the PIN's digits stand anywhere in the process's writable memory (a sanitizer's huge shadow
/// apart).
bool pin_is_in_memory() {
  constexpr std::uint64_t shadow_size = 64 << 20;
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  bool found = false;
  for (std::string line; !found && std::getline(maps, line);) {
    const auto start = std::stoull(line.substr(0, line.find('-')), nullptr, 16);
    const auto end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    if (line.find(" rw") == std::string::npos || end - start > shadow_size) continue;
    std::vector<char> content(end - start);
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(start));
    if (!memory.read(content.data(), static_cast<std::streamsize>(content.size()))) continue;
    found = std::search(content.begin(), content.end(), masked_pin.begin(), masked_pin.end(),
                        [](char byte, std::uint8_t masked) {
                          return (static_cast<std::uint8_t>(byte) ^ mask) == masked;
                        }) != content.end();
    wipe(content.data(), content.size());
  }
  return found;
}

TEST(PivVerifyPin, LeavesThePinNowhere) {
  {
    std::vector<std::uint8_t> shown(masked_pin.begin(), masked_pin.end());
    for (std::uint8_t& byte : shown) byte ^= mask;
    EXPECT_TRUE(pin_is_in_memory()) << "the search must be able to find it";
    wipe(shown.data(), shown.size());
  }
  for (const bool pulled : {false, true}) {
    Secret secret(masked_pin.size());
    for (std::size_t i = 0; i < masked_pin.size(); ++i) secret.bytes()[i] = masked_pin[i] ^ mask;
    RefusingCard card(pulled);
    EXPECT_FALSE(piv::verify_pin(card, std::move(secret)));
    EXPECT_FALSE(pin_is_in_memory()) << (pulled ? "pulled" : "refused");
  }
}

// SP 800-73-4 Part 2, A.3 and A.4: RSA goes out chained and comes back in two parts, ECDSA in one exchange.
const std::string template_start = "7C820106 8200 81820100";
std::vector<Step> rsa_script() {
  return {{"1087079AFF" + template_start + repeated("5A", 255 - 10), "9000"},
          {"0087079A0B" + repeated("5A", 11) + "00", "7C820104 82820100" + repeated("A5", 248) + "6108"},
          {"00C0000008", repeated("A5", 8) + "9000"}};
}
const std::string ec_command = "0087119A 26 7C24 8200 8120" + repeated("5A", 32) + "00";
std::string ec_answer(const std::string& signature) {
  const auto size = static_cast<std::uint8_t>(hex(signature).size());
  return "7C" + to_hex(Bytes{static_cast<std::uint8_t>(size + 2)}) + "82" + to_hex(Bytes{size}) + signature +
         "9000";
}
const std::string ec_signature = "3045 0220" + repeated("11", 32) + "0221 00" + repeated("FF", 32);

using piv::Algorithm;
using piv::Slot;

TEST(PivSign, Rsa2048TakesThreeExchanges) {
  ScriptedCard card(rsa_script());
  const auto signature = piv::sign(card, Slot::authentication, Algorithm::rsa2048, Bytes(256, 0x5A));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(*signature, Bytes(256, 0xA5));
  EXPECT_TRUE(card.finished());
}

TEST(PivSign, P256TakesOneExchange) {
  ScriptedCard card{{ec_command, ec_answer(ec_signature)}};
  const auto signature = piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(to_hex(*signature), to_hex(hex(ec_signature)));
  EXPECT_TRUE(card.finished());
}

TEST(PivSign, EachExchangeCanFail) {
  expect_each_exchange_can_fail(rsa_script(), [](auto& card) {
    return piv::sign(card, Slot::authentication, Algorithm::rsa2048, Bytes(256, 0x5A));
  });
}

TEST(PivSign, EachStatusWordHasItsMeaning) {
  const std::vector<std::pair<std::string, Errc>> answers{
      {"6982", Errc::permission_denied}, {"6A88", Errc::card_data_missing}, {"6A80", Errc::key_unsupported},
      {"6A86", Errc::key_unsupported},   {"6A81", Errc::key_unsupported},   {"6F00", Errc::card_status},
      {"6A82", Errc::card_data_missing}, {"6985", Errc::card_status}};
  for (const auto& [sw, code] : answers) {
    ScriptedCard card{{ec_command, sw}};
    EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A))), code) << sw;
  }
}

TEST(PivSign, TheBlockMustFitTheAlgorithm) {
  ScriptedCard card{};
  for (const std::size_t size : {0U, 31U, 33U})
    EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(size))),
              Errc::invalid_argument);
  EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::rsa2048, Bytes(32))),
            Errc::invalid_argument);
  EXPECT_EQ(code_of(piv::sign(card, static_cast<Slot>(0x80), Algorithm::p256, Bytes(32))),
            Errc::invalid_argument);
  EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, static_cast<Algorithm>(0x03), Bytes(32))),
            Errc::invalid_argument);
}

TEST(PivSign, AnEcdsaAnswerIsRefusedTruncatedAtEveryLength) {
  const Bytes whole = hex(ec_answer(ec_signature));
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    ScriptedCard card{{ec_command, to_hex(BytesView(whole).first(size)) + "9000"}};
    EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A))),
              Errc::card_protocol)
        << size;
  }
}

TEST(PivSign, AnEcdsaSignatureMustBeTwoPositiveIntegers) {
  const std::vector<std::string> signatures{
      "3000",
      "3003020101",
      "3006020101020100",                          // s zero
      "30080201010203000000",                      // and in another way
      "30050201010200",                            // s empty
      "3009020101020101020101",                    // a third integer
      "300602010102010102",                        // leftover
      "30260221" + repeated("11", 33) + "020101",  // r too long
      "0406020101020101",                          // no SEQUENCE
  };
  for (const std::string& signature : signatures) {
    ScriptedCard card{{ec_command, ec_answer(signature)}};
    EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A))),
              Errc::card_protocol)
        << signature;
  }
}

// What cards write, and what it becomes: r and s with and without the zeros that DER wants, and padded.
TEST(PivSign, AnEcdsaSignatureComesOutInItsShortestForm) {
  const std::string high = repeated("FF", 32);
  const std::string low = repeated("11", 32);
  const std::string odd = repeated("11", 31);
  const std::vector<std::pair<std::string, std::string>> written{
      {"3046 0221 00" + low + "0221 00" + high, "3045 0220" + low + "0221 00" + high},
      {"3048 0222 0000" + low + "0222 0000" + high, "3045 0220" + low + "0221 00" + high},
      {"3044 0220" + low + "0220" + high, "3045 0220" + low + "0221 00" + high},
      {"3044 0220 00" + odd + "0220" + low, "3043 021F" + odd + "0220" + low},
      {"3006 020101 020101", "3006 020101 020101"},
      {"3006 020101 020180", "3007 020101 02020080"},
      {"308106 020101 020101", "3006 020101 020101"},
      {"3007 02810101 020101", "3006 020101 020101"},
      {"3006 020101 020101 0000", "3006 020101 020101"},
      {"3006 020101 020101 FF", "3006 020101 020101"}};
  for (const auto& [given, shortest] : written) {
    ScriptedCard card{{ec_command, ec_answer(given)}};
    const auto signature = piv::sign(card, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A));
    ASSERT_TRUE(signature) << given << " " << signature.error().message();
    EXPECT_EQ(to_hex(*signature), to_hex(hex(shortest))) << given;
  }
}

TEST(PivSign, AP384SignatureToo) {
  const std::string command = "0087149A 36 7C34 8200 8130" + repeated("5A", 48) + "00";
  const std::string high = repeated("FF", 48);
  const std::string odd = repeated("11", 47);
  ScriptedCard card{{command, ec_answer("3066 0231 00" + high + "0231 0000" + odd)}};
  const auto signature = piv::sign(card, Slot::authentication, Algorithm::p384, Bytes(48, 0x5A));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(to_hex(*signature), to_hex(hex("3064 0231 00" + high + "022F" + odd)));
}

TEST(PivSign, APaddedAnswerIsRead) {
  for (const char* padding : {"00", "0000", "FF", "FFFF00"}) {
    const std::string bare = ec_answer(ec_signature);
    ScriptedCard behind{{ec_command, bare.substr(0, bare.size() - 4) + padding + "9000"}};
    EXPECT_TRUE(piv::sign(behind, Slot::authentication, Algorithm::p256, Bytes(32, 0x5A))) << padding;
  }
}

TEST(PivSign, AnRsaSignatureComesOutAsLongAsTheModulus) {
  const std::vector<std::pair<std::string, std::string>> written{
      {"7C820102 8281FF" + repeated("A5", 255), "00" + repeated("A5", 255)},
      {"7C820105 82820101 00" + repeated("A5", 256), repeated("A5", 256)}};
  for (const auto& [answer, whole] : written) {
    auto script = rsa_script();
    script.pop_back();
    script.back().answer = answer + "9000";
    ScriptedCard card(script);
    const auto signature = piv::sign(card, Slot::authentication, Algorithm::rsa2048, Bytes(256, 0x5A));
    ASSERT_TRUE(signature) << signature.error().message();
    EXPECT_EQ(to_hex(*signature), to_hex(hex(whole)));
  }
}

TEST(PivSign, AnRsaSignatureMustBeAsLongAsTheModulus) {
  const std::vector<std::string> answers{"7C81FD 8281FA" + repeated("A5", 250),
                                         "7C820105 82820101" + repeated("A5", 257),
                                         "7C028200",
                                         "7C048101AA82",
                                         "7C00",
                                         "",
                                         "8200",
                                         "7C058203A5A5A5FF"};
  for (const std::string& answer : answers) {
    auto script = rsa_script();
    script.pop_back();
    script.back().answer = answer + "9000";
    ScriptedCard card(script);
    EXPECT_EQ(code_of(piv::sign(card, Slot::authentication, Algorithm::rsa2048, Bytes(256, 0x5A))),
              Errc::card_protocol)
        << answer;
  }
}

}  // namespace
}  // namespace cardgate::pcsc
