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
      {"63C3", 3}, {"63CF", 15}, {"63C1", 1}, {"63C0", 0}, {"6983", 0}};
  for (const auto& [sw, tries] : answers) {
    ScriptedCard card{{"00200080", sw}};
    EXPECT_EQ(piv::tries_left(card).value(), tries) << sw;
  }
}

TEST(PivTriesLeft, AnUnlockedCardAfterAResetIsALie) {
  ScriptedCard card{{"00200080", "9000"}};
  EXPECT_EQ(code_of(piv::tries_left(card)), Errc::card_protocol);
}

TEST(PivTriesLeft, AnythingElseIsUnexpected) {
  for (const char* sw : {"6300", "6700", "6A88", "6D00", "6CFF"}) {
    ScriptedCard card{{"00200080", sw}};
    EXPECT_EQ(code_of(piv::tries_left(card)), Errc::card_status) << sw;
  }
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
  ScriptedCard card{{verify_command, "63C2"}};
  const auto refused = piv::verify_pin(card, pin("123456"));
  EXPECT_EQ(code_of(refused), Errc::pin_incorrect);
  EXPECT_EQ(tries_left(refused.error()), 2);
  EXPECT_TRUE(card.finished());
}

TEST(PivVerifyPin, EachStatusWordHasItsMeaning) {
  const std::vector<std::pair<std::string, Errc>> answers{
      {"6983", Errc::pin_blocked}, {"63C0", Errc::pin_blocked}, {"6A80", Errc::pin_format},
      {"6300", Errc::card_status}, {"6982", Errc::card_status}, {"6C08", Errc::card_status},
      {"6108", Errc::card_status}, {"9001", Errc::card_status}, {"90", Errc::card_protocol}};
  for (const auto& [sw, code] : answers) {
    ScriptedCard card{{verify_command, sw}};
    EXPECT_EQ(code_of(piv::verify_pin(card, pin("123456"))), code) << sw;
    EXPECT_EQ(card.exchanges(), 1U) << "a passcode is sent once: " << sw;
  }
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
      {"6A86", Errc::key_unsupported},   {"6A81", Errc::key_unsupported},   {"6F00", Errc::card_status}};
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
      "3006020101020180",                          // s negative
      "3006020101020100",                          // s zero
      "300702010102020001",                        // s not minimal
      "3009020101020101020101",                    // a third integer
      "300602010102010100",                        // leftover
      "3081060201010201 01",                       // length not minimal
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

TEST(PivSign, AnRsaSignatureMustBeAsLongAsTheModulus) {
  const std::vector<std::string> answers{"7C820103 8281FF" + repeated("A5", 255),
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
