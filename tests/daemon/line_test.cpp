// SPDX-License-Identifier: Apache-2.0
// The whole line on real parts: card in, passcode, token out, card out.
#include <gtest/gtest.h>

#include "audit/verify.hpp"
#include "proto/token.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/simcard/exchange_log.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Stage;

class Line : public ::testing::TestWithParam<simcard::KeyKind> {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
};

TEST_P(Line, CardInPasscodeTokenOutCardOut) {
  Stage stage;
  stage.up(GetParam());
  EXPECT_EQ(stage.token().error(), "no_session");

  simcard::ExchangeLog exchanges(*stage.card);
  stage.insert_and_wait();
  const auto status = stage.card_status();
  ASSERT_EQ(status.at("state"), "ready") << stage.ask("GET", "/v1/status").body;
  EXPECT_EQ(status.at("tries_left"), 3);

  const auto session = stage.sign_in();
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(session.json().at("person").at("name"), "Ada Example");
  // What a person waits for: 12 exchanges with the card for RSA, 10 for an elliptic curve, both looks at the
  // tries included; card authentication runs before anybody types.
  EXPECT_LE(exchanges.counted(), simcard::facts_of(GetParam()).rsa ? 12 : 10);

  const std::string token = stage.token_text();
  const auto keys = proto::parse_jwks(stage.ask("GET", "/.well-known/jwks.json").body);
  ASSERT_TRUE(keys);
  const auto claims = proto::check_signature(token, *keys);
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(claims->sub, "1000");
  EXPECT_EQ(claims->aud, "esr");
  EXPECT_EQ(claims->role, "core");
  EXPECT_EQ(claims->iss, "https://cardgate.test.example");
  EXPECT_EQ(claims->amr, (std::vector<std::string>{"sc", "pin"}));
  EXPECT_EQ(claims->exp - claims->iat, 300);
  EXPECT_TRUE(stage.is_active(token));
  const auto verified =
      stage.ask("GET", "/v1/verify?audience=esr&role=core", "", {"Authorization: Bearer " + token});
  EXPECT_EQ(verified.status, 204) << verified.body;
  EXPECT_EQ(verified.headers.at("x-cardgate-subject"), "1000");

  // Every unmet prerequisite, who can put it right, and the next step.
  const auto refused = stage.token("manager-self-service");
  EXPECT_EQ(refused.status, 403);
  const auto body = refused.json();
  const auto* unmet = find_array(body, "unmet");
  ASSERT_NE(unmet, nullptr) << refused.body;
  EXPECT_EQ(unmet->size(), 2U) << refused.body;  // no form for this role, nobody's line manager
  for (const auto& item : *unmet) {
    EXPECT_FALSE(item.at("who").as_string().empty());
    EXPECT_FALSE(item.at("next_step").as_string().empty());
  }

  stage.pull();
  EXPECT_TRUE(testing::eventually(seconds(5), [&] { return !stage.is_active(token); }));
  EXPECT_EQ(stage.ask("GET", "/v1/verify?audience=esr", "", {"Authorization: Bearer " + token}).status, 401);
  EXPECT_EQ(stage.token().error(), "no_session");
  EXPECT_EQ(stage.stop_daemon(), 0);

  const auto report = audit::verify(stage.dir / "audit", std::nullopt);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->ok) << ::testing::PrintToString(report->problems);
  const auto audit = stage.audit_text();
  for (const char* event :
       {"start", "import", "sign_in", "token", "token_refused", "session_ended", "card_removed", "stop"}) {
    EXPECT_NE(audit.find(std::string("\"event\":\"") + event + "\""), std::string::npos) << event;
  }
  EXPECT_EQ(audit.find(Stage::pin), std::string::npos) << "a passcode is in the audit log";
  EXPECT_EQ(audit.find(token.substr(token.rfind('.'))), std::string::npos) << "a token is in the audit log";
}

INSTANTIATE_TEST_SUITE_P(Keys, Line, ::testing::ValuesIn(simcard::all_key_kinds),
                         [](const auto& one) { return std::string(simcard::name(one.param)); });

}  // namespace
}  // namespace cardgate
