// SPDX-License-Identifier: Apache-2.0
// Cards that mean harm against the whole service: each is refused, the service goes on serving, and the next
// good card gets in.
#include <gtest/gtest.h>
#include <winscard.h>

#include <thread>

#include "tests/daemon/stage.hpp"

namespace cardgate::daemon {
namespace {

using testing::Stage;

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  void alter(std::function<Bytes(BytesView apdu, Bytes answer)> how) {
    simcard::Faults faults;
    faults.alter = std::move(how);
    stage.card->set_faults(faults);
  }
  /// The card as it is now is refused; an honest one, next, is not.
  void expect_refused_and_survived() {
    stage.insert_and_wait();
    const auto status = stage.card_status();
    EXPECT_EQ(status.at("state"), "unusable");
    EXPECT_FALSE(status.at("problem").as_string().empty());
    EXPECT_NE(stage.sign_in().status, 201);
    stage.pull();
    stage.card->set_faults({});
    stage.insert_and_wait();
    EXPECT_EQ(stage.sign_in().status, 201);
  }
  Stage stage;
};

TEST_F(Hostile, ACardThatAlwaysHasMoreToSay) {
  alter([](BytesView, Bytes) { return Bytes{0x61, 0x00}; });
  expect_refused_and_survived();
}

TEST_F(Hostile, ACardThatCorrectsTheLengthForEver) {
  alter([](BytesView, Bytes) { return Bytes{0x6C, 0x10}; });
  expect_refused_and_survived();
}

TEST_F(Hostile, ACardThatAnswersSixtyThousandBytesEachTime) {
  alter([](BytesView, Bytes) {
    Bytes flood(60'000, 0x53);
    flood.push_back(0x61);
    flood.push_back(0xFF);
    return flood;
  });
  expect_refused_and_survived();
}

TEST_F(Hostile, ACardWhoseAnswersAreCutShort) {
  alter([](BytesView, Bytes answer) {
    if (answer.size() > 3) answer.erase(answer.begin(), answer.begin() + 3);
    return answer;
  });
  expect_refused_and_survived();
}

TEST_F(Hostile, ACertificateThatUnpacksToGigabytes) {
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) {
    data.gzip_certificates = true;
    data.authentication.certificate.assign(4u << 20, 0x30);
  }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("state"), "unusable");
  EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
}

TEST_F(Hostile, ACardThatIsSilentAfterThePasscodeHoldsNobodyUp) {
  stage.insert_and_wait();
  simcard::Faults faults;
  faults.hang = true;
  stage.card->set_faults(faults);
  std::thread signing([&] {
    const auto answer = stage.sign_in();
    EXPECT_EQ(answer.error(), "card_unusable") << answer.body;
  });
  // The service serves others meanwhile.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
  signing.join();
  stage.card->set_faults({});
  stage.pull();
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Hostile, AProgramThatHoldsTheCardIsWaitedForThenToldOfAndTheCardIsReadWhenItLetsGo) {
  SCARDCONTEXT context = 0;
  SCARDHANDLE card = 0;
  DWORD protocol = 0;
  ASSERT_EQ(SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context), SCARD_S_SUCCESS);
  // The service must not be first.
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.insert();
  ASSERT_TRUE(testing::eventually(seconds(5), [&] {
    return SCardConnect(context, Stage::reader, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T1, &card, &protocol) ==
           SCARD_S_SUCCESS;
  }));
  stage.start_daemon();
  std::string problem;
  EXPECT_TRUE(testing::eventually(seconds(15), [&] {
    const auto status = stage.card_status();
    const auto* text = find_string(status, "problem");
    problem = text == nullptr ? "" : *text;
    return problem.find("Another program is using the card") != std::string::npos;
  })) << problem;
  EXPECT_EQ(stage.sign_in().error(), "card_unusable");
  SCardDisconnect(card, SCARD_LEAVE_CARD);
  SCardReleaseContext(context);
  EXPECT_TRUE(testing::eventually(seconds(20), [&] { return stage.sign_in().status == 201; }));
}

TEST_F(Hostile, ACardThatSaysYesToEveryPasscodeNeedsItsKeyAllTheSame) {
  stage.insert_and_wait();
  const auto other = simcard::generate_key(simcard::KeyKind::p256);
  ASSERT_TRUE(other);
  simcard::Faults faults;
  faults.verify_always_ok = true;
  faults.sign_with = other->private_key;
  stage.card->set_faults(faults);
  EXPECT_EQ(stage.sign_in("999999").error(), "certificate_refused");
  EXPECT_EQ(stage.token().error(), "no_session");
}

TEST_F(Hostile, ACardThatAnswersAnotherSignInsChallenge) {
  // Records the first signature and gives it again.
  Bytes recorded;
  stage.insert_and_wait();
  alter([&recorded](BytesView apdu, Bytes answer) {
    const bool signature = apdu.size() > 4 && apdu[1] == 0x87 && apdu[3] == 0x9A;
    if (!signature) return answer;
    if (recorded.empty()) recorded = answer;
    return recorded;
  });
  ASSERT_EQ(stage.sign_in().status, 201);
  EXPECT_EQ(stage.sign_in().error(), "certificate_refused");
}

}  // namespace
}  // namespace cardgate::daemon
