// SPDX-License-Identifier: Apache-2.0
// Good cards with the oddities that real ones have, against the whole service: their owners sign in. And cards that are
// odd in a way that counts: people are told what it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/daemon/stage.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/odd.hpp"
#include "tests/simcard/tlv.hpp"

namespace cardgate::daemon {
namespace {

namespace odd = simcard::odd;
using simcard::Faults;
using simcard::KeyKind;
using simcard::tlv;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Stage;

using Words = std::vector<std::uint16_t>;

constexpr std::uint32_t certificate_9a = 0x5FC105;
constexpr std::uint32_t certificate_9e = 0x5FC101;
constexpr std::uint32_t discovery = 0x7E;
constexpr std::uint8_t key_9a = 0x9A;
constexpr std::uint8_t key_9e = 0x9E;

class OddCards : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void insert(Faults faults) {
    stage.card->set_faults(std::move(faults));
    stage.insert_and_wait();
  }
  /// Puts the card in with these faults, signs in, and takes it out.
  void expect_sign_in(const std::string& what, Faults faults) {
    SCOPED_TRACE(what);
    insert(std::move(faults));
    const auto session = stage.sign_in();
    EXPECT_EQ(session.status, 201) << session.body << stage.card_status();
    stage.pull();
  }
  std::string problem() const {
    const auto status = stage.card_status();
    return status.contains("problem") ? std::string(status.at("problem").as_string()) : std::string();
  }
  int tries() const { return stage.card->pin_tries(); }
  testing::HttpAnswer unblock(const std::string& key, bool spend_last_try = false) const {
    json::object body{{"reader", Stage::reader}, {"unblocking_key", key}, {"new_passcode", "246810"}};
    if (spend_last_try) body["spend_last_try"] = true;
    const auto id = std::string(stage.card_status().at("id").as_string());
    return stage.ask("POST", "/v1/cards/" + id + "/unblock", json::serialize(body),
                     {"Content-Type: application/json"});
  }
  static Faults object_shown(std::uint32_t object, Bytes content) {
    Faults faults;
    faults.objects[object] = std::move(content);
    return faults;
  }
  Stage stage;
};

TEST_F(OddCards, WhatIsOptionalOrCosmeticKeepsNobodyOut) {
  stage.up();
  const Bytes aid = from_hex("A000000308000010000100").value();
  expect_sign_in("4F without its first zeros",
                 odd::select_answered(from_hex("610F4F060010000100007905A000000308").value()));
  expect_sign_in("an FCI",
                 odd::select_answered(tlv(0x6F, simcard::join({tlv(0x84, aid), tlv(0xA5, Bytes{})}))));
  expect_sign_in("nothing at all", odd::select_answered({}));
  for (const std::uint16_t sw : Words{0x6A80, 0x6A88, 0x6982, 0x6D00})
    expect_sign_in("Discovery " + std::to_string(sw), odd::object_refused(discovery, sw));
  expect_sign_in("Discovery, 9000 without data", object_shown(discovery, {}));
  expect_sign_in("Discovery, empty", object_shown(discovery, {0x7E, 0x00}));
  expect_sign_in("Discovery of a global passcode that the card does not have",
                 object_shown(discovery, from_hex("7E055F2F026020").value()));
  expect_sign_in("card authentication, empty", object_shown(certificate_9e, {0x53, 0x00}));
  expect_sign_in("card authentication, 9000 without data", object_shown(certificate_9e, {}));
  const Bytes der = stage.card->data().authentication.certificate;
  const auto stored = [&](const std::string& what, const std::function<Bytes(const Bytes&)>& shape) {
    expect_sign_in(what, odd::certificate_shaped(certificate_9a, der, shape));
  };
  stored("padded", [](const Bytes& one) {
    return simcard::join({tlv(0x70, one), tlv(0x71, Bytes{0}), tlv(0xFE, Bytes{}), Bytes(80, 0xFF)});
  });
  stored("padded inside, with a wrong flag", [](const Bytes& one) {
    return simcard::join({tlv(0x71, Bytes{1}), Bytes(3, 0), tlv(0x70, simcard::join({one, Bytes(9, 0)}))});
  });
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.gzip_certificates = true; }));
  expect_sign_in("packed", {});
}

