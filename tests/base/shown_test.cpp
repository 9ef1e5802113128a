// SPDX-License-Identifier: Apache-2.0
// Text from outside, as people, logs and JSON get it.
#include "base/shown.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/json.hpp"

namespace cardgate {
namespace {

TEST(ShownText, PlainTextStaysAsItIs) {
  for (const std::string text : {"", "Virtual PCD 00 00", "Lecteur étage 00 00", "C:\\x\\u", "木村 😀"})
    EXPECT_EQ(shown_text(text), text);
}

TEST(ShownText, AByteThatIsNoUtf8IsNamed) {
  EXPECT_EQ(shown_text("Lecteur \xe9tage"), "Lecteur \\xE9tage");
  EXPECT_EQ(shown_text("cut \xe2\x82"), "cut \\xE2\\x82") << "a character that is cut off";
  EXPECT_EQ(shown_text("\xc0\xaf"), "\\xC0\\xAF") << "an overlong form";
  EXPECT_EQ(shown_text("\xed\xa0\x80!"), "\\xED\\xA0\\x80!") << "half of a surrogate pair";
  EXPECT_EQ(shown_text("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80") << "beyond Unicode";
  EXPECT_EQ(shown_text("é\xff木"), "é\\xFF木") << "what is well-formed beside it stays";
}

TEST(ShownText, NothingSteersATerminalOrForgesALine) {
  EXPECT_EQ(shown_text(std::string_view("a\0b\r\n\x1b[2J\x7f", 10)), "a\\x00b\\x0D\\x0A\\x1B[2J\\x7F");
  EXPECT_EQ(shown_text("card\xe2\x80\xaetxe"), "card\\u202Etxe") << "text that runs backwards";
  EXPECT_EQ(shown_text("one\xe2\x80\xa8two\xc2\x85"), "one\\u2028two\\u0085");
}

TEST(ShownText, IsShownOnceHoweverOftenItIsAskedFor) {
  const auto once = shown_text("\xe9\n\xe2\x80\xae");
  EXPECT_EQ(shown_text(once), once);
  EXPECT_TRUE(is_plain_utf8(once));
}

TEST(ShownText, ItsBytesCanBeHadAgain) {
  for (const std::string text :
       {"Lecteur \xe9tage 00 00", "a\r\n\x1b", "\xe2\x80\xae|\xc2\x85|\xe2\x80\xa8", "plain é"})
    EXPECT_EQ(bytes_shown_as(shown_text(text)), text);
  EXPECT_EQ(bytes_shown_as("\\x4"), "\\x4") << "too short to be an escape";
  EXPECT_EQ(bytes_shown_as("\\u12G4 \\"), "\\u12G4 \\");
}

TEST(ShownJson, AStringThatIsNoUtf8DoesNotSpoilTheWhole) {
  const auto body = json::serialize(json::object{{"name", "Lecteur \xe9tage\""}, {"other", "é\xff"}});
  ASSERT_FALSE(parse_json(body)) << "what it would be without";
  const auto shown = parse_json(shown_json(body));
  ASSERT_TRUE(shown) << shown.error().message();
  EXPECT_EQ(shown->at("name"), "Lecteur \\xE9tage\"");
  EXPECT_EQ(shown->at("other"), "é\\xFF");
  const std::string good = R"({"name":"é \\x"})";
  EXPECT_EQ(shown_json(good), good);
}

}  // namespace
}  // namespace cardgate
