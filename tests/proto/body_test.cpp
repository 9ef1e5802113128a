// SPDX-License-Identifier: Apache-2.0
#include "proto/body.hpp"

#include <gtest/gtest.h>

namespace cardgate::proto {
namespace {

/// What the reading of `text` as a form comes to.
std::string reading(std::string_view text) {
  auto body = Body::parse(text);
  body.text("role");
  body.reason();
  body.optional_text("person");
  body.optional_date("valid_until");
  body.flag("at_once");
  const auto good = body.finish();
  return good ? "good" : good.error().context;
}

TEST(Body, ReadsWhatIsThere) {
  auto body = Body::parse(
      R"({"role":"core","reason":"Rotas","valid_until":"2027-02-28","at_once":true,"people":["1","2"]})");
  EXPECT_EQ(body.text("role"), "core");
  EXPECT_EQ(body.reason(), "Rotas");
  EXPECT_FALSE(body.optional_text("person"));
  EXPECT_EQ(to_text(body.date("valid_until")), "2027-02-28");
  EXPECT_TRUE(body.flag("at_once"));
  EXPECT_EQ(body.texts("people", 2), (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(body.finish());
}

TEST(Body, SaysWhichMemberIsWrongAndNeverWhatItHeld) {
  const std::string rest = R"(,"reason":"x"})";
  EXPECT_EQ(reading("[]"), "The body is not a JSON object with each member once");
  EXPECT_EQ(reading("{"), "The body is not a JSON object with each member once");
  EXPECT_EQ(reading(R"({"reason":"x"})"), "\"role\" is missing");
  EXPECT_EQ(reading(R"({"role":null)" + rest), "\"role\" is missing");
  EXPECT_EQ(reading(R"({"role":7)" + rest), "\"role\" must be a text");
  EXPECT_EQ(reading(R"({"role":"  ")" + rest), "\"role\" is empty");
  EXPECT_EQ(reading(R"({"role":"a\nb")" + rest), "\"role\" holds control characters");
  EXPECT_EQ(reading(R"({"role":")" + std::string(257, 'a') + "\"" + rest),
            "\"role\" is longer than 256 bytes");
  EXPECT_EQ(reading(R"({"role":"a","valid_until":"2026-02-30")" + rest),
            "\"valid_until\" must be a day like 2026-01-31");
  EXPECT_EQ(reading(R"({"role":"a","valid_until":"9999-01-01")" + rest),
            "\"valid_until\" must lie in the years 1900 to 2199");
  EXPECT_EQ(reading(R"({"role":"a","at_once":"yes")" + rest), "\"at_once\" must be true or false");
  EXPECT_EQ(reading(R"({"role":"a","secret":"s")" + rest),
            "The body has a member that this request does not take; it takes: role, reason, person, "
            "valid_until, at_once");
  EXPECT_EQ(reading(R"({"role":"a")" + rest), "good");
}

TEST(Body, AMemberThatStandsTwiceIsRefused) {
  for (const auto* text :
       {R"({"role":"a","role":"a","reason":"x"})", R"({"role":"a","reason":"x","role":"b"})",
        R"({"role":"a","ro\u006ce":"b","reason":"x"})",
        R"({"role":"a","reason":"x","at_once":false,"at_once":true})"}) {
    EXPECT_EQ(reading(text), "The body is not a JSON object with each member once") << text;
  }
}

TEST(Body, ListsAreBounded) {
  for (const auto* text : {R"({})", R"({"people":[]})", R"({"people":["1","2","3"]})", R"({"people":"1"})",
                           R"({"people":[1]})"}) {
    auto body = Body::parse(text);
    body.texts("people", 2);
    EXPECT_FALSE(body.finish()) << text;
  }
}

TEST(Body, NothingIsAnEmptyObjectAndTooMuchIsRefused) {
  EXPECT_TRUE(Body::parse("").finish());
  EXPECT_EQ(Body::parse(std::string(max_work_body + 1, ' ')).finish().error().code, Errc::too_large);
}

}  // namespace
}  // namespace cardgate::proto
