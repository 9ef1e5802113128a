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

TEST(Body, OfAMessageTakesEachValueAsItStands) {
  const auto reading_message = [](std::string_view text) {
    auto body = Body::message(text, 64);
    body.text("name");
    (void)body.raw("passcode", 4);
    body.optional_number("uid", 7);
    body.flag("last");
    const auto good = body.finish();
    return good ? "good" : good.error().context;
  };
  EXPECT_EQ(reading_message(R"({"name":" ","passcode":"\n"})"), "good");
  EXPECT_EQ(reading_message(R"({"name":"","passcode":""})"), "\"name\" is empty");
  EXPECT_EQ(reading_message(R"({"name":null,"passcode":""})"), "\"name\" must be a text");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":null})"), "\"passcode\" must be a text");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"12345"})"), "\"passcode\" is longer than 4 bytes");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"","uid":null})"),
            "\"uid\" must be a whole number from 0 to 7");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"","uid":8})"),
            "\"uid\" must be a whole number from 0 to 7");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"","last":null})"), "\"last\" must be true or false");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"","pin":1})"),
            "\"pin\" is not a member of this message; it has: name, passcode, uid, last");
  EXPECT_EQ(reading_message(R"({"name":"a","passcode":"","1234":1})"),
            "a name is not a member of this message; it has: name, passcode, uid, last");
  EXPECT_EQ(reading_message("[]"), "the body must be a JSON object");
  EXPECT_EQ(Body::message("", 64).finish().error().code, Errc::malformed);
  EXPECT_EQ(Body::message(R"({"a":1,"a":1})", 64).finish().error().context, "the key \"a\" stands twice");
  EXPECT_EQ(Body::message(std::string(65, ' '), 64).finish().error().code, Errc::too_large);
}

TEST(Body, InLockedMemoryReadsTheSame) {
  auto body = Body::message(R"({"code":"a short one","password":"e\u0301 and more than fits into a value"})",
                            256, Body::Memory::locked);
  auto moved = std::move(body);
  EXPECT_EQ(moved.secret("code", 64).text(), "a short one");
  EXPECT_EQ(moved.password("password").text(), "\u00e9 and more than fits into a value");
  EXPECT_TRUE(moved.finish());
}

TEST(Body, NothingIsAnEmptyObjectAndTooMuchIsRefused) {
  EXPECT_TRUE(Body::parse("").finish());
  EXPECT_EQ(Body::parse(std::string(max_work_body + 1, ' ')).finish().error().code, Errc::too_large);
}

}  // namespace
}  // namespace cardgate::proto
