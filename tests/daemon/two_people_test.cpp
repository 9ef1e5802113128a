// SPDX-License-Identifier: Apache-2.0
// Where two or three people must act they are two or three, against the real service; and what is said to have been done by
// nobody, or on a day to come, counts for nothing. Everybody here is invented.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Hospital;

class TwoPeople : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    const auto with = [](const char* role, const std::string& more) {
      return fmt::format(
          "    employed_from: 2018-01-01\n{}"
          "    forms: [{{kind: ESR06, role: {}, verified_by: vera, approved_by: abe}}]\n"
          "    declarations: [{{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}}]\n",
          more, role);
    };
    for (const auto& [id, name] : {std::pair("esme", "Esme Invented"), std::pair("tom", "Tom Invented"),
                                   std::pair("ann", "Ann Invented")})
      trust.employ(id, name, with("esr-workforce-systems", "    teams: [esr-workforce-systems]\n"));
    trust.employ("mina", "Mina Invented", with("manager-self-service", ""));
    trust.employ("joe", "Joe Invented", "    employed_from: 2018-01-01\n    line_manager: mina\n");
    trust.employ("sid", "Sid Invented",
                 "    employed_from: 2018-01-01\n    removed: {reason: Asked about}\n");
    trust.employ("vera", "Vera Invented");
    trust.employ("abe", "Abe Invented", "    employed_from: 2018-01-01\n");
    trust.open(false);
  }
  static std::vector<std::string> give(const std::string& id, const std::string& card) {
    return {"staff", "give-card", id, "--card", card, "--reason", "Worn out"};
  }
  static std::string number(const json::object& row) {
    return row.contains("id") ? std::to_string(row.at("id").as_int64()) : "none";
  }
  Hospital trust;
};

TEST_F(TwoPeople, ASpareCardOfAColleagueOpensNothingAlone) {
  const auto spare = trust.spare_card("esme", "spare");
  trust.seat("tom", 0);
  trust.can("tom", give("esme", spare), "\"status\":\"waiting\"");
  trust.cannot("tom", give("esme", spare), "You registered this card");
  const auto refused = trust.login("spare", 1);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.all.find("is not registered to you, or it is no longer active"), std::string::npos)
      << refused.all;
  const auto own = trust.login("esme", 1);
  ASSERT_EQ(own.status, 0) << own.all;
  EXPECT_NE(own.all.find("Tom Invented (tom) also registered card"), std::string::npos) << own.all;
  trust.can("esme", {"notice", "list"}, "Tom Invented (tom) registered card " + spare);
  trust.seat("ann", 1);
  trust.can("ann", give("esme", spare), "\"confirmed_by\":{\"id\":\"ann\"");
  EXPECT_TRUE(trust.stage.audit_says("\"confirmed_by\":\"ann\""));

  // Whoever holds it is Esme from here on, but never the second person for Tom, who registered it.
  ASSERT_EQ(trust.login("spare", 1).status, 0);
  trust.can("tom", {"removal", "restore", "--person", "sid", "--reason", "Closed"}, "restoring");
  trust.cannot("spare", {"removal", "restore", "--person", "sid", "--reason", "Closed"},
               "independent people");
  trust.seat("ann", 1);
  trust.can("ann", {"removal", "restore", "--person", "sid", "--reason", "Closed"}, "restored");
}

TEST_F(TwoPeople, ACertificateThatNamesSomebodyElseMustBeLookedAt) {
  trust.seat("tom", 0);
  const auto unseen = trust.spare_card("joe", "unseen", "Somebody Else");
  trust.can("tom", give("joe", unseen), "\"status\":\"active\"");
  const auto refused = trust.login("unseen", 1);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.all.find("names 'Somebody Else'"), std::string::npos) << refused.all;
  EXPECT_TRUE(trust.stage.audit_says("\"reason\":\"certificate_name\""));

  const auto seen = trust.spare_card("joe", "seen", "Somebody Else");
  EXPECT_EQ(trust.login("seen", 1).status, 1) << "it is in the reader, and nobody's yet";
  trust.cannot("tom", give("joe", seen), "names 'Somebody Else', not 'Joe Invented'");
  auto looked = give("joe", seen);
  looked.insert(looked.end(), {"--certificate-name", "Somebody Else"});
  trust.can("tom", looked, "\"certificate_name\":\"Somebody Else\"");
  EXPECT_TRUE(trust.stage.audit_says("\"certificate_name\":\"Somebody Else\""));
  EXPECT_EQ(trust.login("seen", 1).status, 0);
}

