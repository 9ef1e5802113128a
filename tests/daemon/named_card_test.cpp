// SPDX-License-Identifier: Apache-2.0
// How a card is named: by its own UUID among several, by no placeholder, by its certificate's issuer and serial
// number when it has none; and certificates with an odd name in them. With the whole service.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/daemon/hospital.hpp"
#include "tests/simcard/tlv.hpp"

namespace cardgate {
namespace {

using simcard::join;
using simcard::tlv;
using testing::Hospital;
using testing::Stage;

Bytes text(std::string_view value) {
  return {as_bytes(value).begin(), as_bytes(value).end()};
}
Bytes uri_of(const std::string& uuid) {
  return tlv(0x86, text("urn:uuid:" + uuid));
}
/// otherName of the kind user principal name, its value a string of this tag.
Bytes principal(std::uint8_t tag, BytesView value) {
  const Bytes kind = from_hex("060a2b060104018237140203").value();
  return tlv(0xa0, join({kind, tlv(0xa0, tlv(tag, value))}));
}
Bytes fasc_n(BytesView value) {
  const Bytes kind = from_hex("06086086480165030606").value();
  return tlv(0xa0, join({kind, tlv(0xa0, tlv(0x04, value))}));
}
Bytes names(std::initializer_list<Bytes> parts) {
  return tlv(0x30, join(parts));
}

constexpr const char* card_uuid = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a21";
constexpr const char* holder_uuid = "11111111-2222-4333-8444-555555555555";
constexpr const char* nil = "00000000-0000-0000-0000-000000000000";
constexpr const char* all_f = "ffffffff-ffff-ffff-ffff-ffffffffffff";

class NamedCard : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  static simcard::Uuid uuid(const char* value) { return simcard::parse_uuid(value).value(); }
  /// The card by the name that people are shown.
  static testing::HttpAnswer sign_in_as_shown(const Stage& stage) {
    const json::object body{{"reader", Stage::reader},
                            {"card", stage.card_status().at("id")},
                            {"tries_left", 3},
                            {"passcode", Stage::pin}};
    return stage.ask("POST", "/v1/sessions", json::serialize(body), {"Content-Type: application/json"});
  }
  static std::string detail(const testing::HttpAnswer& answer) {
    const auto body = answer.json();
    const auto* said = find_string(body, "detail");
    return said == nullptr ? answer.body : std::string(*said);
  }
};

TEST_F(NamedCard, OfSeveralUuidsTheCardIsKnownByTheOneOfItsChuid) {
  for (const auto& order :
       {names({uri_of(card_uuid), uri_of(holder_uuid)}),
        names({uri_of(holder_uuid), uri_of(card_uuid), uri_of("11111111-2222-4333-8444-666666666666")})}) {
    Stage stage;
    stage.personalisation.uuid = uuid(card_uuid);
    stage.personalisation.alternative_names = order;
    stage.up();
    stage.insert_and_wait();
    EXPECT_EQ(stage.card_status().at("id"), card_uuid);
    EXPECT_EQ(stage.card_status().at("genuine"), "shown") << "card authentication names the same card";
    ASSERT_EQ(stage.sign_in().status, 201);
    EXPECT_EQ(stage.token().status, 200);
  }
}

TEST_F(NamedCard, SeveralUuidsOfWhichNoneIsTheChuidsNameNobody) {
  Stage stage;
  stage.personalisation.uuid = uuid(card_uuid);
  stage.personalisation.alternative_names =
      names({uri_of(holder_uuid), uri_of("11111111-2222-4333-8444-666666666666")});
  stage.up();
  // Card authentication would name the card by its own UUID, and the two together would belong to two cards.
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.card_authentication = {}; }));
  stage.insert_and_wait();
  EXPECT_NE(stage.card_status().at("id"), card_uuid);
  const auto refused = sign_in_as_shown(stage);
  EXPECT_EQ(refused.error(), "person_unknown") << refused.body;
  EXPECT_NE(detail(refused).find("none of them is the one that the card's CHUID has"), std::string::npos)
      << refused.body;
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(NamedCard, APlaceholderNamesNobody) {
  for (const char* placeholder : {nil, all_f}) {
    Stage stage;
    stage.up();
    stage.pull();
    simcard::Personalisation shared;
    shared.uuid = uuid(placeholder);
    ASSERT_TRUE(stage.card->change([&](simcard::CardData& data) {
      auto made = simcard::personalise(*stage.ca, shared).value();
      data.authentication = made.authentication;
      data.card_authentication = made.card_authentication;
      data.uuid = made.uuid;
    }));
    stage.insert_and_wait();
    const auto status = stage.card_status();
    EXPECT_NE(status.at("id"), placeholder);
    EXPECT_TRUE(status.contains("issuer_serial"));
    EXPECT_EQ(status.at("genuine"), "not shown") << "any card of that issuer has such a certificate";
    const auto refused = sign_in_as_shown(stage);
    EXPECT_EQ(refused.error(), "person_unknown") << refused.body;
    EXPECT_NE(detail(refused).find("is a placeholder"), std::string::npos) << refused.body;
    EXPECT_EQ(stage.card->pin_tries(), 3);
  }
}

TEST_F(NamedCard, APlaceholderFascNNamesNobody) {
  for (const Bytes& number : {Bytes(25, 0x00), Bytes(25, 0xff), Bytes(25, 0x99),
                              from_hex("d4e739da739ced39ce739d836858210842108421c84210c3eb").value()}) {
    Stage stage;
    stage.mapping = "[fasc_n]";
    stage.personalisation.uuid = uuid(card_uuid);
    stage.personalisation.alternative_names = names({uri_of(card_uuid), fasc_n(number)});
    stage.up();
    stage.insert_and_wait();
    const auto refused = sign_in_as_shown(stage);
    EXPECT_EQ(refused.error(), "person_unknown") << refused.body;
    EXPECT_NE(detail(refused).find("is a placeholder"), std::string::npos) << refused.body;
  }
}

