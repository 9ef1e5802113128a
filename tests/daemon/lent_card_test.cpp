// SPDX-License-Identifier: Apache-2.0
// A card of the pool at a real reader: lent by the command, used, unblocked by a code, returned. Everybody here is invented.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using testing::Finished;
using testing::Hospital;

class LentAtTheDesk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    trust.employ(
        "tom", "Tom Invented",
        "    employed_from: 2018-01-01\n    teams: [esr-workforce-systems]\n"
        "    forms: [{kind: ESR06, role: esr-workforce-systems, verified_by: vera, approved_by: abe}]\n"
        "    declarations: [{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}]\n");
    trust.employ("joe", "Joe Invented", "    employed_from: 2018-01-01\n");
    trust.employ("vera", "Vera Invented");
    trust.employ("abe", "Abe Invented", "    employed_from: 2018-01-01\n");
    trust.open(false);
    card = trust.spare_card("joe", "pool", "Pool card 1");
    trust.seat("tom", 0);
    EXPECT_EQ(trust.login("pool", 1).status, 1) << "it is in, and nobody's";
  }
  /// The command under Tom's session, with secrets on its standard input.
  Finished desk(std::vector<std::string> arguments, const std::string& input) {
    arguments.insert(arguments.end(), {"--passcode-stdin", "--session", trust.session_of("tom")});
    return trust.stage.cardgate(std::move(arguments), input);
  }
  Finished unblock(const std::string& code, const std::string& fresh) {
    return trust.stage.cardgate(
        {"card", "unblock", "--code", "--reader", testing::Pcscd::second_name, "--passcode-stdin"},
        code + "\n" + fresh + "\n");
  }
  std::string give_code() {
    const auto given =
        trust.can("tom", {"staff", "unblock-code", "--person", "joe", "--reason", "Rang"}, "\"code\"");
    return given.contains("code") ? std::string(given.at("code").as_string()) : std::string();
  }
  Hospital trust;
  std::string card;
};

TEST_F(LentAtTheDesk, ItIsLentUsedUnblockedByACodeAndReturned) {
  // The one in the reader that is nobody's: Tom's own is in the other.
  trust.can("tom", {"staff", "pool-card", "add", "--reason", "For the desk"},
            "\"certificate_name\":\"Pool card 1\"");
  const auto key = desk({"staff", "pool-card", "key", card}, "12345678\n");
  EXPECT_EQ(key.status, 0) << key.all;
  trust.can("tom", {"staff", "lend-card", "--person", "joe", "--until", "tonight"}, "\"status\":\"active\"");
  trust.can("tom", {"staff", "lend-card", "--list"}, "\"lent_to\":{\"id\":\"joe\"");
  trust.cannot("tom", {"staff", "pool-card", "remove", card, "--reason", "x"}, "is lent to a person");

  const auto early = trust.login("pool", 1);
  EXPECT_EQ(early.status, 1) << early.all;
  EXPECT_NE(early.all.find("cardgate card change-passcode"), std::string::npos) << early.all;
  const auto chosen = trust.stage.cardgate(
      {"card", "change-passcode", "--reader", testing::Pcscd::second_name, "--passcode-stdin"},
      "123456\n135790\n");
  ASSERT_EQ(chosen.status, 0) << chosen.all;
  const auto joe = trust.stage.cardgate(
      {"login", "--reader", testing::Pcscd::second_name, "--passcode-stdin"}, "135790\n");
  ASSERT_EQ(joe.status, 0) << joe.all;
  EXPECT_NE(joe.all.find("lent to you until"), std::string::npos) << joe.all;

  const auto wrong = unblock("0000-0000-0000", "246810");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.all.find("The code is wrong"), std::string::npos) << wrong.all;
  const auto code = give_code();
  const auto right = unblock(code, "246810");
  EXPECT_EQ(right.status, 0) << right.all;
  const auto again = unblock(code, "135791");
  EXPECT_EQ(again.status, 1) << again.all;
  EXPECT_TRUE(trust.stage.audit_says("\"act\":\"code_used\""));
  EXPECT_EQ(trust.stage.audit_text().find(code), std::string::npos);
  EXPECT_EQ(testing::occurrences_in_memory(trust.stage.daemon->pid(), code.c_str()), 0U);
  const auto fresh = trust.stage.cardgate(
      {"login", "--reader", testing::Pcscd::second_name, "--passcode-stdin"}, "246810\n");
  EXPECT_EQ(fresh.status, 0) << fresh.all;

  trust.can("tom", {"staff", "return-card", card}, "\"cards\"");
  trust.can("tom", {"staff", "pool-card", "list"}, "\"status\":\"free\"");
  EXPECT_NE(trust.login("pool", 1).status, 0) << "nobody's again";
}

}  // namespace
}  // namespace cardgate
