// SPDX-License-Identifier: Apache-2.0
// A little language in which the card's tests read as conversations: send("00 A4 ...") -> "61... 9000".
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/simcard/ca.hpp"
#include "tests/simcard/card.hpp"
#include "tests/support/process.hpp"

namespace cardgate::simcard {

inline constexpr const char* select_piv = "00 A4 04 00 09 A00000030800001000 00";
inline constexpr const char* verify_right = "00 20 00 80 08 313233343536FFFF";
inline constexpr const char* verify_wrong = "00 20 00 80 08 363534333231FFFF";
inline constexpr const char* verify_probe = "00 20 00 80";

class CardTest : public ::testing::Test {
 protected:
  /// One CA for all tests of the program.
  static Ca& ca() {
    static cardgate::testing::TempDir dir;
    static Ca made = Ca::open_or_create(dir.path()).value();
    return made;
  }
  /// Cards are made once a kind: a test changes its own copy.
  static const CardData& sample(KeyKind kind) {
    static std::map<KeyKind, CardData> made;
    const auto found = made.find(kind);
    return found != made.end() ? found->second : made.emplace(kind, make(kind)).first->second;
  }
  static CardData make(KeyKind kind) {
    Personalisation what;
    what.key = kind;
    what.upn = "ada@example.org";
    what.email = "ada.example@example.org";
    return personalise(ca(), what).value();
  }

  /// Puts a card in and selects PIV.
  void insert(CardData data) {
    card_ = std::make_unique<Card>(std::move(data));
    card_->power_on();
    EXPECT_EQ(sw(select_piv), "9000");
  }
  /// The answer in hex.
  std::string send(std::string_view hex) { return to_hex(card_->process(from_hex(hex).value())); }
  std::string send(const Bytes& apdu) { return to_hex(card_->process(apdu)); }
  /// The status word alone.
  template <class Apdu>
  std::string sw(const Apdu& apdu) {
    const std::string answer = send(apdu);
    return answer.size() < 4 ? answer : answer.substr(answer.size() - 4);
  }
  /// The whole answer through GET RESPONSE, without its status word (which must be 9000).
  template <class Apdu>
  Bytes whole(const Apdu& apdu) {
    std::string answer = send(apdu);
    std::string data;
    while (answer.size() >= 4 && answer.substr(answer.size() - 4, 2) == "61") {
      data += answer.substr(0, answer.size() - 4);
      answer = send("00 C0 00 00 00");
    }
    EXPECT_EQ(answer.substr(answer.size() - 4), "9000");
    return from_hex(data + answer.substr(0, answer.size() - 4)).value();
  }

  std::unique_ptr<Card> card_;
};

}  // namespace cardgate::simcard
