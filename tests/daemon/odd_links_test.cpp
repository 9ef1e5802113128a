// SPDX-License-Identifier: Apache-2.0
// Cards and readers that carry bytes in ways of their own, against the whole service: T=0, answers that must be fetched to their
// end, extended length that is promised and not kept, names that are no UTF-8, a card that goes in the middle of a command, and
// another organisation's card beside one's own.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/daemon/stage.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/exchange_log.hpp"

namespace cardgate::daemon {
namespace {

using simcard::KeyKind;
using testing::eventually;
using testing::Stage;
using LinkFaults = simcard::Faults;

bool has_extended_length(BytesView apdu) {
  return apdu.size() > 5 && apdu[4] == 0;
}

class OddLinks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void up(KeyKind kind, const std::function<void(simcard::CardData&)>& make_odd = {}) {
    stage.up(kind);
    if (make_odd) {
      ASSERT_TRUE(stage.card->change(make_odd));
    }
  }
  void misbehave(LinkFaults faults) { stage.card->set_faults(std::move(faults)); }
  /// Ada's card in, signed in, and out again.
  void sign_in_once() {
    stage.insert_and_wait();
    const auto session = stage.sign_in();
    ASSERT_EQ(session.status, 201) << session.body << stage.daemon->output();
    stage.pull();
  }
  /// What is said of a card in a reader, once it has been read.
  json::object read_in(const std::string& reader) {
    EXPECT_TRUE(eventually(std::chrono::seconds(15), [&] {
      const auto status = stage.card_status(reader);
      const auto* state = find_string(status, "state");
      return state != nullptr && *state != "reading";
    })) << stage.daemon->output();
    return stage.card_status(reader);
  }
  std::string login(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"login", "--passcode-stdin"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto done = stage.cardgate(arguments, Stage::pin);
    return done.status == 0 ? "signed in: " + done.all : done.all;
  }
  Stage stage;
};

struct Way {
  const char* name;
  bool t0;  // or T=1 with the same manners
};
class TwoPeopleOneWay : public OddLinks, public ::testing::WithParamInterface<Way> {};

TEST_P(TwoPeopleOneWay, AreNotTakenForEachOther) {
  const auto behave = [&](simcard::Card& card) {
    ASSERT_TRUE(card.change([](simcard::CardData& data) { data.t0 = GetParam().t0; }));
    LinkFaults faults;
    faults.answers_later = !GetParam().t0;
    card.set_faults(faults);
  };
  up(KeyKind::p256);
  behave(*stage.card);
  sign_in_once();
  simcard::Personalisation second;
  second.person = "Ben Second";
  auto data = simcard::personalise(*stage.ca, second);
  ASSERT_TRUE(data);
  const auto uuid = simcard::to_text(data->uuid);
  simcard::Card bens(*std::move(data));
  behave(bens);
  {
    simcard::VpcdLink link(bens);
    ASSERT_TRUE(link.insert());
    const auto shown = read_in(Stage::reader);
    EXPECT_EQ(shown.at("state"), "ready") << json::serialize(shown);
    EXPECT_EQ(shown.at("id"), json::value(uuid));
    EXPECT_EQ(shown.at("name"), "Ben Second");
    EXPECT_EQ(shown.at("genuine"), "shown");
    EXPECT_EQ(shown.at("registered"), false);
  }
  ASSERT_TRUE(eventually(std::chrono::seconds(15), [&] { return stage.card_status().empty(); }));
  // And Ada, who is known by now.
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("name"), "Ada Example");
  EXPECT_EQ(stage.card_status().at("genuine"), "shown");
  EXPECT_EQ(stage.card_status().at("registered"), true);
  EXPECT_EQ(stage.sign_in().status, 201);
}