TEST_F(OddCards, TriesAreReadHoweverTheyAreTold) {
  stage.up();
  expect_sign_in("an empty VERIFY with a length of 0", odd::wants_a_length_of_zero());
  expect_sign_in("as 63 0X", odd::tries_told_as_630x());
  insert(odd::tries_told_as_630x());
  EXPECT_EQ(stage.card_status().at("tries_left"), 3);
  const auto wrong = stage.sign_in("654321");
  EXPECT_EQ(wrong.error(), "passcode_incorrect") << wrong.body;
  EXPECT_EQ(wrong.json().at("tries_left"), 2);
  EXPECT_EQ(stage.sign_in().status, 201);
  stage.pull();
  insert(odd::empty_verify_answered(0x6300));
  EXPECT_TRUE(stage.card_status().at("tries_left").is_null()) << "not told";
}

TEST_F(OddCards, APasscodeThatOutlivesAResetIsForgottenBeforeAndAfterItIsUsed) {
  stage.up();
  insert(odd::state_outlives_resets());
  EXPECT_EQ(stage.card_status().at("tries_left"), 3);
  EXPECT_EQ(stage.sign_in("654321").error(), "passcode_incorrect");
  EXPECT_EQ(stage.sign_in().status, 201);
  const auto ask = [&](std::string_view command) {
    return to_hex(stage.card->process(from_hex(command).value()));
  };
  EXPECT_TRUE(eventually(seconds(5), [&] {
    static_cast<void>(ask("00A4040009A0000003080000100000"));
    return ask("00200080") ==
           "63c3";  // the service may be reading the tries again, and resets the card meanwhile
  })) << "nobody inherits an unlocked card";
  stage.pull();
  insert(odd::state_outlives_resets(false));
  EXPECT_EQ(stage.card_status().at("state"), "unusable");
}

// Two failures an insertion are the most, whatever the card calls them.
TEST_F(OddCards, APasscodeThatIsNotAcceptedCountsWhateverTheCardAnswers) {
  stage.up();
  for (const std::uint16_t sw : Words{0x6300, 0x6984, 0x6985, 0x6700, 0x6A88, 0x6A80, 0x6F00}) {
    SCOPED_TRACE(sw);
    ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = data.max_tries = 8; }));
    insert(odd::wrong_passcode_answered(sw));
    for (const int left : {7, 6}) {
      const auto wrong = stage.sign_in("654321");
      EXPECT_EQ(wrong.error(), "passcode_incorrect") << wrong.body;
      EXPECT_EQ(wrong.json().at("tries_left"), left);
      EXPECT_EQ(stage.card_status().at("tries_left"), left);
    }
    EXPECT_EQ(stage.sign_in("654321").error(), "reinsert_card");
    EXPECT_EQ(tries(), 6);
    stage.pull();
  }
}

TEST_F(OddCards, ARightPasscodeThatTheCardDoesNotAcceptCountsToo) {
  stage.up();
  insert(odd::passcode_refused(0x6985));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto refused = stage.sign_in();
    EXPECT_EQ(refused.error(), "passcode_incorrect");
    EXPECT_THAT(std::string(refused.json().at("detail").as_string()), HasSubstr("counted no try"));
  }
  EXPECT_EQ(stage.sign_in().error(), "reinsert_card");
}

TEST_F(OddCards, TheLastTryIsToldAndRecordedWhenItBlocksTheCard) {
  stage.up();
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = 1; }));
  insert(odd::wrong_passcode_answered(0x6300));
  EXPECT_EQ(stage.sign_in("654321").error(), "last_try");
  EXPECT_EQ(stage.sign_in("654321", 1, true).error(), "passcode_blocked");
  EXPECT_EQ(stage.card_status().at("tries_left"), 0);
  EXPECT_TRUE(stage.audit_says("card_blocked"));
}