TEST_F(NamedCard, AnOddNameConcernsOnlyTheRuleThatAsksForIt) {
  const Bytes wide{0, 'a', 0, 'd', 0, 'a', 0, '@', 0, 'x'};
  const Bytes control = text(
      "a\x01"
      "da");
  for (const auto& [what, odd] : std::initializer_list<std::pair<const char*, Bytes>>{
           {"a UPN that is a BMPString", principal(0x1e, wide)},
           {"a UPN that is an IA5String", principal(0x16, text("ada@x"))},
           {"a UPN that is no text", principal(0x02, Bytes{7})},
           {"a UPN with a control character", principal(0x0c, control)},
           {"an e-mail address that is none", tlv(0x81, text("nobody"))},
           {"a URI with a control character", tlv(0x86, control)},
           {"a FASC-N that is none", fasc_n(Bytes(3, 0x11))}}) {
    Stage stage;
    stage.personalisation.uuid = uuid(card_uuid);
    stage.personalisation.alternative_names = names({uri_of(card_uuid), odd});
    stage.up();
    stage.insert_and_wait();
    ASSERT_EQ(stage.sign_in().status, 201) << what;
    EXPECT_EQ(stage.token().status, 200) << what;
  }
}

/// The usual people, and a card that names its person by a UPN and itself by nothing.
class CardWithoutUuid : public NamedCard {
 protected:
  void SetUp() override {
    NamedCard::SetUp();
    if (IsSkipped()) return;
    trust.stage.mapping = "[card_uuid, upn]";
    const std::string cleared =
        "    employed_from: 2018-01-01\n    forms: [{{kind: ESR06, role: {}, verified_by: vera, approved_by: "
        "abe}}]\n"
        "    declarations: [{{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}}]\n";
    trust.employ(
        "tom", "Tom Invented",
        fmt::format(fmt::runtime(cleared), "esr-workforce-systems") + "    teams: [esr-workforce-systems]\n");
    trust.employ("joe", "Joe Invented",
                 fmt::format(fmt::runtime(cleared), "core") + "    identities: {upn: joe@example.org}\n");
    trust.employ("vera", "Vera Invented");
    trust.employ("abe", "Abe Invented");
    trust.open(false);
    simcard::Personalisation what;
    what.person = "Joe Invented";
    what.uuid = uuid(nil);
    what.alternative_names = names({principal(0x0c, text("joe@example.org"))});
    (void)trust.spare_card("bare", what);
  }
  static constexpr const char* reader = testing::Pcscd::second_name;
  std::string status_text(const char* member) const {
    const auto status = trust.stage.card_status(reader);
    const auto* found = find_string(status, member);
    return found == nullptr ? std::string() : std::string(*found);
  }
  Hospital trust;
};

TEST_F(CardWithoutUuid, IsRegisteredByIssuerAndSerial) {
  // Its certificate leads to Joe, but the card is not registered to him.
  const auto refused = trust.login("bare", 1);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.all.find("not registered to you, or it is no longer active"), std::string::npos)
      << refused.all;
  const std::string issuer_serial = status_text("issuer_serial");
  ASSERT_NE(issuer_serial.find("CN=Example Trust Issuing CA"), std::string::npos) << issuer_serial;
  EXPECT_NE(trust.stage.cardgate({"status"}).output.find(issuer_serial), std::string::npos);
  const std::string id = status_text("id");

  trust.seat("tom", 0);
  trust.cannot("tom", {"staff", "give-card", "joe", "--card", nil, "--reason", "New"}, "is a placeholder");
  trust.cannot("tom", {"staff", "give-card", "joe", "--reason", "New"}, "issuer_serial");
  trust.cannot("tom", {"staff", "give-card", "joe", "--issuer-serial", "0a1b", "--reason", "New"},
               "issuer_serial");
  trust.can("tom", {"staff", "give-card", "joe", "--issuer-serial", issuer_serial, "--reason", "New"},
            "\"status\":\"active\"");
  EXPECT_TRUE(trust.stage.audit_says("\"issuer_serial\":\"CN=Example Trust Issuing CA"));
  ASSERT_EQ(trust.login("bare", 1).status, 0);
  EXPECT_TRUE(trust.holds("bare", "core"));
  EXPECT_EQ(status_text("id"), id) << "before and after";

  // By the id that `cardgate status` shows it can be named as any other.
  trust.can("tom",
            {"staff", "stop-card", "joe", "--card", id, "--status", "lost", "--reason", "Left on a bus"},
            "\"status\":\"lost\"");
  EXPECT_NE(trust.login("bare", 1).status, 0);
}

TEST_F(CardWithoutUuid, IsImportedByIssuerAndSerial) {
  EXPECT_EQ(trust.login("bare", 1).status, 1);
  const std::string issuer_serial = status_text("issuer_serial");
  trust.import(fmt::format(
      "people:\n  - id: joe\n    name: Joe Invented\n    cards: [{{uuid: {}}}, {{issuer_serial: \"{}\"}}]\n",
      trust.card_of("joe"), issuer_serial));
  ASSERT_EQ(trust.login("bare", 1).status, 0);
  EXPECT_TRUE(trust.holds("bare", "core"));
}

}  // namespace
}  // namespace cardgate