TEST_F(TwoPeople, ACardForWhichOnePersonStandsDecidesNothingForOthers) {
  const auto card = trust.new_card("joe");
  trust.has("tom", give("joe", card), "\"status\":\"active\"");
  trust.import(
      "people: [{id: kim, name: Kim Invented, employed_from: 2020-01-01, line_manager: joe, forms: [{kind: "
      "ESR06, role: "
      "core}]}]");
  trust.seat("joe", 1);
  const auto form = std::to_string(
      trust.can("tom", {"staff", "show", "kim"}).at("forms").as_array().at(0).at("id").as_int64());
  trust.cannot("joe", {"form", "verify", form}, "Only one person (tom) registered the card");
  trust.seat("ann", 0);
  trust.can("ann", give("joe", card), "\"confirmed_by\":{\"id\":\"ann\"");
  trust.can("joe", {"form", "verify", form}, "verified");
}

TEST_F(TwoPeople, WhoeverAskedDoesNotVerifyAndAStandInGoesWithTheManager) {
  trust.seat("mina", 0);
  const auto asked = number(trust.can(
      "mina", {"form", "submit", "--person", "joe", "--role", "core", "--reason", "Rotas"}, "submitted"));
  trust.cannot("mina", {"form", "verify", asked}, "you cannot verify it as well");
  trust.can("mina",
            {"delegation", "stand-in", "--person", "abe", "--until", trust.day(5), "--reason", "Leave"});
  trust.seat("abe", 1);
  trust.seat("esme", 0);
  trust.can("esme", {"removal", "request", "--person", "mina", "--reason", "Asked about", "--at-once"},
            "done");
  trust.cannot("abe", {"form", "verify", asked}, "Only the person's line manager");
  trust.can("esme", {"removal", "restore", "--person", "mina", "--reason", "Closed"}, "restoring");
  trust.seat("tom", 0);
  trust.can("tom", {"removal", "restore", "--person", "mina", "--reason", "Closed"}, "restored");
  trust.can("abe", {"form", "verify", asked}, "verified");
}

TEST_F(TwoPeople, AFormOfNobodyOrOfADayToComeIsNotTakenOver) {
  const auto import = [&](const std::string& form) {
    return trust.stage.import(
        "people:\n  - id: joe\n    name: Joe Invented\n    forms: [{kind: ESR06, role: core, " + form +
        "}]\n");
  };
  const auto nobodys = import("verified_by: mina, approved_by: nobody");
  EXPECT_EQ(nobodys.status, 422);
  EXPECT_NE(nobodys.body.find("'nobody', who approved the form"), std::string::npos) << nobodys.body;
  const auto to_come = import("verified_by: mina, approved_by: abe, approved_on: " + trust.day(1));
  EXPECT_EQ(to_come.status, 422);
  EXPECT_NE(to_come.body.find("a day to come"), std::string::npos) << to_come.body;
  EXPECT_EQ(import("verified_by: mina, approved_by: abe, approved_on: " + trust.day(0)).status, 200);
}

TEST_F(TwoPeople, ATextChangedUnderItsVersionVoidsSignaturesAndTheReloadSaysWhose) {
  trust.seat("joe", 0);
  trust.signs("joe");
  const auto file = trust.stage.dir / "policy.yaml";
  std::string text = *read_file(file, 1 << 20);
  const std::string words = "tell nobody what I read there";
  const auto at = text.find(words);
  ASSERT_NE(at, std::string::npos);
  ASSERT_TRUE(write_file_atomic(
      file, as_bytes(text.replace(at, words.size(), "tell anybody what I read there")), 0644));
  trust.stage.daemon->signal(SIGHUP);
  const auto said = trust.stage.daemon->wait_for_line("was changed under its version 2026-1", seconds(10));
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("1 people"), std::string::npos) << *said;
  EXPECT_NE(said->find("joe"), std::string::npos) << *said;
  EXPECT_TRUE(trust.stage.audit_says("\"event\":\"signatures_void\""));
  trust.can("joe", {"notice", "list"}, "your signature no longer counts");
  const auto access = trust.stage.cardgate({"access", "--role", "core"});
  EXPECT_NE(access.all.find("has changed since you signed it"), std::string::npos) << access.all;
  trust.signs("joe");
  EXPECT_EQ(trust.stage.cardgate({"access", "--role", "core"}).all.find("has changed since you signed it"),
            std::string::npos);
}

}  // namespace
}  // namespace cardgate
