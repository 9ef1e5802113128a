// SPDX-License-Identifier: Apache-2.0
// Cards that lead to their holder by a mapping rule, and CHUIDs that their issuer must have signed, with the
// whole service.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using testing::Finished;
using testing::Stage;

constexpr const char* rules = R"(
  - name: staff
    priority: 10
    match: "<ISSUER>^CN=Example Trust Issuing CA,<KU>digitalSignature<EKU>clientAuth<SAN:upn>@example[.]org$"
    map: upn
  - name: visitors
    match: "<ISSUER>CN=Visitors"
    map: email)";

class MappedCard : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  /// Ada, known by a user principal name too.
  bool import_with_upn() {
    std::string people = stage.people();
    const std::string name = "name: Ada Example\n";
    people.insert(people.find(name) + name.size(), "    identities: {upn: ada@example.org}\n");
    return stage.import(people).status == 200;
  }
  Finished explain(std::vector<std::string> arguments) {
    const auto file = stage.dir / "card.der";
    EXPECT_TRUE(write_file_atomic(file, stage.card->data().authentication.certificate, 0644));
    arguments.insert(arguments.begin(), {"cert", "explain", file});
    return stage.cardgate(std::move(arguments));
  }
  /// What people see of the card after it was put in anew with this signature on its CHUID.
  json::object with_signature(const Bytes& signature) {
    stage.pull();
    EXPECT_TRUE(stage.card->change([&](simcard::CardData& data) { data.chuid_signature = signature; }));
    stage.insert_and_wait();
    return stage.card_status();
  }
  Stage stage;
};

TEST_F(MappedCard, LeadsToItsHolderByTheRuleOfItsIssuer) {
  stage.mapping = rules;
  stage.personalisation.upn = "Ada@example.org";
  stage.up();
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().error(), "person_unknown") << "its card UUID is registered, but no rule maps it";
  EXPECT_EQ(explain({}).status, 1);
  ASSERT_TRUE(import_with_upn());
  const auto session = stage.sign_in();
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(session.json().at("person").at("id"), "1000");
  EXPECT_EQ(stage.card->pin_tries(), 3);

  const auto told = explain({});
  EXPECT_EQ(told.status, 0) << told.output;
  for (const char* part :
       {"The certificate is good.", "Rule staff (priority 10): matches.", "upn ada@example.org matches 1000.",
        "Rule visitors (last): does not match: its issuer is \"CN=Example Trust Issuing CA,",
        "It belongs to Ada Example (1000)."}) {
    EXPECT_NE(told.output.find(part), std::string::npos) << part << " in:\n" << told.output;
  }
  const auto body = parse_json(explain({"--json"}).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("person").at("name"), "Ada Example");
  EXPECT_EQ(body->at("rules").at(0).at("decides"), true);
  EXPECT_EQ(body->at("rules").at(1).at("matched"), false);
  EXPECT_TRUE(stage.audit_says("\"event\":\"certificate_explained\",\"person\":\"1000\""));
  EXPECT_TRUE(stage.audit_says("\"reason\":\"person_unknown\""));
}

TEST_F(MappedCard, ACertificateThatIsNotGoodIsExplainedAllTheSame) {
  stage.up();
  const auto at = system_clock().wall();
  ASSERT_TRUE(stage.card->change([&](simcard::CardData& data) {
    simcard::Personalisation lapsed;
    lapsed.uuid = data.uuid;
    lapsed.not_before = at - std::chrono::days(9);
    lapsed.not_after = at - std::chrono::days(2);
    data.authentication = simcard::personalise(*stage.ca, lapsed).value().authentication;
  }));
  const auto told = explain({});
  EXPECT_EQ(told.status, 1);
  EXPECT_NE(told.output.find("The certificate is not good:"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find("(expired)"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find("It belongs to Ada Example (1000)."), std::string::npos) << told.output;
  EXPECT_EQ(stage.cardgate({"cert", "explain", stage.dir / "none"}).status, 4);
}

TEST_F(MappedCard, AChuidThatItsIssuerDidNotSignIsRefused) {
  stage.personalisation.signed_chuid = true;
  stage.mapping = "[chuid_uuid]";
  stage.trust_settings =
      fmt::format("  content_signers: [{}]\n", (stage.dir / "ca/content-signing").string());
  stage.up();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("state"), "ready");
  ASSERT_EQ(stage.sign_in().status, 201);

  const Bytes good = stage.card->data().chuid_signature;
  auto other = simcard::Ca::open_or_create(stage.dir / "other-ca");
  ASSERT_TRUE(other);
  const Bytes foreign = other->sign_chuid(simcard::chuid_fields(stage.card->data())).value();
  Bytes forged = good;
  forged.back() ^= 1;
  for (const auto& [signature, problem] : std::vector<std::pair<Bytes, std::string>>{
           {foreign, "signed with a content-signing certificate that is not"},
           {forged, "is wrong"},
           {{}, "is not signed"}}) {
    const auto status = with_signature(signature);
    EXPECT_EQ(status.at("state"), "unusable");
    const auto* said = find_string(status, "problem");
    ASSERT_NE(said, nullptr) << json::serialize(status);
    EXPECT_NE(std::string(*said).find(problem), std::string::npos) << *said;
    EXPECT_NE(stage.sign_in().status, 201);
  }
  EXPECT_EQ(with_signature(good).at("state"), "ready");
  EXPECT_EQ(stage.sign_in().status, 201);
  // The signature of another card's CHUID is good in itself, but not over this one's.
  simcard::Personalisation max;
  max.signed_chuid = true;
  const auto neighbour = simcard::personalise(*stage.ca, max).value();
  EXPECT_EQ(with_signature(neighbour.chuid_signature).at("state"), "unusable");
}

TEST_F(MappedCard, ANewDemandForSignedChuidsHoldsForACardThatIsIn) {
  stage.personalisation.signed_chuid = true;
  stage.up();
  stage.insert_and_wait();
  stage.trust_settings =
      fmt::format("  content_signers: [{}]\n", (stage.dir / "ca/content-signing").string());
  stage.write_config();
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("were read again", std::chrono::seconds(10)));
  const auto refused = stage.sign_in();
  EXPECT_EQ(refused.error(), "card_changed") << refused.body;
  EXPECT_EQ(stage.card->pin_tries(), 3);
  stage.pull();
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201);
}

}  // namespace
}  // namespace cardgate