TEST_F(OddCards, CardAuthenticationThatCannotBeHadKeepsNobodyOut) {
  stage.up();
  for (const std::uint16_t sw : Words{0x6982, 0x6985, 0x6A86, 0x6A88, 0x6A80, 0x6F00})
    expect_sign_in("the key answers " + std::to_string(sw), odd::key_answers(key_9e, sw));
  const Bytes junk(700, 0x31);
  for (const auto& object : {tlv(0x53, tlv(0x70, junk)), tlv(0x53, tlv(0x70, Bytes{0x30, 0x00})), junk}) {
    insert(object_shown(certificate_9e, object));
    EXPECT_EQ(stage.card_status().at("genuine"), "not shown");
    EXPECT_EQ(stage.sign_in().status, 201);
    stage.pull();
  }
  for (const std::uint16_t sw : Words{0x6982, 0x6F00, 0x6A80})
    expect_sign_in("the object answers " + std::to_string(sw), odd::object_refused(certificate_9e, sw));
}

TEST_F(OddCards, AKeyForCardAuthenticationThatWaitsForATouchIsNotWaitedFor) {
  stage.up();
  std::promise<void> touched;
  insert(odd::key_waits(key_9e, touched.get_future().share()));
  EXPECT_EQ(stage.card_status().at("state"), "ready") << stage.card_status();
  EXPECT_EQ(stage.card_status().at("genuine"), "not shown");
  // The card is still at it: whoever signs in waits for that, and is not told of another program.
  auto session = std::async(std::launch::async, [&] { return stage.sign_in(); });
  touched.set_value();
  EXPECT_EQ(session.get().status, 201);
  stage.pull();
  // The next time it is not asked.
  std::promise<void> never;
  insert(odd::key_waits(key_9e, never.get_future().share()));
  EXPECT_EQ(stage.sign_in().status, 201);
  never.set_value();
}

TEST_F(OddCards, SignaturesAreReadHoweverTheirNumbersAreWritten) {
  for (const auto kind : {KeyKind::p256, KeyKind::p384}) {
    Stage another;
    another.up(kind);
    const std::size_t size = kind == KeyKind::p256 ? 32 : 48;
    for (const bool whole : {false, true}) {
      another.card->set_faults(odd::signature_shaped([=](const Bytes& r, const Bytes& s) {
        const auto number = [&](const Bytes& one) {
          // To one more than the full size, or to the full size without the zero that DER may need.
          return odd::integer(one, size + (whole ? 1 : 0) - one.size());
        };
        return tlv(0x30, simcard::join({number(r), number(s)}));
      }));
      another.insert_and_wait();
      EXPECT_EQ(another.card_status().at("genuine"), "shown") << whole;
      EXPECT_EQ(another.sign_in().status, 201) << whole;
      another.pull();
    }
  }
}

TEST_F(OddCards, AKeyThatDoesNotSignIsToldFromAWrongPasscode) {
  stage.up();
  for (const std::uint16_t sw : Words{0x6985, 0x6982, 0x6F00}) {
    insert(odd::key_answers(key_9a, sw));
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto refused = stage.sign_in();
      EXPECT_EQ(refused.error(), "card_unusable") << refused.body;
      EXPECT_THAT(std::string(refused.json().at("detail").as_string()), HasSubstr("The passcode was right"));
    }
    EXPECT_EQ(tries(), 3);
    stage.pull();
  }
}

// Whoever copies a card has its certificate, and at best a key of another kind.
TEST_F(OddCards, AKeyOfAnotherKindThanTheCertificatesIsAForgery) {
  stage.up(KeyKind::rsa2048);
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) {
    data.card_authentication = {};
    data.authentication.kind = KeyKind::p256;
    data.authentication.private_key = simcard::generate_key(KeyKind::p256)->private_key;
  }));
  stage.insert_and_wait();
  const auto refused = stage.sign_in();
  EXPECT_EQ(refused.error(), "certificate_refused") << refused.body;
  EXPECT_THAT(std::string(refused.json().at("detail").as_string()),
              HasSubstr("could not prove that its certificate is its own"));
  EXPECT_TRUE(stage.audit_says("possession_not_proved"));
}