INSTANTIATE_TEST_SUITE_P(Ways, TwoPeopleOneWay,
                         ::testing::Values(Way{"t0", true}, Way{"t1_answers_later", false}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_F(OddLinks, ARsaKeySignsAtT0) {
  up(KeyKind::rsa2048, [](simcard::CardData& data) { data.t0 = true; });
  sign_in_once();
  sign_in_once();
}

TEST_F(OddLinks, AKnownCardThatWantsItsAnswersFetchedShowsThatItIsGenuine) {
  up(KeyKind::p256);
  LinkFaults faults;
  faults.half_read_blocks = true;
  misbehave(faults);
  sign_in_once();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("genuine"), "shown");
  EXPECT_EQ(stage.sign_in().status, 201);
}

/// Bytes and commands of Ada's card on its second insertion.
struct Known {
  std::size_t bytes;
  int commands;
};
TEST_F(OddLinks, AKnownCardCarriesItsCertificateOnceWithExtendedLengthToo) {
  up(KeyKind::p256, [](simcard::CardData& data) { data.extended_length = true; });
  simcard::ExchangeLog log(*stage.card);
  sign_in_once();
  const auto certificate = stage.card->data().authentication.certificate.size();
  EXPECT_GT(log.bytes(), 2 * certificate) << "both certificates, once";
  log.clear();
  stage.insert_and_wait();
  const Known known{log.bytes(), log.all()};
  RecordProperty("bytes", static_cast<int>(known.bytes));
  RecordProperty("commands", known.commands);
  EXPECT_LT(known.bytes, 900U) << known.commands << " commands";
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(OddLinks, ABrokenPromiseOfExtendedLengthIsFoundOutOnce) {
  up(KeyKind::rsa2048, [](simcard::CardData& data) { data.extended_length = true; });
  std::atomic<int> refused{0};
  LinkFaults faults;
  faults.intercept = [&](BytesView apdu) -> std::optional<Bytes> {
    EXPECT_FALSE(has_extended_length(apdu) && apdu[1] == 0xA4) << "SELECT is a short command";
    if (!has_extended_length(apdu)) return std::nullopt;
    ++refused;
    return Bytes{0x67, 0x00};
  };
  misbehave(faults);
  sign_in_once();
  EXPECT_EQ(refused, 1);
  sign_in_once();
  EXPECT_EQ(refused, 1) << "it is remembered for this kind of card";
}

struct Refusing {
  const char* name;
  Bytes answer;  // empty: the reader brings nothing back
};
class RefusedWhileSigning : public OddLinks, public ::testing::WithParamInterface<Refusing> {};

TEST_P(RefusedWhileSigning, ExtendedLengthCostsNobodyASignIn) {
  up(KeyKind::rsa2048, [](simcard::CardData& data) { data.extended_length = true; });
  std::atomic<int> refused{0};
  LinkFaults faults;
  faults.intercept = [&](BytesView apdu) -> std::optional<Bytes> {
    if (!has_extended_length(apdu) || apdu[1] != 0x87) return std::nullopt;
    ++refused;
    return GetParam().answer;
  };
  misbehave(faults);
  // Card authentication signs first, so it is found out before anybody types.
  sign_in_once();
  EXPECT_EQ(refused, 1);
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.card_authentication = {}; }));
  sign_in_once();
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_P(RefusedWhileSigning, ExtendedLengthCostsNoTryOfACardThatSignsForTheFirstTime) {
  up(KeyKind::rsa2048, [](simcard::CardData& data) {
    data.extended_length = true;
    data.card_authentication = {};
  });
  LinkFaults faults;
  faults.intercept = [&](BytesView apdu) -> std::optional<Bytes> {
    if (!has_extended_length(apdu) || apdu[1] != 0x87) return std::nullopt;
    return GetParam().answer;
  };
  misbehave(faults);
  sign_in_once();
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

INSTANTIATE_TEST_SUITE_P(Ways, RefusedWhileSigning,
                         ::testing::Values(Refusing{"silence", {}}, Refusing{"word_6d00", {0x6D, 0x00}},
                                           Refusing{"word_6a80", {0x6A, 0x80}}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_F(OddLinks, ACardPulledWhileItSignsWasTakenOut) {
  up(KeyKind::p256);
  stage.insert_and_wait();
  LinkFaults faults;
  faults.pulled_in_command = true;
  misbehave(faults);
  const auto answer = stage.sign_in();
  EXPECT_EQ(answer.error(), "no_card") << answer.body;
  EXPECT_NE(answer.body.find("taken out"), std::string::npos) << answer.body;
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(OddLinks, AReaderWhoseNameIsNoUtf8SpoilsNothingAndSignsIn) {
  stage.pcscd.call_readers("Lecteur \xe9tage\x1b");
  stage.up();
  stage.insert();
  const std::string shown = "Lecteur \\xE9tage\\x1B 00 00";
  EXPECT_EQ(read_in(shown).at("state"), "ready");
  const auto status = stage.cardgate({"status"});
  EXPECT_EQ(status.status, 0) << status.all;
  EXPECT_NE(status.output.find(shown + ": card"), std::string::npos) << status.output;
  EXPECT_NE(login().find("signed in"), std::string::npos) << stage.daemon->output();
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").at(0).at("reader"), json::value(shown));
  EXPECT_TRUE(stage.audit_says(R"("reader":"Lecteur \\xE9tage\\x1B 00 00")"));
  EXPECT_EQ(stage.daemon->output().find('\x1b'), std::string::npos)
      << "nor does it steer the operator's terminal";
}

TEST_F(OddLinks, AnotherOrganisationsCardInTheFirstReaderDoesNotStandInTheWay) {
  stage.up();
  stage.link.reset();
  testing::TempDir elsewhere;
  auto other_ca = simcard::Ca::open_or_create(elsewhere.path());
  ASSERT_TRUE(other_ca);
  simcard::Personalisation visitor;
  visitor.person = "Sam Visitor";
  // One whose issuer nobody knows here, and one of our own issuer who is nobody here.
  for (simcard::Ca* issuer : {&*other_ca, stage.ca.get()}) {
    auto data = simcard::personalise(*issuer, visitor);
    ASSERT_TRUE(data);
    simcard::Card strangers(*std::move(data));
    simcard::VpcdLink first(strangers);
    ASSERT_TRUE(first.insert());
    read_in(testing::Pcscd::first_name);
    simcard::VpcdLink second(*stage.card, simcard::second_reader);
    ASSERT_TRUE(second.insert());
    read_in(testing::Pcscd::second_name);
    EXPECT_NE(login().find("signed in: Signed in: Ada Example"), std::string::npos);
    EXPECT_EQ(strangers.pin_tries(), 3);
    const auto listed = stage.cardgate({"card", "status"});
    EXPECT_NE(listed.all.find("Sam Visitor, card ending"), std::string::npos) << listed.all;
    EXPECT_NE(listed.all.find("Ada Example, card ending"), std::string::npos) << listed.all;
    second.pull();
    first.pull();
    ASSERT_TRUE(eventually(std::chrono::seconds(15), [&] {
      return stage.card_status(testing::Pcscd::first_name).empty() &&
             stage.card_status(testing::Pcscd::second_name).empty();
    }));
  }
}

}  // namespace
}  // namespace cardgate::daemon