TEST_F(OddCards, ACardWithoutContactsSendsPeopleToAReaderWithASlot) {
  stage.up();
  insert(odd::empty_verify_answered(0x6982));
  EXPECT_EQ(stage.card_status().at("state"), "unusable");
  EXPECT_THAT(problem(), HasSubstr("Use a reader with a slot"));
}

TEST_F(OddCards, TheUnblockingKeysLastTryIsSpentOnlyWhenThePersonSaysSo) {
  stage.up();
  stage.insert_and_wait();
  EXPECT_FALSE(stage.card_status().contains("unblocking_tries_left")) << "the card does not tell";
  for (const int left : {2, 1}) {
    const auto wrong = unblock("00000000");
    EXPECT_EQ(wrong.error(), "unblocking_key_incorrect") << wrong.body;
    EXPECT_EQ(wrong.json().at("tries_left"), left);
  }
  stage.pull();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("unblocking_tries_left"), 1) << "another insertion of the same card";
  const auto asked = unblock("00000000");
  EXPECT_EQ(asked.error(), "last_try") << asked.body;
  EXPECT_THAT(std::string(asked.json().at("detail").as_string()), HasSubstr("the passcode still works"));
  EXPECT_EQ(stage.card->data().puk_tries, 1);
  const auto told = stage.cardgate({"card", "unblock", "--passcode-stdin"}, "00000000\n246810\n");
  EXPECT_NE(told.status, 0);
  EXPECT_THAT(told.all, HasSubstr("--spend-last-try"));
  EXPECT_EQ(stage.card->data().puk_tries, 1);
  const auto spent = unblock("00000000", true);
  EXPECT_EQ(spent.error(), "unblocking_key_blocked") << spent.body;
  EXPECT_THAT(std::string(spent.json().at("detail").as_string()), HasSubstr("The passcode still works"));
  EXPECT_EQ(stage.sign_in().status, 201) << "and so it does";
  stage.pull();
  ASSERT_TRUE(
      stage.card->change([](simcard::CardData& data) { data.puk_tries = 3; }));  // by its maker's tool
  stage.insert_and_wait();
  EXPECT_EQ(unblock("12345678").status, 204);
}

TEST_F(OddCards, AnUnblockingKeyWhoseTriesTheCardTellsIsTakenCareOfFromTheFirst) {
  stage.up();
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) {
    data.pin_tries = 0;
    data.puk_tries = 1;
  }));
  Faults faults;
  faults.tells_unblocking_tries = true;
  insert(faults);
  EXPECT_EQ(stage.card_status().at("unblocking_tries_left"), 1);
  const auto asked = unblock("12345678");
  EXPECT_EQ(asked.error(), "last_try");
  EXPECT_THAT(std::string(asked.json().at("detail").as_string()), Not(HasSubstr("still works")));
  EXPECT_EQ(unblock("12345678", true).status, 204);
  EXPECT_FALSE(stage.card_status().contains("unblocking_tries_left"));
}

TEST_F(OddCards, AnUnblockingKeyThatIsNotAcceptedCountsWhateverTheCardAnswers) {
  stage.up();
  for (const std::uint16_t sw : Words{0x6300, 0x6984, 0x6985, 0x6700, 0x6A88}) {
    insert(odd::new_passcode_refused(sw));
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto wrong = unblock("00000000");
      EXPECT_EQ(wrong.error(), "unblocking_key_incorrect") << wrong.body;
      EXPECT_TRUE(wrong.json().at("tries_left").is_null());
    }
    EXPECT_EQ(unblock("00000000").error(), "reinsert_card");
    stage.pull();
  }
}

}  // namespace
}  // namespace cardgate::daemon
